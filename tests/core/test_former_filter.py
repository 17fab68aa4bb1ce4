"""The former form of the learner by Kalman filter: a plain reading of its equations that keeps all in dictionaries."""

from collections import defaultdict
from dataclasses import replace
from hashlib import sha256
from random import Random
from statistics import fmean

import pytest

from rl_core import learner
from rl_core.config import Settings
from rl_core.learner.posterior_1 import Posterior1
from rl_core.models import ACTIONS, NO_FACTS, STATES, Fold, State
from tests.core.histories import EMPTY, FORMER, fold, random_transitions, taught, transition

POSTERIOR = Settings(table_name="t", exploration="posterior")
ANY_PYTHON = (
    0.27982206126158904, 0.1690952462275111, 0.22441293241422086, 0.22086441230302647, 0.2232693139988277,
    0.2652223400389931,
)  # fmt: skip


def former(**changed: float) -> Fold:
    """The fold of the former form with other constants."""
    return Fold(FORMER.learner, {**FORMER.constants, **changed})


class Filter:
    """Kalman temporal differences as written, with I(s,a) itself instead of the advantage in a state."""

    def __init__(self, how: Fold) -> None:
        self.constants = how.constants
        self.v: dict[int, float] = defaultdict(float)
        self.a: dict[int, float] = defaultdict(float)
        self.i: dict[tuple[int, int], float] = defaultdict(float)
        self.n: dict[tuple[int, int], int] = defaultdict(int)
        self.u_s: dict[int, float] = dict.fromkeys(range(STATES), 30.0)
        self.u_a: dict[int, float] = dict.fromkeys(range(6), 0.5)
        self.reference, self.noise, self.k, self.episodes = 0.0, 0.03, self.constants["pooling_visits"], 0

    def q(self, s: int, b: int) -> float:
        return self.v[s] + self.a[b] + self.i[s, b]

    def estimate_k(self) -> None:
        """From the unshrunk I(s,b), whose variance is noise / k + noise / n; shrinks them anew by the k found."""
        k0, seen = self.constants["pooling_visits"], [cell for cell, n in self.n.items() if n]
        raw = {cell: self.i[cell] * (self.n[cell] + self.k) / self.n[cell] for cell in seen}
        weights = {cell: self.n[cell] / (self.n[cell] + k0) for cell in seen}
        above = sum(weights[cell] * (raw[cell] ** 2 / self.noise - 1 / self.n[cell]) for cell in seen)
        found = (2 / k0 + above) / (2 + sum(weights.values()))
        self.k = 1 / min(max(found, 1 / 300), 1 / 5)
        self.i.update({cell: raw[cell] * self.n[cell] / (self.n[cell] + self.k) for cell in seen})

    def see(self, s: int, a: int, r: float, after: int, barred: set[int]) -> None:
        y = r
        if any(self.n[after, b] for b in range(6)):
            follows = max(self.q(after, b) for b in range(6) if b not in barred)
            y += self.constants["discount"] * (follows - self.reference)
            self.reference += (follows - self.reference) / min(self.episodes + 1, self.constants["value_window"])
        for u in (self.u_s, self.u_a):
            for place in u:
                u[place] += self.constants["drift"]
        rest = self.k / (self.n[s, a] + self.k)
        shared = rest * self.u_a[a]
        whole = rest * rest * self.u_a[a] + 1 / (self.n[s, a] + self.k)
        total, error = 1 + self.u_s[s] + whole, y - self.q(s, a)
        self.v[s] += self.u_s[s] / total * error
        moved = shared / total * error
        self.a[a] += moved
        for other in range(STATES):  # what an action is credited with, states have added the less
            if other != s:
                self.i[other, a] -= self.n[other, a] / (self.n[other, a] + self.k) * moved
        self.i[s, a] += whole / total * error - moved
        self.u_s[s] -= self.u_s[s] ** 2 / total
        self.u_a[a] -= shared**2 / total
        self.noise += (error**2 / total - self.noise) / min(self.episodes + 20, 1000)
        self.n[s, a] += 1
        if self.episodes % 10 == 0:
            self.estimate_k()
        self.episodes += 1


@pytest.mark.parametrize(
    ("seed", "states", "how"),
    [
        (1, 9, FORMER),
        (2, 2, FORMER),
        (3, 9, former(pooling_visits=3, discount=0, drift=0)),
        (4, 1, former(pooling_visits=0.5, discount=0.9, drift=0.01)),
    ],
)
def test_the_former_filter_equals_the_written_equations(seed: int, states: int, how: Fold) -> None:
    transitions = random_transitions(seed, 2000, states)
    book = Filter(how)
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    for s, row in enumerate(learner.estimates(fold(EMPTY, transitions, how))):
        assert row == pytest.approx([book.q(s, b) for b in range(6)], abs=1e-12)
    table = taught(Posterior1, transitions, how)
    assert table.variances == pytest.approx([*book.u_s.values(), *book.u_a.values()], rel=1e-12)
    assert (table.reference, table.noise, table.k) == pytest.approx((book.reference, book.noise, book.k))
    assert table.counts == [book.n[s, a] for s in range(9) for a in range(6)]


def test_the_filters_values_do_not_grow_with_what_follows() -> None:
    policy = fold(EMPTY, [transition(reward=0.5)] * 2000, former(discount=0.9))
    assert learner.estimates(policy)[0][0] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("spread", "least", "most"), [(0.0, 60, 300), (0.15, 1, 12)])
