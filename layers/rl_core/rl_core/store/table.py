"""Reaches the one table: connects, reads what the service needs, and makes writes that go through together or not."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.session import Session as BotocoreSession

from rl_core.config import settings
from rl_core.errors import (
    ConflictError,
    ErasingError,
    FettleError,
    OversizeError,
    PolicyUnreadableError,
    UnavailableError,
    UnreadableItemError,
)
from rl_core.models import Assessment, Marker, Policy, Profile, Request, Segment, Session, Statement, VersionRecord
from rl_core.store import consents, items, keys, policies
from rl_core.store.assessments import read_assessment
from rl_core.store.budget import ReadBudget
from rl_core.store.fields import Put, Stored, number, read_time, string, time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=32,
    parameter_validation=False,
    tcp_keepalive=True,
)
_NAMES_TABLES_ITSELF = {"batch_get_item", "transact_write_items"}
_DATA = Path(__file__).with_name("botocore")

_TOO_LARGE = {"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"}
_RACES = {"ConditionalCheckFailed", "ConditionalCheckFailedException"}
_BUSY = {"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"}


class _OneService(Loader):
    """Loads botocore's data for DynamoDB alone; the rest is a megabyte that each cold start would parse."""

    def __init__(self) -> None:
        super().__init__(extra_search_paths=[str(_DATA)])

    def list_available_services(self, type_name: str) -> list[str]:
        """Returns DynamoDB, without looking into the folders of all services."""
        del type_name
        return ["dynamodb"]


def _connect() -> Any:
    """Returns a DynamoDB client without boto3, which would load its resources and S3."""
    session = BotocoreSession()
    session.register_component("data_loader", _OneService())
    return session.create_client("dynamodb", config=_CONFIG)


