"""Computes what the courses come to.

    gain           worth of an honest visit under who knows everybody's likes, minus its worth under even draws
    share          (worth - even) / gain, in points of 100
    loss           (worth without the attacker - worth with) / gain, in points of 100
    interval       95 %, bootstrap over the courses (percentiles of 2,000 resamples from a fixed seed)

A figure over many courses is the sum over the courses above the line by the sum below it: a segment in which there is
little to gain has little to lose, and weighs little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean
from typing import NamedTuple

from lab.bench.attack.cells import Age, Cell
from lab.bench.attack.service import Play

RESAMPLES = 2000


class Interval(NamedTuple):
    """Holds a mean over courses and its 95 % interval."""

    mean: float
    low: float
    high: float


def points(parts: Sequence[float], wholes: Sequence[float]) -> Interval:
    """Returns 100 times the sum of `parts` by the sum of `wholes`, a pair from each course."""
    pairs, rng = list(zip(parts, wholes, strict=True)), Random(0)
    found = sorted(_ratio(rng.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
    return Interval(_ratio(pairs), found[RESAMPLES // 40], found[-1 - RESAMPLES // 40])


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return 100 * sum(part for part, _ in pairs) / sum(whole for _, whole in pairs)


def gains(cells: Sequence[Cell], age: Age) -> list[float]:
    return _each(cells, lambda its: its.outcomes[age, Play.BEST].worth - its.outcomes[age, Play.EVEN].worth)


def loss(cells: Sequence[Cell], age: Age, name: str) -> Interval:
    """Returns the points that honest people lose to this attacker."""
    lost = _each(cells, lambda its: its.outcomes[age, Play.LEARNED].worth - its.outcomes[age, name].worth)
    return points(lost, gains(cells, age))


def share(cells: Sequence[Cell], age: Age, name: str) -> Interval:
    """Returns the share of the gain that honest people had in these courses."""
    had = _each(cells, lambda its: its.outcomes[age, name].worth - its.outcomes[age, Play.EVEN].worth)
    return points(had, gains(cells, age))


def favourite(cells: Sequence[Cell], age: Age, name: str) -> float:
    """Returns the percentage of honest draws that were of the truly best action."""
    return 100 * fmean(_each(cells, lambda its: its.outcomes[age, name].favourite))


def _each(cells: Sequence[Cell], what: Callable[[Cell], float]) -> list[float]:
    return [what(cell) for cell in cells]
