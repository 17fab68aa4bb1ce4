"""Implements the learner `epsilon`: one-step Q-learning by sample averages, and epsilon-greedy draws.

docs/learner.md has the equations and their sources; variables here have the names that they have there. Floats are
computed with + - * / alone and sums run in one order, so the same transitions give the same bits on every Python.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

from rl_core.config import Settings
from rl_core.learner.adopting import deviations, split
from rl_core.models import ACTIONS, CELLS, STATES, Action, Facts, State, Transition
from rl_core.packing import pack, unpack

ID = "epsilon/1"  # learner and form, as policies and records name them

_WIDTH = len(ACTIONS)
_FLOATS = struct.Struct(f"<{STATES + CELLS + _WIDTH + 1}d")


class Constants(NamedTuple):
    """Holds the constants that a version record keeps by name. A constant added later has the default "as before"."""

    pooling_visits: float
    discount: float
    value_window: float


def epsilon(episodes: int, settings: Settings) -> float:
    """Returns epsilon(n). Computes the power by squaring, which gives the same bits anywhere."""
    power, base, n = 1.0, settings.epsilon_decay, episodes
    while n:
        if n & 1:
            power *= base
        base *= base
        n >>= 1
    return max(settings.epsilon_min, settings.epsilon_start * power)


class Averages:
    """Holds a segment's table of sample averages; `update` changes it in place.

    Shapes: `values` V (9,) by state row; `state_advantages` A(s,b) and `counts` n(s,b) (54,) as row * 6 + action;
    `action_advantages` A(b) (6,).
    """

    CONSTANTS: ClassVar[Any] = Constants
    DRAWS_BY: ClassVar[tuple[str, ...]] = ("epsilon_start", "epsilon_decay", "epsilon_min")

    def __init__(self, k: float) -> None:
        """Makes an empty table with this k."""
        self.values = [0.0] * STATES
        self.state_advantages = [0.0] * CELLS
        self.action_advantages = [0.0] * _WIDTH
        self.counts = [0] * CELLS
        self.k = k

    @classmethod
    def start(cls, constants: Mapping[str, float]) -> Self:
        """Returns the table of a segment that learned nothing yet."""
        return cls(constants["pooling_visits"])

    @classmethod
    def adopt(
        cls, estimates: Sequence[Sequence[float]], visits: Sequence[Sequence[int]], constants: Mapping[str, float]
    ) -> Self:
        """Returns a table made from another learner's `estimates` Q and `visits` n, both of shape (9, 6).

        Q stays as it was wherever the state and action were visited.
        """
        table = cls.start(constants)
        table.values, table.action_advantages = split(estimates, visits)
        table.state_advantages = deviations(estimates, visits, table.values, table.action_advantages, table.k)
        table.counts = [n for row in visits for n in row]
        return table

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Returns the table from its bytes. Raises ValueError or struct.error when they are not of this form."""
        floats = _FLOATS.unpack_from(data)
        table = cls(floats[-1])
        table.values = list(floats[:STATES])
        table.state_advantages = list(floats[STATES : STATES + CELLS])
        table.action_advantages = list(floats[STATES + CELLS : -1])
        table.counts = list(unpack(data[_FLOATS.size :]))
        if len(table.counts) != CELLS:
            raise ValueError(f"{len(table.counts)} counts for {CELLS} cells")
        return table

    def encode(self) -> bytes:
        """Returns the table's bytes: V, A(s,b), A(b), k as little-endian float64; n as LEB128."""
        floats = (*self.values, *self.state_advantages, *self.action_advantages, self.k)
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
        """Learns one transition; each count is raised by one before a step is divided by it."""
        del episodes
        self.k = constants["pooling_visits"]
        follows = max(q for b, q in zip(ACTIONS, self.estimates(t.next_state), strict=True) if b not in t.barred)
        s, a, sa = t.state.row, int(t.action), t.state.row * _WIDTH + t.action
        seen = sum(self.counts[s * _WIDTH : (s + 1) * _WIDTH])
        y = t.reward + constants["discount"] * follows
        d = y - self.values[s] if seen else 0.0
        self.counts[sa] += 1
        self.values[s] += (y - self.values[s]) / min(seen + 1, constants["value_window"])
        self.state_advantages[sa] += (d - self.state_advantages[sa]) / self.counts[sa]
        self.action_advantages[a] += (d - self.action_advantages[a]) / sum(self.counts[a:CELLS:_WIDTH])

    def probabilities(
        self, state: State, eligible: Sequence[Action], episodes: int, settings: Settings, values: Sequence[float]
    ) -> tuple[float, ...]:
        """Returns the probability of drawing each eligible action, in the order of `eligible`, at these estimates."""
        del state
        rate, top = epsilon(episodes, settings), max(values[b] for b in eligible)
        share = (1 - rate) / sum(values[b] == top for b in eligible)
        return tuple([rate / len(eligible) + (share if values[b] == top else 0.0) for b in eligible])

    def even_share(self, episodes: int, settings: Settings, options: int) -> float:
        """Returns epsilon(n), the share of decisions that is drawn evenly over the options."""
        del options
        return epsilon(episodes, settings)
