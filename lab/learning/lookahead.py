"""Plans where actions are used up: tries out all sequences of the next sessions for this very person.

How far each of six actions is used up is too much for a grid of values. Instead every sequence of `DEEP` actions that
the cool-down allows is gone through, followed by the best action of the moment for some sessions more, each at its mean
and `AWAY` days after the one before. The sequence with the greatest discounted sum says what comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lab.world.crowd import Caller, plan_size
from lab.world.people import RATED, SPELL, clip
from lab.world.tastes import RESTED, USED
from rl_core.models import ACTIONS, Action

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AHEAD, DONE = 0.95, 0.9  # the planner's discount; plans not left behind
DEEP, FURTHER = 3, 6
AWAY = 1.08  # days between two sessions, on average
KEPT = (1.0 - RESTED) ** AWAY
SIZES = np.array([plan_size(a) for a in ACTIONS])


def best(caller: Caller, cooldown: int) -> Action:
    """Returns the eligible action with which the best sequence begins."""
    plans = _sequences(cooldown)
    first = np.array([caller.expected(a) if a in caller.eligible else -np.inf for a in ACTIONS])
    total = first[plans[:, 0]]
    appetites, fades = _appetites(caller), caller.life.person.tastes.fades
    used = np.tile(np.array(caller.visit.moment.used), (len(plans), 1))
    weight, rows, had = 1.0, np.arange(len(plans)), [plans[:, 0]]
    for ahead in range(1, DEEP + FURTHER):
        used[rows, had[-1]] += USED * (1.0 - used[rows, had[-1]])
        used *= KEPT
        weight *= AHEAD
        mean = _means(np.clip(appetites * (1.0 - fades * used), 0.05, 0.95))
        had.append(plans[:, ahead] if ahead < DEEP else _greedy(mean, had[len(had) - cooldown :], rows))
        total = total + weight * mean[rows, had[-1]]
    return Action(int(plans[int(total.argmax()), 0]))


def _appetites(caller: Caller) -> Floats:
    person = caller.life.person
    own = [clip(a + more) for a, more in zip(person.tastes.appetites, person.deviation, strict=True)]
    return np.array(own) + np.array(SPELL) * caller.visit.spell


def _means(willing: Floats) -> Floats:
    """Returns the mean rewards of these willingnesses (`people.mean_reward`), shape (sequences, 6)."""
    lifts = (3.8 * willing - 1.75) / 5.0
    mean: Floats = DONE * (willing + lifts * (1.0 - (1.0 - willing * RATED) ** SIZES)) / 2.0
    return mean


def _greedy(mean: Floats, barred: Sequence[Ints], rows: Ints) -> Ints:
    open_to = mean.copy()
    for actions in barred:
        open_to[rows, actions] = -np.inf
    best_of: Ints = open_to.argmax(axis=1)
    return best_of


@cache
def _sequences(cooldown: int) -> Ints:
    """Returns every sequence of `DEEP` actions that the cool-down allows, shape (sequences, DEEP)."""
    allowed = [
        plan
        for plan in product(range(len(ACTIONS)), repeat=DEEP)
        if all(a not in plan[max(i - cooldown, 0) : i] for i, a in enumerate(plan))
    ]
    return np.array(allowed)
