"""Tests whether the logged propensities match the actions drawn, by comparing counts of draws with their expectations.

Given the past, each draw follows its own propensities, so the differences are martingale differences and their sum over
its standard deviation is nearly normal. Four kinds of test, each per bucket:

    off the best       draws with the lowest propensity, epsilon / m, against epsilon (m - t) / m with t actions sharing
                       the best value, in fifths of epsilon; t is known where one of them was drawn, else taken as 1;
                       only if every propensity has epsilon-greedy's form
    action a at least  draws of a against the sum of epsilon / m over the decisions in which it could be drawn
    action a           sum of 1 / p over its draws against the number of decisions in which it could be drawn
    action a, p in     draws of a against the sum of its propensities, in buckets of them; only where the propensities
                       of the actions not drawn are known too

The third needs nothing but propensities: E[1{a drawn} / p(a)] = 1 wherever p(a) > 0. It is left out where too few
draws make up its variance for the sum to be normal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import erfc, sqrt

import numpy as np

from operate.log import Bools, Floats
from operate.ope.estimators import effective_sample_size
from operate.ope.sample import Sample

FAMILY_ERROR = 1e-3
FEWEST_DRAWS = 30
FEWEST_EXPECTED = 10
BUCKETS = 5
EDGES = (0.0, 0.02, 0.05, 0.2, 0.8, 1.0)


@dataclass(frozen=True)
class Count:
    """One comparison of an observed sum with its expectation; `p` is the two-sided p-value."""

    name: str
    observed: float
    expected: float
    deviation: float

    @property
    def z(self) -> float:
        return (self.observed - self.expected) / self.deviation if self.deviation else 0.0

    @property
    def p(self) -> float:
        return erfc(abs(self.z) / sqrt(2.0))


@dataclass(frozen=True)
class Calibration:
    """All comparisons of one log; `p` is the smallest p-value times their number (Bonferroni)."""

    counts: tuple[Count, ...]

    @property
    def p(self) -> float:
        return min([1.0, *(count.p * len(self.counts) for count in self.counts)])

    @property
    def rejected(self) -> bool:
        return self.p < FAMILY_ERROR

    @property
    def worst(self) -> Count | None:
        return min(self.counts, key=lambda count: count.p, default=None)


def calibrate(sample: Sample) -> Calibration:
    """Returns all comparisons that the log allows.

    Those by "action a" are always possible; the others need epsilon, or the propensities of all actions.
    """
    counts = [_action(sample, action) for action in range(sample.actions)]
    if sample.epsilon is not None:
        counts += [_at_least(sample, sample.epsilon, action) for action in range(sample.actions)]
        counts += _off_the_best(sample, sample.epsilon)
    if sample.all_propensities is not None:
        counts += _by_bucket(sample, sample.all_propensities)
    return Calibration(tuple(count for count in counts if count is not None))


def _action(sample: Sample, action: int) -> Count | None:
    """Compares the sum of one action's inverse propensities with its expectation.

    Returns None if too few draws make up the variance.

    The variance of 1{a drawn} / p is (1 - p) / p, estimated by the sum of (1 - p) / p^2 over the draws. When there are
    fewer draws than expected, this estimate is too small: it is multiplied by expected / observed. The missing draws
    may belong to decisions in which the action had the smallest possible probability, epsilon / m: where epsilon is
    recorded, their variance is added.
    """
    eligible = sample.eligible[:, action]
    p = sample.propensity[(sample.action == action) & eligible]
    shares = (1.0 - p) / p**2
    if effective_sample_size(shares) < FEWEST_DRAWS:
        return None
    observed, expected = float((1.0 / p).sum()), float(eligible.sum())
    variance = float(shares.sum()) * max(1.0, expected / observed)
    if sample.epsilon is not None and (least := float((sample.epsilon / sample.eligible.sum(1))[eligible].min())) > 0:
        variance += max(0.0, expected - observed) / least
    return Count(f"action {action}", observed, expected, sqrt(variance))


def _at_least(sample: Sample, epsilon: Floats, action: int) -> Count | None:
    """Tests that the action was drawn at least as often as exploration draws it, with probability epsilon / m.

    More draws count as equal to the expectation, so that they never reject.
    """
    open_to_it = sample.eligible[:, action]
    p = epsilon[open_to_it] / sample.eligible[open_to_it].sum(1)
    fewest = _bernoulli(f"action {action} at least", sample.action[open_to_it] == action, p)
    return fewest and replace(fewest, observed=min(fewest.observed, fewest.expected))


def _by_bucket(sample: Sample, propensities: Floats) -> list[Count | None]:
    return [
        _bernoulli(f"action {action}, p in {low:g}-{high:g}", sample.action[inside] == action, p[inside])
        for action, p in enumerate(propensities.T)
        for low, high in pairwise(EDGES)
        for inside in [(p > low) & (p <= high)]
    ]


def _off_the_best(sample: Sample, epsilon: Floats) -> list[Count | None]:
    m = sample.eligible.sum(1, dtype=np.float64)
    lowest = np.isclose(sample.propensity, epsilon / m, rtol=1e-9, atol=0.0) & (epsilon < 1.0)
    untied = np.where(lowest, 1.0, _tied(sample.propensity, epsilon, m))
    if not (lowest | np.isclose(sample.propensity, epsilon / m + (1.0 - epsilon) / untied, rtol=1e-9, atol=0.0)).all():
        return []
    off = epsilon * (m - untied) / m
    edges = np.quantile(epsilon, np.linspace(0.0, 1.0, BUCKETS + 1)[1:-1])
    bucket = np.searchsorted(edges, epsilon, side="right")
    return [
        _bernoulli(f"off the best, epsilon {low:.3g}-{high:.3g}", lowest[inside], off[inside])
        for inside in (bucket == place for place in np.unique(bucket))
        for low, high in [(epsilon[inside].min(), epsilon[inside].max())]
    ]


def _tied(propensity: Floats, epsilon: Floats, m: Floats) -> Floats:
    """Returns t, how many actions share the best value, solved from the propensity epsilon / m + (1 - epsilon) / t."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (1.0 - epsilon) / (propensity - epsilon / m)
    return np.where(np.isfinite(t), np.maximum(np.rint(t), 1.0), 1.0)


def _bernoulli(name: str, hit: Bools, p: Floats) -> Count | None:
    """Compares a sum of indicators with the sum of their probabilities p.

    Returns None if fewer than FEWEST_EXPECTED hits, or misses, are expected.
    """
    variance = float((p * (1.0 - p)).sum())
    if min(p.sum(), (1.0 - p).sum()) < FEWEST_EXPECTED:
        return None
    return Count(name, float(hit.sum()), float(p.sum()), sqrt(variance))
