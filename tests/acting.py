"""What operators do, as their commands do it, for tests to which it does not matter by whom and when."""

import secrets
from datetime import UTC, datetime

from rl_core import work
from rl_core.config import settings
from rl_core.models import Act, Policy, Segment
from rl_core.store import Store
from rl_core.work import Turn

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def act_of(reason: str = "a test", person: bytes = b"", at: datetime = AT) -> Act:
    """An act that begins."""
    return Act(secrets.token_hex(4), at, "local", reason=reason, person=person)


def roll_back(store: Store, segment: Segment, to: int, reason: str = "a test") -> Policy:
    return work.roll_back(store, segment, to, act_of(reason), store.policy(segment).acted, settings())


def mend(store: Store, segment: Segment) -> Policy:
    return work.mend(store, segment, store.stored_policy(segment), act_of(), settings())


def exclude(store: Store, segment: Segment, person: bytes, reason: str, turn: Turn) -> bool:
    return work.exclude(store, segment, act_of(reason, person), store.policy(segment).acted, settings(), turn)


def include(store: Store, segment: Segment, person: bytes, reason: str, turn: Turn) -> bool:
    return work.include(store, segment, act_of(reason, person), store.policy(segment).acted, settings(), turn)
