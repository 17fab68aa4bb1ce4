"""The two learners' equations, each set beside a plain reading of them that keeps everything in dictionaries."""

from collections import defaultdict
from dataclasses import replace
from random import Random
from statistics import fmean

import pytest

from rl_core.config import Learner, Settings
from rl_core.learner.choosing import decide
from rl_core.learner.folding import best_next, fold, learn, q_table, q_values
from rl_core.models import ACTIONS, STATES, Action, ActivityStats, Policy, Result, Segment, State, Transition

POSTERIOR = Settings(table_name="t", exploration="posterior")
EMPTY = Policy(Segment.LOW_LOW)
AVERAGES = Learner(exploration="epsilon")
MYOPIC = Learner(exploration="epsilon", discount=0)
FILTER = Learner(exploration="posterior")
ANY_PYTHON = (
    0.27982206126158904, 0.1690952462275111, 0.22441293241422086, 0.22086441230302647, 0.2232693139988277,
    0.2652223400389931,
)  # fmt: skip


class Textbook:
    """Section 8 as written: V(s), A(s,a), A(a) and their counts, all 0 at the start."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self.v: dict[int, float] = defaultdict(float)
        self.a: dict[int, float] = defaultdict(float)
        self.sa: dict[tuple[int, int], float] = defaultdict(float)
        self.n_s: dict[int, int] = defaultdict(int)
        self.n_a: dict[int, int] = defaultdict(int)
        self.n_sa: dict[tuple[int, int], int] = defaultdict(int)

    def q(self, s: int, b: int) -> float:
        n, k = self.n_sa[s, b], self.learner.pooling_visits
        return self.v[s] + self.a[b] + n / (n + k) * (self.sa[s, b] - self.a[b])

    def see(self, s: int, a: int, r: float, after: int, barred: set[int]) -> None:
        y = r + self.learner.discount * max(self.q(after, b) for b in range(6) if b not in barred)
        d = y - self.v[s] if self.n_s[s] > 0 else 0.0
        self.n_s[s] += 1
        self.n_sa[s, a] += 1
        self.n_a[a] += 1
        self.v[s] += (y - self.v[s]) / min(self.n_s[s], self.learner.value_window)
        self.sa[s, a] += (d - self.sa[s, a]) / self.n_sa[s, a]
        self.a[a] += (d - self.a[a]) / self.n_a[a]


class Filter:
    """Kalman temporal differences as written, with I(s,a) itself instead of the advantage in a state."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self.v: dict[int, float] = defaultdict(float)
        self.a: dict[int, float] = defaultdict(float)
        self.i: dict[tuple[int, int], float] = defaultdict(float)
        self.n: dict[tuple[int, int], int] = defaultdict(int)
        self.u_s: dict[int, float] = dict.fromkeys(range(STATES), 30.0)
        self.u_a: dict[int, float] = dict.fromkeys(range(6), 0.5)
        self.reference, self.noise, self.k, self.episodes = 0.0, 0.03, 30.0, 0

    def q(self, s: int, b: int) -> float:
        return self.v[s] + self.a[b] + self.i[s, b]

    def estimate_k(self) -> None:
        """From the unshrunk I(s,b), whose variance is noise / k + noise / n; shrinks them anew by the k found."""
        k0, seen = self.learner.pooling_visits, [cell for cell, n in self.n.items() if n]
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
            y += self.learner.discount * (follows - self.reference)
            self.reference += (follows - self.reference) / min(self.episodes + 1, self.learner.value_window)
        for u in (self.u_s, self.u_a):
            for place in u:
                u[place] += self.learner.drift
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


def transition(
    state: int = 0, action: int = 0, reward: float = 0.5, after: int = 0, barred: tuple[int, ...] = ()
) -> Transition:
    return Transition(
        key=bytes(16),
        state=State.from_row(state),
        action=Action(action),
        reward=reward,
        next_state=State.from_row(after),
        barred=tuple(Action(b) for b in barred),
        results=(),
    )


