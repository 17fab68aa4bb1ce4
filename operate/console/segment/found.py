"""Reads what the page Segment shows, within the units of one view; what cannot be read is told in its place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from operate.console.reading import View, sentence
from operate.console.segment import past
from operate.console.segment.lessons import Lesson, latest
from rl_core.days import LESSONS, Course, Guard
from rl_core.errors import PolicyUnreadableError, SpentError, UnavailableError, UnreadableItemError
from rl_core.models import Act, Policy, Segment, VersionRecord
from rl_core.store import Watch, latest_acts

ACTS = 20  # of the latest acts, those of the segment are marked on the learning curve
_LEFT = 2.0  # read units that no query touches, since one may take a little more than its share
T = TypeVar("T")


@dataclass(slots=True)
class Read:
    """Reads version records newest first, as far as they are asked for; `why` says what ended that too early."""

    source: Iterator[VersionRecord]
    records: list[VersionRecord] = field(default_factory=list)
    why: str = ""

    def until(self, enough: Callable[[list[VersionRecord]], bool]) -> list[VersionRecord]:
        """Returns the records read, after reading on until there are enough or no more can be read."""
        try:
            while not self.why and not enough(self.records):
                self.records.append(next(self.source))
        except StopIteration:
            pass
        except (SpentError, UnreadableItemError) as error:
            self.why = sentence(error)
        return self.records


@dataclass(frozen=True, slots=True)
class Found:
    """Holds what was read of a segment.

    `policy` is None where it cannot be read; `trouble` says why. `course` is None where TREND is missing or cannot be
    read; `no_course` says which. `guard` is None where what the guard keeps cannot be read.
    """

    segment: Segment
    policy: Policy | None
    trouble: str
    course: Course | None
    no_course: str
    final: date | None
    guard: Guard | None
    read: Read
    lessons: tuple[Lesson, ...]
    act: VersionRecord | None


def find(its: View, segment: Segment) -> Found:
    """Returns what the first look at a segment needs. Raises UnavailableError when the table cannot be reached."""
    watch = its.watch
    with watch.keeping(_LEFT):
        policy, trouble = _policy(watch, segment)
        course, no_course = _course(watch, segment)
        mark = watch.watermark()
        guard, _ = readable(watch.guard)
        read = Read(watch.latest_records(segment))
        lessons = latest(read.until(_has_lessons))
        act = past.latest_act(read.records) or _act(watch, policy)
    return Found(segment, policy, trouble, course, no_course, mark.day if mark else None, guard, read, lessons, act)


def page(its: View, found: Found, before: int | None) -> Read:
    """Returns a page of versions below `before`, newest first; the latest ones go on from what was read."""
    read = found.read if before is None else Read(its.watch.latest_records(found.segment, before))
    with its.watch.keeping(_LEFT):
        read.until(lambda records: len(records) >= past.PAGE)
    return Read(read.source, read.records[: past.PAGE], read.why if len(read.records) < past.PAGE else "")


def acts(its: View, segment: Segment) -> tuple[list[Act], str]:
    """Returns what operators did to the segment among the latest acts, newest first, and what ended that too early."""
    found: list[Act] = []
    try:
        with its.watch.keeping(_LEFT):
            found += (act for act in latest_acts(its.watch, ACTS) if act.segment is segment)
    except (SpentError, UnreadableItemError) as error:
        return found, sentence(error)
    return found, ""


def policy_of(watch: Watch, segment: Segment) -> Policy:
    """Returns the policy, which may be a moment old.

    Raises PolicyUnreadableError; and UnavailableError when it is the table that cannot be reached.
    """
    try:
        return watch.policy(segment, consistent=False)
    except PolicyUnreadableError as error:
        if isinstance(error.__cause__, UnavailableError):
            raise error.__cause__ from error.__cause__.__cause__
        raise


def readable(read: Callable[[], T | None]) -> tuple[T | None, str]:
    """Returns what was read, or a sentence of why it cannot be read."""
    try:
        return read(), ""
    except (SpentError, UnreadableItemError) as error:
        return None, sentence(error)


def _policy(watch: Watch, segment: Segment) -> tuple[Policy | None, str]:
    try:
        return policy_of(watch, segment), ""
    except PolicyUnreadableError as error:
        return None, str(error)


def _course(watch: Watch, segment: Segment) -> tuple[Course | None, str]:
    course, why = readable(lambda: watch.course(segment))
    if course is None and not why:
        why = (
            "No day is final yet, or an older release wrote the table: the daily job fills TREND from its next run on."
        )
    return course, why


def _act(watch: Watch, policy: Policy | None) -> VersionRecord | None:
    """Returns the record of the version that the policy names as the latest that did more than learn."""
    if policy is None or not policy.acted:
        return None
    found, _ = readable(lambda: next(watch.records(policy.segment, policy.acted - 1, policy.acted), None))
    return found


def _has_lessons(records: list[VersionRecord]) -> bool:
    return sum(len(record.transitions) for record in records) >= LESSONS
