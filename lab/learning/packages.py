"""Learners of well-known packages, set up as their documentation suggests and given what helps them.

All see what the service sees: segment, state, eligible actions and the facts of the person. The facts used in learning
are those of the decision. Of the facts each makes what its models can use:

    recent  how much of the latest five sessions was this action, weights 1, 0.7, 0.5, 0.35 and 0.25, summing to 1
    person  the mean of the person's rewards by this action, times n / (n + 5), and n / (n + 5), n being their number

Vowpal Wabbit hears every feedback at once with the propensity of its draw. It crosses the action with the segment and
with segment and state, so that it too may pool over states, and the recent actions and the person with the segment.

MABWiser's Thompson sampling wants rewards of 0 or 1: they are cut at the mean reward of uniform play, which an operator
would not know beforehand; one bandit for each segment, or for each segment and state. It has no context. LinTS and
LinUCB have one bandit for each segment, in which every action has a ridge regression of its own on one context: the
state as nine zeros or ones, and what is recent and the person's of all six actions. How far they explore, `alpha`, was
chosen for them among 0.1, 0.2, 0.3 and 1 on a seed that the comparison has not: 1, the default, explores for too long
where rewards spread by 0.17. An update of MABWiser
costs much the same for one reward as for many, so a bandit learns from five at a time. All are offered the eligible
actions only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from random import Random
from typing import Any, Literal

import numpy as np
from mabwiser.mab import MAB, LearningPolicy
from numpy.typing import NDArray
from vowpalwabbit import Workspace

from lab.learning.methods import decision
from lab.world.crowd import Caller, Feedback
from rl_core.models import ACTIONS, MILLION, NO_FACTS, STATES, Action, Decision, Facts, Segment, State

Floats = NDArray[np.float64]
WEIGHTS = tuple(its / 2.8 for its in (1.0, 0.7, 0.5, 0.35, 0.25))
ALPHA = {"ts": 0.2, "ucb": 0.3}
SHRUNK = 5  # of a person's rewards weigh half


def recent(facts: Facts) -> list[float]:
    """Returns how much of the latest sessions each action was, shape (6,)."""
    weights = [0.0] * len(ACTIONS)
    for weight, action in zip(WEIGHTS, reversed(facts.latest), strict=False):
        weights[action] += weight
    return weights


def person(facts: Facts, action: Action) -> tuple[float, float]:
    """Returns the person's shrunk mean of the action, and how little it is shrunk."""
    count, total = facts.counts[action], facts.sums[action] / MILLION
    return total / (count + SHRUNK), count / (count + SHRUNK)


class VowpalWabbit:
    """A contextual bandit with action-dependent features; `exploration` is its option, such as `--squarecb`."""

    def __init__(self, exploration: str, seed: int) -> None:
        self._rng = Random(f"{seed}/vw")
        crossed = " ".join(f"--interactions {pair}" for pair in ("SA", "TA", "SR", "SP"))
        self._vw = Workspace(f"--cb_explore_adf {exploration} {crossed} --quiet")
        self._shared = {
            (segment, row): f"shared |S {segment.name} |T {segment.name}_{row}"
            for segment in Segment
            for row in range(STATES)
        }

    def decide(self, caller: Caller) -> Decision:
        shared = self._shared[caller.life.segment, caller.state.row]
        weights = self._vw.predict([shared, *_lines(caller.eligible, caller.life.facts)])
        drawn, total = self._rng.random() * sum(weights), 0.0
        place = 0
        for place, weight in enumerate(weights):  # noqa: B007
            total += weight
            if drawn < total:
                break
        return decision(caller, caller.eligible[place], weights[place])

    def learn(self, feedback: Feedback) -> None:
        made, t = feedback.decision, feedback.transition
        lines = _lines(made.eligible, t.facts or NO_FACTS)
        place = made.eligible.index(made.action)
        lines[place] = f"0:{-t.reward}:{made.propensity} {lines[place]}"
        self._vw.learn([self._shared[feedback.segment, made.state.row], *lines])