def random_transitions(seed: int, count: int, states: int = STATES) -> list[Transition]:
    rng = Random(seed)
    return [
        transition(
            rng.randrange(states),
            rng.randrange(6),
            rng.uniform(-0.4, 0.9),
            rng.randrange(states),
            tuple(rng.sample(range(6), rng.randrange(6))),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("seed", "states", "learner"),
    [
        (1, 9, AVERAGES),
        (2, 2, AVERAGES),
        (3, 9, Learner(exploration="epsilon", pooling_visits=3, discount=0, value_window=1)),
        (4, 1, Learner(exploration="epsilon", pooling_visits=0.5, discount=0.95, value_window=7)),
    ],
)
def test_the_learner_by_averages_equals_the_written_equations_bit_for_bit(
    seed: int, states: int, learner: Learner
) -> None:
    transitions = random_transitions(seed, 2000, states)
    book = Textbook(learner)
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    table = q_table(fold(EMPTY, transitions, learner))
    assert table == tuple(tuple(book.q(s, b) for b in range(6)) for s in range(STATES))


def test_averages_go_by_another_setting_from_the_next_session_on() -> None:
    first, then = random_transitions(12, 300), random_transitions(13, 300)
    other, book = Learner(exploration="epsilon", pooling_visits=7), Textbook(AVERAGES)
    for learner, transitions in ((AVERAGES, first), (other, then)):
        book.learner = learner
        for t in transitions:
            book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    table = q_table(fold(fold(EMPTY, first, AVERAGES), then, other))
    assert table == tuple(tuple(book.q(s, b) for b in range(6)) for s in range(STATES))


def test_the_arrays_behind_the_table_equal_the_written_averages_bit_for_bit() -> None:
    transitions = random_transitions(5, 1000)
    book = Textbook(AVERAGES)
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    policy = fold(EMPTY, transitions, AVERAGES)
    assert policy.values == tuple(book.v[s] for s in range(9))
    assert policy.action_advantages == tuple(book.a[a] for a in range(6))
    assert policy.state_advantages == tuple(book.sa[s, a] for s in range(9) for a in range(6))
    assert policy.counts == tuple(book.n_sa[s, a] for s in range(9) for a in range(6))


@pytest.mark.parametrize(
    ("seed", "states", "learner"),
    [
        (1, 9, FILTER),
        (2, 2, FILTER),
        (3, 9, Learner(exploration="posterior", pooling_visits=3, discount=0, drift=0)),
        (4, 1, Learner(exploration="posterior", pooling_visits=0.5, discount=0.9, drift=0.01)),
    ],
)
def test_the_learner_by_kalman_filter_equals_the_written_equations(seed: int, states: int, learner: Learner) -> None:
    transitions = random_transitions(seed, 2000, states)
    book = Filter(learner)
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    policy = fold(EMPTY, transitions, learner)
    for s, row in enumerate(q_table(policy)):
        assert row == pytest.approx([book.q(s, b) for b in range(6)], abs=1e-12)
    assert policy.variances == pytest.approx([*book.u_s.values(), *book.u_a.values()], rel=1e-12)
    assert (policy.reference, policy.noise, policy.pooling) == pytest.approx((book.reference, book.noise, book.k))
    assert policy.counts == tuple(book.n[s, a] for s in range(9) for a in range(6))


def test_the_filters_values_do_not_grow_with_what_follows() -> None:
    policy = fold(EMPTY, [transition(reward=0.5)] * 2000, Learner(exploration="posterior", discount=0.9))
    assert q_values(policy, State(0, 0))[0] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("spread", "least", "most"), [(0.0, 60, 300), (0.15, 1, 12)])
def test_a_state_counts_for_more_where_the_states_turn_out_to_differ(spread: float, least: float, most: float) -> None:
    rng = Random(11)
    tastes = [[rng.gauss(0, spread) for _ in ACTIONS] for _ in range(STATES)]
    seen = [
        transition(s, a, tastes[s][a] + rng.gauss(0, 0.15), rng.randrange(STATES))
        for s, a in ((rng.randrange(STATES), rng.randrange(6)) for _ in range(3000))
    ]
    policy = fold(EMPTY, seen, FILTER)
    assert least <= policy.pooling <= most
    assert policy.noise**0.5 == pytest.approx(0.15, rel=0.15)


def test_rewards_that_never_differ_leave_a_posterior_that_can_be_drawn_from() -> None:
    policy = fold(EMPTY, [transition(reward=0.0)] * 30_000, FILTER)
    assert policy.noise == 1e-4
    assert decide(policy, State(0, 0), (), POSTERIOR, Random(1)).action in ACTIONS


