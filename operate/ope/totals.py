"""Computes all four estimators from sums per user, so that a resampling of users costs only a few matrix products.

A replicate of the bootstrap is a vector c of how often each user was drawn. Every estimator is a ratio of sums over
users, and so is every cell of the reward model, which is therefore fitted anew in each replicate: the intervals of DM
and DR count the model's own error too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from operate.log import Floats, Ints
from operate.ope.estimators import importance_weights
from operate.ope.model import FOLDS, shrunken_means
from operate.ope.sample import Sample

ESTIMATORS = ("IPS", "SNIPS", "DM", "DR")


def resampled(users: int, replicates: int, seed: int) -> Floats:
    """Returns how often each user is drawn in each replicate, shape (replicates, users).

    Users are drawn with replacement.
    """
    drawn = np.random.default_rng(seed).multinomial(users, np.full(users, 1.0 / users), size=replicates)
    return drawn.astype(np.float64)


def values(sample: Sample, target: Floats, folds: Ints, draws: Floats) -> Floats:
    """Returns each estimator's value in each replicate, shape (replicates, 4); NaN where a replicate holds no weight.

    `target` holds the policy's probabilities, shape (n, actions); `draws` has shape (replicates, users). A single row
    of ones as `draws` gives the estimates on the whole sample.
    """
    weights = importance_weights(target, sample.action, sample.propensity)
    drawn = _PerUser(sample, draws)
    n, total = drawn.sum(np.ones(len(sample))), drawn.sum(weights)
    weighted = drawn.sum(weights * sample.reward)
    direct, corrected = _modelled(sample, target, weights, folds, draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([weighted / n, weighted / total, direct / n, (direct + weighted - corrected) / n], axis=1)


@dataclass(frozen=True)
class _PerUser:
    """Sums columns over the rows of the users drawn."""

    sample: Sample
    draws: Floats

    def sum(self, column: Floats) -> Floats:
        """Returns the column's sum in each replicate, shape (replicates,)."""
        return self.draws @ np.bincount(self.sample.user, column, minlength=self.draws.shape[1])


def _modelled(sample: Sample, target: Floats, weights: Floats, folds: Ints, draws: Floats) -> tuple[Floats, Floats]:
    """Returns, for each replicate, the sums over rows of sum_b pi(b|x) q(x,b) and of w q(x,a).

    q is cross-fitted within each replicate.
    """
    overall = _means_of_the_others(sample, folds, draws)
    direct, corrected = np.zeros(len(draws)), np.zeros(len(draws))
    for group in np.unique(sample.group):
        cells = _Cells(sample, group, folds, draws)
        rewards = np.eye(sample.actions)[sample.action]
        counts, sums = cells.sum(rewards), cells.sum(rewards * sample.reward[:, None])
        q = shrunken_means(counts.sum(1, keepdims=True) - counts, sums.sum(1, keepdims=True) - sums, overall)
        direct += (q * cells.sum(target)).sum((1, 2, 3))
        corrected += (q * cells.sum(rewards * weights[:, None])).sum((1, 2, 3))
    return direct, corrected


def _means_of_the_others(sample: Sample, folds: Ints, draws: Floats) -> Floats:
    """Returns the mean reward of all users outside each fold, shape (replicates, folds)."""
    users = draws.shape[1]
    outside = (np.arange(FOLDS)[:, None] != folds[None, :]).astype(np.float64)
    n = np.bincount(sample.user, minlength=users) * outside
    sums = np.bincount(sample.user, sample.reward, minlength=users) * outside
    mean: Floats = (draws @ sums.T) / np.maximum(draws @ n.T, 1.0)
    return mean


@dataclass(frozen=True)
class _Cells:
    """Sums columns over one group's rows, by replicate, fold, state and action."""

    sample: Sample
    group: int
    folds: Ints
    draws: Floats

    def sum(self, columns: Floats) -> Floats:
        """Returns sums of shape (replicates, folds, states, actions), from columns of shape (n, actions)."""
        sample, rows = self.sample, self.sample.group == self.group
        members, place = np.unique(sample.user[rows], return_inverse=True)
        cells = np.zeros((len(members), sample.states, sample.actions))
        np.add.at(cells, (place, sample.state[rows]), columns[rows])
        flat = cells.reshape(len(members), sample.states * sample.actions)
        per_fold = [
            self.draws[:, members[inside]] @ flat[inside]
            for inside in (self.folds[members] == fold for fold in range(FOLDS))
        ]
        return np.stack(per_fold, 1).reshape(len(self.draws), FOLDS, sample.states, sample.actions)
