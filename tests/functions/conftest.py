"""People, sessions and time for the tests of handlers and trainer on moto."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from rl_core.config import settings
from rl_core.models import EndedBy, Profile, Segment, Session
from rl_core.sessions import lifecycle
from rl_core.store import Store, profile_write, session_write
from rl_core.work import train as trainer

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEGMENT = Segment.HIGH_LOW


class World:
    """A table with people in it, written through the store as the handlers would."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def issue(self, user: str, shown: bool = True, at: datetime = NOW) -> Session:
        """A user's first session, open."""
        profile = Profile(user, f"life-{user}".encode(), SEGMENT, at)
        session, profile = lifecycle.issue(
            profile, self.store.policy(SEGMENT), None, settings(), at, f"key-{user}".encode(), shown
        )
        self.store.write(session_write(session), profile_write(profile))
        return replace(session, revision=1)

    def due(self, user: str, at: datetime = NOW) -> Session:
        """A user's first session, closed by a batch and waiting to be learned from."""
        session = self.issue(user, at=at - timedelta(hours=1))
        answered = lifecycle.answer(session, 1, {"completed": True}, at)
        profile = self.store.head(user).profile
        assert profile is not None
        closed, moved = lifecycle.close(answered, profile, settings(), at, EndedBy.BATCH)
        self.store.write(session_write(closed), profile_write(moved))
        return replace(closed, revision=2)

    def end(self, user: str, store: Store) -> trainer.Metrics:
        """Ends a user's first session as the API does, on a table that may refuse; the figures it answers."""
        session, profile = self.issue(user), self.store.head(user).profile
        assert profile is not None
        closed, moved = lifecycle.close(session, profile, settings(), NOW, EndedBy.BATCH)
        return trainer.close_and_learn(store, closed, moved, settings())[1]

    def session(self, user: str, number: int = 1) -> Session:
        found = self.store.session(user, number)
        assert found is not None
        return found


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


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
