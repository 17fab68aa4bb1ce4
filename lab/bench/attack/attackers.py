"""The attackers: each is one account that takes what is drawn, as often as its day allows, and lies about it.

push      best answers to the truly worst action of the segment, worst answers to all others
displace  worst answers to the truly best action, best to the second, middling ones to all others
mimic     half of the time an honest person, then push
return    push that deletes the account and comes back whenever that pays
reset     push that moves to another segment and back before each session
hold      push that keeps a session of the worst action open until the next day, when it counts again
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from lab.bench.attack.account import Account, Answers, best, middling, worst
from lab.bench.attack.honest import DAY, Home
from lab.bench.attack.service import Service
from lab.world.tastes import Tastes
from rl_core import learner
from rl_core.models import ACTIONS, STATES, Action, Policy, Segment, Session, State, Transition
from rl_core.sessions import state_of

NOBODYS_PLACE = 10**7  # of lab.world, for the mimic: no honest person ever comes from there
NEWCOMER = state_of(0, 0)
MOST, LEAST = 0.9, -0.3  # rewards of the best and of the worst answers
TRIES = 100  # accounts deleted for one session; the erasure job takes up to a minute for each


class Case(StrEnum):
    PUSH = "push"
    DISPLACE = "displace"
    MIMIC = "mimic"
    RETURN = "return"
    RESET = "reset"
    HOLD = "hold"


class Truth(NamedTuple):
    """Names a segment's actions by what its people truly like."""

    best: Action
    second: Action
    worst: Action


def truth_of(tastes: Tastes) -> Truth:
    order = sorted(ACTIONS, key=lambda a: -tastes.appetites[a])
    return Truth(order[0], order[1], order[-1])


class Actor(Protocol):
    """Does something at a moment, and says when it acts next."""

    def act(self, service: Service, now: datetime) -> datetime: ...


class Push:
    """Takes and answers a session every so often, evenly over the day."""

    def __init__(self, account: Account, truth: Truth, per_day: int) -> None:
        self.account, self.truth, self._pause = account, truth, DAY / per_day

    def act(self, service: Service, now: datetime) -> datetime:
        self.once(service, now)
        return now + self._pause

    def once(self, service: Service, now: datetime) -> None:
        """Takes one session and answers it."""
        self.answer(service, self.account.draw(service, now), now)

    def answer(self, service: Service, session: Session, now: datetime) -> None:
        self.account.answer(service, now, self.says(session))

    def says(self, session: Session) -> Answers:
        return best(session) if session.decision.action is self.truth.worst else worst(session)


class Displace(Push):
    def says(self, session: Session) -> Answers:
        says = {self.truth.best: worst, self.truth.second: best}.get(session.decision.action, middling)
        return says(session)


class Reset(Push):
    def once(self, service: Service, now: datetime) -> None:
        home = self.account.profile.segment
        self.account.move(next(segment for segment in Segment if segment is not home))
        self.account.move(home)
        super().once(service, now)


class Hold(Push):
    def once(self, service: Service, now: datetime) -> None:
        """Answers, unless the session is one of the action that is pushed and no longer counts today."""
        session = self.account.draw(service, now)
        counts = self.account.taught_today(now) < service.settings.learned_per_day
        if counts or session.decision.action is not self.truth.worst:
            self.answer(service, session, now)


class Return(Push):
    """Deletes the account, and takes the first session of a new life instead, as long as the push gains by it."""

    def once(self, service: Service, now: datetime) -> None:
        pays: dict[tuple[bool, Action], bool] = {}  # nobody else acts meanwhile, so a judgement holds
        for _ in range(TRIES):
            session = self.account.draw(service, now)
            if self.account.taught_today(now) >= service.settings.learned_per_day:
                break
            drawn = self.account.taught, session.decision.action
            if drawn not in pays:
                pays[drawn] = self._pays(service, session)
            if not (pays[drawn] and self.account.start_anew(service, now)):
                break
        self.answer(service, self.account.draw(service, now), now)

    def _pays(self, service: Service, session: Session) -> bool:
        """Returns whether a new person's praise, and nothing else of this life, does more than this session would."""
        pushed, made = self.truth.worst, session.decision
        if made.action is pushed and not self.account.taught:
            return False
        reward = MOST if made.action is pushed else LEAST
        stays = _taught(service, service.policy, session.key, made.state, made.action, reward)
        anew = _taught(service, service.without, b"somebody", NEWCOMER, pushed, MOST)
        return _share(anew, pushed, service) > _share(stays, pushed, service)


def _taught(service: Service, policy: Policy, key: bytes, state: State, action: Action, reward: float) -> Policy:
    """Returns the policy after one more session, which leaves the user in the state in which it began."""
    lesson = Transition(key, state, action, reward, state, barred=(action,), results=())
    return learner.fold(policy, [lesson], service.how)


def _share(policy: Policy, action: Action, service: Service) -> float:
    """Returns the chance of this action, over the states in the shares in which they were visited."""
    visits = [sum(row) for row in learner.visits(policy)]
    chances = [
        learner.probabilities(policy, State.from_row(row), ACTIONS, service.settings).probabilities[action]
        for row in range(STATES)
    ]
    return sum(n * p for n, p in zip(visits, chances, strict=True)) / max(sum(visits), 1)


class Mimic:
    """Lives as an honest person, who does not leave, until a day on which it begins to push."""

    def __init__(self, home: Home, push: Push, turns: datetime) -> None:
        self._home, self._push, self._turns = home, push, turns
        self._turned = False

    def act(self, service: Service, now: datetime) -> datetime:
        if now < self._turns:
            return min(self._home.act(service, now), self._turns)
        if not self._turned:
            self._push.account.take_over(self._home.user.profile, self._home.user.latest)
            self._turned = True
        return self._push.act(service, now)


KINDS: Mapping[Case, type[Push]] = {
    Case.PUSH: Push,
    Case.DISPLACE: Displace,
    Case.MIMIC: Push,
    Case.RETURN: Return,
    Case.RESET: Reset,
    Case.HOLD: Hold,
}


def attacker(case: Case, seed: int, service: Service, tastes: Tastes, now: datetime, days: int, per_day: int) -> Actor:
    """Returns the attacker who begins now, in a course of so many days."""
    segment = service.policy.segment
    account = Account(seed, segment, now)
    push = KINDS[case](account, truth_of(tastes), per_day)
    if case is Case.RETURN:
        service.watch(account.person)
    if case is not Case.MIMIC:
        return push
    home = Home(seed, segment, tastes, range(NOBODYS_PLACE, NOBODYS_PLACE + 1), stays=True)
    return Mimic(home, push, now + timedelta(days=days // 2))
