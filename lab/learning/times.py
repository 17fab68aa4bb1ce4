"""Measures what a decision and an update cost each method, side by side in one process.

All get the same callers and the same feedback, logged under uniform play in the base world, in blocks; in each round
every method has its block, so that whatever else the machine does meets them all. A round gives each method one figure
for a decision and one for an update, and so a ratio to Fettle's of the same moment. MABWiser learns each reward as it
comes here, as a service has to; what the comparison lets it save by waiting for five is in `packages`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np

from lab.learning.methods import Method, Uniform
from lab.learning.oracles import Planner
from lab.learning.runs import FETTLE, METHODS, PLANNING, UNIFORM, makers, settings
from lab.world.crowd import Caller, Crowd, Feedback
from lab.world.tastes import World, draw_tastes

T = TypeVar("T")
SEED, ROUNDS, BLOCK, BEFORE = 200, 40, 100, 50  # sessions that a method learned from before, for each round


@dataclass(frozen=True)
class Times:
    """CPU microseconds by round, of a decision and of an update."""

    decide: tuple[float, ...]
    update: tuple[float, ...]

    @property
    def us(self) -> tuple[float, float]:
        return median(self.decide), median(self.update)


@dataclass(frozen=True)
class Ratio:
    """How many times as much as another's: the median over the rounds, and the quartiles."""

    middle: float
    low: float
    high: float


def measure(rounds: int = ROUNDS, block: int = BLOCK) -> Mapping[str, Times]:
    """Returns every method's times; each method first learns from `BEFORE` sessions a round."""
    tastes, before = draw_tastes(World.BASE, SEED), rounds * BEFORE
    callers, feedback = _logged(before + rounds * block)
    cut = float(np.mean([f.transition.reward for f in feedback]))
    made: dict[str, Method] = {name: make() for name, make in makers(tastes, SEED, cut, at_once=True).items()}
    made |= {UNIFORM: Uniform(SEED), PLANNING: Planner(tastes, settings().action_cooldown)}
    for method in made.values():
        for caller, heard in zip(callers[:before], feedback[:before], strict=True):
            method.decide(caller)
            method.learn(heard)
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    for start in range(before, before + rounds * block, block):
        for name in METHODS:
            decide, learn = made[name].decide, made[name].learn
            spent[name].append((_each(decide, callers[start:][:block]), _each(learn, feedback[start:][:block])))
    return {name: Times(*zip(*figures, strict=True)) for name, figures in spent.items()}


def _logged(sessions: int) -> tuple[list[Caller], list[Feedback]]:
    crowd, chosen = Crowd(draw_tastes(World.BASE, SEED), SEED, settings()), Uniform(SEED)
    callers, feedback = list[Caller](), list[Feedback]()
    while len(feedback) < sessions:
        callers.append(caller := crowd.call())
        crowd.serve(caller, chosen.decide(caller))
        feedback += crowd.heard()
    return callers[:sessions], feedback[:sessions]


def _each(call: Callable[[T], object], over: Sequence[T]) -> float:
    """Returns the mean microseconds of one call."""
    began = time.thread_time()
    for one in over:
        call(one)
    return (time.thread_time() - began) / len(over) * 1e6


def ratios(times: Mapping[str, Times], name: str) -> tuple[Ratio, Ratio]:
    """Returns how many times as much as Fettle's a decision costs, and a decision with its update."""
    ours, theirs = times[FETTLE], times[name]
    both = [(sum(pair), sum(own)) for pair, own in zip(_rounds(theirs), _rounds(ours), strict=True)]
    return _ratio(zip(theirs.decide, ours.decide, strict=True)), _ratio(both)


def _rounds(times: Times) -> list[tuple[float, float]]:
    return list(zip(times.decide, times.update, strict=True))


def _ratio(pairs: Iterable[tuple[float, float]]) -> Ratio:
    low, middle, high = np.percentile([theirs / ours for theirs, ours in pairs], [25, 50, 75])
    return Ratio(float(middle), float(low), float(high))
