"""Runs the daily job, which joins days and store. Any part may be cut off, repeated, or run twice at once.

The dispatcher names the shards of each closed day that are not final yet. A worker computes one shard: its users'
days, what these add to its part of each segment's day, then each segment's day as a whole. The result depends on the
stored items alone and only what differs is written, so the same run again changes nothing.

A shard's parts are at any moment the sum of what the users' days say that they have added (`UserDay.counted`, `gone`
of the days a week before, and `late` of earlier ones): one transaction writes both, for a page of users. So an erasure
can take off what was added, whenever it comes.

A user drops out on their seventh day away that is not paused. The worker of the seventh day puts the dropout off by the
paused days among these, and so does the worker of the day to which it was put off, until no further day was paused. It
is only ever put off to a later day.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from rl_core.config import Settings
from rl_core.days import (
    GONE_AFTER,
    KEPT,
    ONE_DAY,
    Course,
    Parts,
    SegmentDay,
    Share,
    added,
    closed_day,
    days_missing,
    figures_of,
    final_day,
    merged,
    of_dropout,
    of_user,
)
from rl_core.errors import UnavailableError, UnreadableItemError
from rl_core.models import Mark, Pause, Segment, Session
from rl_core.sessions import can_learn, is_known
from rl_core.store import DAY_SHARDS, MOST_DAYS, DayTable, ShardState, UserDay, Watermark, read_user_day
from rl_core.work.retry import attempts

FIRST_DAYS = timedelta(days=7)  # how far back the very first run begins


class Dispatched(NamedTuple):
    """Holds what one run of the dispatcher came to.

    Every day up to `final` is final. `messages` counts the shards sent, `not_final` the closed days after `final`.
    """

    final: date
    messages: int
    not_final: int


def dispatch(diary: DayTable, now: datetime, send: Callable[[Sequence[dict[str, Any]]], None]) -> Dispatched:
    """Sends each shard that is not final, for every day after the watermark that has ended in all time zones.

    The watermark moves over a day once all of that day's shards are final, and the day's figures are in TREND. So every
    run sends a day that was missed, or a shard whose message was lost or given up, again until it is done.
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
    keep_courses(diary, watermark.day, last)
    if last > watermark.day or not watermark.revision:
        diary.save_watermark(Watermark(last, watermark.revision))
    return Dispatched(last, len(messages), len(open_days))


def run_shard(diary: DayTable, day: date, shard: int, now: datetime, settings: Settings) -> Counter[str]:
    """Computes one shard of one day.

    Returns the counts of users, dropouts, user days written, users not settled and users unreadable.

    Raises UnavailableError when other workers on the same shard were faster too often.
    """
    closed, final = closed_day(now), final_day(now, settings.session_hours)
    run = _Run(diary, day, shard, day <= closed, day <= final, set(), {})
    report = Counter(users=0, written=0, dropouts=0, unsettled=0, unreadable=0)
    for users in diary.active(day, shard):
        run.active.update(users)
        report.update(run.count(users, day, run.own))
    for users in diary.active(day - GONE_AFTER, shard):
        report.update(run.count(users, day - GONE_AFTER, run.dropout))
    for since, users in diary.away(day, shard):
        report.update(run.count(users, since, run.dropout))
    _count_put_off(run, closed, final)
    run.finish(run.final and not report["unsettled"])
    return report


def _count_put_off(run: "_Run", closed: date, final: date) -> None:
    """Counts the dropouts that the run put off to days that are over already, for whose workers they may come too late.

    The users of days that are not over wait for the worker of that day.
    """
    for (on, since), users in sorted(run.put_off.items()):
        if on <= closed:
            later = _Run(run.diary, on, run.shard, closed=True, final=on <= final, active=set(), put_off={})
            later.count(sorted(users), since, later.dropout)
            later.finish(False)
            _count_put_off(later, closed, final)


_Counted = tuple[UserDay, Counter[str]]  # a user's day with its new share, and what it adds to the report


