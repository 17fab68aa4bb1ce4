"""Honest people, as lab.world has them: a session on most days, gaps and late or lost feedback, people who leave.

What happens on somebody's n-th visit is drawn from a generator of that visit. So it is the same in every course,
whatever was served before; courses that differ in an attacker differ in nothing else that chance decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import NamedTuple

from lab.bench.attack.service import Service
from lab.world.crowd import LATE, LEAVES, LEAVES_UNENGAGED, LOST, expected, offered
from lab.world.people import Answer as Reported
from lab.world.people import Ending, Person, Visit, answers, next_visit, person, session_rating
from lab.world.tastes import Moment, Tastes
from rl_core import sessions
from rl_core.models import Action, EndedBy, Profile, Segment, Session
from rl_core.sessions import Answer, catalogue, expire, record, state_of

START, DAY = datetime(2026, 11, 23, tzinfo=UTC), timedelta(days=1)
FOR_EVER = 10**6  # days


class Fate(NamedTuple):
    """Holds what is settled of a visit before its plan is seen; `visit` is hidden from the service.

    `way` says what becomes of the feedback, `wait` how late it is if late, as a share of the session's time. The person
    leaves for good if `leaving` is low enough, and else comes again after `nights`.
    """

    visit: Visit
    way: float
    wait: float
    leaving: float
    nights: int

    @property
    def arrives(self) -> bool:
        """Returns whether all answers reach the service before the session expires."""
        return self.visit.ending in (Ending.BATCH, Ending.ONE_BY_ONE) and self.way >= LOST


class Pending(NamedTuple):
    """Holds a session under way: the answers that are still to arrive, if any are."""

    session: Session
    fate: Fate
    said: Mapping[int, Answer]
    rating: int | None


@dataclass
class Tally:
    """Counts the visits and the mean rewards of what was served on them, and how often each action was served."""

    visits: int = 0
    worth: float = 0.0
    served: dict[Action, int] = field(default_factory=dict)

    def add(self, action: Action, worth: float) -> None:
        self.visits += 1
        self.worth += worth
        self.served[action] = self.served.get(action, 0) + 1


@dataclass
class User:
    """An honest person: as they are, and what the service knows of them."""

    person: Person
    profile: Profile
    closed: Session | None = None
    pending: Pending | None = None

    @property
    def latest(self) -> Session | None:
        return self.pending.session if self.pending else self.closed


class Home:
    """A place of the segment, where somebody new with the same tastes comes when a person has left for good."""

    def __init__(self, seed: int, segment: Segment, tastes: Tastes, places: range, *, stays: bool = False) -> None:
        """Makes the home of the first of these places of lab.world; who comes next is the person of the next place.

        With `stays` nobody leaves.
        """
        self._seed, self._segment, self._tastes = seed, segment, tastes
        self._places, self._stays = iter(places), stays
        self.tally = Tally()
        self.user = self._new_user(START)
        self.begins = START + timedelta(days=self.user.person.first_day, hours=self.user.person.hour)

    def act(self, service: Service, now: datetime) -> datetime:
        """Lets the person open the app, or the session under way close; returns when this home acts next."""
        user = self.user
        if user.pending is not None:
            return self._close(service, user, user.pending, now)
        fate = _fate(self._seed, user, now)
        worth = partial(expected, user.person, fate.visit)
        shown = fate.visit.ending is not Ending.UNSEEN
        session, user.profile, *_ = service.issue(user.profile, user.latest, now, worth, shown=shown)
        self.tally.add(session.decision.action, worth(session.decision.action))
        user.pending = pending = _use(service, user, session, fate, now)
        closes = _closes(service, fate, now)
        return self._close(service, user, pending, now) if closes == now else closes

    def _new_user(self, now: datetime) -> User:
        someone = person(self._seed, self._segment, next(self._places), FOR_EVER, self._tastes)
        key = hashlib.sha256(f"{self._seed}/{someone.name}".encode()).digest()[:16]
        return User(someone, Profile(someone.name, key, self._segment, now, avoid=someone.avoid))

    def _close(self, service: Service, user: User, pending: Pending, now: datetime) -> datetime:
        """Closes the session and learns from it; returns when somebody opens the app here next."""
        _end(service, user, pending, now)
        nights = pending.fate.nights
        if not self._stays and pending.fate.leaving < LEAVES + LEAVES_UNENGAGED * (1.0 - user.profile.engagement):
            self.user, nights = self._new_user(now), 1
        return START + DAY * ((now - START) // DAY + nights) + timedelta(hours=self.user.person.hour)


def _fate(seed: int, user: User, now: datetime) -> Fate:
    """Draws what is settled of the coming visit, and gives the person the generator of this visit."""
    its = user.profile
    rng = user.person.rng = Random(f"{seed}/{its.user}/{its.sessions}")
    row = state_of(its.engagement, its.motivation).row
    moment = Moment((now - START) / DAY, its.engagement, row, its.recent)
    visit = next_visit(user.person, newcomer=its.sessions == 0, moment=moment)
    way, wait, leaving, nights = rng.random(), rng.random(), rng.random(), 1
    while rng.random() >= user.person.regularity:
        nights += 1
    return Fate(visit, way, wait, leaving, nights)


def _use(service: Service, user: User, session: Session, fate: Fate, now: datetime) -> Pending:
    """Lets the person do the plan, or some of it, and returns the session with the answers that arrive later.

    Answers to half of a plan arrive one by one, so the service has them at once.
    """
    plan = [catalogue().entry(a.slug) for a in session.activities]
    reported = answers(user.person, fate.visit, session.decision.action, offered(plan))
    rating = session_rating(user.person, session.decision.action, reported)
    said = _said(reported)
    if fate.arrives:
        return Pending(session, fate, said, rating)
    if said and fate.way >= LOST:
        session, user.profile, _ = record(session, user.profile, said, service.settings, now)
    return Pending(session, fate, {}, None)


def _closes(service: Service, fate: Fate, now: datetime) -> datetime:
    """Returns when the session closes: at once, when its late answers arrive, or when it expires."""
    if fate.arrives and fate.way >= LOST + LATE:
        return now
    whole = timedelta(hours=service.settings.session_hours)
    return now + (whole * fate.wait if fate.arrives else whole)


def _end(service: Service, user: User, pending: Pending, now: datetime) -> None:
    """Closes the session by a batch of all answers, or as it stands, and learns from it."""
    if pending.fate.arrives:
        ending = sessions.Ending(EndedBy.BATCH, pending.rating)
        user.closed, user.profile, _ = record(
            pending.session, user.profile, pending.said, service.settings, now, ending
        )
    else:
        user.closed, user.profile = expire(pending.session, user.profile, service.settings, now)
    service.learn(user.closed)
    user.pending = None


def _said(reported: Sequence[Reported]) -> dict[int, Answer]:
    """Returns the answers as the service takes them, by position from 1."""
    return {
        a.activity_id + 1: Answer(
            completed=a.completed,
            motivation_before=a.motivation_before,
            motivation_after=a.motivation_after,
            difficulty_rating=a.difficulty_rating,
        )
        for a in reported
    }
