"""The two learners' equations, each set beside a plain reading of them that keeps everything in dictionaries."""

from collections import defaultdict
from dataclasses import replace
from hashlib import sha256
from random import Random
from statistics import fmean
from typing import TypeVar

import pytest

from rl_core import learner
from rl_core.config import LearnerSettings, Settings
from rl_core.errors import PolicyUnreadableError, VersionError
from rl_core.learner import fold_of
from rl_core.learner.epsilon import Averages
from rl_core.learner.posterior import Posterior
from rl_core.models import (
    ACTIONS,
    CELLS,
    STATES,
    Action,
    ActivityStats,
    Fold,
    Policy,
    Result,
    Segment,
    State,
    Transition,
    VersionRecord,
)
from rl_core.work import next_version

POSTERIOR = Settings(table_name="t", exploration="posterior")
EMPTY = Policy(Segment.LOW_LOW)
AVERAGES = LearnerSettings(exploration="epsilon")
MYOPIC = LearnerSettings(exploration="epsilon", discount=0)
FILTER = LearnerSettings(exploration="posterior")
BOTH = [(Averages, AVERAGES), (Posterior, FILTER)]
ANY_PYTHON = (
    0.27982206126158904, 0.1690952462275111, 0.22441293241422086, 0.22086441230302647, 0.2232693139988277,
    0.2652223400389931,
)  # fmt: skip
Table = TypeVar("Table", bound=learner.QTable)


class Textbook:
    """Section 8 as written: V(s), A(s,a), A(a) and their counts, all 0 at the start."""

    def __init__(self, constants: LearnerSettings) -> None:
        self.constants = constants
        self.v: dict[int, float] = defaultdict(float)
        self.a: dict[int, float] = defaultdict(float)
        self.sa: dict[tuple[int, int], float] = defaultdict(float)
        self.n_s: dict[int, int] = defaultdict(int)
        self.n_a: dict[int, int] = defaultdict(int)
        self.n_sa: dict[tuple[int, int], int] = defaultdict(int)

    def q(self, s: int, b: int) -> float:
        n, k = self.n_sa[s, b], self.constants.pooling_visits
        return self.v[s] + self.a[b] + n / (n + k) * (self.sa[s, b] - self.a[b])

    def see(self, s: int, a: int, r: float, after: int, barred: set[int]) -> None:
        y = r + self.constants.discount * max(self.q(after, b) for b in range(6) if b not in barred)
        d = y - self.v[s] if self.n_s[s] > 0 else 0.0
        self.n_s[s] += 1
        self.n_sa[s, a] += 1
        self.n_a[a] += 1
        self.v[s] += (y - self.v[s]) / min(self.n_s[s], self.constants.value_window)
        self.sa[s, a] += (d - self.sa[s, a]) / self.n_sa[s, a]
        self.a[a] += (d - self.a[a]) / self.n_a[a]


class Filter:
    """Kalman temporal differences as written, with I(s,a) itself instead of the advantage in a state."""

    def __init__(self, constants: LearnerSettings) -> None:
        self.constants = constants
        self.v: dict[int, float] = defaultdict(float)
        self.a: dict[int, float] = defaultdict(float)
        self.i: dict[tuple[int, int], float] = defaultdict(float)
        self.n: dict[tuple[int, int], int] = defaultdict(int)
        self.u_s: dict[int, float] = dict.fromkeys(range(STATES), 30.0)
        self.u_a: dict[int, float] = dict.fromkeys(range(6), 0.5)
        self.reference, self.noise, self.k, self.episodes = 0.0, 0.03, constants.pooling_visits, 0

    def q(self, s: int, b: int) -> float:
        return self.v[s] + self.a[b] + self.i[s, b]

    def estimate_k(self) -> None:
        """From the unshrunk I(s,b), whose variance is noise / k + noise / n; shrinks them anew by the k found."""
        k0, seen = self.constants.pooling_visits, [cell for cell, n in self.n.items() if n]
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
            y += self.constants.discount * (follows - self.reference)
            self.reference += (follows - self.reference) / min(self.episodes + 1, self.constants.value_window)
        for u in (self.u_s, self.u_a):
            for place in u:
                u[place] += self.constants.drift
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


