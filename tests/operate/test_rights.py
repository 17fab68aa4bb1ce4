"""What the two policies of the template let people do with the command line, call by call, as IAM would judge it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.permissions import needs_of
from operate.__main__ import main
from rl_core.store import latest_acts
from rl_core.store.items import parked_write
from tests.conftest import ERASURES, TEMPLATE, table_client
from tests.functions.conftest import NOW, SEGMENT, World, world
from tests.functions.test_erasure import ask_to_be_erased, dump, live
from tests.functions.test_learning_job import BROKEN_TABLE, spoil_policy

__all__ = ["world"]

Operate = Callable[..., tuple[int, str, str]]
AFTER_RESTORE = ["after-restore", "--erasures", ERASURES.rpartition("/")[2]]


def client_under(policy: str) -> Any:
    """A client each of whose calls is judged by the policy, and refused with the words of IAM."""
    statements, client = TEMPLATE.policies[policy], boto3.Session().client("dynamodb")

    def judge(params: Any, model: Any, **_: Any) -> None:
        for need in needs_of(model.name, params):
            if not any(statement.allows(need) for statement in statements):
                said = f"User: arn:aws:sts::1:assumed-role/{policy}/jo is not authorized to perform: {need.action} on"
                raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": said}}, model.name)

    client.meta.events.register("provide-client-params.dynamodb.*", judge)
    return client


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Operate]:
    """Makes the command line of somebody who has a policy: exit code, output and errors of each command."""

    def under(policy: str) -> Operate:
        monkeypatch.setattr("operate.source.client_of", lambda _: client_under(policy))

        def operate(*given: str) -> tuple[int, str, str]:
            code = main(["--table", TEMPLATE.table.name, *given])
            told = capsys.readouterr()
            return code, told.out, told.err

        return operate

    return under


@pytest.fixture
def person(world: World) -> str:
    """Somebody who taught the segment; another person's session is set aside."""
    sessions = live(world)
    world.store.write(parked_write(replace(world.due("aside"), parked="ValidationError"), 1))
    return sessions["person-4"].person.hex()


def test_who_observes_reads_what_the_service_learned_and_did(acting: Callable[[str], Operate], person: str) -> None:
    operate = acting("FettleObserver")
    for command in (
        ["versions", "HIGH_LOW"],
        ["weight", "HIGH_LOW"],
        ["exclude", "HIGH_LOW"],
        ["exclude", "HIGH_LOW", person, "--dry-run"],
        ["replay", "HIGH_LOW", "--from-start"],
        ["audit"],
        ["trend", "HIGH_LOW"],
    ):
        assert operate(*command)[0] == 0, command


def test_who_observes_checks_the_lights_without_reading_any_users_items(
    acting: Callable[[str], Operate], world: World
) -> None:
    live(world)
    ask_to_be_erased(world, "person-4")
    code, told, errors = acting("FettleObserver")("check", "--now", (NOW + timedelta(hours=2)).isoformat())
    assert (code in (1, 2, 3), errors) == (True, "")
    assert "YELLOW erasures" in told


@pytest.mark.parametrize(
    ("command", "right"),
    [
        (["rollback", "HIGH_LOW", "1", "--reason", "a try"], "PutItem"),
        (["exclude", "HIGH_LOW", "PERSON", "--reason", "a try"], "PutItem"),
        (["unpark", "aside", "1"], "GetItem"),
        (["unlearn", "person-4"], "GetItem"),
        (["explain", "person-4", "1"], "GetItem"),
        (["parked"], "GetItem"),
        (["daily", "2026-11-23"], "Query"),
        (AFTER_RESTORE, "DescribeTable"),
    ],
    ids=lambda its: its[0] if isinstance(its, list) else its,
)
def test_who_observes_is_refused_everything_else_in_one_sentence(
    acting: Callable[[str], Operate], person: str, command: list[str], right: str
) -> None:
    before = dump()
    code, _, said = acting("FettleObserver")(*(person if word == "PERSON" else word for word in command))
    who = "arn:aws:sts::1:assumed-role/FettleObserver/jo"
    assert said == f"{who} is not allowed to {command[0]} (dynamodb:{right}); FettleOperator may\n"
    assert code == 2
    assert dump() == before


def test_who_observes_mends_nothing_and_includes_nobody(
    acting: Callable[[str], Operate], world: World, person: str
) -> None:
    assert acting("FettleOperator")("exclude", "HIGH_LOW", person)[0] == 0
    assert "is not allowed to include (dynamodb:PutItem)" in acting("FettleObserver")("include", "HIGH_LOW", person)[2]
    spoil_policy(**BROKEN_TABLE)
    before = dump()
    assert "is not allowed to mend (dynamodb:PutItem)" in acting("FettleObserver")("mend", "HIGH_LOW")[2]
    assert dump() == before


def test_an_operator_does_everything(acting: Callable[[str], Operate], world: World, person: str) -> None:
    operate = acting("FettleOperator")
    for command in (
        ["exclude", "HIGH_LOW", person, "--reason", "one answer for all"],
        ["include", "HIGH_LOW", person, "--reason", "it was none"],
        ["rollback", "HIGH_LOW", "3", "--reason", "a bad day"],
        ["parked"],
        ["unpark", "aside", "1", "--reason", "repaired"],
        ["explain", "person-4", "1"],
        ["daily", "2026-11-23", "--now", NOW.isoformat()],
        ["unlearn", "person-4", "--dry-run"],
    ):
        assert operate(*command)[0] == 0, command
    spoil_policy(**BROKEN_TABLE)
    assert operate("mend", "HIGH_LOW", "--reason", "broken")[0] == 0
    assert world.store.policy(SEGMENT).acted == world.store.policy(SEGMENT).version
    told = operate("audit")[1].splitlines()
    said = [line.split("  ")[-1].split(" ")[0] for line in told if not line.startswith(" ")]
    assert said == ["mend", "unpark", "rollback", "include", "exclude"]


@pytest.fixture
def unprotected(world: World) -> Iterator[None]:
    """Takes back what protects the tables from being deleted when the test is over."""
    yield
    for table in TEMPLATE.tables:
        table_client().update_table(TableName=table.name, DeletionProtectionEnabled=False)


@pytest.mark.usefixtures("unprotected")
def test_an_operator_sees_to_a_restored_table(acting: Callable[[str], Operate], world: World, person: str) -> None:
    assert acting("FettleOperator")(*AFTER_RESTORE)[0] == 0
    assert [act.what for act in latest_acts(world.store, 9)] == ["after-restore"]
