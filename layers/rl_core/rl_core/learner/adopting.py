"""Computes the values and advantages with which one learner adopts another one's estimates and visits.

docs/learner.md has the equations; `estimates` Q and `visits` n have shape (9, 6).
"""

from collections.abc import Sequence

from rl_core.models import ACTIONS, STATES

Estimates = Sequence[Sequence[float]]
Visits = Sequence[Sequence[int]]


def split(estimates: Estimates, visits: Visits) -> tuple[list[float], list[float]]:
    """Returns the values V, shape (9,), and the advantages A of the actions, shape (6,)."""
    seen = [row for row in range(STATES) if any(visits[row])]
    V = [mean(estimates[row], visits[row]) for row in range(STATES)]
    A = [0.0] * len(ACTIONS)
    for b in ACTIONS:
        if seen:
            A[b] = mean([estimates[row][b] - V[row] for row in seen], [visits[row][b] for row in seen])
    for row in range(STATES):
        if row not in seen:
            V[row] = mean([estimates[row][b] - A[b] for b in ACTIONS], [0] * len(ACTIONS))
    return V, A


def deviations(estimates: Estimates, visits: Visits, V: Sequence[float], A: Sequence[float], k: float) -> list[float]:
    """Returns A(s,b), shape (54,), such that V(s) + A(b) + n / (n + k) (A(s,b) - A(b)) = Q(s,b) where n > 0."""
    cells = []
    for row in range(STATES):
        for b in ACTIONS:
            n, own = visits[row][b], estimates[row][b] - V[row] - A[b]
            cells.append(A[b] + own * (n + k) / n if n else 0.0)
    return cells


def remaining(visits: Visits, k: float, value: float, advantage: float) -> list[float]:
    """Returns the variances that remain after so many visits, of V and then A(b), shape (15,).

    `value` and `advantage` are the variances before the first visit. In one state n visits add n k / (n + k) to the
    precision of A(b), because the action's effect varies between states by 1 / k.
    """
    variances = [1 / (1 / value + sum(row)) for row in visits]
    for b in ACTIONS:
        said = 1 / advantage
        for row in visits:
            said += row[b] * k / (row[b] + k)
        variances.append(1 / said)
    return variances


def mean(values: Sequence[float], weights: Sequence[int]) -> float:
    """Returns the weighted mean, or the plain mean when all weights are 0. Sums run in order."""
    counted = weights if any(weights) else [1] * len(values)
    total, count = 0.0, 0
    for value, weight in zip(values, counted, strict=True):
        total += weight * value
        count += weight
    return total / count
