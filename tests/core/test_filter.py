"""The learner by Kalman filter: its equations beside a plain reading of them, what it learns, its bytes."""

from hashlib import sha256
from random import Random
from statistics import fmean
from typing import Any

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
    fold,
    lived,
    mixed,
    random_transitions,
    taught,
    transition,
)
from tests.core.written_filter import Filter

POSTERIOR = Settings(table_name="t", exploration="posterior")
ANY_PYTHON = (
    0.27332004206263066, 0.35811671018972613, 0.34276645963880936, 0.45035403999300894, 0.5011632460073902,
    0.5484814035748463,
)  # fmt: skip


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
    for episodes in (0, 200, 1_800, 1_000_000):
        table = taught(Posterior, random_transitions(5, 200), FILTER)
        table.reference = max(table.estimates(State(0, 0))) - 0.4
        table.wear = table.alike[0] = 0.0
        grown.append(table._ahead(transition(facts=NO_FACTS), episodes, fold_of(FILTER).constants))
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


def test_a_session_of_an_earlier_form_says_nothing_of_wear() -> None:
    table = taught(Posterior, lived(9, 300, correlation=0.0, wear=0.4), FILTER)
    assert table.wear > 0.1
    wear, usual = table.wear, list(table.usual_wear)
    table.update(transition(state=4, action=2, reward=0.9), 300, fold_of(FILTER).constants)
    assert (table.wear, table.usual_wear) == (wear, usual)


def test_a_newcomer_says_nothing_of_how_much_wear_takes_off() -> None:
    table = taught(Posterior, lived(9, 300, correlation=0.0, wear=0.4), FILTER)
    wear = table.wear
    table.update(transition(state=4, action=2, reward=0.9, facts=NO_FACTS), 300, fold_of(FILTER).constants)
    assert table.wear == wear


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
    assert sha256(policy.table).hexdigest()[:16] == "eacb3b8d3073e514"


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
