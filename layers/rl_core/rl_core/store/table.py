"""Reads and conditional writes of the one table."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rl_core.config import settings
from rl_core.errors import PolicyUnreadableError, UnavailableError, UnreadableItemError
from rl_core.models import Policy, Profile, Segment, Session, VersionRecord
from rl_core.store import items, keys, policies
from rl_core.store.attributes import Item, Stored, number, read_time, string, time
from rl_core.store.connection import Connection
from rl_core.store.erasing import Leaver
from rl_core.store.writes import Put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX = "due"
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


class Store:
    """The table. Every method raises UnavailableError when the table cannot be reached."""

    def __init__(self, table_name: str, client: "DynamoDBClient | None" = None) -> None:
        self.connection = Connection(table_name, client)

    def head(self, user: str) -> Head:
        """The profile and the two latest sessions, read as one, strongly consistent."""
        found = self._query_user(user, keys.SESSION_PREFIX, keys.PROFILE_SK, _HEAD)
        profile = items.read_profile(found[0]) if found and found[0]["sk"]["S"] == keys.PROFILE_SK else None
        rest = found[1:] if profile else found
        return Head(profile, tuple(items.read_session(item) for item in rest))

    def profile(self, user: str) -> Profile | None:
        key = {"pk": string(keys.user_pk(user)), "sk": string(keys.PROFILE_SK)}
        item = self.connection.call("get_item", Key=key, ConsistentRead=True).get("Item")
        return items.read_profile(item) if item else None

    def session(self, user: str, session_number: int) -> Session | None:
        key = {"pk": string(keys.user_pk(user)), "sk": string(keys.session_sk(session_number))}
        item = self.connection.call("get_item", Key=key, ConsistentRead=True).get("Item")
        return items.read_session(item) if item else None

    def sessions_before(self, user: str, session_number: int, limit: int) -> tuple[Session, ...]:
        """Up to `limit` sessions with smaller numbers, newest first."""
        if session_number <= 1:
            return ()
        last = keys.session_sk(session_number - 1)
        return tuple(items.read_session(i) for i in self._query_user(user, keys.session_sk(0), last, limit))

    def policy(self, segment: Segment) -> Policy:
        """The segment's policy; one never written is a new one, version 0.

        Raises PolicyUnreadableError, also when the item is gone while records of its versions are there: a new one
        in its place would forget what they say.
        """
        key = {"pk": string(keys.segment_pk(segment)), "sk": string(keys.POLICY_SK)}
        try:
            item = self.connection.call("get_item", Key=key, ConsistentRead=True).get("Item")
        except UnavailableError as error:
            raise PolicyUnreadableError("the policy item could not be read") from error
        if item is None and next(self.records(segment), None) is not None:
            raise PolicyUnreadableError("the policy item is gone, its version records are not")
        return policies.read_policy(item) if item else Policy(segment)

    def records(self, segment: Segment, after: int = 0, last: int = keys.LAST_VERSION) -> Iterator[VersionRecord]:
        """How the versions from `after` + 1 to `last` came to be, in order."""
        pages = self.connection.pages(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": string(keys.segment_pk(segment)),
                ":first": string(keys.version_sk(after + 1)),
                ":last": string(keys.version_sk(last)),
            },
            ConsistentRead=True,
        )
        if last > after:
            yield from (policies.read_record(item) for page in pages for item in page)

    def snapshot(self, segment: Segment, version: int) -> Policy:
        """The latest whole policy kept at or before this version; an empty one, version 0, if there is none."""
        answer = self.connection.call(
            "query",
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": string(keys.segment_pk(segment)),
                ":first": string(keys.snapshot_sk(0)),
                ":last": string(keys.snapshot_sk(version)),
            },
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=1,
        )
        return policies.read_policy(answer["Items"][0]) if answer["Items"] else Policy(segment)

    def snapshots_from(self, segment: Segment, version: int) -> set[int]:
        """The versions from this one on that are kept whole."""
        pages = self.connection.pages(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": string(keys.segment_pk(segment)),
                ":first": string(keys.snapshot_sk(version)),
                ":last": string(keys.snapshot_sk(keys.LAST_VERSION)),
            },
            ProjectionExpression="sk",
            ConsistentRead=True,
        )
        return {keys.snapshot_version(item["sk"]["S"]) for page in pages for item in page}

    def rewrite(self, segment: Segment, version: int, *past: Item) -> None:
        """Replaces records and snapshots while the policy stands at this version. Raises ConflictError if it moved."""
        check = {
            "TableName": self.connection.table,
            "Key": {"pk": string(keys.segment_pk(segment)), "sk": string(keys.POLICY_SK)},
            "ConditionExpression": "#version = :held",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":held": number(version)},
        }
        puts = [{"Put": {"TableName": self.connection.table, "Item": item}} for item in past]
        self.connection.call("transact_write_items", TransactItems=[{"ConditionCheck": check}, *puts])

    def write(self, *puts: Put) -> None:
        """All of the writes, or none. Raises ConflictError with the positions that lost, OversizeError."""
        self.connection.write(*puts)

    # What the jobs need.

    def expiring(self, until: datetime, page: int) -> Iterator[tuple[Due, ...]]:
        """Pages of open sessions whose time has come, oldest first within a shard."""
        return self._due(keys.open_shards(), until, page)

    def due(self, segment: Segment, until: datetime, page: int) -> Iterator[tuple[Due, ...]]:
        """Pages of closed sessions of the segment that are to be learned from, oldest first within a shard."""
        return self._due(keys.due_shards(segment), until, page)

    def erasing(self, until: datetime, page: int) -> Iterator[tuple[Due, ...]]:
        """Pages of users to be erased."""
        return self._due(keys.erasing_shards(), until, page)

    def _due(self, shards: Sequence[str], until: datetime, page: int) -> Iterator[tuple[Due, ...]]:
        for shard in shards:
            arguments: dict[str, Any] = {
                "IndexName": _INDEX,
                "KeyConditionExpression": "due_shard = :shard AND due_at <= :until",
                "ExpressionAttributeValues": {":shard": string(shard), ":until": time(until)},
                "Limit": page,
            }
            for found in self.connection.pages(**arguments):
                if found:
                    yield tuple(Due(shard, it["pk"]["S"], it["sk"]["S"], read_time(it, "due_at")) for it in found)

    def load(self, page: Sequence[Due]) -> tuple[list[Session], list[tuple[Due, str]]]:
        """The sessions at these places (at most 100), strongly consistent; and those unreadable, with the reason."""
        found = self.connection.items([(due.pk, due.sk) for due in page])
        sessions: list[Session] = []
        broken: list[tuple[Due, str]] = []
        for due in page:
            try:
                if (due.pk, due.sk) in found:
                    sessions.append(items.read_session(found[due.pk, due.sk]))
            except UnreadableItemError as error:
                broken.append((due, str(error)))
        return sessions, broken

    def park(self, due: Due, reason: str) -> None:
        """Sets an item aside with the reason, if it still waits where it was found. Raises ConflictError."""
        self.connection.call(
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

    def leaver(self, pk: str) -> Leaver | None:
        """The user with this key, if they are being erased."""
        return Leaver.of(self.connection, pk)

    def _query_user(self, user: str, first: str, last: str, limit: int) -> list[Stored]:
        """Up to `limit` items of one user between two sort keys, newest first, strongly consistent."""
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": string(keys.user_pk(user)),
                ":first": string(first),
                ":last": string(last),
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        found: list[Stored] = []
        for page in self.connection.pages(Limit=limit, **arguments):
            found += page
            if len(found) >= limit:
                break
        return found[:limit]


@lru_cache(maxsize=1)
def open_store() -> Store:
    """The process's store."""
    return Store(settings().table_name)