def taught(kind: type[Table], transitions: list[Transition], constants: LearnerSettings) -> Table:
    """The learner's own table after these."""
    table = kind.start(fold_of(constants).constants)
    for episodes, t in enumerate(transitions):
        table.update(t, episodes, fold_of(constants).constants)
    return table


def fold(policy: Policy, transitions: list[Transition], constants: LearnerSettings) -> Policy:
    return learner.fold(policy, transitions, fold_of(constants))


@pytest.mark.parametrize(
    ("seed", "states", "constants"),
    [
        (1, 9, AVERAGES),
        (2, 2, AVERAGES),
        (3, 9, LearnerSettings(exploration="epsilon", pooling_visits=3, discount=0, value_window=1)),
        (4, 1, LearnerSettings(exploration="epsilon", pooling_visits=0.5, discount=0.95, value_window=7)),
    ],
)
def test_the_learner_by_averages_equals_the_written_equations_bit_for_bit(
    seed: int, states: int, constants: LearnerSettings
) -> None:
    transitions = random_transitions(seed, 2000, states)
    book = Textbook(constants)
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    policy = fold(EMPTY, transitions, constants)
    assert learner.estimates(policy) == tuple(tuple(book.q(s, b) for b in range(6)) for s in range(STATES))
    assert learner.visits(policy) == tuple(tuple(book.n_sa[s, b] for b in range(6)) for s in range(STATES))


def test_averages_go_by_another_setting_from_the_next_session_on() -> None:
    first, then = random_transitions(12, 300), random_transitions(13, 300)
    other, book = LearnerSettings(exploration="epsilon", pooling_visits=7), Textbook(AVERAGES)
    for constants, transitions in ((AVERAGES, first), (other, then)):
        book.constants = constants
        for t in transitions:
            book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    found = learner.estimates(fold(fold(EMPTY, first, AVERAGES), then, other))
    assert found == tuple(tuple(book.q(s, b) for b in range(6)) for s in range(STATES))


def test_the_arrays_behind_the_table_equal_the_written_averages_bit_for_bit() -> None:
    transitions = random_transitions(5, 1000)
    book = Textbook(AVERAGES)
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    table = taught(Averages, transitions, AVERAGES)
    assert table.values == [book.v[s] for s in range(9)]
    assert table.action_advantages == [book.a[a] for a in range(6)]
    assert table.state_advantages == [book.sa[s, a] for s in range(9) for a in range(6)]
    assert table.counts == [book.n_sa[s, a] for s in range(9) for a in range(6)]


@pytest.mark.parametrize(
    ("seed", "states", "constants"),
    [
        (1, 9, FILTER),
        (2, 2, FILTER),
        (3, 9, LearnerSettings(exploration="posterior", pooling_visits=3, discount=0, drift=0)),
        (4, 1, LearnerSettings(exploration="posterior", pooling_visits=0.5, discount=0.9, drift=0.01)),
    ],
)
def test_the_learner_by_kalman_filter_equals_the_written_equations(
    seed: int, states: int, constants: LearnerSettings
) -> None:
    transitions = random_transitions(seed, 2000, states)
    book = Filter(constants)
    for t in transitions:
        book.see(t.state.row, int(t.action), t.reward, t.next_state.row, {int(b) for b in t.barred})
    for s, row in enumerate(learner.estimates(fold(EMPTY, transitions, constants))):
        assert row == pytest.approx([book.q(s, b) for b in range(6)], abs=1e-12)
    table = taught(Posterior, transitions, constants)
    assert table.variances == pytest.approx([*book.u_s.values(), *book.u_a.values()], rel=1e-12)
    assert (table.reference, table.noise, table.k) == pytest.approx((book.reference, book.noise, book.k))
    assert table.counts == [book.n[s, a] for s in range(9) for a in range(6)]


def test_the_filters_values_do_not_grow_with_what_follows() -> None:
    policy = fold(EMPTY, [transition(reward=0.5)] * 2000, LearnerSettings(exploration="posterior", discount=0.9))
    assert learner.estimates(policy)[0][0] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("spread", "least", "most"), [(0.0, 60, 300), (0.15, 1, 12)])
