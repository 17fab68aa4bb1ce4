"""The equations of section 8, set beside a plain reading of them that keeps everything in dictionaries."""

from collections import defaultdict
from dataclasses import replace
from random import Random

import pytest

from rl_core.config import Learner
from rl_core.learning import best_next, fold, learn, q_table, q_values
from rl_core.models import ACTIONS, STATES, Action, ActivityStats, Policy, Result, Segment, State, Transition

EMPTY = Policy(Segment.LOW_LOW)


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
        (1, 9, Learner()),
        (2, 2, Learner()),
        (3, 9, Learner(pooling_visits=3, discount=0, value_window=1)),
        (4, 1, Learner(pooling_visits=0.5, discount=0.95, value_window=7)),
    ],
)
def test_the_learner_equals_the_written_equations_bit_for_bit(seed: int, states: int, learner: Learner) -> None:
    transitions = random_transitions(seed, 2000, states)
    book = Textbook(learner)
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    table = q_table(fold(EMPTY, transitions, learner), learner.pooling_visits)
    assert table == tuple(tuple(book.q(s, b) for b in range(6)) for s in range(STATES))


def test_the_arrays_behind_the_table_equal_the_written_averages_bit_for_bit() -> None:
    transitions = random_transitions(5, 1000)
    book = Textbook(Learner())
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    policy = fold(EMPTY, transitions, Learner())
    assert policy.values == tuple(book.v[s] for s in range(9))
    assert policy.action_advantages == tuple(book.a[a] for a in range(6))
    assert policy.state_advantages == tuple(book.sa[s, a] for s in range(9) for a in range(6))
    assert policy.counts == tuple(book.n_sa[s, a] for s in range(9) for a in range(6))


def test_the_first_visit_to_a_state_says_nothing_about_the_action() -> None:
    policy = learn(EMPTY, transition(state=4, action=2, reward=0.8), Learner())
    assert policy.values[4] == 0.8
    assert not any(policy.action_advantages)
    assert not any(policy.state_advantages)


def test_the_second_visit_says_how_much_better_the_action_did_than_the_state() -> None:
    twice = [transition(state=4, action=2, reward=0.5), transition(state=4, action=3, reward=0.9)]
    policy = fold(EMPTY, twice, Learner(discount=0))
    assert policy.action_advantages[3] == pytest.approx(0.4)
    assert policy.values[4] == pytest.approx(0.7)


def test_a_first_visit_still_dilutes_what_is_known_of_the_action() -> None:
    known = fold(EMPTY, [transition(action=1, reward=0.0), transition(action=2, reward=0.6)], Learner(discount=0))
    policy = learn(known, transition(state=5, action=2, reward=0.6), Learner(discount=0))
    assert policy.action_advantages[2] == pytest.approx(0.3)


def test_a_value_keeps_a_step_of_one_two_hundredth_after_its_window() -> None:
    settled = fold(EMPTY, [transition(reward=0.0)] * 1000, Learner(discount=0))
    moved = learn(settled, transition(reward=1.0), Learner(discount=0))
    assert moved.values[0] == 1 / 200


def test_barred_actions_are_left_out_of_the_best_that_follows() -> None:
    rich = replace(EMPTY, action_advantages=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    assert best_next(rich, State(1, 1), (), 100) == 0.6
    assert best_next(rich, State(1, 1), (Action.LIGHTEN, Action.INTENSITY), 100) == 0.4
    learned = learn(rich, transition(reward=0.5, after=4, barred=(5,)), Learner())
    assert learned.values[0] == 0.5 + 0.6 * 0.5


def test_the_best_that_follows_may_be_below_zero() -> None:
    poor = replace(EMPTY, values=(-0.3,) * 9)
    assert best_next(poor, State(0, 0), (), 100) == -0.3


def test_credit_goes_to_the_state_of_the_session_and_not_to_the_next() -> None:
    policy = learn(EMPTY, transition(state=3, action=1, reward=0.7, after=8), Learner())
    assert [row for row in range(9) if policy.values[row]] == [3]
    assert [cell for cell in range(54) if policy.counts[cell]] == [3 * 6 + 1]


def test_folding_in_pieces_gives_the_same_bits_as_folding_at_once() -> None:
    transitions = random_transitions(6, 300)
    pieces = EMPTY
    for start in range(0, 300, 7):
        pieces = fold(pieces, transitions[start : start + 7], Learner())
    assert pieces == fold(EMPTY, transitions, Learner())


def test_a_state_weighs_its_own_advantage_half_after_k_visits() -> None:
    counts = (100, *[0] * 53)
    policy = replace(EMPTY, counts=counts, state_advantages=(0.4, *[0.0] * 53), action_advantages=(0.2,) * 6)
    assert q_values(policy, State(0, 0), 100) == pytest.approx((0.3, 0.2, 0.2, 0.2, 0.2, 0.2))


def test_episodes_count_every_transition_and_the_version_is_left_to_the_caller() -> None:
    policy = fold(replace(EMPTY, version=4, episodes=10), random_transitions(7, 25), Learner())
    assert (policy.episodes, policy.version) == (35, 4)


def test_learning_leaves_the_policy_it_was_given_as_it_was() -> None:
    before = replace(EMPTY, activities={7: ActivityStats(assigned=1)})
    learn(before, replace(transition(), results=(Result(7, True, 1),)), Learner())
    assert before == replace(EMPTY, activities={7: ActivityStats(assigned=1)})


def test_results_are_counted_for_each_activity() -> None:
    results = (Result(7, True, 2), Result(8, False, None), Result(9, True, None))
    again = (Result(7, True, -1),)
    policy = fold(EMPTY, [replace(transition(), results=r) for r in (results, again)], Learner())
    assert policy.activities == {
        7: ActivityStats(assigned=2, completed=2, rated=2, lift_points=1),
        8: ActivityStats(assigned=1),
        9: ActivityStats(assigned=1, completed=1),
    }


def test_the_cell_of_a_table_is_found_by_state_row_and_action_number() -> None:
    assert [State.from_row(row).row for row in range(STATES)] == list(range(STATES))
    assert State(2, 1).row == 7
    assert [int(a) for a in ACTIONS] == [0, 1, 2, 3, 4, 5]
