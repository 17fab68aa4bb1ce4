"""What is compared: everybody chooses among the same eligible actions and hears the same late feedback.

Each sees of a caller only what the service would: user, session number, segment, state, eligible actions, facts.
The two oracles (`lab.learning.oracles`) see through the people; the packages' learners are in `lab.learning.packages`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Protocol

from lab.world.crowd import Caller, Feedback
from rl_core import learner
from rl_core.config import Settings
from rl_core.learner import posterior_1
from rl_core.learner.shares import shares
from rl_core.models import ACTIONS, STATES, Action, Decision, Fold, Segment


class Method(Protocol):
    """Chooses for a caller, and learns from what closed sessions taught."""

    def decide(self, caller: Caller) -> Decision: ...

    def learn(self, feedback: Feedback) -> None: ...


Make = Callable[[Settings, int], Method]


def decision(caller: Caller, action: Action, propensity: float) -> Decision:
    """Returns a decision by somebody who has no versions; of the chances only the drawn action's is known."""
    chances = tuple([propensity if a is action else float("nan") for a in caller.eligible])
    return Decision(caller.state, caller.eligible, chances, action, 0.0, policy_version=0, explored=False)


def session_key(user: str, session: int) -> bytes:
    """Returns the key that seeds the draw, the same in every run."""
    return hashlib.sha256(f"{session}:{user}".encode()).digest()[:16]


class Fettle:
    """The service's own learner, by its face: one table a segment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._begin(learner.fold_of(settings))

    def _begin(self, how: Fold) -> None:
        kind = learner.ALGORITHMS[how.learner]
        self._how = how
        self.tables: dict[Segment, learner.QTable] = {segment: kind.start(how.constants) for segment in Segment}
        self.episodes = dict.fromkeys(Segment, 0)

    def decide(self, caller: Caller) -> Decision:
        life = caller.life
        table, episodes = self.tables[life.segment], self.episodes[life.segment]
        rng = learner.generator(session_key(life.user, life.sessions + 1), episodes)
        chances, rate = self._chances(table, caller, episodes)
        return learner.decision(chances, caller.state, learner.draw(chances, rng), rate=rate, version=episodes)

    def learn(self, feedback: Feedback) -> None:
        segment = feedback.segment
        self.tables[segment].update(feedback.transition, self.episodes[segment], self._how.constants)
        self.episodes[segment] += 1

    def _chances(self, table: learner.QTable, caller: Caller, episodes: int) -> tuple[learner.Chances, float]:
        """Returns the chances and the share of them that is even."""
        at, facts = self._settings, caller.life.facts
        chances = learner.chances_of(table, caller.state, caller.eligible, episodes, at, facts)
        return chances, table.even_share(episodes, at, len(caller.eligible))


class Former(Fettle):
    """The learner before the present one, as it was shipped, whatever the service's settings are now.

    Another `discount` is for the check of its intervals.
    """

    CONSTANTS: Mapping[str, float] = {"pooling_visits": 30.0, "value_window": 200.0, "drift": 2e-5}
    SCALE, FLOOR = 0.95, 0.002

    def __init__(self, discount: float = 0.45) -> None:
        self._begin(Fold(posterior_1.ID, {**self.CONSTANTS, "discount": discount}))

    def _chances(self, table: learner.QTable, caller: Caller, episodes: int) -> tuple[learner.Chances, float]:
        del episodes
        assert isinstance(table, posterior_1.Posterior1)
        values, options = table.estimates(caller.state), caller.eligible
        drawn = shares(values, table.spread(caller.state, self.SCALE), options)
        even, rest = self.FLOOR / len(options), 1 - self.FLOOR
        best = tuple(a for a in options if values[a] == max(values[b] for b in options))
        return learner.Chances(options, tuple([even + rest * its for its in drawn]), best), self.FLOOR


class NormalThompson:
    """Thompson sampling with a normal posterior for each action of each segment, and nothing else.

    A reward is taken for the action's mean plus noise of a known standard deviation; the mean has a normal prior. The
    three numbers are plain ones: rewards are -0.4 to 0.9, and the prior holds what is within half of that range.
    """

    MEAN, SPREAD, NOISE = 0.3, 0.2, 0.2

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"{seed}/normal thompson")
        known, worth = (self.NOISE / self.SPREAD) ** 2, self.MEAN
        self._weight = {(segment, a): known for segment in Segment for a in ACTIONS}
        self._mean = {(segment, a): worth for segment in Segment for a in ACTIONS}

    def decide(self, caller: Caller) -> Decision:
        def drawn(a: Action) -> float:
            at = (caller.life.segment, a)
            return self._rng.gauss(self._mean[at], self.NOISE / self._weight[at] ** 0.5)

        return decision(caller, max(caller.eligible, key=drawn), float("nan"))

    def learn(self, feedback: Feedback) -> None:
        at = (feedback.segment, feedback.transition.action)
        self._weight[at] += 1
        self._mean[at] += (feedback.transition.reward - self._mean[at]) / self._weight[at]


class Uniform:
    """Any eligible action, evenly."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"{seed}/uniform")

    def decide(self, caller: Caller) -> Decision:
        chances = learner.even(caller.eligible)
        return learner.decision(chances, caller.state, learner.draw(chances, self._rng), rate=1.0, version=0)

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
        q = self._q[caller.life.segment][caller.state.row]
        rate = learner.epsilon(self._episodes, self._settings)
        top = max(q[a] for a in caller.eligible)
        best = tuple(a for a in caller.eligible if q[a] == top)
        even, share = rate / len(caller.eligible), (1 - rate) / len(best)
        chances = learner.Chances(
            caller.eligible, tuple([even + (share if a in best else 0.0) for a in caller.eligible]), best
        )
        return learner.decision(chances, caller.state, learner.draw(chances, self._rng), rate=rate, version=0)

    def learn(self, feedback: Feedback) -> None:
        t, q = feedback.transition, self._q[feedback.segment]
        after = max(q[t.next_state.row][a] for a in ACTIONS if a not in t.barred)
        row = q[t.state.row]
        row[t.action] += self.ALPHA * (t.reward + self.GAMMA * after - row[t.action])
        self._episodes += 1
