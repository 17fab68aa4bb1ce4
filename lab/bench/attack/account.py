"""An attacker's account: what one `sub` can do to the service by its own requests, and what it can answer."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from lab.bench.attack.service import Service
from rl_core import sessions
from rl_core.models import EndedBy, Profile, Segment, Session, person_of
from rl_core.sessions import Answer, counted, erased, record

Answers = dict[int, Answer]


def best(session: Session) -> Answers:
    """Returns the answers with the greatest reward there is, 0.9."""
    return {
        at: Answer(completed=True, motivation_before=1, motivation_after=5)
        for at in range(1, len(session.activities) + 1)
    }


def worst(session: Session) -> Answers:
    """Returns the answers with the least reward there is, -0.3 or below: one activity done, and it did harm."""
    said = {at: Answer(completed=False) for at in range(2, len(session.activities) + 1)}
    return {1: Answer(completed=True, motivation_before=5, motivation_after=1)} | said


def middling(session: Session) -> Answers:
    """Returns answers of about an honest person's mean reward: half of it done, nothing rated."""
    return {at: Answer(completed=at % 2 == 0) for at in range(1, len(session.activities) + 1)}


class Account:
    """One account with its profile and its latest session; it has one life after another."""

    def __init__(self, seed: int, segment: Segment, now: datetime) -> None:
        self._seed, self._segment, self.lives = seed, segment, 0
        self._begin(now)

    def _begin(self, now: datetime) -> None:
        self.lives += 1
        key = hashlib.sha256(f"{self._seed}/{self._segment}/attacker/{self.lives}".encode()).digest()[:16]
        self.profile = Profile("attacker", key, self._segment, now)
        self.latest: Session | None = None
        self.taught = False

    @property
    def person(self) -> bytes:
        return person_of(self.profile.key)

    def taught_today(self, now: datetime) -> int:
        """Returns how many of the present day's places to teach are used up."""
        return counted(self.profile, now).learned

    def draw(self, service: Service, now: datetime) -> Session:
        """Returns the open session, or a new one. Raises TooManySessionsError as the API does."""
        if self.latest is None or not sessions.accepts_answers(self.latest, now):
            self.latest, self.profile, *_ = service.issue(self.profile, self.latest, now, float, shown=True)
        return self.latest

    def answer(self, service: Service, now: datetime, said: Answers, rating: int | None = None) -> Session:
        """Ends the open session by a batch with these answers, and returns it; the service learns what it may."""
        assert self.latest is not None
        ending = sessions.Ending(EndedBy.BATCH, rating)
        self.latest, self.profile, _ = record(self.latest, self.profile, said, service.settings, now, ending)
        service.learn(self.latest)
        self.taught = self.taught or sessions.is_due(self.latest)
        return self.latest

    def take_over(self, profile: Profile, latest: Session | None) -> None:
        """Goes on with somebody's life as it stands."""
        self.profile, self.latest = profile, latest

    def move(self, segment: Segment) -> None:
        """Changes the profile's segment, as PUT /profile/ does."""
        self.profile = replace(self.profile, segment=segment)

    def start_anew(self, service: Service, now: datetime) -> bool:
        """Deletes the account and comes back as a new user; returns False when the service would not have it back yet.

        What the life taught is taken out of the policy. A life that used up a cap of its day is not deleted, because
        its bare marker would keep the account out until the day is over.
        """
        marker = erased(self.profile, service.settings, now)
        if marker.held_until is not None:
            return False
        service.erase()
        self._begin(now)
        service.watch(self.person)
        return True
