"""People, sessions and time for the tests of handlers and trainer."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import moto
import pytest

from rl_core.config import settings
from rl_core.models import EndedBy, Profile, Segment, Session
from rl_core.sessions import Ending, Recorded, issue, record
from rl_core.store import Erasures, Leaver, Put, Store, mark_writes, profile_write, session_write
from rl_core.work import Closed, Turn, close_and_learn
from tests.conftest import TEMPLATE

NOW = datetime(2026, 11, 23, 9, 1, tzinfo=UTC)  # not in an hour's first minute, when the jobs ask every shard
SEGMENT = Segment.HIGH_LOW


class World:
    """A table with people in it, written through the store as the handlers would."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def issue(self, user: str, shown: bool = True, at: datetime = NOW) -> Session:
        """A user's next session, open; a new user's first."""
        head = self.store.head(user)
        profile = head.profile or Profile(user, f"life-{user}".encode(), SEGMENT, at)
        latest = next(iter(head.sessions), None)
        issued = issue(profile, latest, self.store.policy(SEGMENT), settings(), at, shown=shown)
        expired = [self.waiting(issued.expired)] if issued.expired else []
        session, mark = self.waiting(issued.session), mark_writes(issued.mark)
        self.store.write(session, profile_write(issued.profile), *expired, *mark)
        return replace(issued.session, revision=1)

    def closed(self, user: str, at: datetime = NOW) -> Recorded:
        """A user's first session as a batch ends it, its first activity done; nothing of that is stored yet."""
        session, profile = self.session(user), self.store.head(user).profile
        assert profile is not None
        return record(session, profile, {1: {"completed": True}}, settings(), at, Ending(EndedBy.BATCH))

    def due(self, user: str, at: datetime = NOW) -> Session:
        """A user's first session, closed by a batch and waiting to be learned from."""
        self.issue(user, at=at - timedelta(hours=1))
        closed = self.closed(user, at)
        self.store.write(self.waiting(closed.session), profile_write(closed.profile), *mark_writes(closed.mark))
        return replace(closed.session, revision=2)

    def waiting(self, session: Session) -> Put:
        """The write of a session under the number of index partitions that is set."""
        return session_write(session, settings().index_shards)

    def end(self, user: str, store: Store) -> Closed:
        """Ends a user's first session as the API does, on a table that may refuse."""
        self.issue(user)
        closed = self.closed(user)
        return close_and_learn(store, closed.session, closed.profile, settings(), *mark_writes(closed.mark))

    def session(self, user: str, number: int = 1) -> Session:
        found = self.store.session(user, number)
        assert found is not None
        return found


def erasures_of(store: Store) -> Erasures:
    """The table that says who was erased, by the store's client."""
    return Erasures(settings().erasures_name, store.client)


def leaver_of(store: Store, user: str) -> Leaver | None:
    """The user under their marker of erasure, if they are being erased."""
    return Leaver.of(store, erasures_of(store), f"USER#{user}")


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def queue(store: Store) -> Iterator[None]:
    """The queue of the daily job, in moto, wherever the table is."""
    with moto.mock_aws():
        boto3.client("sqs").create_queue(QueueName=TEMPLATE.queues[0].name)
        yield


def turn(now: datetime, seconds: float = 900, owner: str = "a run") -> Turn:
    """The turn of a run of the erasure that has this many seconds."""
    ends = time.monotonic() + seconds
    return Turn.of(owner, now, lambda: int(1000 * (ends - time.monotonic())))


class Meanwhile:
    """A client before whose first call of one operation something else happens."""

    def __init__(self, client: Any, operation: str, happens: Callable[[], object]) -> None:
        self.client, self.operation, self.happens = client, operation, [happens]

    def __getattr__(self, operation: str) -> Any:
        if operation == self.operation and self.happens:
            self.happens.pop()()
        return getattr(self.client, operation)


@dataclass
class Invocation:
    """What the handlers and their logger ask of an invocation."""

    function_name: str = "sample"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:sample"
    aws_request_id: str = "6f1cd0c4-5b8e-4b55-8f0e-6f9a2f6c1d11"


@pytest.fixture
def context() -> Invocation:
    return Invocation()
