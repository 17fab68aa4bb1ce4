"""A plain reading of the equations of the learner by Kalman filter: dictionaries, and a person by matrices."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rl_core.config import LearnerSettings
from rl_core.models import NO_FACTS, STATES, Facts, Transition
from tests.core.histories import WEAR


class Known(NamedTuple):
    """What is predicted of a person: the offset, each action's effect, the squared distance over how many means."""

    offset: float
    effects: dict[int, float]
    distance: float
    means: int


def predicted(facts: Facts, usual: dict[int, float], correlation: float, noise: float) -> Known:
    """The mixed model mean(b) = usual(b) + D + P(b) + noise, solved by its covariance matrix."""
    had = [b for b in range(6) if facts.counts[b]]
    if not had:
        return Known(0.0, dict.fromkeys(range(6), 0.0), 0.0, 0)
    apart = np.array([facts.sums[b] / 1e6 / facts.counts[b] - usual[b] for b in had])
    of_effects, of_offset = correlation * np.eye(len(had)), np.full((len(had), len(had)), 0.1)
    weighed = np.linalg.solve(of_offset + of_effects + np.diag([1 / facts.counts[b] for b in had]), apart)
    effects = dict.fromkeys(range(6), 0.0) | dict(zip(had, (of_effects @ weighed).tolist(), strict=True))
    return Known(float(0.1 * weighed.sum()), effects, float(apart @ weighed) / noise, len(had))


@dataclass
class Ratio:
    """A ratio of two running sums that forgets."""

    product: float
    weight: float
    most: float

    def add(self, product: float, weight: float) -> None:
        shrink = min(1.0, self.most / (self.weight + weight))
        self.product, self.weight = (self.product + product) * shrink, (self.weight + weight) * shrink

    @property
    def value(self) -> float:
        return self.product / self.weight


