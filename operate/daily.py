"""Computes a day's shards in this process, and prints each segment's figures with their 95 % intervals.

No figure of fewer than five users is printed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from operate.intervals import (
    Estimate,
    completion_by_action,
    completion_by_entry,
    gad7_change,
    lift_by_entry,
    reward_by_action,
)
from rl_core.config import Settings
from rl_core.days import SegmentDay, count_shown, merged, shown, withheld
from rl_core.models import ACTIONS, Segment, entry_code
from rl_core.sessions.catalogue import catalogue
from rl_core.store import DAY_SHARDS, DayTable
from rl_core.work.roll_up import run_shard

NAMES = {entry_code(e.slug): e.name for e in catalogue().entries}
WITHHELD = "withheld"  # fewer than five users


def compute(diary: DayTable, day: date, now: datetime, settings: Settings) -> Counter[str]:
    """Computes all shards of the day, one after the other, and returns the sum of their reports."""
    totals: Counter[str] = Counter()
    for shard in range(DAY_SHARDS):
        totals.update(run_shard(diary, day, shard, now, settings))
    return totals


def table(diary: DayTable, day: date, *, entries: bool = False) -> Iterator[str]:
    """Yields the lines of the day's table, segment by segment; with `entries`, also a line for each activity."""
    yield f"{day}: figures are value (95 % interval) n"
    days = {segment: found for segment in Segment if (found := diary.segment_day(segment, day)[0]) is not None}
    for segment, found in days.items():
        yield from _segment(segment, found, entries)
    yield from _anxiety(days)


def _anxiety(days: Mapping[Segment, SegmentDay]) -> Iterator[str]:
    changes = anxiety(days)
    if changes:
        yield ""
        yield "GAD-7, latest assessment less the first, of users who have two"
        for name, change in changes.items():
            yield f"  {name:<36}{WITHHELD if change is None else _mean(change)}"


def anxiety(days: Mapping[Segment, SegmentDay]) -> dict[str, Estimate | None]:
    """Returns how GAD-7 moved from first to latest assessment of the day's users with two or more, None if withheld.

    Leaves out segments without such users; is empty if there are none at all. Of several segments, the last row is of
    all of them.
    """
    rows = [*days.items(), *([("all segments", merged(days.values()))] if len(days) > 1 else [])]
    few = withheld([found.assessed for found in days.values()])
    changes = zip(rows, gad7_change([found for _, found in rows]), strict=True)
    return {
        str(name): None if place in few or not shown(found.assessed) else change
        for place, ((name, found), change) in enumerate(changes)
        if found.assessed
    }


def _segment(segment: Segment, found: SegmentDay, entries: bool) -> Iterator[str]:
    total, lifts = found.total(), found.lifts()
    told = shown(found.served) or not total.sessions
    counts = [count_shown(users) for users in (found.users, found.new_users, sum(found.dropouts))]
    yield ""
    yield (
        f"{segment.value}: {counts[0]} active, {counts[1]} new, {counts[2]} dropped out, "
        f"{total.sessions if told else WITHHELD} sessions"
    )
    if told:
        yield f"  {'completed':<36}{_share(completion_by_action([total])[0])}"
        yield f"  {'reward':<36}{_mean(reward_by_action([total])[0])}"
        yield f"  {'motivation change, points':<36}{_mean(lift_by_entry([lifts])[0])}"
        yield from _actions(found)
        if entries:
            yield from _entries(found)


def _actions(found: SegmentDay) -> Iterator[str]:
    rates, rewards = completion_by_action(found.actions), reward_by_action(found.actions)
    few, few_gone = withheld([sums.users for sums in found.actions]), withheld(found.dropouts)
    yield f"  {'action':<31}{'used':>4} {'completed':<27}{'reward':<34}dropouts after"
    for action in ACTIONS:
        used, gone = found.actions[action].sessions, found.dropouts[action]
        if used or gone:
            figures = f"{used:>4} {_share(rates[action]):<27}{_mean(rewards[action]):<34}"
            told = f"{'':>4} {WITHHELD:<27}{WITHHELD:<34}" if action in few else figures
            yield f"  {action.title:<31}{told}{WITHHELD if action in few_gone else gone}"


def _entries(found: SegmentDay) -> Iterator[str]:
    names, sums = [NAMES.get(entry, f"{entry:06x}") for entry in found.entries], list(found.entries.values())
    few = withheld([its.users for its in sums])
    rows = zip(names, completion_by_entry(sums), lift_by_entry(sums), strict=True)
    yield f"  {'activity':<36}{'completed':<27}lift, points"
    told = [row for n, row in enumerate(rows) if n not in few]
    for name, rate, lift in sorted(told, key=lambda row: (-row[1].n, row[0])):
        yield f"  {name[:34]:<36}{_share(rate):<27}{_mean(lift)}"
    if few:
        yield f"  {len(few)} more activities: {WITHHELD}"


def _share(its: Estimate) -> str:
    return _told(its, f"{its.value:4.0%} ({its.low:.0%} to {its.high:.0%}) n={its.n}")


def _mean(its: Estimate) -> str:
    return _told(its, f"{its.value:+.3f} ({its.low:+.3f} to {its.high:+.3f}) n={its.n}")


def _told(its: Estimate, text: str) -> str:
    """Returns the text of an estimate; fewer than five observations are of fewer than five users, so it is withheld."""
    return text if shown(its.n) else WITHHELD if its.n else "-"