@dataclass(frozen=True, slots=True)
class _Run:
    """A run over one shard of a day; `active` collects who was active on it.

    `closed` says that the day is over, `final` that TREND may hold it, because nothing can change any more. `put_off`
    collects the users whose dropout is put off, by the day to which it is and by their latest active day.
    """

    diary: DayTable
    day: date
    shard: int
    closed: bool
    final: bool
    active: set[str]
    put_off: dict[tuple[date, date], set[str]]

    def count(self, users: Sequence[str], of: date, share: Callable[[UserDay, int], _Counted]) -> Counter[str]:
        """Counts these users by their items of the day `of`, in one transaction, and returns their part of the report.

        The shard and each user's day are written only as they were read, so no share is added or taken off twice.
        """
        for attempt in attempts():
            with attempt:
                report = Counter[str]()
                stored = self.diary.shard(self.day, self.shard)
                state = stored if stored.since else stored.anew()
                pairs = [(old, new) for old, new in self._shares(users, of, share, state.since, report) if old != new]
                if len(pairs) + sum(new.postponed > 0 for _, new in pairs) > MOST_DAYS:
                    half = len(users) // 2
                    return self.count(users[:half], of, share) + self.count(users[half:], of, share)
                parts = _moved(state, pairs)
                if pairs or parts != stored.parts:
                    after = replace(state, final=False, parts=parts)
                    self.diary.save_shard(self.day, self.shard, stored, after, *(new for _, new in pairs))
                report["written"] += len(pairs) if of == self.day else 0
                return report
        raise UnavailableError

    def _shares(
        self,
        users: Sequence[str],
        of: date,
        share: Callable[[UserDay, int], _Counted],
        since: int,
        report: Counter[str],
    ) -> Iterator[tuple[UserDay, UserDay]]:
        """Yields each user's day as stored and as it should be.

        Leaves out users who were erased meanwhile, and unreadable ones, so that the others need not wait for them.
        """
        for item in self.diary.user_days(users, of):
            try:
                stored = read_user_day(item)
                day, its = share(stored, since)
            except UnreadableItemError:
                report["unreadable"] += 1
            else:
                report.update(its)
                yield stored, day

    def own(self, stored: UserDay, since: int) -> _Counted:
        """Returns the user's day with its figures and what it adds.

        What a newer release settled, and knew more of than this code does, stays as it is.
        """
        mark = stored.mark
        sessions = self.diary.sessions_from(mark.user, mark.session, mark.day)
        figures = figures_of(mark, sessions)
        figures = replace(figures, settled=figures.settled and self.closed)
        its = Counter(users=1, unsettled=int(not figures.settled))
        less_known = _less_known(sessions, stored)
        if less_known and stored.counted.since == since:
            return stored, its
        counted = Share(since, of_user(mark, sessions))
        return replace(stored, figures=stored.figures if less_known else figures, counted=counted), its

    def dropout(self, stored: UserDay, since: int) -> _Counted:
        """Returns the user's latest active day with what it adds, by the last session shown, if the user is gone.

        It adds nothing while the dropout is put off; a day to which it was not put off leaves that as it is.
        """
        mark, due = stored.mark, stored.mark.day + GONE_AFTER
        on, nothing = due + ONE_DAY * stored.postponed, _as_dropout(stored, Share())
        if on != self.day:
            self._put_off(on, mark)
            return replace(stored, gone=Share()) if self.day == due else stored, Counter()
        absence = None if mark.user in self.active else self._absence(mark)
        if absence is None:
            return nothing, Counter()
        sessions, pauses = absence
        shown = [s for s in sessions if s.day and s.day <= mark.day]
        if not shown:
            return nothing, Counter()
        if missing := days_missing(mark, pauses, self.day):
            self._put_off(on + ONE_DAY * missing, mark)
            return replace(nothing, postponed=stored.postponed + missing), Counter()
        gone = Share(since, of_dropout(mark.segment, shown[-1].decision.action))
        return _as_dropout(stored, gone), Counter(dropouts=1, unsettled=int(not can_learn(shown[-1])))

    def _put_off(self, on: date, mark: Mark) -> None:
        self.put_off.setdefault((on, mark.day), set()).add(mark.user)

    def _absence(self, mark: Mark) -> tuple[Sequence[Session], Sequence[Pause]] | None:
        """Returns the user's sessions up to the mark's day, and the pauses since; None if the user was active again.

        The profile has the pauses until the user comes back; the mark of that day has them then.
        """
        back = self.diary.day_after(mark.user, mark.day)
        if back is not None and back[0] <= self.day:
            return None
        sessions, profile = self.diary.sessions_and_profile(mark.user, mark.session, mark.day)
        if back is None and profile is not None and profile.seen == mark.day:
            return sessions, profile.pauses
        back = back or self.diary.day_after(mark.user, mark.day)  # the user came back just now, or is being erased
        return sessions, read_user_day(back[1]).mark.pauses if back else ()

    def finish(self, final: bool) -> None:
        """Merges the segments' days, then marks the shard as final if it is so."""
        for attempt in attempts():
            with attempt:
                state = self.diary.shard(self.day, self.shard)
                for segment in state.parts:
                    merge(self.diary, segment, self.day, final=self.final)
                if final and not state.final:
                    self.diary.save_shard(self.day, self.shard, state, replace(state, final=True))
                return
        raise UnavailableError


