"""What is compared: everybody chooses among the same eligible actions and hears the same late feedback.

Each sees of a caller only what the service would: user, session number, segment, state, eligible actions. The two
oracles (`lab.learning.oracles`) see through the people; the packages' learners are in `lab.learning.packages`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Protocol

from lab.world.crowd import Caller, Feedback
from rl_core.config import Settings
from rl_core.learner.choosing import decide, eligible, epsilon, generator, pick
from rl_core.learner.folding import learn
from rl_core.models import ACTIONS, STATES, Action, Decision, Policy, Segment


class Method(Protocol):
    """Chooses for a caller, and learns from what closed sessions taught."""

    def decide(self, caller: Caller) -> Decision: ...

    def learn(self, feedback: Feedback) -> None: ...


Make = Callable[[Settings, int], Method]


def decision(caller: Caller, action: Action, propensity: float, rate: float = 0.0) -> Decision:
    """A decision by somebody who has no versions."""
    return Decision(caller.state, caller.eligible, action, propensity, rate, policy_version=0, explored=False)


class Fettle:
    """The service's own learner, as its handlers call it: one policy a segment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.policies = {segment: Policy(segment) for segment in Segment}

    def decide(self, caller: Caller) -> Decision:
        life = caller.life
        policy = self.policies[life.segment]
        rng = generator(life.user, life.sessions + 1, policy.version)
        return decide(policy, caller.state, life.recent, self._settings, rng)

    def learn(self, feedback: Feedback) -> None:
        policy = learn(self.policies[feedback.segment], feedback.transition, self._settings)
        self.policies[feedback.segment] = replace(policy, version=policy.version + 1)


class Uniform:
    """Any eligible action, evenly."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"{seed}/uniform")

    def decide(self, caller: Caller) -> Decision:
        return decision(caller, pick(caller.eligible, self._rng), 1 / len(caller.eligible))

    def learn(self, feedback: Feedback) -> None:
        """Learns nothing."""


class Fixed:
    """One order of the actions for everybody: the first that is eligible."""

    def __init__(self, order: Sequence[Action]) -> None:
        self._order = tuple(order)

    def decide(self, caller: Caller) -> Decision:
        return decision(caller, next(a for a in self._order if a in caller.eligible), 1.0)

    def learn(self, feedback: Feedback) -> None:
        """Learns nothing."""


def best_order(rewards: Mapping[Action, Sequence[float]]) -> tuple[Action, ...]:
    """The actions by their mean reward over a uniform run, best first: known only in hindsight."""
    return tuple(sorted(ACTIONS, key=lambda a: -sum(rewards[a]) / max(len(rewards[a]), 1)))


class TextbookQ:
    """Epsilon-greedy Q-learning as textbooks have it: a table a segment, constant step, one epsilon for the service.

    Q(s,a) += alpha (r + gamma max over eligible b of Q(s',b) - Q(s,a)), alpha = 0.1, gamma = 0.9 (Sutton and Barto,
    Reinforcement Learning, 2nd edition, section 6.5).
    """

    ALPHA, GAMMA = 0.1, 0.9

    def __init__(self, settings: Settings, seed: int) -> None:
        self._settings, self._rng, self._episodes = settings, Random(f"{seed}/textbook"), 0
        self._q = {segment: [[0.0] * len(ACTIONS) for _ in range(STATES)] for segment in Segment}

    def decide(self, caller: Caller) -> Decision:
        q, rate = self._q[caller.life.segment][caller.state.row], epsilon(self._episodes, self._settings)
        top = max(q[a] for a in caller.eligible)
        greedy = [a for a in caller.eligible if q[a] == top]
        action = pick(caller.eligible if self._rng.random() < rate else greedy, self._rng)
        share = (1 - rate) / len(greedy) if action in greedy else 0.0
        return decision(caller, action, rate / len(caller.eligible) + share, rate)

    def learn(self, feedback: Feedback) -> None:
        t, q = feedback.transition, self._q[feedback.segment]
        after = max(q[t.next_state.row][a] for a in eligible(t.barred, len(t.barred)))
        row = q[t.state.row]
        row[t.action] += self.ALPHA * (t.reward + self.GAMMA * after - row[t.action])
        self._episodes += 1
