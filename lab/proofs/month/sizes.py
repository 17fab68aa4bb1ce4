"""What the daily job costs: units and seconds for a day of 250 to 2,000 users, computed and computed again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from local.clock import SteppedClock
from local.stack import UNCAPPED, Stack
from local.units import Units
from rl_core.config import settings
from rl_core.models import EndedBy, Policy, Profile, Segment
from rl_core.sessions import Answer, Ending, issue, record
from rl_core.store import DAY_SHARDS, Days, Store, mark_writes, profile_write, session_write
from rl_core.work.roll_up import run_shard

SIZES = (250, 500, 1000, 2000)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run over one day."""

    users: int
    reads: float
    writes: float
    seconds: float

    def per_thousand(self) -> tuple[float, float, float]:
        """Read units, write units and seconds for 1,000 users."""
        share = 1000 / self.users
        return round(self.reads * share, 1), round(self.writes * share, 1), round(self.seconds * share, 2)


def measure() -> Iterator[tuple[Cost, Cost]]:
    """For each size the first run over its day and the second, which finds nothing to change."""
    with Stack(clock=SteppedClock(NOON), quiet=True, parameters=UNCAPPED) as stack:
        store = Store(stack.table_name)
        units = Units(store.client)
        for place, size in enumerate(SIZES):
            at = NOON + timedelta(days=14 * place)
            for n in range(size):
                _live(store, f"size-{size}-person-{n}", list(Segment)[n % len(Segment)], at)
            yield _run(store, size, at, units), _run(store, size, at, units)


def _live(store: Store, user: str, segment: Segment, at: datetime) -> None:
    """A user's day: one session, shown and ended by a batch."""
    issued = issue(
        Profile(user, user.encode()[:16].ljust(16), segment, at), None, Policy(segment), settings(), at, shown=True
    )
    size = len(issued.session.activities)
    said = {n: Answer(completed=n % 3 > 0, motivation_before=2, motivation_after=4) for n in range(1, size + 1)}
    closed = record(issued.session, issued.profile, said, settings(), at, Ending(EndedBy.BATCH))
    session = replace(closed.session, learned_version=1, learned_episodes=1)
    store.write(
        session_write(session, settings().index_shards), profile_write(closed.profile), *mark_writes(issued.mark)
    )


def _run(store: Store, size: int, at: datetime, units: Units) -> Cost:
    days, start = Days(store.name, store.client), time.perf_counter()
    units.take()
    found = sum(run_shard(days, at.date(), n, at + timedelta(days=5), settings())["users"] for n in range(DAY_SHARDS))
    seconds = time.perf_counter() - start
    if found != size:
        raise RuntimeError(f"{found} users found, not {size}")
    return Cost(size, *units.take(), seconds)