def test_a_state_that_was_never_seen_promises_nothing() -> None:
    poor = fold(EMPTY, [transition(reward=-0.3)] * 20, FILTER)
    told = learn(poor, transition(reward=-0.3, after=8), FILTER)
    assert told.reference == poor.reference
    assert told.values[0] == pytest.approx(-0.3, abs=0.02)


def test_a_filter_that_has_learned_comes_to_the_same_bits_on_any_python() -> None:
    policy = fold(EMPTY, random_transitions(8, 500), FILTER)
    assert q_values(policy, State(1, 1)) == ANY_PYTHON


def test_an_unknown_state_takes_nearly_all_of_the_first_error() -> None:
    policy = learn(EMPTY, transition(state=4, action=2, reward=0.8), FILTER)
    assert policy.values[4] == pytest.approx(0.8, abs=0.05)
    assert 0 < policy.action_advantages[2] < 0.02


def test_what_is_known_of_an_action_grows_uncertain_while_others_are_served() -> None:
    often = fold(EMPTY, [transition(action=1)] * 50, FILTER)
    later = fold(often, [transition(action=2)] * 500, FILTER)
    assert often.variances[STATES + 1] < EMPTY.variances[STATES + 1]
    assert later.variances[STATES + 1] == pytest.approx(often.variances[STATES + 1] + 500 * FILTER.drift)


def test_what_one_state_says_of_an_action_moves_it_elsewhere_as_far_as_own_visits_leave_open() -> None:
    known = fold(EMPTY, random_transitions(9, 401), FILTER)
    told = learn(known, transition(state=3, action=1, reward=0.9), FILTER)
    before, after = (q_table(p) for p in (known, told))
    for s in (0, 1, 2, 4, 5, 6, 7, 8):
        rest = known.pooling / (known.counts[s * 6 + 1] + known.pooling)
        moved = rest * (told.action_advantages[1] - known.action_advantages[1])
        assert 0 < moved == pytest.approx(after[s][1] - before[s][1])


def test_where_values_are_known_the_filter_is_the_random_effects_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rl_core.learner.folding._K_EVERY", 10**9)
    rng, learner = Random(12), Learner(exploration="posterior", discount=0, drift=0)
    start = replace(EMPTY, episodes=1, pooling=20.0, variances=(0.0,) * STATES + (0.5,) * 6)
    heard: list[list[float]] = [[rng.gauss(0.3, 0.2) for _ in range(n)] for n in (0, 1, 2, 5, 10, 20, 40, 3, 0)]
    seen = [transition(s, 2, reward, s) for s, rewards in enumerate(heard) for reward in rewards]
    rng.shuffle(seen)
    policy = fold(start, seen, learner)
    precision, weighed = 1 / 0.5, 0.0
    for rewards in filter(None, heard):
        weight = 1 / (1 / 20 + 1 / len(rewards))
        precision, weighed = precision + weight, weighed + weight * fmean(rewards)
    pooled = weighed / precision
    assert policy.action_advantages[2] == pytest.approx(pooled)
    assert policy.variances[STATES + 2] == pytest.approx(1 / precision)
    for s, rewards in enumerate(heard):
        own = len(rewards) / (len(rewards) + 20) * (fmean(rewards) - pooled) if rewards else 0.0
        assert q_values(policy, State.from_row(s))[2] == pytest.approx(pooled + own)


def test_a_table_learned_by_averages_is_soon_the_filters_own() -> None:
    rng = Random(10)
    better = [transition(state=rng.randrange(2), action=a, reward=0.5 if a == 3 else 0.2)
              for a in (rng.randrange(6) for _ in range(600))]  # fmt: skip
    switched = fold(fold(EMPTY, better, AVERAGES), better, FILTER)
    values = q_values(switched, State(0, 0))
    assert max(ACTIONS, key=lambda a: values[a]) == 3
    assert values[3] == pytest.approx(0.5, abs=0.1)


def test_the_first_visit_to_a_state_says_nothing_about_the_action() -> None:
    policy = learn(EMPTY, transition(state=4, action=2, reward=0.8), AVERAGES)
    assert policy.values[4] == 0.8
    assert not any(policy.action_advantages)
    assert not any(policy.state_advantages)


