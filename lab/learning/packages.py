"""Learners of well-known packages, set up as their documentation suggests and given what helps them.

Vowpal Wabbit hears every feedback at once with the propensity of its draw, and crosses the action with the segment and
with segment and state, so that it too may pool over states. MABWiser's Thompson sampling wants rewards of 0 or 1: they
are cut at the mean reward of uniform play, which an operator would not know beforehand; one bandit for each segment, or
for each segment and state. Its update costs much the same for one reward as for many, so a bandit learns from five at a
time. Both are offered the eligible actions only.
"""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Any, Literal

from mabwiser.mab import MAB, LearningPolicy
from vowpalwabbit import Workspace

from lab.learning.methods import decision
from lab.world.crowd import Caller, Feedback
from rl_core.models import ACTIONS, STATES, Action, Decision, Segment, State


class VowpalWabbit:
    """A contextual bandit with action-dependent features; `exploration` is its option, such as `--squarecb`."""

    def __init__(self, exploration: str, seed: int) -> None:
        self._rng = Random(f"{seed}/vw")
        self._vw = Workspace(f"--cb_explore_adf {exploration} --interactions SA --interactions TA --quiet")
        self._shared = {
            (segment, row): f"shared |S {segment.name} |T {segment.name}_{row}"
            for segment in Segment
            for row in range(STATES)
        }

    def decide(self, caller: Caller) -> Decision:
        shared = self._shared[caller.life.segment, caller.state.row]
        weights = self._vw.predict([shared, *(_ACTION[a] for a in caller.eligible)])
        drawn, total = self._rng.random() * sum(weights), 0.0
        place = 0
        for place, weight in enumerate(weights):  # noqa: B007
            total += weight
            if drawn < total:
                break
        return decision(caller, caller.eligible[place], weights[place])

    def learn(self, feedback: Feedback) -> None:
        made = feedback.decision
        lines = [_ACTION[a] for a in made.eligible]
        place = made.eligible.index(made.action)
        lines[place] = f"0:{-feedback.transition.reward}:{made.propensity} {lines[place]}"
        self._vw.learn([self._shared[feedback.segment, made.state.row], *lines])


_ACTION = {action: f"|A {action.name}" for action in ACTIONS}


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
