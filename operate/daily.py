"""A day by hand: computes its shards in this process, and prints what each segment came to, with how sure that is."""

import math
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime

from operate.intervals import (
    Estimate,
    completion_by_action,
    completion_by_entry,
    lift_by_entry,
    reward_by_action,
)
from rl_core.config import Settings
from rl_core.days.tally import SegmentDay
from rl_core.models import ACTIONS, Segment
from rl_core.sessions.catalogue import catalogue
from rl_core.store import DAY_SHARDS, DayTable
from rl_core.work.roll_up import run_shard

NAMES = {zlib.crc32(e.slug.encode()): e.name for e in catalogue().entries}


def compute(diary: DayTable, day: date, now: datetime, settings: Settings) -> Counter[str]:
    """All shards of a day, one after the other."""
    totals: Counter[str] = Counter()
    for shard in range(DAY_SHARDS):
        totals.update(run_shard(diary, day, shard, now, settings))
    return totals


def table(diary: DayTable, day: date, *, entries: bool = False) -> Iterator[str]:
    """The day in lines, segment by segment; with `entries`, activity by activity too."""
    yield f"{day}: figures are value (95 % interval) n"
    for segment in Segment:
        found, _ = diary.segment_day(segment, day)
        if found is not None:
            yield from _segment(segment, found, entries)


def _segment(segment: Segment, found: SegmentDay, entries: bool) -> Iterator[str]:
    total, lifts = found.total(), found.lifts()
    yield ""
    yield (
        f"{segment.value}: {found.users} active, {found.new_users} new, {sum(found.dropouts)} dropped out, "
        f"{total.sessions} sessions"
    )
    rate, reward = completion_by_action([total])[0], reward_by_action([total])[0]
    yield f"  {'completed':<36}{_share(rate)}"
    yield f"  {'reward':<36}{_mean(reward)}"
    yield f"  {'motivation change, points':<36}{_mean(lift_by_entry([lifts])[0])}"
    rates, rewards = completion_by_action(found.actions), reward_by_action(found.actions)
    yield f"  {'action':<31}{'used':>4} {'completed':<27}{'reward':<34}dropouts after"
    for action in ACTIONS:
        used, gone = found.actions[action].sessions, found.dropouts[action]
        if used or gone:
            yield f"  {action.title:<31}{used:>4} {_share(rates[action]):<27}{_mean(rewards[action]):<34}{gone}"
    if entries:
        yield from _entries(found)


def _entries(found: SegmentDay) -> Iterator[str]:
    names, sums = [NAMES.get(entry, f"{entry:08x}") for entry in found.entries], list(found.entries.values())
    rates, lifts = completion_by_entry(sums), lift_by_entry(sums)
    yield f"  {'activity':<36}{'completed':<27}lift, points"
    for name, rate, lift in sorted(zip(names, rates, lifts, strict=True), key=lambda row: (-row[1].n, row[0])):
        yield f"  {name[:34]:<36}{_share(rate):<27}{_mean(lift)}"


def _share(its: Estimate) -> str:
    if its.n == 0:
        return "-"
    return f"{its.value:4.0%} ({its.low:.0%} to {its.high:.0%}) n={its.n}"


def _mean(its: Estimate) -> str:
    if its.n == 0:
        return "-"
    if math.isnan(its.low):
        return f"{its.value:+.3f} (one observation) n={its.n}"
    return f"{its.value:+.3f} ({its.low:+.3f} to {its.high:+.3f}) n={its.n}"
