"""Estimates one policy's value with its interval, or refuses with a sentence that says what the log lacks.

The interval is a percentile bootstrap over users, not over decisions, because the decisions of one user resemble each
other (Cameron, Gelbach & Miller, Review of Economics and Statistics 90, 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from operate.log import Bools, Floats
from operate.ope.calibration import calibrate
from operate.ope.estimators import effective_sample_size, importance_weights
from operate.ope.model import folds_of
from operate.ope.sample import Sample
from operate.ope.totals import ESTIMATORS, resampled, values

FEWEST_USERS = 20
SMALLEST_SAMPLE = 100
FARTHEST_WEIGHT = 4.0
LEVEL = 0.95


class RefusedError(Exception):
    """Raised when the log cannot support the claim; the message says why."""


@dataclass(frozen=True)
class Target:
    """A policy to be judged: its probabilities, shape (n, actions), and a mask of the decisions it may be judged on."""

    name: str
    probabilities: Floats
    judged: Bools | None = None
    caution: str = ""


@dataclass(frozen=True)
class Estimate:
    """A mean reward per decision, or a difference of two, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """Holds what the log says of one policy: by estimator, its value and its gain over what was served.

    If the log cannot support it, only `refused` says why.
    """

    name: str
    decisions: int = 0
    users: int = 0
    sample_size: float = 0.0
    largest_weight: float = 0.0
    value: Mapping[str, Estimate] = field(default_factory=dict)
    gain: Mapping[str, Estimate] = field(default_factory=dict)
    caution: str = ""
    refused: str = ""


def expect_evaluable(sample: Sample) -> None:
    """Raises RefusedError when no policy can be judged on this log."""
    if len(sample) == 0:
        raise RefusedError("no decision with a reward in this log")
    absent = int(np.isnan(sample.propensity).sum())
    if absent:
        raise RefusedError(f"{absent} of {len(sample)} decisions have no propensity; unwritten, it cannot be recovered")
    if not ((sample.propensity > 0.0) & (sample.propensity <= 1.0)).all():
        raise RefusedError("a propensity is not a probability above 0")
    if not sample.eligible[range(len(sample)), sample.action].all():
        raise RefusedError("an action was drawn that was not eligible")
    if sample.users < FEWEST_USERS:
        raise RefusedError(f"{sample.users} users; an interval over users needs {FEWEST_USERS} at least")
    checked = calibrate(sample)
    if checked.rejected and checked.worst is not None:
        worst = checked.worst
        raise RefusedError(
            f"the propensities do not match what was drawn: {worst.name}, observed {worst.observed:.1f}, "
            f"expected {worst.expected:.1f} (p = {checked.p:.1g})"
        )


def judge(sample: Sample, targets: Sequence[Target], replicates: int = 1000, seed: int = 0) -> list[Verdict]:
    """Returns a verdict on each policy, in order. Raises RefusedError when the log can support none."""
    expect_evaluable(sample)
    return [_verdict(sample, target, replicates, seed) for target in targets]


def difference(sample: Sample, first: Floats, second: Floats, replicates: int = 1000, seed: int = 0) -> Estimate:
    """Returns the doubly robust value of `first` less that of `second`; both are computed on the same bootstrap
    draws.
    """
    folds = folds_of(sample.users, seed)
    draws = np.concatenate([np.ones((1, sample.users)), resampled(sample.users, replicates, seed)])
    doubly = ESTIMATORS.index("DR")
    apart = (values(sample, first, folds, draws) - values(sample, second, folds, draws))[:, doubly]
    return _interval(float(apart[0]), apart[1:])


def served(sample: Sample, replicates: int = 1000, seed: int = 0) -> Estimate:
    """Returns the mean logged reward with its interval.

    Raises RefusedError when no policy can be judged on this log.
    """
    expect_evaluable(sample)
    spread = _means(sample, sample.reward, resampled(sample.users, replicates, seed))
    return _interval(float(sample.reward.mean()), spread)


def _verdict(sample: Sample, target: Target, replicates: int, seed: int) -> Verdict:
    probabilities = target.probabilities
    if target.judged is not None:
        sample, probabilities = sample.where(target.judged), probabilities[target.judged]
    try:
        return _estimated(sample, target, probabilities, replicates, seed)
    except RefusedError as error:
        return Verdict(target.name, len(sample), sample.users, caution=target.caution, refused=str(error))


def _estimated(sample: Sample, target: Target, probabilities: Floats, replicates: int, seed: int) -> Verdict:
    if len(sample) == 0 or sample.users < FEWEST_USERS:
        raise RefusedError(f"{sample.users} users to judge it on, below {FEWEST_USERS}")
    weights = importance_weights(probabilities, sample.action, sample.propensity)
    draws, folds = resampled(sample.users, replicates, seed), folds_of(sample.users, seed)
    _expect_support(sample, probabilities, weights, draws)
    estimates = values(sample, probabilities, folds, np.ones((1, sample.users)))[0]
    spread = values(sample, probabilities, folds, draws)
    served = sample.reward.mean()
    served_spread = _means(sample, sample.reward, draws)
    return Verdict(
        name=target.name,
        decisions=len(sample),
        users=sample.users,
        sample_size=effective_sample_size(weights),
        largest_weight=float(weights.max()),
        value=_intervals(estimates, spread),
        gain=_intervals(estimates - served, spread - served_spread[:, None]),
        caution=target.caution,
    )


def _expect_support(sample: Sample, target: Floats, weights: Floats, draws: Floats) -> None:
    """Raises RefusedError when the target draws actions that the log could not, or when too few decisions carry the
    weight.

    With overlap the weights have mean 1; their bootstrap spread over users says how far off the mean may be.
    """
    if (target[~sample.eligible] > 0.0).any():
        raise RefusedError("no overlap: it draws actions that were not eligible")
    if sample.epsilon is not None:
        certain = (sample.epsilon == 0.0) & (sample.propensity == 1.0)
        elsewhere = 1.0 - target[range(len(sample)), sample.action]
        if (lost := float((certain & (elsewhere > 1e-9)).mean())) > 0.0:
            raise RefusedError(f"no overlap: {lost:.1%} of decisions were certain, and it would have drawn others")
    size = effective_sample_size(weights)
    if size < SMALLEST_SAMPLE:
        raise RefusedError(f"effective sample size {size:.0f} of {len(sample)} decisions, below {SMALLEST_SAMPLE}")
    mean, spread = float(weights.mean()), float(np.std(_means(sample, weights, draws)))
    if abs(mean - 1.0) > FARTHEST_WEIGHT * spread + 1e-9:
        raise RefusedError(f"no overlap: its weights average {mean:.3f} (spread {spread:.3f}), not 1")


def _means(sample: Sample, column: Floats, draws: Floats) -> Floats:
    """Returns the column's mean in each replicate, shape (replicates,)."""
    users = draws.shape[1]
    sums, n = np.bincount(sample.user, column, users), np.bincount(sample.user, minlength=users)
    means: Floats = (draws @ sums) / (draws @ n)
    return means


def _intervals(estimates: Floats, spread: Floats) -> dict[str, Estimate]:
    return {name: _interval(float(estimates[i]), spread[:, i]) for i, name in enumerate(ESTIMATORS)}


def _interval(estimate: float, spread: Floats) -> Estimate:
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.nanpercentile(spread, [tail, 100.0 - tail])
    return Estimate(estimate, float(low), float(high))
