"""The one table: the client that reaches it, writes that all go through or none, and what the service reads."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
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
from rl_core.models import Marker, Policy, Profile, Segment, Session, VersionRecord
from rl_core.store import items, keys, policies
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
    """botocore's data as far as DynamoDB needs it; the rest is a megabyte to parse at each cold start."""

    def __init__(self) -> None:
        super().__init__(extra_search_paths=[str(_DATA)])

    def list_available_services(self, type_name: str) -> list[str]:
        """The only one there is, instead of a look into the folders of all."""
        del type_name
        return ["dynamodb"]


def _connect() -> Any:
    """A client without boto3 around it: nothing of its resources and of S3 is loaded."""
    session = BotocoreSession()
    session.register_component("data_loader", _OneService())
    return session.create_client("dynamodb", config=_CONFIG)


class Table:
    """One table and its client. Every method raises UnavailableError when it cannot be reached."""

    def __init__(self, name: str, client: "DynamoDBClient | None" = None) -> None:
        self.name = name
        self.client: Any = client or _connect()

    def call(self, operation: str, **arguments: Any) -> Any:
        """Makes one call to DynamoDB; what it refuses becomes one of our errors."""
        if operation not in _NAMES_TABLES_ITSELF:
            arguments["TableName"] = self.name
        with _refusals():
            return getattr(self.client, operation)(**arguments)

    def get(self, pk: str, sk: str) -> Stored | None:
        """Returns the item of this key, strongly consistent; None if there is none."""
        found: Stored | None = self.call("get_item", Key=_key(pk, sk), ConsistentRead=True).get("Item")
        return found

    def pages(self, **arguments: Any) -> Iterator[list[Stored]]:
        """Yields the pages of a query."""
        while True:
            answer = self.call("query", **arguments)
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def items(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Returns the items of these keys (at most 100), strongly consistent; those not there are left out."""
        left: Any = [_key(pk, sk) for pk, sk in wanted]
        found: dict[tuple[str, str], Stored] = {}
        while left:
            answer = self.call("batch_get_item", RequestItems={self.name: {"Keys": left, "ConsistentRead": True}})
            found |= {(i["pk"]["S"], i["sk"]["S"]): i for i in answer["Responses"].get(self.name, [])}
            left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
        return found

    def write(self, *puts: Put) -> None:
        """Makes all of the writes, or none. Raises ConflictError, which names what had changed; OversizeError."""
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
    """Returns what a refusal of these writes means: a lost condition, a race, a size; anything else: not there."""
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


_HEAD = 3  # the profile and the two latest sessions: within one read unit


class Head(NamedTuple):
    """A user's profile (None: no profile) and the latest sessions, newest first."""

    profile: Profile | None
    sessions: tuple[Session, ...]


class Due(NamedTuple):
    """A place in the index where a job has work: the partition it was found in, the item's key, and since when."""

    shard: str
    pk: str
    sk: str
    at: datetime

    @property
    def user(self) -> str:
        return self.pk.removeprefix(keys.user_pk(""))

    @property
    def number(self) -> int:
        return int(self.sk.removeprefix(keys.SESSION_PREFIX))

    @property
    def partition(self) -> int:
        """The number at the end of the shard's name."""
        return int(self.shard.rpartition("#")[2])


class Store(Table):
    """The table as the service reads it. Every method raises UnavailableError when it cannot be reached."""

    # Users.

    def head(self, user: str) -> Head:
        """Returns profile and latest sessions, read as one, strongly consistent. Raises ErasingError."""
        query = between(keys.user_pk(user), keys.SESSION_PREFIX, keys.PROFILE_SK)
        found: list[Stored] = self.call("query", **query, ScanIndexForward=False, Limit=_HEAD)["Items"]
        if not found or found[0]["sk"]["S"] != keys.PROFILE_SK:
            return Head(None, tuple([items.read_session(item) for item in found]))
        profile = items.read_profile(found[0])
        if isinstance(profile, Marker):
            raise ErasingError
        return Head(profile, tuple([items.read_session(item) for item in found[1:]]))

    def profile(self, user: str) -> Profile | None:
        """Returns the profile; None if there is none. Raises ErasingError."""
        item = self.get(keys.user_pk(user), keys.PROFILE_SK)
        profile = items.read_profile(item) if item else None
        if isinstance(profile, Marker):
            raise ErasingError
        return profile

    def session(self, user: str, number: int, head: Head | None = None) -> Session | None:
        """Returns the session of this number: from the head that was read already, if it is in it."""
        known = next((s for s in head.sessions if s.number == number), None) if head else None
        if known or not 0 < number <= keys.LAST_SESSION:
            return known
        item = self.get(keys.user_pk(user), keys.session_sk(number))
        return items.read_session(item) if item else None

    def sessions_before(self, user: str, number: int, limit: int) -> tuple[Session, ...]:
        """Returns up to `limit` sessions with smaller numbers, newest first."""
        if number <= 1:
            return ()
        query = between(keys.user_pk(user), keys.session_sk(0), keys.session_sk(number - 1))
        found: list[Stored] = []
        for page in self.pages(**query, ScanIndexForward=False, Limit=limit):
            found += page
            if len(found) >= limit:
                break
        return tuple([items.read_session(item) for item in found[:limit]])

    # Policies.

    def policy(self, segment: Segment, *, consistent: bool = True) -> Policy:
        """Returns the segment's policy; one never written is a new one, version 0.

        Reads at half the price where a version a moment old will do (`consistent` false). Raises PolicyUnreadableError,
        also when the item is gone while records of its versions are there: a new one would forget what they say.
        """
        key = _key(keys.segment_pk(segment), keys.POLICY_SK)
        try:
            item = self.call("get_item", Key=key, ConsistentRead=consistent).get("Item")
            if item is None and self.last_record(segment) is not None:
                item = self.call("get_item", Key=key, ConsistentRead=True).get("Item")  # it may be there since a moment
                if item is None:
                    raise PolicyUnreadableError("the policy item is gone, its version records are not")
        except (UnavailableError, UnreadableItemError) as error:
            raise PolicyUnreadableError("the policy item could not be read") from error
        return policies.read_policy(item) if item else Policy(segment)

    def records(self, segment: Segment, after: int = 0, last: int = keys.LAST_VERSION) -> Iterator[VersionRecord]:
        """Yields how the versions from `after` + 1 to `last` came to be, in order."""
        if last > after:
            query = between(keys.segment_pk(segment), keys.version_sk(after + 1), keys.version_sk(last))
            yield from (policies.read_record(item) for page in self.pages(**query) for item in page)

    def last_record(self, segment: Segment) -> VersionRecord | None:
        """Returns how the latest version on record came to be; None if there is none."""
        query = between(keys.segment_pk(segment), keys.version_sk(1), keys.version_sk(keys.LAST_VERSION))
        found = self.call("query", **query, ScanIndexForward=False, Limit=1)["Items"]
        return policies.read_record(found[0]) if found else None

    def snapshot(self, segment: Segment, version: int) -> Policy:
        """Returns the latest whole policy kept at or before this version; an empty one, version 0, if there is none."""
        query = between(keys.segment_pk(segment), keys.snapshot_sk(0), keys.snapshot_sk(version))
        found = self.call("query", **query, ScanIndexForward=False, Limit=1)["Items"]
        return policies.read_policy(found[0]) if found else Policy(segment)

    def snapshots_from(self, segment: Segment, version: int) -> set[int]:
        """Returns the versions from this one on that are kept whole."""
        query = between(keys.segment_pk(segment), keys.snapshot_sk(version), keys.snapshot_sk(keys.LAST_VERSION))
        pages = self.pages(**query, ProjectionExpression="sk")
        return {keys.snapshot_version(item["sk"]["S"]) for page in pages for item in page}

    def rewrite(self, held: Policy, record: VersionRecord | None, snapshot: Policy | None) -> None:
        """Replaces a record and a snapshot while the policy stands at this version. Raises ConflictError."""
        check = {
            "TableName": self.name,
            "Key": {"pk": string(keys.segment_pk(held.segment)), "sk": string(keys.POLICY_SK)},
            "ConditionExpression": "#version = :held",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":held": number(held.version)},
        }
        puts = [put.arguments() for put in policies.past_writes(held.segment, record, snapshot)]
        writes = [{"Put": {"TableName": self.name, **arguments}} for arguments in puts]
        self.call("transact_write_items", TransactItems=[{"ConditionCheck": check}, *writes])

    # What the jobs need.

    def expiring(self, until: datetime, page: int, shards: range) -> Iterator[tuple[Due, ...]]:
        """Yields pages of open sessions whose time has come, oldest first within a shard, of these shards."""
        return self._due([keys.open_shard(n) for n in shards], until, page)

    def due(self, segment: Segment, until: datetime, page: int, shards: range) -> Iterator[tuple[Due, ...]]:
        """Yields pages of closed sessions of the segment that are to be learned from, in the same way."""
        return self._due([keys.due_shard(segment, n) for n in shards], until, page)

    def erasing(self, until: datetime, page: int, shards: range) -> Iterator[tuple[Due, ...]]:
        """Yields pages of users to be erased, in the same way."""
        return self._due([keys.erasing_shard(n) for n in shards], until, page)

    def _due(self, shards: Sequence[str], until: datetime, page: int) -> Iterator[tuple[Due, ...]]:
        for shard in shards:
            pages = self.pages(
                IndexName=keys.INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at <= :until",
                ExpressionAttributeValues={":shard": string(shard), ":until": time(until)},
                Limit=page,
            )
            for found in pages:
                if found:
                    yield tuple(Due(shard, i["pk"]["S"], i["sk"]["S"], read_time(i["due_at"])) for i in found)

    def load(self, page: Sequence[Due]) -> tuple[list[Session], list[tuple[Due, str]]]:
        """Returns the sessions at these places (at most 100); and those that are unreadable, with the reason."""
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
        """Returns the session at this place and its user, and reads nothing else; None if one of them is not there.

        Raises ErasingError, UnreadableItemError for the session, UnavailableError where the profile cannot be read.
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
        """Yields where items were set aside, oldest first."""
        for page in self._due((keys.PARKED,), datetime.max.replace(tzinfo=UTC), 100):
            yield from page

    def unpark(self, due: Due, shards: int) -> Session:
        """Returns the session that was set aside, put back where the jobs find it. Raises UnreadableItemError and
        ConflictError.
        """
        item = self.get(due.pk, due.sk)
        if item is None:
            raise ConflictError
        session = items.read_session(item)
        self.write(items.session_write(session, shards))
        return replace(session, parked=None)

    def park(self, due: Due, reason: str) -> None:
        """Sets an item aside with the reason, if it still waits where it was found. Raises ConflictError."""
        self.call(
            "update_item",
            Key={"pk": string(due.pk), "sk": string(due.sk)},
            UpdateExpression="SET parked = :reason, due_shard = :parked, #revision = #revision + :one",
            ConditionExpression="due_shard = :shard",
            ExpressionAttributeNames={"#revision": "revision"},
            ExpressionAttributeValues={
                ":reason": string(reason),
                ":parked": string(keys.PARKED),
                ":shard": string(due.shard),
                ":one": number(1),
            },
        )


@lru_cache(maxsize=1)
def open_store() -> Store:
    """Returns the process's store."""
    return Store(settings().table_name)