def test_a_state_counts_for_more_where_the_states_turn_out_to_differ(spread: float, least: float, most: float) -> None:
    rng = Random(11)
    tastes = [[rng.gauss(0, spread) for _ in ACTIONS] for _ in range(STATES)]
    seen = [
        transition(s, a, tastes[s][a] + rng.gauss(0, 0.15), rng.randrange(STATES))
        for s, a in ((rng.randrange(STATES), rng.randrange(6)) for _ in range(3000))
    ]
    table = taught(Posterior, seen, FILTER)
    assert least <= table.k <= most
    assert table.noise**0.5 == pytest.approx(0.15, rel=0.15)


def test_rewards_that_never_differ_leave_a_posterior_that_can_be_drawn_from() -> None:
    policy = fold(EMPTY, [transition(reward=0.0)] * 30_000, FILTER)
    assert Posterior.decode(policy.table).noise == 1e-4
    assert learner.decide(policy, State(0, 0), ACTIONS, POSTERIOR, Random(1)).action in ACTIONS


def test_a_state_that_was_never_seen_promises_nothing() -> None:
    poor = [transition(reward=-0.3)] * 20
    known = taught(Posterior, poor, FILTER)
    told = taught(Posterior, [*poor, transition(reward=-0.3, after=8)], FILTER)
    assert told.reference == known.reference
    assert told.values[0] == pytest.approx(-0.3, abs=0.02)


def test_a_filter_that_has_learned_comes_to_the_same_bits_on_any_python() -> None:
    policy = fold(EMPTY, random_transitions(8, 500), FILTER)
    assert learner.estimates(policy)[State(1, 1).row] == ANY_PYTHON


@pytest.mark.parametrize(("constants", "digest"), [(AVERAGES, "5ad5fdd6c4006eb4"), (FILTER, "c8c32cbc8aceec11")])
def test_the_bytes_of_a_table_that_has_learned_are_the_same_on_any_python_and_in_any_release(
    constants: LearnerSettings, digest: str
) -> None:
    assert sha256(fold(EMPTY, random_transitions(8, 500), constants).table).hexdigest()[:16] == digest


def test_an_unknown_state_takes_nearly_all_of_the_first_error() -> None:
    table = taught(Posterior, [transition(state=4, action=2, reward=0.8)], FILTER)
    assert table.values[4] == pytest.approx(0.8, abs=0.05)
    assert 0 < table.action_advantages[2] < 0.02


def test_what_is_known_of_an_action_grows_uncertain_while_others_are_served() -> None:
    often = [transition(action=1)] * 50
    known = taught(Posterior, often, FILTER).variances[STATES + 1]
    later = taught(Posterior, [*often, *[transition(action=2)] * 500], FILTER).variances[STATES + 1]
    assert known < taught(Posterior, [], FILTER).variances[STATES + 1]
    assert later == pytest.approx(known + 500 * FILTER.drift)


def test_what_one_state_says_of_an_action_moves_it_elsewhere_as_far_as_own_visits_leave_open() -> None:
    learned = random_transitions(9, 401)
    known = taught(Posterior, learned, FILTER)
    told = taught(Posterior, [*learned, transition(state=3, action=1, reward=0.9)], FILTER)
    for s in (0, 1, 2, 4, 5, 6, 7, 8):
        rest = known.k / (known.counts[s * 6 + 1] + known.k)
        moved = rest * (told.action_advantages[1] - known.action_advantages[1])
        before, after = (table.estimates(State.from_row(s))[1] for table in (known, told))
        assert 0 < moved == pytest.approx(after - before)


def test_where_values_are_known_the_filter_is_the_random_effects_model() -> None:
    rng, table = Random(12), Posterior(20.0)
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


def test_the_first_visit_to_a_state_says_nothing_about_the_action() -> None:
    table = taught(Averages, [transition(state=4, action=2, reward=0.8)], AVERAGES)
    assert table.values[4] == 0.8
    assert not any(table.action_advantages)
    assert not any(table.state_advantages)


def test_the_second_visit_says_how_much_better_the_action_did_than_the_state() -> None:
    twice = [transition(state=4, action=2, reward=0.5), transition(state=4, action=3, reward=0.9)]
    table = taught(Averages, twice, MYOPIC)
    assert table.action_advantages[3] == pytest.approx(0.4)
    assert table.values[4] == pytest.approx(0.7)


