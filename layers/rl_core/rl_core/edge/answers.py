"""What the two functions that take answers share: the answer on the wire, and the session it is about."""

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from pydantic import Field

from rl_core.edge.http import Notes, Rating, StrictRequest
from rl_core.errors import ActivityNotFoundError, ErasingError
from rl_core.models import Profile, Session
from rl_core.sessions.calendar import active_day, completed_on, days_completed
from rl_core.sessions.lifecycle import Answer
from rl_core.store import Head, Store

_MAX_NUMBER = 10**8
_PAGE = 10


class CompleteRequest(StrictRequest):
    """A field left out keeps what is stored; null clears it."""

    completed: bool
    motivation_before: Rating | None = None
    motivation_after: Rating | None = None
    difficulty_rating: Rating | None = None
    notes: Notes | None = Field(default=None)

    def said(self) -> Answer:
        """The fields that were stated."""
        stated: Any = self.model_dump(exclude_unset=True, include=set(CompleteRequest.model_fields))
        if "notes" in stated:
            stated["notes"] = stated["notes"] or ""
        said: Answer = stated
        return said


def served_user(store: Store, user: str) -> tuple[Head, Profile]:
    """The user's head. Without a profile no activity is theirs: ActivityNotFoundError; or ErasingError."""
    head = store.head(user)
    if head.profile is None:
        raise ActivityNotFoundError
    if head.profile.erasing:
        raise ErasingError
    return head, head.profile


def find_session(store: Store, user: str, head: Head, number: int) -> Session | None:
    if not 0 < number < _MAX_NUMBER:
        return None
    return next((s for s in head.sessions if s.number == number), None) or store.session(user, number)


def completed_today(store: Store, profile: Profile, head: Head, current: Session, now: datetime) -> int:
    """Activities completed in the user's day, over all sessions; `current` is the one just changed.

    Sessions follow one another: before one whose last completion is of an earlier day, or that was closed before today
    began in the easternmost zone, none can hold a completion of today.
    """
    today = active_day(profile, now)

    def touches_today(session: Session) -> bool:
        if done := days_completed(session.activities):
            return done[-1] >= today
        return session.closed_at is None or session.closed_at.date() >= today - timedelta(days=1)

    page = tuple(current if s.number == current.number else s for s in head.sessions)
    total = 0
    while page:
        recent = tuple(takewhile(touches_today, page))
        total += completed_on(today, recent)
        if len(recent) < len(page):
            break
        page = store.sessions_before(profile.user, page[-1].number, _PAGE)
    return total