@dataclass
class Filter:
    """The equations as written, with I(s,a) itself instead of the advantage in a state."""

    constants: LearnerSettings
    v: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    a: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    i: dict[tuple[int, int], float] = field(default_factory=lambda: defaultdict(float))
    n: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    m: dict[tuple[int, int], float] = field(default_factory=lambda: defaultdict(float))
    usual_wear: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    u_s: dict[int, float] = field(default_factory=lambda: dict.fromkeys(range(STATES), 30.0))
    u_a: dict[int, float] = field(default_factory=lambda: dict.fromkeys(range(6), 0.5))
    wear: float = 0.0
    u_wear: float = 30.0
    reference: float = 0.0
    noise: float = 0.03
    scale: float = 1.0
    episodes: int = 0

    def __post_init__(self) -> None:
        self.k = self.constants.pooling_visits
        self.alike, self.between = Ratio(0.05 * 50, 50, 2000), Ratio(10 / self.k, 10, 300)

    def q(self, s: int, b: int, facts: Facts | None = None) -> float:
        of_all = self.v[s] + self.a[b] + self.i[s, b]
        if facts is None:
            return of_all
        own = predicted(facts, self.usual(), self.correlation(), self.noise).effects[b]
        return of_all + own - self.wear * (worn(facts, b) - self.usual_wear[b])

    def usual(self) -> dict[int, float]:
        visits = [sum(self.n[s, b] for b in range(6)) for s in range(STATES)]
        level = np.average([self.v[s] for s in range(STATES)], weights=visits) if any(visits) else 0.0
        return {b: float(level) + self.a[b] for b in range(6)}

    def correlation(self) -> float:
        return min(max(self.alike.value, 0.0), 0.5)

    def ahead(self, t: Transition) -> float:
        after = t.next_state.row
        if not any(self.n[after, b] for b in range(6)):
            return 0.0
        then = t.facts.learned(t.action, t.reward).had(t.action) if t.facts else None
        above = max(self.q(after, b, then) for b in range(6) if b not in t.barred) - self.reference
        self.reference += above / min(self.episodes + 1, self.constants.value_window)
        return self.constants.discount * self.episodes / (self.episodes + self.constants.discount_ramp) * above

    def see(self, t: Transition) -> None:
        s, a, facts, k = t.state.row, int(t.action), t.facts or NO_FACTS, self.k
        had = worn(facts, a) if t.facts else self.usual_wear[a]
        usual, r = self.usual(), max(self.correlation(), self.constants.person_correlation)
        who = predicted(facts, usual, r, self.noise)
        trust = min(1.0, (2 + who.means) / (2 + who.distance / self.scale))
        h = 1 / (1 + r * (facts.counts[a] + facts.earlier[a]))
        x = had - self.usual_wear[a]
        y = t.reward + self.ahead(t)
        for u in (self.u_s, self.u_a):
            for place in u:
                u[place] += self.constants.drift
        self.u_wear += 1e-3
        m = self.m[s, a]
        rest = k / (m + k)
        shared, whole = rest * self.u_a[a], rest * rest * self.u_a[a] + 1 / (m + k)
        known = h * h * (self.u_s[s] + whole + x * x * self.u_wear) + r * h
        total = 1 / trust + known
        error = y - (self.q(s, a) + who.effects[a] + who.offset - self.wear * x)
        limit = self.constants.innovation_limit * math.sqrt(self.noise * (1 + known))
        cut = min(max(error, -limit), limit)
        self.see_how_alike(t, cut + who.effects[a], usual, trust)
        self.see_how_far_apart(cut, s, a, trust)
        if who.means:
            self.scale = max(self.scale + (min(who.distance / who.means, 2 * self.scale) - self.scale) / 100, 1.0)
        raw = {z: self.i[z, a] * (self.m[z, a] + k) / self.m[z, a] for z in range(STATES) if self.m[z, a]}
        effect, moved = self.a[a] + self.i[s, a] + whole * h / total * cut, shared * h / total * cut
        self.v[s] += self.u_s[s] * h / total * cut
        self.a[a] += moved
        told = x if facts.latest else 0.0
        self.wear -= self.u_wear * told * h / total * cut
        self.u_s[s] -= (h * self.u_s[s]) ** 2 / total
        self.u_a[a] -= (h * shared) ** 2 / total
        self.u_wear -= (h * self.u_wear * told) ** 2 / total
        for z, own in raw.items():  # what an action is credited with, states have added the less
            self.i[z, a] = self.m[z, a] / (self.m[z, a] + k) * (own - moved)
        self.i[s, a] = effect - self.a[a]
        self.n[s, a] += 1
        gained = max(parts(h * h * trust), 1 / 128)
        self.m[s, a] += gained
        step = min(sum(self.n[z, a] for z in range(STATES)), 100)
        used = (had - self.usual_wear[a]) / step
        self.usual_wear[a] += used
        self.a[a] -= self.wear * used
        met = min(error**2, 9 * self.noise * total) / total - self.noise
        self.noise = max(self.noise + h * trust * met / min(self.episodes + 20, 1000), 1e-4)
        if self.episodes % 10 == 0:
            self.estimate_k_and_fade()
        self.episodes += 1

    def see_how_alike(self, t: Transition, above: float, usual: dict[int, float], trust: float) -> None:
        facts, a = t.facts or NO_FACTS, int(t.action)
        same, rest = facts.counts[a], sum(facts.counts) - facts.counts[a]
        if same and rest:
            apart = {b: facts.sums[b] / 1e6 - facts.counts[b] * usual[b] for b in range(6)}
            contrast = apart[a] / same - sum(apart[b] for b in range(6) if b != a and facts.counts[b]) / rest
            limit = 2 * math.sqrt(self.noise * (0.05 + 1 / same + 1 / rest))
            pairs = 1 / (1 / same + 1 / rest)
            weight = trust * pairs / (1 + 0.05 * pairs) ** 2 / (1 + (same + rest) / 5)
            self.alike.add(weight * above * min(max(contrast, -limit), limit) / self.noise, weight)

    def see_how_far_apart(self, cut: float, s: int, a: int, trust: float) -> None:
        """By pairs of an error of the action alone and what is known of the state: their product is noise / k."""
        m = self.m[s, a]
        weight = trust * m / (m + self.constants.pooling_visits)
        raw = self.i[s, a] * (m + self.k) / m if m else 0.0
        self.between.add(weight * (cut + self.i[s, a]) * raw / self.noise, weight)

    def estimate_k_and_fade(self) -> None:
        raw = {cell: self.i[cell] * (m + self.k) / m for cell, m in self.m.items() if m}
        self.k = 1 / min(max(self.between.value, 1 / 2000), 1 / 5)
        for cell, own in raw.items():
            self.m[cell] = m = parts(self.m[cell] / (1 + 10 * self.constants.drift * self.m[cell]))
            self.i[cell] = m / (m + self.k) * own


def parts(visits: float) -> float:
    """In whole parts of 1/128, to the nearest."""
    return math.floor(visits * 128 + 0.5) / 128


def worn(facts: Facts, b: int) -> float:
    """How much of the latest five was this action, the last one weighing most."""
    return sum(w for w, action in zip(WEAR, facts.latest[::-1], strict=False) if action == b) / sum(WEAR)
