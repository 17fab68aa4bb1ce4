"""The learner by averages beside a plain reading of its equations, and what every learner's policy does."""

from collections import defaultdict
from dataclasses import replace
from hashlib import sha256
from random import Random

import pytest

from rl_core import learner
from rl_core.config import LearnerSettings, Settings
from rl_core.errors import PolicyUnreadableError, VersionError
from rl_core.learner import fold_of
from rl_core.learner.epsilon import Averages
from rl_core.learner.posterior import Posterior
from rl_core.learner.posterior_1 import Posterior1
from rl_core.models import (
    ACTIONS,
    CELLS,
    STATES,
    ActivityStats,
    Fold,
    Policy,
    Result,
    State,
    VersionRecord,
)
from rl_core.work import next_version
from tests.core.histories import (
    AVERAGES,
    EMPTY,
    FILTER,
    FORMER,
    fold,
    random_transitions,
    taught,
    transition,
)

POSTERIOR = Settings(table_name="t", exploration="posterior")
MYOPIC = LearnerSettings(exploration="epsilon", discount=0)
BOTH = [(Averages, AVERAGES), (Posterior, FILTER)]
EVERY: list[LearnerSettings | Fold] = [AVERAGES, FILTER, FORMER]


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


@pytest.mark.parametrize(("constants", "digest"), [(AVERAGES, "5ad5fdd6c4006eb4"), (FILTER, "f0912c3ef71d8d4a")])
def test_the_bytes_of_a_table_that_has_learned_are_the_same_on_any_python_and_in_any_release(
    constants: LearnerSettings, digest: str
) -> None:
    assert sha256(fold(EMPTY, random_transitions(8, 500), constants).table).hexdigest()[:16] == digest


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


@pytest.mark.parametrize("constants", EVERY)
def test_folding_in_pieces_gives_the_same_bits_as_folding_at_once(constants: LearnerSettings | Fold) -> None:
    transitions = random_transitions(6, 300)
    pieces = EMPTY
    for start in range(0, 300, 7):
        pieces = fold(pieces, transitions[start : start + 7], constants)
    assert pieces == fold(EMPTY, transitions, constants)


@pytest.mark.parametrize("kind", [Averages, Posterior])
def test_a_state_weighs_its_own_advantage_half_after_k_visits(kind: type[Averages] | type[Posterior]) -> None:
    table = kind(100.0)
    if isinstance(table, Posterior):
        table.weights[0] = 100 * 128
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
        "posterior/2",
        {
            "pooling_visits": 12,
            "discount": 0.9,
            "value_window": 200,
            "drift": 5e-5,
            "person_correlation": 0.1,
            "innovation_limit": 2.0,
            "discount_ramp": 200,
        },
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
        ("posterior/3", Posterior(30).encode()),
        ("posterior/2", b""),
        ("posterior/2", Posterior1(30).encode()),
        ("posterior/2", Averages(100).encode()),
        ("posterior/2", Posterior(30).encode()[:-1]),
        ("posterior/2", Posterior(30).encode()[:-1] + b"\x80"),
        ("posterior/2", Posterior(30).encode() + bytes(1)),
        ("posterior/2", Posterior(30).encode() + bytes(CELLS)),
        ("posterior/2", Posterior(30).encode()[:-CELLS]),
        ("", Averages(100).encode()),
        ("epsilon/1", b""),
        ("epsilon/1", Posterior(30).encode()),
        ("posterior/1", Averages(100).encode()),
        ("posterior/1", Posterior(30).encode()),
        ("posterior/1", Posterior1(30).encode()[:-1]),
        ("posterior/1", Posterior1(30).encode()[:-1] + b"\x80"),
        ("posterior/1", Posterior1(30).encode() + bytes(8)),
    ],
)
def test_a_table_that_its_learner_cannot_read_is_refused(name: str, table: bytes) -> None:
    with pytest.raises(PolicyUnreadableError):
        learner.check(replace(EMPTY, learner=name, table=table))


# One learner takes over what another one learned.


SWITCHES = [(AVERAGES, FILTER), (FILTER, AVERAGES), (FORMER, FILTER), (FORMER, AVERAGES)]


