"""Implements the former form of the learner `posterior`, which knows states and actions and no persons.

Its policies are adopted by the present form, and its version records are folded by it. docs/learner.md says how it
differs from the present form; variables here have the names that they have there. Floats are
computed with + - * / and sqrt alone and sums run in one order, so the same transitions give the same bits on every
Python.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

from rl_core.config import Settings
from rl_core.learner.adopting import deviations, mean, remaining, split
from rl_core.learner.bounds import bounded, even_share
from rl_core.learner.shares import shares
from rl_core.models import ACTIONS, CELLS, STATES, Action, Facts, State, Transition
from rl_core.packing import pack, unpack

ID = "posterior/1"  # learner and form, as policies and records name them

_WIDTH = len(ACTIONS)
_FLOATS = struct.Struct(f"<{STATES + CELLS + _WIDTH + STATES + _WIDTH + 3}d")
_VALUE_VARIANCE, _ADVANTAGE_VARIANCE, _NOISE = 30.0, 0.5, 0.03  # before the first session
_NOISE_FIRST, _NOISE_WINDOW, _NOISE_LEAST = 20, 1000, 1e-4
_K_EVERY, _K_WEIGHT, _K_LEAST, _K_MOST = 10, 2.0, 5.0, 300.0


class Constants(NamedTuple):
    """Holds the constants that a version record keeps by name. A constant added later has the default "as before"."""

    pooling_visits: float
    discount: float
    value_window: float
    drift: float


class Posterior1:
    """Holds a segment's table under the Kalman filter; `update` changes it in place.

    Shapes: `values` V (9,) by state row; `state_advantages` A(s,b) and `counts` n(s,b) (54,) as row * 6 + action;
    `action_advantages` A(b) (6,); `variances` u of V and then A(b) (15,).
    """

    CONSTANTS: ClassVar[Any] = Constants
    DRAWS_BY: ClassVar[tuple[str, ...]] = ("posterior_scale", "min_probability", "max_probability")

    def __init__(self, k0: float) -> None:
        """Makes an empty table with k0 as its k."""
        self.values = [0.0] * STATES
        self.state_advantages = [0.0] * CELLS
        self.action_advantages = [0.0] * _WIDTH
        self.counts = [0] * CELLS
        self.variances = [_VALUE_VARIANCE] * STATES + [_ADVANTAGE_VARIANCE] * _WIDTH
        self.reference, self.noise, self.k = 0.0, _NOISE, k0

    @classmethod
    def start(cls, constants: Mapping[str, float]) -> Self:
        """Returns the table of a segment that learned nothing yet."""
        return cls(constants["pooling_visits"])

    @classmethod
    def adopt(
        cls, estimates: Sequence[Sequence[float]], visits: Sequence[Sequence[int]], constants: Mapping[str, float]
    ) -> Self:
        """Returns a table made from another learner's `estimates` Q and `visits` n, both of shape (9, 6).

        Q stays as it was wherever the state and action were visited. The variances are those that remain after so many
        visits: 1 / (1/30 + n(s)) for V(s), and 1 / (2 + sum over s of n k / (n + k)) for A(b), where n k / (n + k) is
        the precision that n visits in one state add for an action whose effect varies between states by 1 / k. The
        reference is the mean over all visits of the greatest estimate in the visited state.
        """
        table = cls.start(constants)
        k = table.k
        table.values, table.action_advantages = split(estimates, visits)
        table.variances = remaining(visits, k, _VALUE_VARIANCE, _ADVANTAGE_VARIANCE)
        table.state_advantages = deviations(estimates, visits, table.values, table.action_advantages, k)
        table.counts = [n for row in visits for n in row]
        table.reference = mean([max(row) for row in estimates], [sum(row) for row in visits])
        return table

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Returns the table from its bytes. Raises ValueError or struct.error when they are not of this form."""
        floats = _FLOATS.unpack_from(data)
        table = cls(floats[-1])
        ends = (STATES, STATES + CELLS, STATES + CELLS + _WIDTH)
        table.values = list(floats[: ends[0]])
        table.state_advantages = list(floats[ends[0] : ends[1]])
        table.action_advantages = list(floats[ends[1] : ends[2]])
        table.variances = list(floats[ends[2] : -3])
        table.reference, table.noise = floats[-3], floats[-2]
        table.counts = list(unpack(data[_FLOATS.size :]))
        if len(table.counts) != CELLS:
            raise ValueError(f"{len(table.counts)} counts for {CELLS} cells")
        return table

    def encode(self) -> bytes:
        """Returns the table's bytes: V, A(s,b), A(b), u, reference, noise, k as little-endian float64; n as LEB128."""
        advantages = (*self.state_advantages, *self.action_advantages)
        floats = (*self.values, *advantages, *self.variances, self.reference, self.noise, self.k)
        return _FLOATS.pack(*floats) + pack(self.counts)

    def estimates(self, state: State, facts: Facts | None = None) -> tuple[float, ...]:
        """Returns Q(s, b) for every action b, shape (6,), whatever the `facts`: every person is alike here."""
        del facts
        row, k = state.row, self.k
        value, here = self.values[row], slice(row * _WIDTH, (row + 1) * _WIDTH)
        cells = zip(self.action_advantages, self.counts[here], self.state_advantages[here], strict=True)
        return tuple([value + pooled + n / (n + k) * (advantage - pooled) for pooled, n, advantage in cells])

    def visits(self, state: State) -> tuple[int, ...]:
        """Returns n(s, b) for every action b, shape (6,)."""
        return tuple(self.counts[state.row * _WIDTH : (state.row + 1) * _WIDTH])

    def update(self, t: Transition, episodes: int, constants: Mapping[str, float]) -> None:
        """Learns one transition by one step of the filter; `episodes` counts those learned in the segment before."""
        gamma, window, drift = constants["discount"], constants["value_window"], constants["drift"]
        s, a, k = t.state.row, int(t.action), self.k
        sa, y = s * _WIDTH + a, t.reward
        if self._seen(t.next_state.row):
            follows = max(q for b, q in zip(ACTIONS, self.estimates(t.next_state), strict=True) if b not in t.barred)
            y += gamma * (follows - self.reference)
            self.reference += (follows - self.reference) / min(episodes + 1, window)
        n, pooled, value = self.counts[sa], self.action_advantages[a], self.values[s]
        u = [variance + drift for variance in self.variances]
        rest = k / (n + k)
        advantage = pooled + (1 - rest) * (self.state_advantages[sa] - pooled)
        c = rest * u[STATES + a]
        v = rest * c + 1 / (n + k)
        e, S = y - (value + advantage), 1 + u[s] + v
        self.values[s] = value + u[s] / S * e
        self.action_advantages[a] = pooled = pooled + c / S * e
        advantage += v / S * e
        u[s] -= u[s] / S * u[s]
        u[STATES + a] -= c / S * c
        self.counts[sa], self.variances = n + 1, u
        self.state_advantages[sa] = pooled + (advantage - pooled) * (n + 1 + k) / (n + 1)
        met = (e * e / S - self.noise) / min(episodes + _NOISE_FIRST, _NOISE_WINDOW)
        self.noise = max(self.noise + met, _NOISE_LEAST)
        if episodes % _K_EVERY == 0:
            self.k = self._estimated_k(constants["pooling_visits"])

    def probabilities(
        self, state: State, eligible: Sequence[Action], episodes: int, settings: Settings, values: Sequence[float]
    ) -> tuple[float, ...]:
        """Returns the probability of drawing each eligible action, in the order of `eligible`, at these estimates."""
        del episodes
        share = shares(values, self.spread(state, settings.posterior_scale), eligible)
        return bounded(share, settings.min_probability, settings.max_probability)

    def even_share(self, episodes: int, settings: Settings, options: int) -> float:
        """Returns the share of decisions that the bounds spread evenly over so many options."""
        del episodes
        return even_share(options, settings.min_probability, settings.max_probability)

    def spread(self, state: State, scale: float) -> tuple[float, ...]:
        """Returns var(s, b), the posterior variance of Q(s, b) - V(s) for every action b, shape (6,)."""
        counts = self.counts[state.row * _WIDTH : (state.row + 1) * _WIDTH]
        unit, k = scale * scale * self.noise, self.k
        cells = zip(self.variances[STATES:], counts, strict=True)
        return tuple([unit * (k / (n + k) * k / (n + k) * u + 1 / (n + k)) for u, n in cells])

    def _seen(self, row: int) -> bool:
        return any(self.counts[row * _WIDTH : (row + 1) * _WIDTH])

    def _estimated_k(self, k0: float) -> float:
        """Returns k, estimated from how far each A(s,b) lies from A(b) beyond what noise alone would cause."""
        ratio, weights = _K_WEIGHT / k0, _K_WEIGHT
        for cell, n in enumerate(self.counts):
            if n:
                own, weight = self.state_advantages[cell] - self.action_advantages[cell % _WIDTH], n / (n + k0)
                ratio += weight * (own * own / self.noise - 1 / n)
                weights += weight
        return weights / min(max(ratio, weights / _K_MOST), weights / _K_LEAST)
