"""One segment's service in memory: the core's own rules issue, close and learn; there is no table and no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from lab.world.crowd import first_slate
from rl_core.config import Settings
from rl_core.learner import fold, fold_of
from rl_core.models import Action, Activity, Policy, Profile, Segment, Session
from rl_core.sessions import Issued, is_due, issue, transition_of


class Play(StrEnum):
    """Names who chooses the actions: the learner, chance, or somebody who knows what each person likes."""

    LEARNED = "learned"
    EVEN = "even"
    BEST = "best"


class Service:
    """The policy of one segment, and the same policy without what one person taught, whom it watches.

    `version` stays 0. It only seeds the draws, and each session has a key of its own; so the draws of an honest person
    are the same with and without an attacker, as long as the chances are.
    """

    def __init__(self, segment: Segment, settings: Settings) -> None:
        self.settings, self.play, self.how = settings, Play.LEARNED, fold_of(settings)
        self.policy = self.without = Policy(segment)
        self._watched: bytes | None = None

    def issue(
        self, profile: Profile, latest: Session | None, now: datetime, worth: Callable[[Action], float], shown: bool
    ) -> Issued:
        """Returns the user's next session; `worth` is the truth that BEST goes by.

        Raises TooManySessionsError when the user's day has used up its sessions.
        """
        policy = self.policy if self.play is Play.LEARNED else None
        issued = issue(profile, latest, policy, self.settings, now, shown=shown)
        if issued.expired is not None:
            self.learn(issued.expired)
        if self.play is not Play.BEST:
            return issued
        return _served(issued, max(issued.session.decision.eligible, key=worth))

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


def _served(issued: Issued, action: Action) -> Issued:
    """Returns what was issued, with this action and its plan in place of what was drawn."""
    session, profile = issued.session, issued.profile
    plan = tuple(Activity(entry.slug) for entry in first_slate(session.segment, action))
    decision = replace(session.decision, action=action)
    recent = (*profile.recent[:-1], action)
    return issued._replace(
        session=replace(session, decision=decision, activities=plan), profile=replace(profile, recent=recent)
    )
