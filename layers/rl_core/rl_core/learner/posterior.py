"""Implements the learner `posterior`: a Kalman filter that knows what a person just had and who the person is; each
action is drawn as often as it is the best.

docs/learner.md has the equations and their sources; variables here have the names that they have there. Floats are
computed with + - * / and sqrt alone and sums run in one order, so the same transitions give the same bits on every
Python. What is stored in fewer bits than a float has is rounded in the same step that computes it.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

from rl_core.config import Settings
from rl_core.learner.adopting import deviations, mean, remaining, split
from rl_core.learner.bounds import bounded, even_share
from rl_core.learner.persons import Person, evidence, person, worn
from rl_core.learner.shares import shares
from rl_core.models import ACTIONS, CELLS, NO_FACTS, STATES, Action, Facts, State, Transition
from rl_core.packing import pack, unpack

ID = "posterior/2"  # learner and form, as policies and records name them

_WIDTH = len(ACTIONS)
_DOUBLES = struct.Struct(f"<{STATES + _WIDTH + STATES + _WIDTH + _WIDTH + 10}d")
_SINGLES = struct.Struct(f"<{CELLS}f")
_SINGLE = struct.Struct("<f")
_UNIT = 128  # parts of a visit in which its weight is counted
_VALUE_VARIANCE, _ADVANTAGE_VARIANCE, _WEAR_VARIANCE, _NOISE = 30.0, 0.5, 30.0, 0.03  # before the first session
_CORRELATION, _ANSWERS, _MOST_ANSWERS, _MOST_CORRELATION = 0.05, 50.0, 2000.0, 0.5
_WEAR_DRIFT, _WEAR_WINDOW = 1e-3, 100
_NOISE_FIRST, _NOISE_WINDOW, _NOISE_LEAST = 20, 1000, 1e-4
_EVERY = 10  # episodes after which k is estimated anew and the weights fade
_K_WEIGHT, _K_WINDOW, _K_LEAST, _K_MOST = 10.0, 300.0, 5.0, 2000.0
_MOST_ADOPTED = 100
_FIRST = 150  # episodes after which a draw's scale has half of its way behind it
_SCALE_WINDOW, _SCALE_STEP = 100, 2.0


class Constants(NamedTuple):
    """Holds the constants that a version record keeps by name. A constant added later has the default "as before"."""

    pooling_visits: float
    discount: float
    value_window: float
    drift: float
    person_correlation: float
    innovation_limit: float
    discount_ramp: float = 50.0


class Posterior:
    """Holds a segment's table under the Kalman filter; `update` changes it in place.

    Shapes: `values` V (9,) by state row; `state_advantages` A(s,b), `counts` n(s,b) and their `weights` m(s,b), in
    parts of a visit, (54,) as row * 6 + action; `action_advantages` A(b) and `usual_wear` (6,); `variances` u of V and
    then A(b) (15,). `alike` and `between` hold a sum of products and a sum of weights each, whose ratios estimate the
    correlation of one person's answers and 1 / k.
    """

    CONSTANTS: ClassVar[Any] = Constants
    DRAWS_BY: ClassVar[tuple[str, ...]] = (
        "posterior_scale_first",
        "posterior_scale",
        "min_probability",
        "max_probability",
    )

    def __init__(self, k0: float) -> None:
        """Makes an empty table with k0 as its k."""
        self.values = [0.0] * STATES
        self.state_advantages = [0.0] * CELLS
        self.action_advantages = [0.0] * _WIDTH
        self.counts, self.weights = [0] * CELLS, [0] * CELLS
        self.variances = [_VALUE_VARIANCE] * STATES + [_ADVANTAGE_VARIANCE] * _WIDTH
        self.reference, self.noise, self.k, self.distance = 0.0, _NOISE, k0, 1.0
        self.wear, self.wear_variance, self.usual_wear = 0.0, _WEAR_VARIANCE, [0.0] * _WIDTH
        self.alike, self.between = [_CORRELATION * _ANSWERS, _ANSWERS], [_K_WEIGHT / k0, _K_WEIGHT]
        self._rewards: list[float] | None = None  # what was computed last from the present table

    @classmethod
    def start(cls, constants: Mapping[str, float]) -> Self:
        """Returns the table of a segment that learned nothing yet."""
        return cls(constants["pooling_visits"])

    @classmethod
    def adopt(
        cls, estimates: Sequence[Sequence[float]], visits: Sequence[Sequence[int]], constants: Mapping[str, float]
    ) -> Self:
        """Returns a table made from another learner's `estimates` Q and `visits` n, both of shape (9, 6).

        Q stays as it was, but for rounding, wherever the state and action were visited; a hundred visits and more weigh
        alike. The variances are those that remain after so many visits: 1 / (1/30 + m(s)) for V(s), and 1 / (2 + sum
        over s of m k / (m + k)) for A(b), where m k / (m + k) is the precision that m visits in one state add for an
        action whose effect varies between states by 1 / k. The reference is the mean over all visits of the greatest
        estimate in the visited state.
        """
        table = cls.start(constants)
        k = table.k
        heavy = [[min(n, _MOST_ADOPTED) for n in row] for row in visits]
        table.values, table.action_advantages = split(estimates, visits)
        table.variances = remaining(heavy, k, _VALUE_VARIANCE, _ADVANTAGE_VARIANCE)
        apart = deviations(estimates, heavy, table.values, table.action_advantages, k)
        table.state_advantages = [_single(its) for its in apart]
        table.counts = [n for row in visits for n in row]
        table.weights = [m * _UNIT for row in heavy for m in row]
        table.reference = mean([max(row) for row in estimates], [sum(row) for row in visits])
        return table

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Returns the table from its bytes. Raises ValueError or struct.error when they are not of this form."""
        left = list(_DOUBLES.unpack_from(data))
        table = cls(1.0)
        table.values, left = left[:STATES], left[STATES:]
        table.action_advantages, left = left[:_WIDTH], left[_WIDTH:]
        table.variances, left = left[: STATES + _WIDTH], left[STATES + _WIDTH :]
        table.usual_wear, left = left[:_WIDTH], left[_WIDTH:]
        table.reference, table.noise, table.k, table.distance, table.wear, table.wear_variance, *left = left
        table.alike, table.between = left[:2], left[2:]
        table.state_advantages = list(_SINGLES.unpack_from(data, _DOUBLES.size))
        counted = list(unpack(data[_DOUBLES.size + _SINGLES.size :]))
        if len(counted) != 2 * CELLS:
            raise ValueError(f"{len(counted)} counts for {CELLS} cells")
        table.counts, table.weights = counted[:CELLS], counted[CELLS:]
        return table

    def encode(self) -> bytes:
        """Returns the table's bytes: little-endian float64, A(s,b) as float32, then n and m as LEB128."""
        scalars = (self.reference, self.noise, self.k, self.distance, self.wear, self.wear_variance)
        doubles = (*self.values, *self.action_advantages, *self.variances, *self.usual_wear, *scalars)
        packed = _DOUBLES.pack(*doubles, *self.alike, *self.between)
        return packed + _SINGLES.pack(*self.state_advantages) + pack(self.counts) + pack(self.weights)

    def estimates(self, state: State, facts: Facts | None = None) -> tuple[float, ...]:
        """Returns Q(s, b) for every action b, shape (6,); with the `facts` of a person it is theirs."""
        row, k = state.row, self.k * _UNIT
        value, here = self.values[row], slice(row * _WIDTH, (row + 1) * _WIDTH)
        cells = zip(self.action_advantages, self.weights[here], self.state_advantages[here], strict=True)
        table = [value + pooled + m / (m + k) * (advantage - pooled) for pooled, m, advantage in cells]
        if facts is None:
            return tuple(table)
        effects = person(facts, self._usual(), self._correlation(), self.noise).effects
        own = zip(table, effects, worn(facts.latest), self.usual_wear, strict=True)
        return tuple([q + effect - self.wear * (x - usual) for q, effect, x, usual in own])

    def visits(self, state: State) -> tuple[int, ...]:
        """Returns n(s, b) for every action b, shape (6,)."""
        return tuple(self.counts[state.row * _WIDTH : (state.row + 1) * _WIDTH])

    def update(self, t: Transition, episodes: int, constants: Mapping[str, float]) -> None:
        """Learns one transition by one step of the filter; `episodes` counts those learned in the segment before."""
        s, a, k, facts = t.state.row, int(t.action), self.k, t.facts or NO_FACTS
        sa, usual = s * _WIDTH + a, self._usual()
        correlation = max(self._correlation(), constants["person_correlation"])
        who = person(facts, usual, correlation, self.noise)
        trust, h = who.trust(self.distance), 1 / (1 + correlation * (facts.counts[a] + facts.earlier[a]))
        worn_now = worn(facts.latest)[a] if t.facts and facts.wear_known else self.usual_wear[a]
        x = worn_now - self.usual_wear[a]
        y = t.reward + self._ahead(t, episodes, constants)
        m, pooled, value = self.weights[sa] / _UNIT, self.action_advantages[a], self.values[s]
        u = [variance + constants["drift"] for variance in self.variances]
        u_wear = self.wear_variance + _WEAR_DRIFT
        rest = k / (m + k)
        apart = self.state_advantages[sa] - pooled
        advantage = pooled + (1 - rest) * apart
        c = rest * u[STATES + a]
        v = rest * c + 1 / (m + k)
        e = y - (value + advantage + who.effects[a] + who.offset - self.wear * x)
        known = h * h * (u[s] + v + x * x * u_wear) + correlation * h
        S = 1 / trust + known
        limit = constants["innovation_limit"] * math.sqrt(self.noise * (1 + known))
        cut = min(max(e, -limit), limit)
        self._learn_variances(facts, t.action, cut, who, usual, apart, m, rest, trust, constants)
        g = h * cut / S
        self.values[s] = value + u[s] * g
        self.action_advantages[a] = pooled = pooled + c * g
        advantage += v * g
        told = x if facts.latest else 0.0  # newcomers do more of any plan, and have had nothing
        self.wear -= u_wear * told * g
        u[s] -= h * u[s] / S * h * u[s]
        u[STATES + a] -= h * c / S * h * c
        self.wear_variance = u_wear - h * u_wear * told / S * h * u_wear * told
        self.variances = u
        self.counts[sa], self.weights[sa] = self.counts[sa] + 1, self.weights[sa] + max(_parts(h * h * trust), 1)
        m = self.weights[sa] / _UNIT
        self.state_advantages[sa] = pooled + (advantage - pooled) * (m + k) / m
        self._get_used_to(a, worn_now)
        met = min(e * e, 9 * self.noise * S) / S - self.noise
        self.noise = max(self.noise + h * trust * met / min(episodes + _NOISE_FIRST, _NOISE_WINDOW), _NOISE_LEAST)
        if episodes % _EVERY == 0:
            faded = _EVERY * constants["drift"]
            self.weights = [_parts(m / (_UNIT + faded * m)) for m in self.weights]
            self.k = 1 / min(max(self.between[0] / self.between[1], 1 / _K_MOST), 1 / _K_LEAST)
        self._rewards = None

    def probabilities(
        self, state: State, eligible: Sequence[Action], episodes: int, settings: Settings, values: Sequence[float]
    ) -> tuple[float, ...]:
        """Returns the probability of drawing each eligible action, in the order of `eligible`, at these estimates."""
        late, first = settings.posterior_scale, settings.posterior_scale_first
        spread = self.spread(state, late + (first - late) * _FIRST / (_FIRST + episodes))
        share = shares(values, spread, eligible)
        return bounded(share, settings.min_probability, settings.max_probability)

    def even_share(self, episodes: int, settings: Settings, options: int) -> float:
        """Returns the share of decisions that the bounds spread evenly over so many options."""
        del episodes
        return even_share(options, settings.min_probability, settings.max_probability)

    def spread(self, state: State, scale: float) -> tuple[float, ...]:
        """Returns var(s, b), the posterior variance of Q(s, b) - V(s) for every action b, shape (6,)."""
        weights = self.weights[state.row * _WIDTH : (state.row + 1) * _WIDTH]
        unit, k = scale * scale * self.noise, self.k * _UNIT
        cells = zip(self.variances[STATES:], weights, strict=True)
        return tuple([unit * (k / (m + k) * k / (m + k) * u + _UNIT / (m + k)) for u, m in cells])

    def _ahead(self, t: Transition, episodes: int, constants: Mapping[str, float]) -> float:
        """Returns what the value of the next state adds to the reward, and moves the reference."""
        row = t.next_state.row
        if not any(self.counts[row * _WIDTH : (row + 1) * _WIDTH]):
            return 0.0
        then = t.facts and t.facts.learned(t.action, t.reward).had(t.action)
        values = self.estimates(t.next_state, then)
        apart = max(q for b, q in zip(ACTIONS, values, strict=True) if b not in t.barred) - self.reference
        self.reference += apart / min(episodes + 1, constants["value_window"])
        return constants["discount"] * episodes / (episodes + constants["discount_ramp"]) * apart

    def _learn_variances(
        self,
        facts: Facts,
        action: Action,
        cut: float,
        who: Person,
        usual: Sequence[float],
        apart: float,
        m: float,
        rest: float,
        trust: float,
        constants: Mapping[str, float],
    ) -> None:
        """Learns how alike one person's answers are, and how far states and persons lie apart."""
        found = evidence(facts, action, cut + who.effects[action], usual, _CORRELATION, self.noise)
        _add(self.alike, trust * found.product, trust * found.weight, _MOST_ANSWERS)
        weight = trust * m / (m + constants["pooling_visits"])
        _add(self.between, weight * (cut + (1 - rest) * apart) * apart / self.noise, weight, _K_WINDOW)
        if who.actions:
            met = min(who.distance / who.actions, _SCALE_STEP * self.distance) - self.distance
            self.distance = max(self.distance + met / _SCALE_WINDOW, 1.0)

    def _get_used_to(self, a: int, worn_now: float) -> None:
        """Moves the action's usual wear, and with it what the action gives at its usual wear."""
        moved = (worn_now - self.usual_wear[a]) / min(sum(self.counts[a::_WIDTH]), _WEAR_WINDOW)
        self.usual_wear[a] += moved
        self.action_advantages[a] -= self.wear * moved
        for cell in range(a, CELLS, _WIDTH):
            self.state_advantages[cell] = _single(self.state_advantages[cell] - self.wear * moved)

    def _correlation(self) -> float:
        """Returns the estimated correlation of one person's answers about one action, 0 at least."""
        return min(max(self.alike[0] / self.alike[1], 0.0), _MOST_CORRELATION)

    def _usual(self) -> list[float]:
        """Returns the mean reward of each action in the segment, shape (6,): the visits' mean of V(s), and A(b)."""
        if self._rewards is None:
            level = mean(self.values, [sum(self.counts[row * _WIDTH : (row + 1) * _WIDTH]) for row in range(STATES)])
            self._rewards = [level + advantage for advantage in self.action_advantages]
        return self._rewards


def _parts(visits: float) -> int:
    """Returns a weight in visits as a whole number of parts of a visit."""
    return int(visits * _UNIT + 0.5)


def _single(number: float) -> float:
    """Returns the number rounded to a float32, as it is stored."""
    rounded: float = _SINGLE.unpack(_SINGLE.pack(number))[0]
    return rounded


def _add(ratio: list[float], product: float, weight: float, most: float) -> None:
    """Adds to a ratio's two sums; once the weights come to more than `most`, both sums shrink, so that it forgets."""
    ratio[0] += product
    ratio[1] += weight
    if ratio[1] > most:
        ratio[0], ratio[1] = ratio[0] * most / ratio[1], most