def adopted(policy: Policy, constants: LearnerSettings) -> Averages | Posterior:
    """The table of these constants' learner that says what the policy does."""
    kind = Posterior if constants.exploration == "posterior" else Averages
    return kind.adopt(learner.estimates(policy), learner.visits(policy), fold_of(constants).constants)


@pytest.mark.parametrize(("first", "then"), SWITCHES)
def test_an_adopted_table_has_the_visits_and_where_it_was_visited_the_estimates_of_the_other(
    first: LearnerSettings | Fold, then: LearnerSettings
) -> None:
    policy = fold(EMPTY, random_transitions(16, 60, states=6), first)
    table, was, n = adopted(policy, then), learner.estimates(policy), learner.visits(policy)
    assert 0 < sum(count > 0 for row in n for count in row) < CELLS
    for row in range(STATES):
        found = table.estimates(State.from_row(row))
        assert [found[b] for b in ACTIONS if n[row][b]] == pytest.approx(
            [was[row][b] for b in ACTIONS if n[row][b]], abs=1e-6
        )
        assert table.visits(State.from_row(row)) == n[row]


@pytest.mark.parametrize(("first", "then"), SWITCHES)
def test_where_it_was_never_visited_an_adopted_table_expects_what_the_action_did_elsewhere(
    first: LearnerSettings | Fold, then: LearnerSettings
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
    first: LearnerSettings | Fold, then: LearnerSettings
) -> None:
    known, more = fold(EMPTY, random_transitions(18, 100), first), random_transitions(19, 50)
    table, switched = adopted(known, then), fold(known, more, then)
    for episodes, t in enumerate(more, known.episodes):
        table.update(t, episodes, fold_of(then).constants)
    assert (switched.table, switched.learner) == (table.encode(), fold_of(then).learner)
    assert switched.episodes == 150
    assert sum(map(sum, learner.visits(switched))) == 150


@pytest.mark.parametrize(("first", "then"), SWITCHES)
def test_the_record_says_from_whom_a_fold_adopted(first: LearnerSettings | Fold, then: LearnerSettings) -> None:
    known, settings = fold(EMPTY, [transition()], first), Settings(table_name="t", exploration=then.exploration)
    after, record = next_version(known, [transition()], settings)
    assert record == VersionRecord(1, fold_of(then), (transition(),), adopted=known.learner)
    assert next_version(after, [transition()], settings)[1].adopted is None


def test_only_another_learners_table_is_adopted() -> None:
    averages, posterior = (fold(EMPTY, [transition()], constants) for constants in (AVERAGES, FILTER))
    assert learner.adopted_by(averages, fold_of(FILTER)) == "epsilon/1"
    assert learner.adopted_by(posterior, fold_of(AVERAGES)) == "posterior/2"
    assert learner.adopted_by(fold(EMPTY, [transition()], FORMER), fold_of(FILTER)) == "posterior/1"
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
    assert [value - values[3] for value in values] == pytest.approx([-0.3, -0.3, -0.3, 0, -0.3, -0.3], abs=0.05)
    level = learner.estimates(fold(switched, better * 2, FILTER))[0][3]
    assert level == pytest.approx(0.5, abs=0.05)


def test_sessions_of_excluded_persons_are_left_out_of_a_fold() -> None:
    sessions = [replace(t, key=bytes([n % 3]) * 16) for n, t in enumerate(random_transitions(5, 60))]
    out, others = replace(EMPTY, excluded=(bytes([1]) * 8,)), [t for t in sessions if t.key[0] != 1]
    assert replace(fold(out, sessions, FILTER), excluded=()) == fold(EMPTY, others, FILTER)


def test_a_version_of_excluded_persons_alone_adopts_nothing() -> None:
    before = replace(fold(EMPTY, random_transitions(5, 20), AVERAGES), excluded=(bytes(8),))
    after, record = next_version(before, [replace(random_transitions(6, 1)[0], key=bytes(16))], POSTERIOR)
    assert (after.learner, record.adopted) == (before.learner, None)
