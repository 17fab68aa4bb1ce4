"""The values that the tests of the core start from; each test replaces what it is about."""

from datetime import UTC, datetime

import pytest

from rl_core.config import Settings
from rl_core.models import ACTIONS, Action, Activity, Decision, EndedBy, Profile, Segment, Session, State
from rl_core.sessions import Ending, record

ISSUED = datetime(2026, 11, 23, 8, tzinfo=UTC)
EXPIRES = datetime(2026, 11, 25, 8, tzinfo=UTC)
USER = "5f1c0a9e-6f3b-4c1e-9d55-0d7c2f9b8a11"


@pytest.fixture
def constants() -> Settings:
    """The defaults of the specification, without the caps of a user's day."""
    return Settings(table_name="t", exploration="epsilon", sessions_per_day=1000, learned_per_day=1000)


@pytest.fixture
def profile() -> Profile:
    """A user who was just issued a first session."""
    return Profile(
        user=USER,
        key=bytes(16),
        segment=Segment.HIGH_LOW,
        created_at=ISSUED,
        sessions=1,
        recent=(Action.MEDITATION,),
    )


@pytest.fixture
def session() -> Session:
    """That session: two activities, shown, open, nothing answered."""
    return Session(
        user=USER,
        number=1,
        key=bytes(range(16)),
        segment=Segment.HIGH_LOW,
        decision=Decision(
            state=State(0, 1),
            eligible=ACTIONS,
            chances=(0.75, 0.05, 0.05, 0.05, 0.05, 0.05),
            action=Action.MEDITATION,
            epsilon=0.3,
            policy_version=0,
            explored=True,
        ),
        activities=(Activity("478-breathing-5"), Activity("body-scan-10")),
        engagement=0.0,
        issued_at=ISSUED,
        expires_at=EXPIRES,
        shown=True,
    )


@pytest.fixture
def closed(session: Session, profile: Profile, constants: Settings) -> Session:
    """That session ended by a batch, with nothing answered."""
    return record(session, profile, {}, constants, ISSUED, Ending(EndedBy.BATCH)).session
