"""Adds up a segment's day from what each user's day adds to it, in whole numbers that lead back to no person.

Rewards are summed in millionths. So the sums do not depend on the order in which users are counted, and what a user's
day added can be taken off again exactly. Sums of squares and products are kept too, so that a reader can say how sure a
mean is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace

from rl_core.days.draws import NO_DRAWS, DrawSums, draws_of
from rl_core.models import ACTIONS, MILLION, Action, Activity, Assessment, Mark, Segment, Session
from rl_core.sessions import course_of

NONE = (0,) * len(ACTIONS)


@dataclass(frozen=True, slots=True)
class ActionSums:
    """Holds sums over the sessions in which one action was served.

    Each session has a assigned and c completed activities and, once it is closed, the reward r, a whole number of
    millionths. `users` counts the users who had such a session.
    """

    sessions: int = 0
    assigned: int = 0  # sum of a
    completed: int = 0  # sum of c
    assigned_squares: int = 0  # sum of a^2
    completed_squares: int = 0  # sum of c^2
    products: int = 0  # sum of a c
    rewarded: int = 0  # sessions with a reward
    rewards: int = 0  # sum of r
    reward_squares: int = 0  # sum of r^2
    users: int = 0

    def plus(self, other: "ActionSums", times: int = 1) -> "ActionSums":
        """Returns the sums with `times` the other's added."""
        return ActionSums(*(getattr(self, f.name) + times * getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class EntrySums:
    """Counts how often an entry was assigned and completed; sums its lift in points over the `rated` completions.

    `users` counts the users to whom the entry was assigned.
    """

    assigned: int = 0
    completed: int = 0
    rated: int = 0
    lift: int = 0
    lift_squares: int = 0
    users: int = 0

    def plus(self, other: "EntrySums", times: int = 1) -> "EntrySums":
        """Returns the sums with `times` the other's added."""
        return EntrySums(*(getattr(self, f.name) + times * getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class SegmentDay:
    """Holds a segment's day, one shard's part of it, or what one user's day adds to it.

    `users` were active, `new_users` of them for the first time; `dropouts` counts users whose seventh day away it is,
    paused days aside, by their last action. `actions` is by action id, `entries` by entry code. A session counts in the
    segment in which it was issued, a user in the segment that they were in at their day's first moment; `served` counts
    the users who had a session of the segment. `assessed` of the users had assessments of two days or more by then;
    `gad7_change` sums the change of their GAD-7 score from the first to the latest, `gad7_change_squares` its squares.
    the users who had a session of the segment. `draws` says how the sessions were drawn.
    """

    users: int = 0
    new_users: int = 0
    dropouts: tuple[int, ...] = NONE
    actions: tuple[ActionSums, ...] = (ActionSums(),) * len(ACTIONS)
    entries: dict[int, EntrySums] = field(default_factory=dict)
    served: int = 0
    assessed: int = 0
    gad7_change: int = 0
    gad7_change_squares: int = 0
    draws: DrawSums = NO_DRAWS

    def total(self) -> ActionSums:
        """Returns the sums over all actions, with the users who had any session."""
        total = ActionSums()
        for sums in self.actions:
            total = total.plus(sums)
        return replace(total, users=self.served)

    def lifts(self) -> EntrySums:
        """Returns the sums over all entries, with the users who had any session."""
        total = EntrySums()
        for sums in self.entries.values():
            total = total.plus(sums)
        return replace(total, users=self.served)

    def plus(self, other: "SegmentDay", times: int = 1) -> "SegmentDay":
        """Returns the day with `times` the other's sums added; -1 takes them off."""
        return SegmentDay(
            users=self.users + times * other.users,
            new_users=self.new_users + times * other.new_users,
            dropouts=tuple(a + times * b for a, b in zip(self.dropouts, other.dropouts, strict=True)),
            actions=tuple(a.plus(b, times) for a, b in zip(self.actions, other.actions, strict=True)),
            entries=_added_entries(self.entries, other.entries, times),
            served=self.served + times * other.served,
            assessed=self.assessed + times * other.assessed,
            gad7_change=self.gad7_change + times * other.gad7_change,
            gad7_change_squares=self.gad7_change_squares + times * other.gad7_change_squares,
            draws=self.draws.plus(other.draws, times),
        )


def _added_entries(entries: dict[int, EntrySums], more: dict[int, EntrySums], times: int) -> dict[int, EntrySums]:
    """Returns the entries with `times` the others added, without those of which nothing is left."""
    none = EntrySums()
    added = {entry: entries.get(entry, none).plus(sums, times) for entry, sums in more.items()}
    return {entry: sums for entry, sums in (entries | added).items() if sums != none}


Parts = dict[Segment, SegmentDay]


@dataclass(frozen=True, slots=True)
class Share:
    """Holds what a user's day has added to the parts of a shard, by segment.

    It is in these parts as long as `since` is the shard's; when a shard is counted anew, its `since` changes.
    """

    since: int = 0
    parts: Parts = field(default_factory=dict)


def added(parts: Parts, more: Parts, times: int = 1) -> Parts:
    """Returns the parts with `times` the others added, segment by segment."""
    return parts | {segment: parts.get(segment, SegmentDay()).plus(its, times) for segment, its in more.items()}


def merged(parts: Iterable[SegmentDay]) -> SegmentDay:
    """Returns the sum of these parts."""
    whole = SegmentDay()
    for part in parts:
        whole = whole.plus(part)
    return whole


def of_user(mark: Mark, sessions: Iterable[Session]) -> Parts:
    """Returns what the mark's day adds to each segment's day; sessions of other days may be among these."""
    parts = {mark.segment: replace(_of_course(mark.assessments), users=1, new_users=int(mark.first_ever))}
    for session in sessions:
        if session.day == mark.day:
            parts = added(parts, {session.segment: _of_session(session)})
    return {segment: _of_one_user(part) for segment, part in parts.items()}


def _of_course(assessments: tuple[Assessment, ...]) -> SegmentDay:
    """Returns what one user's first and latest assessment add."""
    course = course_of(assessments)
    if course is None:
        return SegmentDay()
    return SegmentDay(assessed=1, gad7_change=course.gad7_change, gad7_change_squares=course.gad7_change**2)


def of_dropout(segment: Segment, last: Action) -> Parts:
    """Returns what a user who drops out, and whose last action was this one, adds to the segment's day."""
    return {segment: SegmentDay(dropouts=tuple(int(action == last) for action in ACTIONS))}


def _of_session(session: Session) -> SegmentDay:
    own, entries = session.decision.action, dict[int, EntrySums]()
    for activity in session.activities:
        entries = _added_entries(entries, {activity.entry: _of_activity(activity)}, 1)
    return SegmentDay(
        actions=tuple(_sums(session) if action == own else ActionSums() for action in ACTIONS),
        entries=entries,
        draws=draws_of(session),
    )


def _sums(session: Session) -> ActionSums:
    a, c = len(session.activities), sum(bool(activity.completed) for activity in session.activities)
    r = round(session.closing.reward * MILLION) if session.closing else 0
    return ActionSums(1, a, c, a * a, c * c, a * c, int(session.closing is not None), r, r * r)


def _of_activity(activity: Activity) -> EntrySums:
    lift = activity.lift or 0
    return EntrySums(1, int(bool(activity.completed)), int(activity.lift is not None), lift, lift * lift)


def _of_one_user(part: SegmentDay) -> SegmentDay:
    """Returns the sums of one user's sessions with that user counted once in each."""
    return replace(
        part,
        actions=tuple(replace(sums, users=int(sums.sessions > 0)) for sums in part.actions),
        entries={entry: replace(sums, users=1) for entry, sums in part.entries.items()},
        served=int(bool(part.entries)),
    )