def test_a_first_visit_still_dilutes_what_is_known_of_the_action() -> None:
    known = [transition(action=1, reward=0.0), transition(action=2, reward=0.6)]
    table = taught(Averages, [*known, transition(state=5, action=2, reward=0.6)], MYOPIC)
    assert table.action_advantages[2] == pytest.approx(0.3)


def test_a_value_keeps_a_step_of_one_two_hundredth_after_its_window() -> None:
    table = taught(Averages, [*[transition(reward=0.0)] * 1000, transition(reward=1.0)], MYOPIC)
    assert table.values[0] == 1 / 200


@pytest.mark.parametrize(("barred", "best"), [((), 0.6), ((5,), 0.5), ((5, 4), 0.4)])
def test_barred_actions_are_left_out_of_the_best_that_follows(barred: tuple[int, ...], best: float) -> None:
    averages, posterior = Averages(100), Posterior(30)
    for table in (averages, posterior):
        table.action_advantages = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    posterior.counts[4 * 6] = 1  # the next state was seen
    posterior.state_advantages[4 * 6] = 0.1
    for table, constants in ((averages, AVERAGES), (posterior, FILTER)):
        table.update(transition(reward=0.5, after=4, barred=barred), 0, fold_of(constants).constants)
    assert averages.values[0] == 0.5 + 0.6 * best
    assert posterior.reference == best


def test_the_best_that_follows_may_be_below_zero() -> None:
    table = Averages(100)
    table.values = [-0.3] * 9
    table.update(transition(state=1, reward=0.5), 0, fold_of(AVERAGES).constants)
    assert table.values[1] == pytest.approx(0.5 + 0.6 * -0.3)


@pytest.mark.parametrize(("kind", "constants"), BOTH)
def test_credit_goes_to_the_state_of_the_session_and_not_to_the_next(
    kind: type[Averages] | type[Posterior], constants: LearnerSettings
) -> None:
    table = taught(kind, [transition(state=3, action=1, reward=0.7, after=8)], constants)
    assert [row for row in range(9) if table.values[row]] == [3]
    assert [cell for cell in range(54) if table.counts[cell]] == [3 * 6 + 1]


@pytest.mark.parametrize("constants", [AVERAGES, FILTER])
def test_folding_in_pieces_gives_the_same_bits_as_folding_at_once(constants: LearnerSettings) -> None:
    transitions = random_transitions(6, 300)
    pieces = EMPTY
    for start in range(0, 300, 7):
        pieces = fold(pieces, transitions[start : start + 7], constants)
    assert pieces == fold(EMPTY, transitions, constants)