def _lines(eligible: tuple[Action, ...], facts: Facts) -> list[str]:
    """Returns a line of features for each eligible action."""
    weights, lines = recent(facts), []
    for action in eligible:
        mean, known = person(facts, action)
        lines.append(f"|A {action.name} |R x:{weights[action]:.4f} |P mean:{mean:.4f} known:{known:.4f}")
    return lines


class MabWiser:
    """Thompson sampling with a Beta posterior for each action."""

    BATCH = 5

    def __init__(self, per: Literal["segment", "state"], cut: float, seed: int, batch: int = BATCH) -> None:
        self._per, self._cut, self._batch = per, cut, batch
        self._waiting: dict[tuple[Segment, int], list[tuple[Action, int]]] = defaultdict(list)
        self._bandits: dict[tuple[Segment, int], Any] = {
            (segment, row): _bandit(seed + 100 * place + row)
            for place, segment in enumerate(Segment)
            for row in range(STATES if per == "state" else 1)
        }

    def decide(self, caller: Caller) -> Decision:
        sampled: dict[Action, float] = self._bandits[
            self._which(caller.life.segment, caller.state)
        ].predict_expectations()
        action = max(caller.eligible, key=lambda a: sampled[a])
        return decision(caller, action, float("nan"))

    def learn(self, feedback: Feedback) -> None:
        t = feedback.transition
        which = self._which(feedback.segment, t.state)
        waiting = self._waiting[which]
        waiting.append((t.action, int(t.reward > self._cut)))
        if len(waiting) == self._batch:
            self._bandits[which].partial_fit([action for action, _ in waiting], [won for _, won in waiting])
            waiting.clear()

    def _which(self, segment: Segment, state: State) -> tuple[Segment, int]:
        return segment, state.row if self._per == "state" else 0


def _bandit(seed: int) -> Any:
    """A bandit that knows nothing: fitted on one success and one failure of each action, as it must be fitted once."""
    bandit = MAB(list(ACTIONS), LearningPolicy.ThompsonSampling(), seed=seed)
    bandit.fit([*ACTIONS, *ACTIONS], [0] * len(ACTIONS) + [1] * len(ACTIONS))
    return bandit


class MabLinear:
    """LinTS or LinUCB by segment."""

    def __init__(self, kind: Literal["ts", "ucb"], seed: int, batch: int = MabWiser.BATCH) -> None:
        self._batch = batch
        self._waiting: dict[Segment, list[tuple[Action, float, Floats]]] = defaultdict(list)
        self._bandits: Mapping[Segment, Any] = {
            segment: _linear(kind, seed + 100 * place) for place, segment in enumerate(Segment)
        }

    def decide(self, caller: Caller) -> Decision:
        bandit = self._bandits[caller.life.segment]
        found: dict[Action, float] = bandit.predict_expectations(_context(caller.state, caller.life.facts)[None])
        return decision(caller, max(caller.eligible, key=lambda a: found[a]), float("nan"))

    def learn(self, feedback: Feedback) -> None:
        t = feedback.transition
        waiting = self._waiting[feedback.segment]
        waiting.append((t.action, t.reward, _context(t.state, t.facts or NO_FACTS)))
        if len(waiting) == self._batch:
            actions, rewards, contexts = zip(*waiting, strict=True)
            self._bandits[feedback.segment].partial_fit(list(actions), list(rewards), np.array(contexts))
            waiting.clear()


def _context(state: State, facts: Facts) -> Floats:
    """Returns what a linear bandit sees, shape (27,)."""
    row = [0.0] * STATES
    row[state.row] = 1.0
    return np.array([*row, *recent(facts), *(its for a in ACTIONS for its in person(facts, a))])


def _linear(kind: Literal["ts", "ucb"], seed: int) -> Any:
    """A bandit that knows nothing: it must be fitted once, on contexts of zeros."""
    policy = LearningPolicy.LinTS(alpha=ALPHA["ts"]) if kind == "ts" else LearningPolicy.LinUCB(alpha=ALPHA["ucb"])
    bandit = MAB(list(ACTIONS), policy, seed=seed)
    bandit.fit(list(ACTIONS), [0.0] * len(ACTIONS), np.zeros((len(ACTIONS), STATES + 3 * len(ACTIONS))))
    return bandit