class Table:
    """Calls one table through its client. Every method raises UnavailableError when the table cannot be reached."""

    def __init__(self, name: str, client: "DynamoDBClient | None" = None) -> None:
        self.name = name
        self.client: Any = client or _connect()

    def call(self, operation: str, budget: ReadBudget | None = None, **arguments: Any) -> Any:
        """Makes one call to DynamoDB, takes its units off the budget, if one is given, and returns the answer.

        Raises one of our errors when the call is refused.
        """
        if operation not in _NAMES_TABLES_ITSELF:
            arguments["TableName"] = self.name
        if budget is not None:
            arguments["ReturnConsumedCapacity"] = "TOTAL"
        with _refusals():
            answer = getattr(self.client, operation)(**arguments)
        if budget is not None:
            budget.take(answer)
        return answer

    def get(self, pk: str, sk: str) -> Stored | None:
        """Returns the item of this key, strongly consistent; None if there is no such item."""
        found: Stored | None = self.call("get_item", Key=_key(pk, sk), ConsistentRead=True).get("Item")
        return found

    def pages(self, budget: ReadBudget | None = None, **arguments: Any) -> Iterator[list[Stored]]:
        """Yields the pages of a query, and takes their units off the budget, if one is given."""
        return self._all("query", budget, arguments)

    def scan(self, **arguments: Any) -> Iterator[list[Stored]]:
        """Yields the pages of the whole table. No function does that; an operator's tools may."""
        return self._all("scan", None, arguments)

    def _all(self, operation: str, budget: ReadBudget | None, arguments: dict[str, Any]) -> Iterator[list[Stored]]:
        while True:
            answer = self.call(operation, budget, **arguments)
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments = arguments | {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def items(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Returns the items of these keys (at most 100), strongly consistent; leaves out keys without an item."""
        left: Any = [_key(pk, sk) for pk, sk in wanted]
        found: dict[tuple[str, str], Stored] = {}
        while left:
            answer = self.call("batch_get_item", RequestItems={self.name: {"Keys": left, "ConsistentRead": True}})
            found |= {(i["pk"]["S"], i["sk"]["S"]): i for i in answer["Responses"].get(self.name, [])}
            left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
        return found

    def write(self, *puts: Put) -> None:
        """Makes all of the writes or none.

        Raises ConflictError, which names what had changed, or OversizeError when the writes are too large.
        """
        with _refusals(*puts):
            if len(puts) == 1:
                self.client.put_item(TableName=self.name, **puts[0].arguments())
            else:
                transaction = [{"Put": {"TableName": self.name, **put.arguments()}} for put in puts]
                self.client.transact_write_items(TransactItems=transaction, ClientRequestToken=secrets.token_hex(16))


def between(pk: str, first: str, last: str) -> dict[str, Any]:
    """Returns the arguments of a strongly consistent query for the sort keys from `first` to `last`."""
    return {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {":pk": string(pk), ":first": string(first), ":last": string(last)},
        "ConsistentRead": True,
    }


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": string(pk), "sk": string(sk)}


@contextmanager
def _refusals(*puts: Put) -> Iterator[None]:
    """Raises one of our errors for what DynamoDB refuses, and UnavailableError when it cannot be reached."""
    try:
        yield
    except ClientError as error:
        raise refused(error, puts) from error
    except BotoCoreError as error:
        raise UnavailableError from error


def refused(error: ClientError, puts: Sequence[Put] = ()) -> FettleError:
    """Returns the error that a refusal of these writes means.

    A lost condition or a race is a ConflictError, a size an OversizeError, anything else an UnavailableError.
    """
    code = error.response["Error"]["Code"]
    reasons = [r.get("Code", "None") for r in error.response.get("CancellationReasons", [])]
    if code in _RACES:
        return ConflictError(frozenset({put.name for put in puts}), frozenset({p.key for p in puts if p.key}))
    if _TOO_LARGE & {code, *reasons}:
        its = (
            puts
            if len(puts) == 1
            else [put for put, reason in zip(puts, reasons, strict=False) if reason in _TOO_LARGE]
        )
        return OversizeError(code, frozenset({put.key for put in its if put.key}))
    if lost := [i for i, reason in enumerate(reasons) if reason in _RACES]:
        its = [puts[i] for i in lost if i < len(puts)]
        return ConflictError(frozenset({put.name for put in its}), frozenset({put.key for put in its if put.key}))
    if _BUSY & {code, *reasons}:
        return ConflictError()
    return UnavailableError()


_HEAD = 3  # the profile and the two latest sessions fit in one read unit


class Head(NamedTuple):
    """Holds a user's profile (None if there is no profile) and the latest sessions, newest first."""

    profile: Profile | None
    sessions: tuple[Session, ...]


class Due(NamedTuple):
    """Holds a place in the index where a job has work: the index partition, the item's key, and since when it waits."""

    partition: str
    pk: str
    sk: str
    at: datetime

    @property
    def user(self) -> str:
        return self.pk.removeprefix(keys.user_pk(""))

    @property
    def segment(self) -> Segment | None:
        """Returns the segment whose item it is; None for a user's item."""
        return Segment.__members__.get(self.pk.removeprefix(keys.SEGMENT_PREFIX))

    @property
    def is_request(self) -> bool:
        """Returns whether it is a user's request to be unlearned."""
        return self.sk == keys.REQUEST_SK

    @property
    def number(self) -> int:
        return int(self.sk.removeprefix(keys.SESSION_PREFIX))

    @property
    def ordinal(self) -> int:
        """Returns the number at the end of the index partition's name."""
        return int(self.partition.rpartition("#")[2])


class Store(Table):
    """Reads and writes the table for the service.

    Every method raises UnavailableError when the table cannot be reached.
    """

    # Users.

    def head(self, user: str, budget: ReadBudget | None = None) -> Head:
        """Returns profile and latest sessions by one strongly consistent read, within the budget if one is given.

        Raises ErasingError when the user is being erased.
        """
        query = between(keys.user_pk(user), keys.SESSION_PREFIX, keys.PROFILE_SK)
        found: list[Stored] = self.call("query", budget, **query, ScanIndexForward=False, Limit=_HEAD)["Items"]
        if not found or found[0]["sk"]["S"] != keys.PROFILE_SK:
            return Head(None, tuple([items.read_session(item) for item in found]))
        profile = items.read_profile(found[0])
        if isinstance(profile, Marker):
            raise ErasingError
        return Head(profile, tuple([items.read_session(item) for item in found[1:]]))

    def profile(self, user: str) -> Profile | None:
        """Returns the profile; None if there is no profile. Raises ErasingError when the user is being erased."""
        item = self.get(keys.user_pk(user), keys.PROFILE_SK)
        profile = items.read_profile(item) if item else None
        if isinstance(profile, Marker):
            raise ErasingError
        return profile

    def session(self, user: str, number: int, head: Head | None = None) -> Session | None:
        """Returns the session of this number, from the head if that holds it; None if there is no such session."""
        known = next((s for s in head.sessions if s.number == number), None) if head else None
        if known or not 0 < number <= keys.LAST_SESSION:
            return known
        item = self.get(keys.user_pk(user), keys.session_sk(number))
        return items.read_session(item) if item else None

    def newest_sessions(
        self,
        user: str,
        budget: ReadBudget,
        *,
        first: int = 1,
        before: int = keys.LAST_SESSION + 1,
        most: int = keys.LAST_SESSION,
    ) -> list[Session]:
        """Returns the user's sessions with numbers from `first` on and below `before`, at most `most`, newest first.

        Ends earlier when the budget might not cover the next session, however large that is.
        """
        query = between(keys.user_pk(user), keys.session_sk(first), keys.session_sk(before - 1))
        query["ScanIndexForward"] = False
        found: list[Session] = []
        while count := budget.sessions(min(most, before - first) - len(found)):
            answer = self.call("query", budget, **query, Limit=count)
            found += [items.read_session(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found

    # Consent.

    def statements(self, user: str, most: int) -> list[Statement]:
        """Returns what the user said of consent, newest first, at most so many statements."""
        query = between(keys.user_pk(user), keys.statement_sk(0), keys.statement_sk(keys.LAST_SESSION))
        found = self.call("query", **query, ScanIndexForward=False, Limit=most)["Items"]
        return [consents.read_statement(item) for item in found]

    def request(self, user: str) -> Request | None:
        """Returns the user's request to be unlearned that waits for the job; None if none waits."""
        item = self.get(keys.user_pk(user), keys.REQUEST_SK)
        return consents.read_request(item) if item else None

    def stored_sessions(self, user: str, first: int, last: int, budget: ReadBudget) -> Iterator[Stored]:
        """Yields the user's sessions from number `first` to `last` as stored, in order, as far as the budget goes."""
        query = between(keys.user_pk(user), keys.session_sk(first), keys.session_sk(last))
        while count := budget.sessions(last):
            answer = self.call("query", budget, **query, Limit=count)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # Assessments.

    def assessments(self, user: str, most: int) -> list[Assessment]:
        """Returns the user's assessments, newest first, at most so many."""
        query = between(keys.user_pk(user), keys.assessment_sk(date.min), keys.assessment_sk(date.max))
        found = self.call("query", **query, ScanIndexForward=False, Limit=most)["Items"]
        return [read_assessment(item) for item in found]

    # Policies.

    def policy(self, segment: Segment, *, consistent: bool = True) -> Policy:
        """Returns the segment's policy, or a new one of version 0 when none was ever written.

        With `consistent` false the read costs half, and the version may be a moment old. Raises PolicyUnreadableError
        when the item cannot be read, also when it is gone although version records are there: a new policy would forget
        what the records say.
        """
        key = _key(keys.segment_pk(segment), keys.POLICY_SK)
        try:
            item = self.call("get_item", Key=key, ConsistentRead=consistent).get("Item")
            if item is None and self.last_record(segment) is not None:
                item = self.call("get_item", Key=key, ConsistentRead=True).get("Item")  # a write may just have come
                if item is None:
                    raise PolicyUnreadableError("the policy item is gone, its version records are not")
        except (UnavailableError, UnreadableItemError) as error:
            raise PolicyUnreadableError("the policy item could not be read") from error
        return policies.read_policy(item) if item else Policy(segment)

    def stored_policy(self, segment: Segment) -> Stored | None:
        """Returns the policy's item as it is stored, readable or not; None if there is no item."""
        return self.get(keys.segment_pk(segment), keys.POLICY_SK)

    def records(self, segment: Segment, after: int = 0, last: int = keys.LAST_VERSION) -> Iterator[VersionRecord]:
        """Yields the records of the versions from `after` + 1 to `last`, in order."""
        if last > after:
            query = between(keys.segment_pk(segment), keys.version_sk(after + 1), keys.version_sk(last))
            yield from (policies.read_record(item) for page in self.pages(**query) for item in page)

    def last_record(self, segment: Segment) -> VersionRecord | None:
        """Returns the record of the latest version on record; None if there is no record."""
        query = between(keys.segment_pk(segment), keys.version_sk(1), keys.version_sk(keys.LAST_VERSION))
        found = self.call("query", **query, ScanIndexForward=False, Limit=1)["Items"]
        return policies.read_record(found[0]) if found else None

    def snapshot(self, segment: Segment, version: int) -> Policy:
        """Returns the latest snapshot at or before this version; an empty policy of version 0 if there is none."""
        query = between(keys.segment_pk(segment), keys.snapshot_sk(0), keys.snapshot_sk(version))
        found = self.call("query", **query, ScanIndexForward=False, Limit=1)["Items"]
        return policies.read_policy(found[0]) if found else Policy(segment)

    def snapshot_after(self, segment: Segment, version: int, last: int) -> int | None:
        """Returns the first version after `version`, and up to `last`, that has a snapshot; None if none has."""
        query = between(keys.segment_pk(segment), keys.snapshot_sk(version + 1), keys.snapshot_sk(last))
        found = self.call("query", **query, ProjectionExpression="sk", Limit=1)["Items"] if last > version else []
        return keys.snapshot_version(found[0]["sk"]["S"]) if found else None

    # What the jobs need.

    def expiring(self, until: datetime, page: int, partitions: range) -> Iterator[tuple[Due, ...]]:
        """Yields pages of open sessions that have expired by `until`, oldest first within each index partition."""
        return self._due([keys.open_partition(n) for n in partitions], until, page)

    def due(self, segment: Segment, until: datetime, page: int, partitions: range) -> Iterator[tuple[Due, ...]]:
        """Yields pages of the segment's closed sessions that are to be learned from, oldest first in each partition."""
        return self._due([keys.due_partition(segment, n) for n in partitions], until, page)

    def erasing(self, until: datetime, page: int, partitions: range) -> Iterator[tuple[Due, ...]]:
        """Yields pages of users to be erased and of refolds under way, oldest first within each index partition."""
        return self._due([keys.erasing_partition(n) for n in partitions], until, page)

    def _due(self, partitions: Sequence[str], until: datetime, page: int) -> Iterator[tuple[Due, ...]]:
        for partition in partitions:
            pages = self.pages(
                IndexName=keys.INDEX,
                KeyConditionExpression="due_shard = :partition AND due_at <= :until",
                ExpressionAttributeValues={":partition": string(partition), ":until": time(until)},
                Limit=page,
            )
            for found in pages:
                if found:
                    yield tuple(Due(partition, i["pk"]["S"], i["sk"]["S"], read_time(i["due_at"])) for i in found)

    def load(self, page: Sequence[Due]) -> tuple[list[Session], list[tuple[Due, str]]]:
        """Returns the sessions at these places (at most 100), and the places of unreadable ones with the reason."""
        found = self.items([(due.pk, due.sk) for due in page])
        sessions: list[Session] = []
        broken: list[tuple[Due, str]] = []
        for due in page:
            try:
                if (due.pk, due.sk) in found:
                    sessions.append(items.read_session(found[due.pk, due.sk]))
            except UnreadableItemError as error:
                broken.append((due, str(error)))
        return sessions, broken

    def waiting(self, due: Due) -> tuple[Session, Profile] | None:
        """Returns the session at this place and its user's profile; None if either is gone. Reads nothing else.

        Raises ErasingError when the user is being erased, UnreadableItemError when the session cannot be parsed, and
        UnavailableError when the profile cannot be parsed.
        """
        found = self.items([(due.pk, due.sk), (due.pk, keys.PROFILE_SK)])
        if len(found) < 2:
            return None
        try:
            profile = items.read_profile(found[due.pk, keys.PROFILE_SK])
        except UnreadableItemError as error:
            raise UnavailableError from error
        if isinstance(profile, Marker):
            raise ErasingError
        return items.read_session(found[due.pk, due.sk]), profile

    def parked(self) -> Iterator[Due]:
        """Yields the places of items that were set aside, oldest first."""
        for page in self._due((keys.PARKED,), datetime.max.replace(tzinfo=UTC), 100):
            yield from page

    def unpark(self, due: Due, partitions: int, *more: Put, revision: int | None = None) -> Session:
        """Puts a session that was set aside back where the jobs find it, and returns the session.

        `more` is written with it. Raises UnreadableItemError when the session cannot be parsed, ConflictError when it
        is gone or was changed, also since it had the `revision` that is given.
        """
        item = self.get(due.pk, due.sk)
        if item is None:
            raise ConflictError
        session = items.read_session(item)
        if revision not in (None, session.revision):
            raise ConflictError(frozenset({"session"}))
        self.write(items.session_write(session, partitions), *more)
        return replace(session, parked=None)

    def put_off(self, due: Due, until: datetime) -> None:
        """Lets an item wait until a moment, and counts that. Raises ConflictError when it moved meanwhile."""
        self.call(
            "update_item",
            Key=_key(due.pk, due.sk),
            UpdateExpression="SET due_at = :until, failures = if_not_exists(failures, :zero) + :one",
            ConditionExpression="due_shard = :partition AND due_at = :at",
            ExpressionAttributeValues={
                ":until": time(until),
                ":at": time(due.at),
                ":partition": string(due.partition),
                ":zero": number(0),
                ":one": number(1),
            },
        )

    def park(self, due: Due, reason: str) -> None:
        """Sets an item aside with the reason. Raises ConflictError when the item no longer waits where it was found."""
        self.call(
            "update_item",
            Key={"pk": string(due.pk), "sk": string(due.sk)},
            UpdateExpression="SET parked = :reason, due_shard = :parked, #revision = #revision + :one",
            ConditionExpression="due_shard = :partition",
            ExpressionAttributeNames={"#revision": "revision"},
            ExpressionAttributeValues={
                ":reason": string(reason),
                ":parked": string(keys.PARKED),
                ":partition": string(due.partition),
                ":one": number(1),
            },
        )


@lru_cache(maxsize=1)
def open_store() -> Store:
    """Returns the process's store."""
    return Store(settings().table_name)