@pytest.mark.parametrize("kind", [Averages, Posterior])
def test_a_state_weighs_its_own_advantage_half_after_k_visits(kind: type[Averages] | type[Posterior]) -> None:
    table = kind(100.0)
    table.counts[0], table.state_advantages[0], table.action_advantages = 100, 0.4, [0.2] * 6
    assert table.estimates(State(0, 0)) == pytest.approx((0.3, 0.2, 0.2, 0.2, 0.2, 0.2))
    assert table.visits(State(0, 0)) == (100, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(("kind", "constants"), BOTH)
def test_a_table_comes_back_from_its_bytes_as_it_went(
    kind: type[Averages] | type[Posterior], constants: LearnerSettings
) -> None:
    table = taught(kind, random_transitions(14, 700), constants)
    assert vars(kind.decode(table.encode())) == vars(table)


# The policy around the table.


def test_a_policy_that_learned_nothing_estimates_nothing_and_was_nowhere() -> None:
    assert learner.estimates(EMPTY) == ((0.0,) * 6,) * STATES
    assert learner.visits(EMPTY) == ((0,) * 6,) * STATES


def test_episodes_count_every_transition_and_the_version_is_left_to_the_caller() -> None:
    policy = fold(replace(EMPTY, version=4, episodes=10), random_transitions(7, 25), AVERAGES)
    assert (policy.episodes, policy.version, policy.learner) == (35, 4, "epsilon/1")


@pytest.mark.parametrize("constants", [AVERAGES, FILTER])
def test_without_transitions_a_fold_is_the_very_same_policy(constants: LearnerSettings) -> None:
    for policy in (EMPTY, fold(EMPTY, [transition()], AVERAGES), fold(EMPTY, [transition()], FILTER)):
        assert fold(policy, [], constants) is policy


def test_learning_leaves_the_policy_it_was_given_as_it_was() -> None:
    before = replace(EMPTY, activities={7: ActivityStats(assigned=1)})
    fold(before, [replace(transition(), results=(Result(7, True, 1),))], AVERAGES)
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


def test_a_fold_names_its_learner_its_form_and_its_constants() -> None:
    assert fold_of(LearnerSettings(exploration="epsilon", value_window=7)) == Fold(
        "epsilon/1", {"pooling_visits": 100, "discount": 0.6, "value_window": 7}
    )
    assert fold_of(FILTER) == Fold(
        "posterior/1", {"pooling_visits": 30, "discount": 0.45, "value_window": 200, "drift": 2e-5}
    )


@pytest.mark.parametrize(
    "how",
    [
        Fold("posterior/9", fold_of(FILTER).constants),
        Fold("epsilon/1", fold_of(FILTER).constants),
        Fold("epsilon/1", {"discount": 0.5}),
    ],
)
def test_a_fold_that_this_code_does_not_have_is_refused(how: Fold) -> None:
    with pytest.raises(VersionError, match=how.learner):
        learner.fold(EMPTY, [transition()], how)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("posterior/2", b""),
        ("", Averages(100).encode()),
        ("epsilon/1", b""),
        ("epsilon/1", Posterior(30).encode()),
        ("posterior/1", Averages(100).encode()),
        ("posterior/1", Posterior(30).encode()[:-1]),
        ("posterior/1", Posterior(30).encode()[:-1] + b"\x80"),
        ("posterior/1", Posterior(30).encode() + bytes(8)),
    ],
)
def test_a_table_that_its_learner_cannot_read_is_refused(name: str, table: bytes) -> None:
    with pytest.raises(PolicyUnreadableError):
        learner.check(replace(EMPTY, learner=name, table=table))


# One learner takes over what another one learned.


SWITCHES = [(AVERAGES, FILTER), (FILTER, AVERAGES)]


def adopted(policy: Policy, constants: LearnerSettings) -> Averages | Posterior:
    """The table of these constants' learner that says what the policy does."""
    kind = Posterior if constants.exploration == "posterior" else Averages
    return kind.adopt(learner.estimates(policy), learner.visits(policy), fold_of(constants).constants)


@pytest.mark.parametrize(("first", "then"), SWITCHES)
def test_an_adopted_table_has_the_visits_and_where_it_was_visited_the_estimates_of_the_other(
    first: LearnerSettings, then: LearnerSettings
) -> None:
    policy = fold(EMPTY, random_transitions(16, 60, states=6), first)
    table, was, n = adopted(policy, then), learner.estimates(policy), learner.visits(policy)
    assert 0 < sum(count > 0 for row in n for count in row) < CELLS
    for row in range(STATES):
        found = table.estimates(State.from_row(row))
        assert [found[b] for b in ACTIONS if n[row][b]] == pytest.approx([was[row][b] for b in ACTIONS if n[row][b]])
        assert table.visits(State.from_row(row)) == n[row]


@pytest.mark.parametrize(("first", "then"), SWITCHES)
def test_where_it_was_never_visited_an_adopted_table_expects_what_the_action_did_elsewhere(
    first: LearnerSettings, then: LearnerSettings
) -> None:
    rng = Random(17)
    better = [transition(s, a, 0.5 if a == 3 else 0.2, s) for s, a in ((rng.randrange(8), rng.randrange(6))
              for _ in range(400))]  # fmt: skip
    policy = fold(EMPTY, better, first)
    found = adopted(policy, then).estimates(State.from_row(8))
    assert sum(found) == pytest.approx(sum(learner.estimates(policy)[8]))
    assert max(ACTIONS, key=found.__getitem__) == 3
    assert found[3] - found[0] == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize(("first", "then"), SWITCHES)
