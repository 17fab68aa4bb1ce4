"""One segment's service in memory: the core's own rules issue, close and learn; there is no table and no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from lab.world.crowd import first_slate
from rl_core.config import Settings
from rl_core.learner import decision, draw, eligible, even, fold, fold_of, generator
from rl_core.models import Action, Activity, Policy, Profile, Segment, Session
from rl_core.sessions import (
    KEPT_ACTIONS,
    Issued,
    engagement_now,
    is_due,
    issue,
    key_of,
    state_of,
    transition_of,
)

Worth = Callable[[Action], float]  # the true mean reward of a session by this action, which a learner cannot know


class Service:
    """The policy of one segment, and the same policy without what one person taught, whom it watches.

    `version` stays 0. It only seeds the draws, and each session has a key of its own; so the draws of an honest person
    are the same with and without an attacker, as long as the chances are.
    """

    def __init__(self, segment: Segment, settings: Settings) -> None:
        self.settings, self.how = settings, fold_of(settings)
        self.policy = self.without = Policy(segment)
        self._watched: bytes | None = None

    def issue(self, profile: Profile, latest: Session | None, now: datetime, worth: Worth, *, shown: bool) -> Issued:
        """Returns the user's next session, whatever its `worth`.

        Raises TooManySessionsError when the user's day has used up its sessions.
        """
        del worth
        issued = issue(profile, latest, self.policy, self.settings, now, shown=shown)
        if issued.expired is not None:
            self.learn(issued.expired)
        return issued

    def learn(self, session: Session) -> None:
        """Learns from a closed session, if it is to be learned from."""
        if not is_due(session):
            return
        lesson = [transition_of(session)]
        self.policy = fold(self.policy, lesson, self.how)
        if self._watched not in (None, session.person):
            self.without = fold(self.without, lesson, self.how)

    def watch(self, person: bytes) -> None:
        """Keeps from now on, as `without`, what an erasure of this person would leave; the person is new."""
        self._watched, self.without = person, self.policy

    def erase(self) -> None:
        """Takes out of the policy what the watched person taught."""
        self.policy = self.without


class Play(StrEnum):
    """Names who chooses the actions: the learner, chance, or somebody who knows what each person likes."""

    LEARNED = "learned"
    EVEN = "even"
    BEST = "best"


class Chosen(Service):
    """A service whose actions are drawn evenly, or are the best for each person; it learns nothing.

    A session has the plan that was first assigned for its action, because people go by the action alone.
    """

    def __init__(self, segment: Segment, settings: Settings, play: Play) -> None:
        super().__init__(segment, settings)
        self._play = play

    def issue(self, profile: Profile, latest: Session | None, now: datetime, worth: Worth, *, shown: bool) -> Issued:
        del latest
        number, engagement = profile.sessions + 1, engagement_now(profile, now)
        key, chances = key_of(profile, number), even(eligible(profile.recent, self.settings.action_cooldown))
        drawn = draw(chances, generator(key, 0))
        action = max(chances.eligible, key=worth) if self._play is Play.BEST else drawn
        state = state_of(engagement, profile.motivation)
        session = Session(
            user=profile.user,
            number=number,
            key=key,
            segment=profile.segment,
            decision=replace(decision(chances, state, action, rate=1.0, version=0), fallback=True),
            activities=tuple(Activity(entry.slug) for entry in first_slate(profile.segment, action)),
            engagement=engagement,
            issued_at=now,
            expires_at=now + timedelta(hours=self.settings.session_hours),
            shown=shown,
        )
        recent = (*profile.recent, action)[-KEPT_ACTIONS:]
        return Issued(session, replace(profile, sessions=number, recent=recent), None, None)
