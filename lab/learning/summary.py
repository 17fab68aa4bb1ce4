"""Computes the results of the runs: shares of the oracle's gain over uniform play, with intervals over seeds.

    share    (method - uniform) / (oracle - uniform), means over all episodes of one seed; the oracle plans
    interval 95 %, Student's t over the seeds
    ahead    the interval of the paired differences of two methods' shares lies above 0; behind: below

Regret is what the planning oracle's course brought more, summed over the episodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lab.learning.cells import Cell
from lab.learning.runs import BIN, METHODS, PLANNING, UNIFORM
from lab.learning.times import Times
from lab.world.tastes import World

Floats = NDArray[np.float64]
GAIN = 0.8  # of the oracle's gain that a method has to reach
WINDOW = 4  # bins whose mean has to reach it
FIRST = 4  # bins kept of the first seed's course


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95 % interval; with only one seed, both ends are the mean."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Standing:
    """The standing of one method in one world.

    `regret` has a mean and an interval for the end of each bin; `reached` is in episodes. `first` is the beginning of
    the first seed's course: with it a later run can tell whether the method is still the same.
    """

    shares: tuple[float, ...]
    first: tuple[float, ...]
    share: Interval
    regret: tuple[Interval, ...]
    reached: int | None


Standings = Mapping[World, Mapping[str, Standing]]


def interval(values: Sequence[float]) -> Interval:
    mean = fmean(values)
    if len(values) < 2:
        return Interval(mean, mean, mean)
    error = float(np.std(values, ddof=1) / len(values) ** 0.5)
    half = error * float(stats.t.ppf(0.975, len(values) - 1))
    return Interval(mean, mean - half, mean + half)


def summarise(cells: Sequence[Cell]) -> Standings:
    """Returns every method's standing in every world of the cells; all worlds must have the same seeds."""
    worlds = [world for world in World if any(cell.world is world for cell in cells)]
    return {world: _world(sorted((c for c in cells if c.world is world), key=lambda c: c.seed)) for world in worlds}


def _world(cells: Sequence[Cell]) -> Mapping[str, Standing]:
    curves = {name: np.array([cell.courses[name].curve for cell in cells]) for name in METHODS}
    return {name: _standing(name, curves) for name in METHODS}


def _standing(name: str, curves: Mapping[str, Floats]) -> Standing:
    own, uniform, oracle = curves[name], curves[UNIFORM], curves[PLANNING]
    shares = (own - uniform).mean(axis=1) / (oracle - uniform).mean(axis=1)
    lost = np.cumsum(oracle - own, axis=1) * BIN
    return Standing(
        shares=tuple(shares.tolist()),
        first=tuple(own[0, :FIRST].tolist()),
        share=interval(shares.tolist()),
        regret=tuple(interval(column.tolist()) for column in lost.T),
        reached=reached(own.mean(axis=0), uniform.mean(axis=0), oracle.mean(axis=0)),
    )


def reached(own: Floats, uniform: Floats, oracle: Floats) -> int | None:
    """Returns after how many episodes the mean of `WINDOW` bins has 80 % of the oracle's gain; None if never.

    The curves are means over the seeds.
    """
    frame = np.ones(min(WINDOW, len(own)))
    gained, there = np.convolve(own - uniform, frame, "valid"), np.convolve(oracle - uniform, frame, "valid")
    places = np.flatnonzero(gained >= GAIN * there)
    return int((places[0] + len(frame)) * BIN) if len(places) else None


def against(ours: Standing, theirs: Standing) -> Interval:
    """Returns how far `ours` is ahead of `theirs`, from their differences seed by seed."""
    return interval([a - b for a, b in zip(ours.shares, theirs.shares, strict=True)])


def verdict(difference: Interval) -> str:
    if difference.low > 0:
        return "ahead"
    return "behind" if difference.high < 0 else "level"


def last_line(standings: Standings, times: Mapping[str, Times]) -> dict[str, dict[str, dict[str, float]]]:
    """Returns world -> method -> share_of_gain, low, high and us, the microseconds of a decision."""
    return {
        world.value: {
            name: {
                "share_of_gain": round(s.share.mean, 4),
                "low": round(s.share.low, 4),
                "high": round(s.share.high, 4),
                "us": round(times[name].us[0], 1),
            }
            for name, s in methods.items()
        }
        for world, methods in standings.items()
    }