def test_a_fold_under_another_learner_adopts_the_table_and_goes_on(
    first: LearnerSettings, then: LearnerSettings
) -> None:
    known, more = fold(EMPTY, random_transitions(18, 100), first), random_transitions(19, 50)
    table, switched = adopted(known, then), fold(known, more, then)
    for episodes, t in enumerate(more, known.episodes):
        table.update(t, episodes, fold_of(then).constants)
    assert (switched.table, switched.learner) == (table.encode(), fold_of(then).learner)
    assert switched.episodes == 150
    assert sum(map(sum, learner.visits(switched))) == 150


@pytest.mark.parametrize(("first", "then"), SWITCHES)
def test_the_record_says_from_whom_a_fold_adopted(first: LearnerSettings, then: LearnerSettings) -> None:
    known, settings = fold(EMPTY, [transition()], first), Settings(table_name="t", exploration=then.exploration)
    after, record = next_version(known, [transition()], settings)
    assert record == VersionRecord(1, fold_of(then), (transition(),), adopted=known.learner)
    assert next_version(after, [transition()], settings)[1].adopted is None


def test_only_another_learners_table_is_adopted() -> None:
    averages, posterior = (fold(EMPTY, [transition()], constants) for constants in (AVERAGES, FILTER))
    assert learner.adopted_by(averages, fold_of(FILTER)) == "epsilon/1"
    assert learner.adopted_by(posterior, fold_of(AVERAGES)) == "posterior/1"
    assert learner.adopted_by(posterior, fold_of(FILTER)) is None
    assert learner.adopted_by(EMPTY, fold_of(FILTER)) is None


@pytest.mark.parametrize(("kind", "constants"), BOTH)
def test_adopting_a_table_of_nothing_is_to_start(
    kind: type[Averages] | type[Posterior], constants: LearnerSettings
) -> None:
    start = kind.start(fold_of(constants).constants)
    assert vars(adopted(EMPTY, constants)) == vars(start)


def test_as_many_visits_leave_as_narrow_variances_as_the_filters_own() -> None:
    policy = fold(EMPTY, random_transitions(20, 600), AVERAGES)
    table = adopted(policy, FILTER)
    assert isinstance(table, Posterior)
    seen = taught(Posterior, random_transitions(20, 600), LearnerSettings(exploration="posterior", drift=0))
    assert table.variances == pytest.approx(seen.variances, rel=0.5)


def test_an_adopted_filters_reference_is_the_best_that_a_visited_state_promises_on_average() -> None:
    policy = fold(EMPTY, random_transitions(21, 300, states=5), AVERAGES)
    table, was, n = adopted(policy, FILTER), learner.estimates(policy), learner.visits(policy)
    assert isinstance(table, Posterior)
    assert table.reference == pytest.approx(sum(sum(n[row]) * max(was[row]) for row in range(STATES)) / 300)


def test_a_table_learned_by_averages_stays_right_about_the_actions_under_the_filter() -> None:
    rng = Random(10)
    better = [transition(state=rng.randrange(2), action=a, reward=0.5 if a == 3 else 0.2)
              for a in (rng.randrange(6) for _ in range(600))]  # fmt: skip
    switched = fold(fold(EMPTY, better, AVERAGES), better, FILTER)
    values = learner.estimates(switched)[0]
    assert max(ACTIONS, key=values.__getitem__) == 3
    assert values[3] == pytest.approx(0.5, abs=0.1)


def test_sessions_of_excluded_persons_are_left_out_of_a_fold() -> None:
    sessions = [replace(t, key=bytes([n % 3]) * 16) for n, t in enumerate(random_transitions(5, 60))]
    out, others = replace(EMPTY, excluded=(bytes([1]) * 8,)), [t for t in sessions if t.key[0] != 1]
    assert replace(fold(out, sessions, FILTER), excluded=()) == fold(EMPTY, others, FILTER)


def test_a_version_of_excluded_persons_alone_adopts_nothing() -> None:
    before = replace(fold(EMPTY, random_transitions(5, 20), AVERAGES), excluded=(bytes(8),))
    after, record = next_version(before, [replace(random_transitions(6, 1)[0], key=bytes(16))], POSTERIOR)
    assert (after.learner, record.adopted) == (before.learner, None)
