"""The daily job: joins days, tallies and store. Everything in it may be cut off, repeated, or run twice at once.

The dispatcher names the shards of each closed day that are not final yet; a worker computes one of them: the user
days that are in it, its part of each segment's day, then the segments' wholes. What comes out depends on what is
stored alone, and only what differs is written: the same run again changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from rl_core.config import Settings
from rl_core.days import ONE_DAY, SegmentDay, Tally, closed_day, figures_of, final_day, merged
from rl_core.errors import UnavailableError, UnreadableItemError
from rl_core.models import Segment, Session
from rl_core.sessions import can_learn, is_known
from rl_core.store import DAY_SHARDS, Days, ShardState, Stored, UserDay, Watermark, read_user_day
from rl_core.work.retry import attempts

GONE_AFTER = timedelta(days=7)
FIRST_DAYS = timedelta(days=7)  # how far back the very first run begins
_RACES = 5


class Dispatched(NamedTuple):
    """What one run of the dispatcher came to."""

    final: date
    messages: int
    days: int


def dispatch(days: Days, now: datetime, send: Callable[[Sequence[dict[str, Any]]], None]) -> Dispatched:
    """Sends every shard that is not final of each day that all zones have left, after the watermark.

    The watermark moves over a day once all of its shards are final; so a day that was missed, and a shard whose message
    was lost or given up, come again with every run until they are done.
    """
    closed = closed_day(now)
    watermark = days.watermark() or Watermark(closed - FIRST_DAYS, 0)
    final = days.final_shards(watermark.day + ONE_DAY, closed)
    last = watermark.day
    while last < closed and len(final.get(last + ONE_DAY, ())) == DAY_SHARDS:
        last += ONE_DAY
    open_days = [last + ONE_DAY * n for n in range(1, (closed - last).days + 1)]
    messages = [
        {"date": day.isoformat(), "shard": shard, "time": now.isoformat()}
        for day in open_days
        for shard in range(DAY_SHARDS)
        if shard not in final.get(day, ())
    ]
    send(messages)
    if last > watermark.day or not watermark.revision:
        days.save_watermark(Watermark(last, watermark.revision))
    return Dispatched(last, len(messages), len(open_days))


def run_shard(days: Days, day: date, shard: int, now: datetime, settings: Settings) -> Counter[str]:
    """Computes one shard of one day. Counts users, dropouts, user days written, users not settled, users unreadable.

    Raises UnavailableError when other workers on the same shard were faster too often.
    """
    for attempt in attempts():
        with attempt:
            return _run_shard(days, day, shard, now, settings)
    raise UnavailableError


def _run_shard(days: Days, day: date, shard: int, now: datetime, settings: Settings) -> Counter[str]:
    """One attempt. The shard is written under the revision read before its users were: the last writer saw the most."""
    before, tally = days.shard(day, shard), Tally()
    report = Counter(users=0, written=0, dropouts=0, unsettled=0, unreadable=0)
    active: set[str] = set()
    for users in days.active(day, shard):
        active.update(users)
        for item in days.user_days(users, day):
            _guarded(lambda its: _count_user(days, its, day <= closed_day(now), tally, report), item, report)
    for users in days.active(day - GONE_AFTER, shard):
        missing = [user for user in users if user not in active and not _came_back(days, user, day)]
        for item in days.user_days(missing, day - GONE_AFTER) if missing else []:
            _guarded(lambda its: _count_dropout(days, its, tally, report), item, report)

    parts = dict.fromkeys(before.parts, SegmentDay()) | tally.segments()
    changed = parts != before.parts
    final = day <= final_day(now, settings.session_hours) and not report["unsettled"]
    if changed:
        days.save_shard(day, shard, before, ShardState(before.revision, False, parts))
        before = ShardState(before.revision + 1, False, parts)
    for segment in parts:
        merge(days, segment, day)
    if final and not before.final:
        days.save_shard(day, shard, before, ShardState(before.revision, True, parts))
    return report


def _guarded(count: Callable[[Stored], None], item: Stored, report: Counter[str]) -> None:
    """A user who cannot be read is left out and counted; the others' figures must not wait for that."""
    try:
        count(item)
    except UnreadableItemError:
        report["unreadable"] += 1


def _count_user(days: Days, item: Stored, closed: bool, tally: Tally, report: Counter[str]) -> None:
    """Counts one user's day: its figures are stored if they are new, its sessions counted. Who was erased is not."""
    for attempt in attempts(_RACES):
        if attempt.number:
            again = days.user_days([read_user_day(item).mark.user], read_user_day(item).mark.day)
            if not again:
                return
            item = again[0]
        with attempt:
            stored = read_user_day(item)
            mark = stored.mark
            sessions = days.sessions_from(mark.user, mark.session, mark.day)
            figures = figures_of(mark, sessions)
            figures = replace(figures, settled=figures.settled and closed)
            if figures != stored.figures and not _less_known(sessions, stored):
                days.save(replace(stored, figures=figures))
                report["written"] += 1
            report["users"] += 1
            report["unsettled"] += not figures.settled
            tally.user(mark.segment, mark.first_ever)
            for session in sessions:
                if session.day == mark.day:
                    tally.session(session)
            return
    raise UnavailableError


def _less_known(sessions: Sequence[Session], stored: UserDay) -> bool:
    """Returns whether a newer release settled the day and knew more of its sessions than this code does."""
    return stored.figures is not None and stored.figures.settled and not all(map(is_known, sessions))


def _came_back(days: Days, user: str, day: date) -> bool:
    return days.was_active(user, day - GONE_AFTER + ONE_DAY, day)


def _count_dropout(days: Days, item: Stored, tally: Tally, report: Counter[str]) -> None:
    """A user of seven days before without a day since, by the action of the last session they were shown."""
    mark = read_user_day(item).mark
    shown = [s for s in days.sessions_from(mark.user, mark.session, mark.day) if s.day and s.day <= mark.day]
    if shown:
        report["dropouts"] += 1
        report["unsettled"] += not can_learn(shown[-1])
        tally.dropout(mark.segment, shown[-1].decision.action)


def merge(days: Days, segment: Segment, day: date) -> None:
    """Writes the segment's day from all of its shards: its revision is read before them, so the last writer has all."""

    for attempt in attempts():
        with attempt:
            before, revision = days.segment_day(segment, day)
            whole = merged(days.parts(segment, day))
            if whole != before:
                days.save_segment_day(segment, day, whole, revision)
            return
    raise UnavailableError
