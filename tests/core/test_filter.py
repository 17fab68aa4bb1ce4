"""The learner by Kalman filter beside a plain reading of its equations: dictionaries, and a person by matrices."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rl_core import learner
from rl_core.config import LearnerSettings, Settings
from rl_core.learner import fold_of
from rl_core.learner.posterior import Posterior
from rl_core.models import ACTIONS, NO_FACTS, STATES, Facts, Fold, State, Transition
from tests.core.histories import (
    AVERAGES,
    EMPTY,
    FILTER,
    FORMER,
    WEAR,
    fold,
    mixed,
    random_transitions,
    taught,
    transition,
)

POSTERIOR = Settings(table_name="t", exploration="posterior")
ANY_PYTHON = (
    0.2663448783167082, 0.34878806056131023, 0.3296988621241426, 0.4433525453182552, 0.4926539911619974,
    0.53567711078555,
)  # fmt: skip


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

    def ahead(self, t: Transition, facts: Facts) -> float:
        after = t.next_state.row
        if not any(self.n[after, b] for b in range(6)):
            return 0.0
        then = facts.learned(t.action, t.reward).had(t.action)
        above = max(self.q(after, b, then) for b in range(6) if b not in t.barred) - self.reference
        self.reference += above / min(self.episodes + 1, self.constants.value_window)
        return self.constants.discount * self.episodes / (self.episodes + 50) * above

    def see(self, t: Transition) -> None:
        s, a, facts, k = t.state.row, int(t.action), t.facts or NO_FACTS, self.k
        usual, r = self.usual(), max(self.correlation(), self.constants.person_correlation)
        who = predicted(facts, usual, r, self.noise)
        trust = min(1.0, (2 + who.means) / (2 + who.distance / self.scale))
        h = 1 / (1 + r * (facts.counts[a] + facts.earlier[a]))
        x = worn(facts, a) - self.usual_wear[a]
        y = t.reward + self.ahead(t, facts)
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
        self.wear -= self.u_wear * x * h / total * cut
        self.u_s[s] -= (h * self.u_s[s]) ** 2 / total
        self.u_a[a] -= (h * shared) ** 2 / total
        self.u_wear -= (h * self.u_wear * x) ** 2 / total
        for z, own in raw.items():  # what an action is credited with, states have added the less
            self.i[z, a] = self.m[z, a] / (self.m[z, a] + k) * (own - moved)
        self.i[s, a] = effect - self.a[a]
        self.n[s, a] += 1
        gained = max(parts(h * h * trust), 1 / 128)
        self.m[s, a] += gained
        step = min(sum(self.n[z, a] for z in range(STATES)), 100)
        used = (worn(facts, a) - self.usual_wear[a]) / step
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


def near(expected: Any) -> Any:
    """As good as equal, where the filter rounds to float32."""
    return pytest.approx(expected, abs=2e-6, rel=1e-5)


@pytest.mark.parametrize(
    ("transitions", "constants"),
    [
        (random_transitions(1, 1000), FILTER),
        (mixed(2, 1500), FILTER),
        (mixed(3, 1000), LearnerSettings(pooling_visits=3, discount=0, drift=0, person_correlation=0)),
        (mixed(4, 1000), LearnerSettings(pooling_visits=7, drift=0.01, innovation_limit=0.7, value_window=30)),
    ],
    ids=["of nobody known", "of people", "myopic", "other constants"],
)
def test_the_learner_by_kalman_filter_equals_the_written_equations(
    transitions: list[Transition], constants: LearnerSettings
) -> None:
    book, table = Filter(constants), Posterior.start(fold_of(constants).constants)
    for episodes, t in enumerate(transitions):
        book.see(t)
        table.update(t, episodes, fold_of(constants).constants)
    for s in range(STATES):
        for facts in (None, NO_FACTS, transitions[-1].facts, transitions[-2].facts):
            found = table.estimates(State.from_row(s), facts)
            assert found == near([book.q(s, b, facts) for b in range(6)])
    assert table.variances == near([*book.u_s.values(), *book.u_a.values()])
    assert table.counts == [book.n[s, a] for s in range(9) for a in range(6)]
    assert table.weights == [128 * book.m[s, a] for s in range(9) for a in range(6)]
    assert table.usual_wear == near([book.usual_wear[a] for a in range(6)])
    others = (table.reference, table.noise, table.k, table.distance, table.wear, table.wear_variance)
    assert others == near((book.reference, book.noise, book.k, book.scale, book.wear, book.u_wear))
    assert table.alike == near([book.alike.product, book.alike.weight])
    assert table.between == near([book.between.product, book.between.weight])


# What is learned beside the values.


def test_the_filters_values_do_not_grow_with_what_follows() -> None:
    policy = fold(EMPTY, [transition(reward=0.5)] * 2000, FILTER)
    assert learner.estimates(policy)[0][0] == pytest.approx(0.5, abs=0.02)


def test_what_follows_counts_more_the_more_was_learned() -> None:
    grown = []
    for episodes in (0, 50, 450, 100_000):
        table = taught(Posterior, random_transitions(5, 200), FILTER)
        table.reference = max(table.estimates(State(0, 0))) - 0.4
        table.wear = table.alike[0] = 0.0
        grown.append(table._ahead(transition(), NO_FACTS, episodes, fold_of(FILTER).constants))
    assert grown == pytest.approx([0.0, 0.9 * 0.4 / 2, 0.9 * 0.4 * 0.9, 0.9 * 0.4], rel=1e-3)


def test_a_state_that_was_never_seen_promises_nothing() -> None:
    poor = [transition(reward=-0.3)] * 60
    known = taught(Posterior, poor, FILTER)
    told = taught(Posterior, [*poor, transition(reward=-0.3, after=8)], FILTER)
    assert told.reference == known.reference
    assert told.values[0] == pytest.approx(-0.3, abs=0.05)


@pytest.mark.parametrize(("spread", "least", "most"), [(0.0, 60, 2000), (0.15, 5, 12)])
def test_a_state_counts_for_more_where_the_states_turn_out_to_differ(spread: float, least: float, most: float) -> None:
    rng = Random(11)
    tastes = [[rng.gauss(0, spread) for _ in ACTIONS] for _ in range(STATES)]
    seen = [
        transition(s, a, tastes[s][a] + rng.gauss(0, 0.15), rng.randrange(STATES))
        for s, a in ((rng.randrange(STATES), rng.randrange(6)) for _ in range(3000))
    ]
    table = taught(Posterior, seen, LearnerSettings(discount=0))
    assert least <= table.k <= most
    assert table.noise**0.5 == pytest.approx(0.15, rel=0.15)


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.5, 3.0])
def test_k_never_leaves_its_bounds(spread: float) -> None:
    rng, constants = Random(12), fold_of(FILTER).constants
    table = Posterior.start(constants)
    for episodes in range(600):
        s, a = rng.randrange(3), rng.randrange(6)
        table.update(transition(s, a, spread * (-1) ** (s + a), s), episodes, constants)
        assert 5 <= table.k <= 2000


def test_rewards_that_never_differ_leave_a_posterior_that_can_be_drawn_from() -> None:
    policy = fold(EMPTY, [transition(reward=0.0)] * 30_000, FILTER)
    assert Posterior.decode(policy.table).noise == 1e-4
    assert learner.decide(policy, State(0, 0), ACTIONS, POSTERIOR, Random(1)).action in ACTIONS


def test_an_unknown_state_takes_nearly_all_of_the_first_error_up_to_its_limit() -> None:
    known, wild = (taught(Posterior, [transition(4, 2, reward)], FILTER) for reward in (0.8, 80.0))
    assert known.values[4] == pytest.approx(0.8, abs=0.05)
    assert 0 < known.action_advantages[2] < 0.02
    assert wild.values[4] == pytest.approx(2 * (0.03 * 31.6) ** 0.5 * 30 / 31.6, abs=0.02)


def test_what_a_cell_knows_fades_while_it_is_not_visited() -> None:
    table = taught(Posterior, [transition(3, 1)] * 100, FILTER)
    often = table.weights[19]
    for episodes in range(100, 3100):
        table.update(transition(0, 0), episodes, fold_of(FILTER).constants)
    assert 85 * 128 < often < 90 * 128
    assert table.weights[19] == pytest.approx(128 / (128 / often + 3000 * FILTER.drift), rel=0.01)
    assert table.counts[19] == 100
    lasting = taught(Posterior, [transition(3, 1)] * 100 + [transition()] * 3000, LearnerSettings(drift=0))
    assert lasting.weights[19] == 100 * 128


def test_what_is_known_of_an_action_grows_uncertain_while_others_are_served() -> None:
    often = [transition(action=1)] * 50
    known = taught(Posterior, often, FILTER).variances[STATES + 1]
    later = taught(Posterior, [*often, *[transition(action=2)] * 500], FILTER).variances[STATES + 1]
    assert known < taught(Posterior, [], FILTER).variances[STATES + 1]
    assert later == pytest.approx(known + 500 * FILTER.drift)


def test_where_values_are_known_the_filter_is_the_random_effects_model() -> None:
    rng, table = Random(12), Posterior(20.0)
    table.variances, table.noise = [0.0] * STATES + [0.5] * 6, 1.0  # nothing is cut
    heard = [[rng.gauss(0.3, 0.2) for _ in range(n)] for n in (0, 1, 2, 5, 10, 20, 40, 3, 0)]
    seen = [transition(s, 2, reward, s) for s, rewards in enumerate(heard) for reward in rewards]
    rng.shuffle(seen)
    constants = fold_of(LearnerSettings(discount=0, drift=0, person_correlation=0)).constants
    for t in seen:  # always the second episode, so that k is not estimated; and nobody's answers are alike
        table.alike, table.wear_variance = [0.0, 1.0], 0.0
        table.update(t, 1, constants)
        table.noise = 1.0
    precision, weighed = 1 / 0.5, 0.0
    for rewards in filter(None, heard):
        weight = 1 / (1 / 20 + 1 / len(rewards))
        precision, weighed = precision + weight, weighed + weight * fmean(rewards)
    pooled = weighed / precision
    assert table.action_advantages[2] == pytest.approx(pooled)
    assert table.variances[STATES + 2] == pytest.approx(1 / precision)
    for s, rewards in enumerate(heard):
        own = len(rewards) / (len(rewards) + 20) * (fmean(rewards) - pooled) if rewards else 0.0
        assert table.estimates(State.from_row(s))[2] == pytest.approx(pooled + own, abs=1e-6)


# The bytes.

CELL = st.tuples(st.integers(0, 8), st.integers(0, 5), st.floats(-0.4, 0.9), st.integers(0, 8))
SMALL = st.tuples(*[st.integers(0, 9)] * 6)
FACTS = st.none() | st.builds(
    Facts,
    SMALL,
    st.tuples(*[st.integers(-4_000_000, 9_000_000)] * 6),
    SMALL,
    st.lists(st.sampled_from(ACTIONS), max_size=5).map(tuple),
)
TRANSITIONS = st.lists(st.tuples(CELL, st.lists(st.integers(0, 5), max_size=5), FACTS), min_size=1, max_size=40)


@settings(derandomize=True, database=None, deadline=None, max_examples=50, phases=[Phase.generate])
@given(TRANSITIONS)
def test_a_fold_in_one_go_has_the_bits_of_a_fold_by_one_session_at_a_time(drawn: list[Any]) -> None:
    seen = [transition(s, a, r, after, tuple(barred), facts) for (s, a, r, after), barred, facts in drawn]
    at_once, one_by_one = fold(EMPTY, seen, FILTER), EMPTY
    for t in seen:
        one_by_one = fold(one_by_one, [t], FILTER)
        assert Posterior.decode(one_by_one.table).encode() == one_by_one.table
    assert one_by_one == at_once
    table = taught(Posterior, seen, FILTER)
    assert vars(Posterior.decode(at_once.table)) == vars(table)
    assert table.encode() == at_once.table


def test_a_long_life_folded_in_pieces_has_the_same_bits() -> None:
    seen, pieces = mixed(61, 1200), EMPTY
    for start in range(0, len(seen), 7):
        pieces = fold(pieces, seen[start : start + 7], FILTER)
    assert pieces == fold(EMPTY, seen, FILTER)


def test_a_filter_that_has_learned_from_people_comes_to_the_same_bits_on_any_python() -> None:
    seen = mixed(8, 500)
    policy = fold(EMPTY, seen, FILTER)
    assert learner.estimates(policy, seen[-1].facts or NO_FACTS)[State(1, 1).row] == ANY_PYTHON
    assert sha256(policy.table).hexdigest()[:16] == "ed3fad694b55589d"


@pytest.mark.parametrize("first", [AVERAGES, FORMER], ids=["epsilon", "posterior/1"])
def test_a_policy_that_changed_learners_is_replayed_exactly(first: LearnerSettings | Fold) -> None:
    seen = mixed(62, 400)
    lived = fold(fold(EMPTY, seen[:150], first), seen[150:300], FILTER)
    replayed = EMPTY
    for n, t in enumerate(seen[:300]):
        replayed = fold(replayed, [t], first if n < 150 else FILTER)
    assert replayed == lived
    assert (lived.learner, lived.episodes, sum(map(sum, learner.visits(lived)))) == ("posterior/2", 300, 300)
    again = fold(fold(lived, seen[300:], first), seen[:100], FILTER)
    assert sum(map(sum, learner.visits(again))) == again.episodes == 500


@pytest.mark.parametrize("first", [AVERAGES, FORMER], ids=["epsilon", "posterior/1"])
def test_adopted_estimates_are_those_of_the_other_learner_even_after_many_visits(first: LearnerSettings | Fold) -> None:
    policy = fold(EMPTY, random_transitions(63, 20_000), first)
    was, n = learner.estimates(policy), learner.visits(policy)
    table = Posterior.adopt(was, n, fold_of(FILTER).constants)
    for row in range(STATES):
        assert table.estimates(State.from_row(row)) == pytest.approx(was[row], abs=1e-6)
        assert table.visits(State.from_row(row)) == n[row]
    assert max(table.weights) == 100 * 128 < 128 * max(map(max, n))
