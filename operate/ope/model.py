"""Fits the reward model of DM and DR: shrunken means per group, state and action, cross-fitted over users.

With m the mean of all rewards, n and sums over the training rows, K = 10 and group g, state s, action a:

    m(g)     = (sum_g r + K m) / (n_g + K)
    e(g,s)   = sum_gs (r - m(g)) / (n_gs + K)                          what the state adds
    m(g,a)   = (sum_ga r + K m(g)) / (n_ga + K)                        what the action earns
    q(g,s,a) = (sum_gsa r + K (m(g,a) + e(g,s))) / (n_gsa + K)

Users are dealt into folds; a row is judged by the model of the other folds' users (cross-fitting: Chernozhukov et al.,
Econometrics Journal 21, 2018), as a mean that holds the row's own reward would flatter every policy. Shrinking towards
an additive guess is the hierarchical mean of Efron & Morris, JASA 70, 1975, with a fixed K.
"""

from __future__ import annotations

from random import Random

import numpy as np

from operate.log import Floats, Ints
from operate.ope.sample import Sample

SHRINKAGE = 10.0
FOLDS = 5


def folds_of(users: int, seed: int = 0) -> Ints:
    """Returns the fold of each user, shape (users,): folds of equal size (up to one user), dealt at random."""
    dealt = [user % FOLDS for user in range(users)]
    Random(seed).shuffle(dealt)
    return np.array(dealt, np.int64)


def shrunken_means(counts: Floats, sums: Floats, overall: Floats) -> Floats:
    """Returns q for one group, shape (..., states, actions).

    `counts` and `sums` of rewards have shape (..., states, actions); `overall`, the mean of all rewards, has shape
    (...).
    """
    n, total = counts.sum((-2, -1)), sums.sum((-2, -1))
    group = (total + SHRINKAGE * overall) / (n + SHRINKAGE)
    by_state, by_action = counts.sum(-1), counts.sum(-2)
    state = (sums.sum(-1) - by_state * group[..., None]) / (by_state + SHRINKAGE)
    action = (sums.sum(-2) + SHRINKAGE * group[..., None]) / (by_action + SHRINKAGE)
    guess = action[..., None, :] + state[..., :, None]
    q: Floats = (sums + SHRINKAGE * guess) / (counts + SHRINKAGE)
    return q


def fitted(sample: Sample, folds: Ints) -> Floats:
    """Returns q of each row's context by the model of the other folds' users, shape (n, actions)."""
    q = np.zeros((len(sample), sample.actions))
    fold = folds[sample.user]
    for held_out in np.unique(fold):
        train, test = fold != held_out, fold == held_out
        q[test] = _table(sample, train)[sample.group[test], sample.state[test]]
    return q


def _table(sample: Sample, train: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Returns q fitted on these rows, shape (groups, states, actions)."""
    shape = (sample.groups, sample.states, sample.actions)
    counts, sums = np.zeros(shape), np.zeros(shape)
    cells = (sample.group[train], sample.state[train], sample.action[train])
    np.add.at(counts, cells, 1.0)
    np.add.at(sums, cells, sample.reward[train])
    overall = np.full(sample.groups, sample.reward[train].mean() if train.any() else 0.0)
    return shrunken_means(counts, sums, overall)
