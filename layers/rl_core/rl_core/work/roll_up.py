"""Runs the daily job, which joins days, tallies and store. Any part may be cut off, repeated, or run twice at once.

The dispatcher names the shards of each closed day that are not final yet. A worker computes one shard: its users'
days, its part of each segment's day, then each segment's day as a whole. The result depends on the stored items alone
and only what differs is written, so the same run again changes nothing.
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
from rl_core.store import DAY_SHARDS, DayTable, ShardState, Stored, UserDay, Watermark, read_user_day
from rl_core.work.retry import attempts

GONE_AFTER = timedelta(days=7)
FIRST_DAYS = timedelta(days=7)  # how far back the very first run begins
_RACES = 5


class Dispatched(NamedTuple):
    """Holds what one run of the dispatcher came to.

    Every day up to `final` is final. `messages` counts the shards sent, `not_final` the closed days after `final`.
    """

    final: date
    messages: int
    not_final: int


def dispatch(diary: DayTable, now: datetime, send: Callable[[Sequence[dict[str, Any]]], None]) -> Dispatched:
    """Sends each shard that is not final, for every day after the watermark that has ended in all time zones.

    The watermark moves over a day once all of that day's shards are final. So every run sends a day that was missed, or
    a shard whose message was lost or given up, again until it is done.
    """
    closed = closed_day(now)
    watermark = diary.watermark() or Watermark(closed - FIRST_DAYS, 0)
    final = diary.final_shards(watermark.day + ONE_DAY, closed)
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
        diary.save_watermark(Watermark(last, watermark.revision))
    return Dispatched(last, len(messages), len(open_days))


def run_shard(diary: DayTable, day: date, shard: int, now: datetime, settings: Settings) -> Counter[str]:
    """Computes one shard of one day.

    Returns the counts of users, dropouts, user days written, users not settled and users unreadable.

    Raises UnavailableError when other workers on the same shard were faster too often.
    """
    for attempt in attempts():
        with attempt:
            return _run_shard(diary, day, shard, now, settings)
    raise UnavailableError


def _run_shard(diary: DayTable, day: date, shard: int, now: datetime, settings: Settings) -> Counter[str]:
    """Makes one attempt to compute the shard.

    Reads the shard's revision before its users and writes under that revision: the last writer saw the most.
    """
    before, tally = diary.shard(day, shard), Tally()
    report = Counter(users=0, written=0, dropouts=0, unsettled=0, unreadable=0)
    active: set[str] = set()
    for users in diary.active(day, shard):
        active.update(users)
        for item in diary.user_days(users, day):
            _guarded(lambda its: _count_user(diary, its, day <= closed_day(now), tally, report), item, report)
    for users in diary.active(day - GONE_AFTER, shard):
        missing = [user for user in users if user not in active and not _came_back(diary, user, day)]
        for item in diary.user_days(missing, day - GONE_AFTER) if missing else []:
            _guarded(lambda its: _count_dropout(diary, its, tally, report), item, report)

    parts = dict.fromkeys(before.parts, SegmentDay()) | tally.segments()
    changed = parts != before.parts
    final = day <= final_day(now, settings.session_hours) and not report["unsettled"]
    if changed:
        diary.save_shard(day, shard, before, ShardState(before.revision, False, parts))
        before = ShardState(before.revision + 1, False, parts)
    for segment in parts:
        merge(diary, segment, day)
    if final and not before.final:
        diary.save_shard(day, shard, before, ShardState(before.revision, True, parts))
    return report


def _guarded(count: Callable[[Stored], None], item: Stored, report: Counter[str]) -> None:
    """Counts the item, or counts it as unreadable and leaves it out, so that the other users need not wait for it."""
    try:
        count(item)
    except UnreadableItemError:
        report["unreadable"] += 1


def _count_user(diary: DayTable, item: Stored, closed: bool, tally: Tally, report: Counter[str]) -> None:
    """Counts one user's day and its sessions, and stores the day's figures if they are new.

    Counts nothing for a user who was erased meanwhile. Raises UnavailableError when too many races were lost.
    """
    for attempt in attempts(_RACES):
        if attempt.number:
            again = diary.user_days([read_user_day(item).mark.user], read_user_day(item).mark.day)
            if not again:
                return
            item = again[0]
        with attempt:
            stored = read_user_day(item)
            mark = stored.mark
            sessions = diary.sessions_from(mark.user, mark.session, mark.day)
            figures = figures_of(mark, sessions)
            figures = replace(figures, settled=figures.settled and closed)
            if figures != stored.figures and not _less_known(sessions, stored):
                diary.save(replace(stored, figures=figures))
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


def _came_back(diary: DayTable, user: str, day: date) -> bool:
    return diary.was_active(user, day - GONE_AFTER + ONE_DAY, day)


def _count_dropout(diary: DayTable, item: Stored, tally: Tally, report: Counter[str]) -> None:
    """Counts a user who was active seven days before and not since, by the action of the last session shown to them."""
    mark = read_user_day(item).mark
    shown = [s for s in diary.sessions_from(mark.user, mark.session, mark.day) if s.day and s.day <= mark.day]
    if shown:
        report["dropouts"] += 1
        report["unsettled"] += not can_learn(shown[-1])
        tally.dropout(mark.segment, shown[-1].decision.action)


def merge(diary: DayTable, segment: Segment, day: date) -> None:
    """Writes the segment's day as the sum of its parts, unless it is stored so already.

    Reads the day's revision before the parts, so that the last writer has all parts. Raises UnavailableError when too
    many races were lost.
    """
    for attempt in attempts():
        with attempt:
            before, revision = diary.segment_day(segment, day)
            whole = merged(diary.parts(segment, day))
            if whole != before:
                diary.save_segment_day(segment, day, whole, revision)
            return
    raise UnavailableError


def final_segments(diary: DayTable, day: date) -> dict[Segment, SegmentDay] | None:
    """Returns the day of each segment in which anything happened, once all shards of the day are final; else None."""
    final_shards = diary.final_shards(day, day).get(day, set())
    if len(final_shards) < DAY_SHARDS:
        return None
    found = {segment: diary.segment_day(segment, day)[0] for segment in Segment}
    return {segment: whole for segment, whole in found.items() if whole is not None}
