"""Computes how often each of several normal variables is the greatest, as Thompson sampling would draw it."""

import math
from collections.abc import Sequence

from rl_core.models import Action


def tail(z: float) -> float:
    """Returns P(N > z) of a standard normal N, for z >= 0, within 0.00025 (Abramowitz and Stegun, 26.2.18)."""
    t = 1 + z * (0.196854 + z * (0.115194 + z * (0.000344 + z * 0.019527)))
    return 0.5 / (t * t * t * t)


def shares(values: Sequence[float], variance: Sequence[float], options: Sequence[Action]) -> tuple[float, ...]:
    """Returns the approximate probability that each option is the best, in the order of `options`.

    `values` and `variance` have shape (6,).
    """
    best = max(options, key=values.__getitem__)
    top, value, spread = options.index(best), values[best], variance[best]
    weights = [tail((value - values[a]) / math.sqrt(variance[a] + spread)) for a in options]
    weights[top] = 0.0
    weights[top] = 1 - max(weights)
    total = 0.0
    for weight in weights:
        total += weight
    return tuple([weight / total for weight in weights])
