"""Computes the results of the runs: shares of the oracle's gain over uniform play, with intervals over seeds.

    share    (method - uniform) / (oracle - uniform), means over all episodes of one seed; the oracle plans
    span     the same over a part of the course, of the gain's mean over the seeds: one seed's is mostly luck there
    again    after how many sessions past the swap of tastes the share of the latest 500 is 80 % again
    interval 95 %, Student's t over the seeds
    ahead    the interval of the paired differences of two methods' shares lies above 0; behind: below

Regret is what the planning oracle's course brought more, summed over the episodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lab.learning.cells import Cell
from lab.learning.runs import (
    BIN,
    FINE,
    METHODS,
    PLANNING,
    SEGMENT_FIRST,
    SEGMENT_NEXT,
    UNIFORM,
    USER_LATER,
    Course,
)
from lab.learning.times import Times
from lab.world.tastes import World

Floats = NDArray[np.float64]
GAIN = 0.8  # of the oracle's gain that a method has to reach
WINDOW = 4  # bins whose mean has to reach it
FIRST = 4  # bins kept of the first seed's course
AFTER = "after the swap"
SPANS = (SEGMENT_FIRST, SEGMENT_NEXT, USER_LATER, AFTER)


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
    the course of the first seed, `seed`: with it a later run can tell whether the method is still the same. `spans` has
    the shares of parts of the course, seed by seed. `after` has the shares, over all seeds, of each `BIN` of episodes
    after the swap of tastes, and `again` is in episodes; both are empty where nothing is swapped.
    """

    shares: tuple[float, ...]
    first: tuple[float, ...]
    share: Interval
    regret: tuple[Interval, ...]
    reached: int | None
    seed: int = 0
    spans: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    after: tuple[float, ...] = ()
    again: int | None = None


Standings = Mapping[World, Mapping[str, Standing]]


def interval(values: Sequence[float]) -> Interval:
    mean = fmean(values)
    if len(values) < 2:
        return Interval(mean, mean, mean)
    error = float(np.std(values, ddof=1) / len(values) ** 0.5)
    half = error * float(stats.t.ppf(0.975, len(values) - 1))
    return Interval(mean, mean - half, mean + half)


def summarise(cells: Sequence[Cell]) -> Standings:
    """Returns every method's standing in every world of the cells."""
    worlds = [world for world in World if any(cell.world is world for cell in cells)]
    return {world: _world(sorted((c for c in cells if c.world is world), key=lambda c: c.seed)) for world in worlds}


def _world(cells: Sequence[Cell]) -> Mapping[str, Standing]:
    courses = {name: [cell.courses[name] for cell in cells] for name in METHODS}
    seed, even, best = cells[0].seed, courses[UNIFORM], courses[PLANNING]
    return {name: _standing(seed, its, even, best) for name, its in courses.items()}


def _standing(seed: int, its: Sequence[Course], even: Sequence[Course], best: Sequence[Course]) -> Standing:
    own, uniform, oracle = (np.array([course.curve for course in courses]) for courses in (its, even, best))
    own_after, uniform_after, oracle_after = (_after(courses) for courses in (its, even, best))
    shares = (own - uniform).mean(axis=1) / (oracle - uniform).mean(axis=1)
    lost = np.cumsum(oracle - own, axis=1) * BIN
    return Standing(
        shares=tuple(shares.tolist()),
        first=tuple(own[0, :FIRST].tolist()),
        share=interval(shares.tolist()),
        regret=tuple(interval(column.tolist()) for column in lost.T),
        reached=reached(own.mean(axis=0), uniform.mean(axis=0), oracle.mean(axis=0)),
        seed=seed,
        spans=_spans(its, even, best),
        after=after(own_after, uniform_after, oracle_after),
        again=reached(own_after, uniform_after, oracle_after, BIN // FINE, FINE),
    )


def _after(courses: Sequence[Course]) -> Floats:
    """Returns the mean over the seeds of what came after the swap, by `FINE` episodes."""
    mean: Floats = np.array([course.after for course in courses]).mean(axis=0)
    return mean


def _spans(its: Sequence[Course], even: Sequence[Course], best: Sequence[Course]) -> dict[str, tuple[float, ...]]:
    """Returns the shares of the spans that all these courses have: the seed's lead over the mean gain of the seeds."""
    found = {}
    for name in SPANS:
        own, uniform, oracle = ([_score(course, name) for course in courses] for courses in (its, even, best))
        if None not in (*own, *uniform, *oracle):
            lead = np.array(own, dtype=float) - np.array(uniform, dtype=float)
            gain = np.array(oracle, dtype=float).mean() - np.array(uniform, dtype=float).mean()
            found[name] = tuple((lead / gain).tolist())
    return found


def _score(course: Course, span: str) -> float | None:
    if span == AFTER:
        return fmean(course.after) if course.after else None
    return course.spans.get(span)


def after(own: Floats, uniform: Floats, oracle: Floats) -> tuple[float, ...]:
    """Returns the shares of each full `BIN` of episodes; the curves are means over the seeds, by `FINE` episodes."""
    step = BIN // FINE
    full = len(own) // step * step
    gained, there = ((curve - uniform)[:full].reshape(-1, step).sum(axis=1) for curve in (own, oracle))
    return tuple((gained / there).tolist())


def reached(own: Floats, uniform: Floats, oracle: Floats, window: int = WINDOW, size: int = BIN) -> int | None:
    """Returns after how many episodes the mean of `window` bins has 80 % of the oracle's gain; None if never.

    The curves are means over the seeds, by bins of `size` episodes.
    """
    if len(own) == 0:
        return None
    frame = np.ones(min(window, len(own)))
    gained, there = np.convolve(own - uniform, frame, "valid"), np.convolve(oracle - uniform, frame, "valid")
    places = np.flatnonzero(gained >= GAIN * there)
    return int((places[0] + len(frame)) * size) if len(places) else None


def against(ours: Standing, theirs: Standing, span: str | None = None) -> Interval:
    """Returns how far `ours` is ahead of `theirs`, from their differences seed by seed; over all or over a span."""
    own, other = (its.shares if span is None else its.spans[span] for its in (ours, theirs))
    return interval([a - b for a, b in zip(own, other, strict=True)])


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
