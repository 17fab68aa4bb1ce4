"""Computes how well actions and activities work in a segment, with 95 % intervals, in numpy.

Rates: Wilson's score interval (Wilson 1927, JASA 22, 209-212), its n divided by the design effect where activities of
one session hang together (Kish 1965, Survey Sampling, 8.2): the variance of the ratio of two sums over sessions
(Cochran 1977, Sampling Techniques, 6.4) over that of independent trials, never below 1. Where there is no such variance
to see (one session, or all or nothing done) a session counts as one trial.
Means: Student's t, mean +- t(n-1) s / sqrt(n); its quantile by the expansion in Abramowitz and Stegun 1964, 26.7.5:
at three degrees of freedom 0.1 % low, beyond closer; exact for one and two. Sessions of one day are mostly of different
users; where one user has several, the interval is a little too narrow.

Arrays are of shape (rows,). Figures are nan where there are too few observations: a mean of one value has no interval.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_core.days.tally import ActionSums, EntrySums, SegmentDay
from rl_core.models import MILLION

Floats = NDArray[np.float64]

Z = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure from n observations with its 95 % interval; nan where there are too few observations."""

    n: int
    value: float
    low: float
    high: float


def wilson(successes: ArrayLike, trials: ArrayLike, design_effect: ArrayLike = 1.0) -> tuple[Floats, Floats, Floats]:
    """Returns rate, low and high of each row by Wilson's score interval."""
    n, deff = np.asarray(trials, np.float64), np.asarray(design_effect, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.asarray(successes, np.float64) / n
        effective = n / deff
        centre = (rate + Z**2 / (2 * effective)) / (1 + Z**2 / effective)
        spread = np.sqrt(rate * (1 - rate) / effective + Z**2 / (4 * effective**2)) * Z / (1 + Z**2 / effective)
    return rate, np.maximum(centre - spread, 0.0), np.minimum(centre + spread, 1.0)


def design_effects(sums: Sequence[ActionSums]) -> Floats:
    """Returns each row's design effect, at least 1, with sessions as clusters.

    It is the variance of completed / assigned over the variance that independent trials would have.
    """
    m, a, c = (np.array([getattr(s, f) for s in sums], np.float64) for f in ("sessions", "assigned", "completed"))
    aa, cc, ac = (
        np.array([getattr(s, f) for s in sums], np.float64)
        for f in ("assigned_squares", "completed_squares", "products")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        p = c / a
        between = m / (m - 1) * (cc - 2 * p * ac + p**2 * aa) / a**2
        effect = between / (p * (1 - p) / a)
        size = a / m
    return np.where(np.isfinite(effect), np.maximum(effect, 1.0), np.where(m > 0, size, 1.0))


def means(totals: ArrayLike, squares: ArrayLike, counts: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Returns mean, low and high of each row, from sums, sums of squares and counts."""
    total, square, n = (np.asarray(x, np.float64) for x in (totals, squares, counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        variance = np.maximum(square - n * mean**2, 0.0) / (n - 1)
        spread = np.where(n > 1, student(n - 1) * np.sqrt(variance / n), np.nan)
    return mean, mean - spread, mean + spread


def student(freedom: ArrayLike) -> Floats:
    """Returns the 97.5 % quantile of Student's t for these degrees of freedom."""
    v = np.asarray(freedom, np.float64)
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        expansion = Z + terms[0] / v + terms[1] / v**2 + terms[2] / v**3 + terms[3] / v**4
    return np.where(v == 1, 12.706204736432095, np.where(v == 2, 4.302652729911275, expansion))


def completion_by_action(sums: Sequence[ActionSums]) -> list[Estimate]:
    """Returns the share of assigned activities that were completed, by action; n counts the assigned activities."""
    counts = [s.assigned for s in sums]
    return _rows(counts, wilson([s.completed for s in sums], counts, design_effects(sums)))


def reward_by_action(sums: Sequence[ActionSums]) -> list[Estimate]:
    """Returns the mean reward, by action; n counts the sessions that ended."""
    counts = [s.rewarded for s in sums]
    rewards, squares = [s.rewards / MILLION for s in sums], [s.reward_squares / MILLION**2 for s in sums]
    return _rows(counts, means(rewards, squares, counts))


def completion_by_entry(sums: Sequence[EntrySums]) -> list[Estimate]:
    """Returns the share of assignments that were completed, by entry; n counts the assignments.

    An entry occurs at most once in a session, so these are independent trials.
    """
    counts = [s.assigned for s in sums]
    return _rows(counts, wilson([s.completed for s in sums], counts))


def lift_by_entry(sums: Sequence[EntrySums]) -> list[Estimate]:
    """Returns the mean lift in points, by entry; n counts the completions with both ratings."""
    counts = [s.rated for s in sums]
    return _rows(counts, means([s.lift for s in sums], [s.lift_squares for s in sums], counts))


def gad7_change(days: Sequence[SegmentDay]) -> list[Estimate]:
    """Returns the mean change of GAD-7 from first to latest assessment, by segment's day; n counts the users."""
    counts = [day.assessed for day in days]
    changes, squares = [day.gad7_change for day in days], [day.gad7_change_squares for day in days]
    return _rows(counts, means(changes, squares, counts))


def _rows(counts: Iterable[int], figures: tuple[Floats, Floats, Floats]) -> list[Estimate]:
    return [Estimate(n, *(float(x) for x in row)) for n, *row in zip(counts, *figures, strict=True)]
