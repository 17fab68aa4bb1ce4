"""Computes the figures of a user's day from its sessions and its mark, which the day's first active moment leaves.

A user is active on a day on which a session is shown to them or they answer an activity. A session belongs to the day
on which it was first shown; what its activities come to later counts for that day. The scores of a day are those
that stood when the day ended: a closing after the mark moves them if its moment still lies in the day. The streak
counts each completion on the day that it was where the user then was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from rl_core.models import EndedBy, Mark, Pause, Rest, Session, Status
from rl_core.sessions import (
    OTHER,
    catalogue,
    current_streak,
    day_of,
    days_completed,
    engagement_after,
    extend_streak,
    is_known,
    outcome_of,
    paused_days,
)

TYPES = ("exercise", "meditation", "journaling")
WESTERNMOST = timedelta(hours=12)  # in the last zone, UTC-12, a day ends twelve hours later than in UTC
SLACK = timedelta(minutes=15)  # time for the job that closes expired sessions each minute
ONE_DAY = timedelta(days=1)
GONE_AFTER = timedelta(days=7)  # a user who was not active again by then, paused days aside, counts as a dropout


@dataclass(frozen=True, slots=True)
class TypeFigures:
    """Counts the activities of one type; `minutes` sums the minutes of the completed ones."""

    assigned: int = 0
    completed: int = 0
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Holds the figures of a user's day.

    `types` has the order of TYPES; `lift_points` is summed over the `rated` completions. `other` counts activities of a
    type that only a newer release knows. `settled` says that no session of the day can still change and that this code
    knows all that is in these sessions.
    """

    sessions: int
    types: tuple[TypeFigures, ...]
    rated: int
    lift_points: int
    engagement: float
    motivation: float
    streak_days: int
    settled: bool
    other: TypeFigures = TypeFigures()
    rest: Rest = field(default_factory=dict, compare=False)

    @property
    def assigned(self) -> int:
        return sum(t.assigned for t in (*self.types, self.other))

    @property
    def completed(self) -> int:
        return sum(t.completed for t in (*self.types, self.other))


def closed_day(now: datetime) -> date:
    """Returns the latest day that has ended in every time zone."""
    return (now - WESTERNMOST).date() - ONE_DAY


def final_day(now: datetime, session_hours: int) -> date:
    """Returns the latest day whose sessions have all expired and been closed, if the closing job is not late."""
    return closed_day(now - timedelta(hours=session_hours) - SLACK)


def figures_of(mark: Mark, sessions: Sequence[Session]) -> Figures:
    """Returns the figures of the mark's day.

    `sessions` holds the user's sessions in order, from the mark's session on; later days' sessions may be among them.
    """
    touched = [s for s in sessions if s.number >= mark.session and s.day is not None and s.day <= mark.day]
    own = [s for s in touched if s.day == mark.day]
    lifts = [a.lift for s in own for a in s.activities if a.lift is not None]
    engagement, motivation = _scores(mark, touched)
    done = days_completed(a for s in touched for a in s.activities)
    return Figures(
        sessions=len(own),
        types=tuple(_of_type(own, kind) for kind in TYPES),
        rated=len(lifts),
        lift_points=sum(lifts),
        engagement=engagement,
        motivation=motivation,
        streak_days=_streak_days(mark, [day for day in done if day <= mark.day]),
        settled=all(s.status is not Status.OPEN and is_known(s) for s in touched),
        other=_of_type(own, OTHER),
    )


def _streak_days(mark: Mark, done: Iterable[date]) -> int:
    return current_streak(extend_streak(mark.streak, done, mark.bridges), mark.day, mark.bridges)


def days_missing(mark: Mark, pauses: Sequence[Pause], day: date) -> int:
    """Returns how many days after `day` a user who stays away since the mark's day drops out at the earliest.

    A dropout was away for seven days that were not paused, where the user was at the mark.
    """
    paused = paused_days(pauses, mark.timezone, mark.day + ONE_DAY, day)
    return (GONE_AFTER - (day - mark.day)).days + len(paused)


def _of_type(sessions: Iterable[Session], kind: str) -> TypeFigures:
    entry = catalogue().entry
    assigned = [a for s in sessions for a in s.activities if entry(a.slug).type == kind]
    done = [a for a in assigned if a.completed]
    return TypeFigures(len(assigned), len(done), sum(entry(a.slug).duration_minutes for a in done))


def _scores(mark: Mark, sessions: Iterable[Session]) -> tuple[float, float]:
    """Returns engagement and motivation as they stood when the day ended."""
    engagement, motivation = mark.engagement, mark.motivation
    for session in sessions:
        closing = session.closing
        if closing is None or not _within(mark, ended_at(session)):
            continue
        engagement = closing.engagement_after
        if closing.rated_at is not None and not _within(mark, closing.rated_at):
            engagement = engagement_after(session.engagement, outcome_of(session.activities, None))
        motivation = closing.motivation_after
    return engagement, motivation


def ended_at(session: Session) -> datetime:
    """Returns when a closed session ended; for an expired session that is `expires_at`, however late it was closed."""
    if session.ended_by is EndedBy.EXPIRY or session.closed_at is None:
        return session.expires_at
    return session.closed_at


def _within(mark: Mark, moment: datetime) -> bool:
    """Returns whether the moment lies before the end of the mark's day."""
    return day_of(moment, mark.timezone) <= mark.day
