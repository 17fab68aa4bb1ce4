"""Synthetic logs whose truth is known: epsilon-greedy draws, with effects of user, state and action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from operate.log import Floats
from operate.ope.sample import Sample
from operate.ope.targets import greedy, uniform

GROUPS, STATES, ACTIONS = 2, 3, 4
EFFECTS = np.array([0.0, 0.1, -0.1, 0.3])
INTERACTION = np.linspace(-0.2, 0.2, GROUPS * STATES * ACTIONS).reshape(GROUPS, STATES, ACTIONS)[:, ::-1]


@dataclass(frozen=True)
class Truth:
    """A log, what any policy is truly worth in its states, and what was drawn from."""

    sample: Sample
    means: Floats
    drawn_from: Floats

    def worth(self, target: Floats) -> float:
        """In these very contexts, users' own dispositions included."""
        return float((target * self.means).sum(1).mean())


def expected(group: int, state: int) -> Floats:
    """The mean reward of each action for the average user."""
    mean: Floats = 0.3 + EFFECTS + INTERACTION[group, state] + 0.1 * state
    return mean


def logged(seed: int, users: int = 60, each: int = 20, rate: float = 0.3) -> Truth:
    """A log in which the eligible are all but the user's previous action, and the values behind it are half wrong."""
    rng = np.random.default_rng(seed)
    n = users * each
    user = np.repeat(np.arange(users), each)
    group, state = user % GROUPS, rng.integers(0, STATES, n)
    barred = rng.integers(0, ACTIONS, n)
    eligible = np.arange(ACTIONS) != barred[:, None]
    believed = np.array([[0.0, 0.2, 0.1, 0.15]]).repeat(n, 0)
    epsilon = np.full(n, rate)
    even, best = uniform(eligible), greedy(believed, eligible)
    drawn_from = rate * even + (1.0 - rate) * best
    choices = np.where(rng.random((n, 1)) < rate, even, best)
    action = (choices.cumsum(1) > rng.random(n)[:, None]).argmax(1)
    means = np.array([expected(int(g), int(s)) for g, s in zip(group, state, strict=True)])
    means = means + rng.normal(0.0, 0.2, users)[user, None]
    reward = means[range(n), action] + rng.normal(0.0, 0.4, n)
    sample = Sample(user, group, state, eligible, action, drawn_from[range(n), action], reward, GROUPS, STATES, epsilon)
    return Truth(sample, means, drawn_from)


def population_worth(target_of_context: Floats) -> float:
    """What a policy, given as probabilities by (group, state, barred action, action), is worth for the average user."""
    worth = [
        float(target_of_context[g, s, b] @ expected(g, s))
        for g in range(GROUPS)
        for s in range(STATES)
        for b in range(ACTIONS)
    ]
    return float(np.mean(worth))