def _as_dropout(day: UserDay, share: Share) -> UserDay:
    """Returns the user's day with what it adds as a dropout, on the seventh day or on the one that was put off to."""
    return replace(day, late=share) if day.postponed else replace(day, gone=share)


def _moved(state: ShardState, pairs: Sequence[tuple[UserDay, UserDay]]) -> Parts:
    """Returns the shard's parts with each user's new shares in place of those that are in them."""
    parts = state.parts
    for stored, day in pairs:
        for old, new in ((stored.counted, day.counted), (stored.gone, day.gone), (stored.late, day.late)):
            if old != new:
                parts = added(parts, old.parts, -1) if old.since == state.since else parts
                parts = added(parts, new.parts)
    return parts


def _less_known(sessions: Sequence[Session], stored: UserDay) -> bool:
    """Returns whether a newer release settled the day and knew more of its sessions than this code does."""
    return stored.figures is not None and stored.figures.settled and not all(map(is_known, sessions))


def merge(diary: DayTable, segment: Segment, day: date, *, final: bool = False) -> None:
    """Writes the segment's day as the sum of its parts, unless it is stored so already; a `final` day in TREND too.

    Reads the day's revision before the parts, so that the last writer has all parts. Raises UnavailableError when too
    many races were lost.
    """
    for attempt in attempts():
        with attempt:
            before, revision = diary.segment_day(segment, day)
            course = _course(diary, segment) if final else None
            whole = merged(diary.parts(segment, day))
            if whole != before:
                diary.save_segment_day(segment, day, whole, revision, course)
            return
    raise UnavailableError


def _course(diary: DayTable, segment: Segment) -> Course | None:
    """Returns what TREND holds of the segment; None without, or if it cannot be read: then no run writes it."""
    with suppress(UnreadableItemError):
        return diary.course(segment)
    return None


def keep_courses(diary: DayTable, after: date, last: date) -> None:
    """Writes each segment's days after `after`, up to the final day `last`, into TREND, and what else is missing there.

    Repeats and overlaps are harmless: what is stored so already is not written. TREND is read before the days, so an
    erasure that changes a day meanwhile makes this run read both again. A TREND that cannot be read stays as it is; if
    an operator deletes it, the next run makes it anew. Raises UnavailableError when too many races were lost.
    """
    for attempt in attempts():
        with attempt:
            stored = diary.courses()
            courses = {s: stored.get(s, Course(last - KEPT * ONE_DAY)) for s in Segment}
            begins = {s: min(course.upto, after) + ONE_DAY for s, course in courses.items() if course}
            first = last - (KEPT - 1) * ONE_DAY
            wanted = [(s, day) for s, its in begins.items() for day in _days(max(its, first), last)]
            days = diary.segment_days(wanted)
            for segment, course in courses.items():
                its = {day: whole for (s, day), whole in days.items() if s == segment}
                moved = course.moved(last, its) if course else None
                if moved is not None and (moved != course or not moved.revision):
                    diary.save_course(segment, moved)
            return
    raise UnavailableError


def _days(first: date, last: date) -> list[date]:
    return [first + n * ONE_DAY for n in range((last - first).days + 1)]


def final_segments(diary: DayTable, day: date) -> dict[Segment, SegmentDay] | None:
    """Returns the day of each segment in which anything happened, once all shards of the day are final; else None."""
    final_shards = diary.final_shards(day, day).get(day, set())
    if len(final_shards) < DAY_SHARDS:
        return None
    found = {segment: diary.segment_day(segment, day)[0] for segment in Segment}
    return {segment: whole for segment, whole in found.items() if whole is not None}