def test_the_second_visit_says_how_much_better_the_action_did_than_the_state() -> None:
    twice = [transition(state=4, action=2, reward=0.5), transition(state=4, action=3, reward=0.9)]
    policy = fold(EMPTY, twice, MYOPIC)
    assert policy.action_advantages[3] == pytest.approx(0.4)
    assert policy.values[4] == pytest.approx(0.7)


def test_a_first_visit_still_dilutes_what_is_known_of_the_action() -> None:
    known = fold(EMPTY, [transition(action=1, reward=0.0), transition(action=2, reward=0.6)], MYOPIC)
    policy = learn(known, transition(state=5, action=2, reward=0.6), MYOPIC)
    assert policy.action_advantages[2] == pytest.approx(0.3)


def test_a_value_keeps_a_step_of_one_two_hundredth_after_its_window() -> None:
    settled = fold(EMPTY, [transition(reward=0.0)] * 1000, MYOPIC)
    moved = learn(settled, transition(reward=1.0), MYOPIC)
    assert moved.values[0] == 1 / 200


def test_barred_actions_are_left_out_of_the_best_that_follows() -> None:
    rich = replace(EMPTY, action_advantages=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    assert best_next(rich, State(1, 1), ()) == 0.6
    assert best_next(rich, State(1, 1), (Action.LIGHTEN, Action.INTENSITY)) == 0.4
    learned = learn(rich, transition(reward=0.5, after=4, barred=(5,)), AVERAGES)
    assert learned.values[0] == 0.5 + 0.6 * 0.5


def test_the_best_that_follows_may_be_below_zero() -> None:
    poor = replace(EMPTY, values=(-0.3,) * 9)
    assert best_next(poor, State(0, 0), ()) == -0.3


@pytest.mark.parametrize("learner", [AVERAGES, FILTER])
def test_credit_goes_to_the_state_of_the_session_and_not_to_the_next(learner: Learner) -> None:
    policy = learn(EMPTY, transition(state=3, action=1, reward=0.7, after=8), learner)
    assert [row for row in range(9) if policy.values[row]] == [3]
    assert [cell for cell in range(54) if policy.counts[cell]] == [3 * 6 + 1]


@pytest.mark.parametrize("learner", [AVERAGES, FILTER])
def test_folding_in_pieces_gives_the_same_bits_as_folding_at_once(learner: Learner) -> None:
    transitions = random_transitions(6, 300)
    pieces = EMPTY
    for start in range(0, 300, 7):
        pieces = fold(pieces, transitions[start : start + 7], learner)
    assert pieces == fold(EMPTY, transitions, learner)


def test_a_state_weighs_its_own_advantage_half_after_k_visits() -> None:
    counts = (100, *[0] * 53)
    policy = replace(
        EMPTY, counts=counts, state_advantages=(0.4, *[0.0] * 53), action_advantages=(0.2,) * 6, pooling=100
    )
    assert q_values(policy, State(0, 0)) == pytest.approx((0.3, 0.2, 0.2, 0.2, 0.2, 0.2))


def test_episodes_count_every_transition_and_the_version_is_left_to_the_caller() -> None:
    policy = fold(replace(EMPTY, version=4, episodes=10), random_transitions(7, 25), AVERAGES)
    assert (policy.episodes, policy.version) == (35, 4)


def test_learning_leaves_the_policy_it_was_given_as_it_was() -> None:
    before = replace(EMPTY, activities={7: ActivityStats(assigned=1)})
    learn(before, replace(transition(), results=(Result(7, True, 1),)), AVERAGES)
    assert before == replace(EMPTY, activities={7: ActivityStats(assigned=1)})


def test_results_are_counted_for_each_activity() -> None:
    results = (Result(7, True, 2), Result(8, False, None), Result(9, True, None))
    again = (Result(7, True, -1),)
    policy = fold(EMPTY, [replace(transition(), results=r) for r in (results, again)], AVERAGES)
    assert policy.activities == {
        7: ActivityStats(assigned=2, completed=2, rated=2, lift_points=1),
        8: ActivityStats(assigned=1),
        9: ActivityStats(assigned=1, completed=1),
    }


def test_the_cell_of_a_table_is_found_by_state_row_and_action_number() -> None:
    assert [State.from_row(row).row for row in range(STATES)] == list(range(STATES))
    assert State(2, 1).row == 7
    assert [int(a) for a in ACTIONS] == [0, 1, 2, 3, 4, 5]