def test_a_state_counts_for_more_where_the_states_turn_out_to_differ(spread: float, least: float, most: float) -> None:
    rng = Random(11)
    tastes = [[rng.gauss(0, spread) for _ in ACTIONS] for _ in range(STATES)]
    seen = [
        transition(s, a, tastes[s][a] + rng.gauss(0, 0.15), rng.randrange(STATES))
        for s, a in ((rng.randrange(STATES), rng.randrange(6)) for _ in range(3000))
    ]
    table = taught(Posterior1, seen, FORMER)
    assert least <= table.k <= most
    assert table.noise**0.5 == pytest.approx(0.15, rel=0.15)


def test_rewards_that_never_differ_leave_a_posterior_that_can_be_drawn_from() -> None:
    policy = fold(EMPTY, [transition(reward=0.0)] * 30_000, FORMER)
    table = Posterior1.decode(policy.table)
    assert table.noise == 1e-4
    assert sum(learner.chances_of(table, State(0, 0), ACTIONS, 30_000, POSTERIOR).probabilities) == pytest.approx(1)


def test_a_state_that_was_never_seen_promises_nothing() -> None:
    poor = [transition(reward=-0.3)] * 20
    known = taught(Posterior1, poor, FORMER)
    told = taught(Posterior1, [*poor, transition(reward=-0.3, after=8)], FORMER)
    assert told.reference == known.reference
    assert told.values[0] == pytest.approx(-0.3, abs=0.02)


def test_a_filter_that_has_learned_comes_to_the_same_bits_on_any_python() -> None:
    policy = fold(EMPTY, random_transitions(8, 500), FORMER)
    assert learner.estimates(policy)[State(1, 1).row] == ANY_PYTHON


def test_an_unknown_state_takes_nearly_all_of_the_first_error() -> None:
    table = taught(Posterior1, [transition(state=4, action=2, reward=0.8)], FORMER)
    assert table.values[4] == pytest.approx(0.8, abs=0.05)
    assert 0 < table.action_advantages[2] < 0.02


def test_what_is_known_of_an_action_grows_uncertain_while_others_are_served() -> None:
    often = [transition(action=1)] * 50
    known = taught(Posterior1, often, FORMER).variances[STATES + 1]
    later = taught(Posterior1, [*often, *[transition(action=2)] * 500], FORMER).variances[STATES + 1]
    assert known < taught(Posterior1, [], FORMER).variances[STATES + 1]
    assert later == pytest.approx(known + 500 * FORMER.constants["drift"])


def test_what_one_state_says_of_an_action_moves_it_elsewhere_as_far_as_own_visits_leave_open() -> None:
    learned = random_transitions(9, 401)
    known = taught(Posterior1, learned, FORMER)
    told = taught(Posterior1, [*learned, transition(state=3, action=1, reward=0.9)], FORMER)
    for s in (0, 1, 2, 4, 5, 6, 7, 8):
        rest = known.k / (known.counts[s * 6 + 1] + known.k)
        moved = rest * (told.action_advantages[1] - known.action_advantages[1])
        before, after = (table.estimates(State.from_row(s))[1] for table in (known, told))
        assert 0 < moved == pytest.approx(after - before)


def test_where_values_are_known_the_filter_is_the_random_effects_model() -> None:
    rng, table = Random(12), Posterior1(20.0)
    table.variances = [0.0] * STATES + [0.5] * 6
    heard: list[list[float]] = [[rng.gauss(0.3, 0.2) for _ in range(n)] for n in (0, 1, 2, 5, 10, 20, 40, 3, 0)]
    seen = [transition(s, 2, reward, s) for s, rewards in enumerate(heard) for reward in rewards]
    rng.shuffle(seen)
    for t in seen:  # always the second episode, so that k is not estimated
        table.update(t, 1, {"pooling_visits": 20.0, "discount": 0.0, "value_window": 200, "drift": 0.0})
    precision, weighed = 1 / 0.5, 0.0
    for rewards in filter(None, heard):
        weight = 1 / (1 / 20 + 1 / len(rewards))
        precision, weighed = precision + weight, weighed + weight * fmean(rewards)
    pooled = weighed / precision
    assert table.action_advantages[2] == pytest.approx(pooled)
    assert table.variances[STATES + 2] == pytest.approx(1 / precision)
    for s, rewards in enumerate(heard):
        own = len(rewards) / (len(rewards) + 20) * (fmean(rewards) - pooled) if rewards else 0.0
        assert table.estimates(State.from_row(s))[2] == pytest.approx(pooled + own)


def test_the_bytes_of_a_former_table_are_the_same_on_any_python_and_in_any_release() -> None:
    policy = fold(EMPTY, random_transitions(8, 500), FORMER)
    assert sha256(policy.table).hexdigest()[:16] == "c8c32cbc8aceec11"


def test_the_former_filters_variance_is_the_actions_and_what_the_state_may_add() -> None:
    table, state = Posterior1(100), State(1, 1)
    table.counts[state.row * 6 + 2], table.noise = 50, 0.01
    table.variances = [9.0] * 9 + [0.5, 0.5, 0.01, 0.5, 0.5, 0.5]
    found = table.spread(state, scale=2.0)
    assert found[2] == pytest.approx(0.04 * (0.01 * 4 / 9 + 1 / 150))
    assert found[0] == pytest.approx(0.04 * (0.5 + 1 / 100))


def test_to_the_former_filter_every_person_is_alike() -> None:
    seen, facts = random_transitions(9, 200), NO_FACTS.learned(ACTIONS[2], 0.9).had(ACTIONS[2])
    told = [replace(t, facts=facts) for t in seen]
    assert fold(EMPTY, told, FORMER) == fold(EMPTY, seen, FORMER)
    table = taught(Posterior1, seen, FORMER)
    assert table.estimates(State(1, 1), facts) == table.estimates(State(1, 1))
