"""The store's client sees only what DynamoDB needs of botocore's data; what is refused becomes one of our errors."""

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.session import Session as Botocore

from local.endpoints import ENDPOINTS, generate
from rl_core.config import Settings
from rl_core.errors import ConflictError, OversizeError, UnavailableError
from rl_core.models import Policy, Profile, Segment, Session
from rl_core.sessions import transition_of
from rl_core.store import Put, Store, profile_write, publish_writes, session_write
from rl_core.store.table import Table, refused
from rl_core.work import next_version

REGIONS = ("eu-central-1", "us-east-1", "ap-southeast-7", "cn-north-1", "us-gov-west-1", "eu-west-99")
PUTS = (Put("session", {}, key=b"one"), Put("session", {}, key=b"two"), Put("profile", {}), Put("policy", {}))


def test_the_shipped_endpoints_are_botocores_own() -> None:
    assert ENDPOINTS.read_text() == generate(), "run `python -m local.endpoints`"


@pytest.mark.parametrize("region", REGIONS)
def test_the_client_reaches_the_endpoint_that_boto3_would(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    ours, theirs = Table("table").client, boto3.session.Session().client("dynamodb")
    assert (ours.meta.region_name, ours.meta.endpoint_url) == (region, theirs.meta.endpoint_url)
    assert ours.meta.service_model.signature_version == theirs.meta.service_model.signature_version


def test_the_client_has_every_operation_that_boto3s_has() -> None:
    theirs = Botocore().create_client("dynamodb")
    assert Table("table").client.meta.service_model.operation_names == theirs.meta.service_model.operation_names


# What DynamoDB refuses.


def refusal(code: str, *reasons: str) -> ClientError:
    """As botocore raises it, with a reason for each write of a transaction."""
    response = {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}
    return ClientError(response, "TransactWriteItems")  # type: ignore[arg-type]


def test_a_lost_condition_is_told_by_the_names_of_the_writes_that_lost_it_and_their_sessions_keys() -> None:
    lost = ("None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed")
    found = refused(refusal("TransactionCanceledException", *lost), PUTS)
    assert isinstance(found, ConflictError)
    assert found.lost == {"session", "policy"}
    assert found.keys == {b"two"}


def test_the_lost_condition_of_a_write_that_stood_alone_is_its_own() -> None:
    found = refused(refusal("ConditionalCheckFailedException"), PUTS[:1])
    assert isinstance(found, ConflictError)
    assert found.lost == {"session"}
    assert found.keys == {b"one"}


def test_the_lost_condition_of_a_check_that_is_no_write_of_ours_names_nothing() -> None:
    found = refused(refusal("TransactionCanceledException", "ConditionalCheckFailed"))
    assert isinstance(found, ConflictError)
    assert not found.lost
    assert not found.keys


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("TransactionCanceledException", ("None", "TransactionConflict")),
        ("TransactionConflictException", ()),
        ("TransactionInProgressException", ()),
    ],
)
def test_another_transaction_at_work_is_a_conflict_in_which_nothing_is_known_to_be_lost(
    code: str, reasons: tuple[str, ...]
) -> None:
    found = refused(refusal(code, *reasons), PUTS[:2])
    assert isinstance(found, ConflictError)
    assert not found.lost
    assert not found.keys


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("ValidationException", ()),
        ("TransactionCanceledException", ("None", "ValidationError")),
        ("TransactionCanceledException", ("ConditionalCheckFailed", "ValidationError")),
        ("ItemCollectionSizeLimitExceeded", ()),
    ],
)
def test_what_is_too_large_is_told_from_a_lost_race(code: str, reasons: tuple[str, ...]) -> None:
    assert isinstance(refused(refusal(code, *reasons), PUTS[:2]), OversizeError)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "InternalServerError"])
def test_whatever_else_is_refused_means_that_the_table_is_not_there(code: str) -> None:
    assert isinstance(refused(refusal(code), PUTS[:1]), UnavailableError)


class OutOfReach:
    """A client whose connection is broken."""

    def __getattr__(self, operation: str) -> Any:
        raise EndpointConnectionError(endpoint_url="http://dynamodb.invalid")


def test_a_table_that_cannot_be_reached_is_unavailable() -> None:
    store = Store("table", OutOfReach())  # type: ignore[arg-type]
    with pytest.raises(UnavailableError):
        store.get("pk", "sk")
    with pytest.raises(UnavailableError):
        store.write(*PUTS)


def test_a_transaction_that_lost_over_a_session_and_the_policy_says_so_and_writes_nothing(
    store: Store, session: Session, profile: Profile, closed: Session, constants: Settings
) -> None:
    store.write(session_write(session, 1), profile_write(profile))
    after, record = next_version(Policy(Segment.HIGH_LOW), [transition_of(closed)], constants)
    store.write(*publish_writes(after, record))
    stale, known = replace(session, revision=7), replace(profile, revision=1)
    with pytest.raises(ConflictError) as conflict:
        store.write(session_write(stale, 1), profile_write(known), *publish_writes(after, record))
    assert conflict.value.lost == {"session", "policy", "record"}
    assert conflict.value.keys == {session.key}
    found = store.profile(profile.user)
    assert found is not None
    assert found.revision == 1
