"""Intervals beside values worked out elsewhere: published tables, and simulation."""

import math
from random import Random

import pytest

from operate.intervals import (
    completion_by_action,
    completion_by_entry,
    design_effects,
    lift_by_entry,
    means,
    reward_by_action,
    student,
    wilson,
)
from rl_core.days.tally import ActionSums, EntrySums


def sums_of(sessions: list[tuple[int, int]]) -> ActionSums:
    """The sums of sessions given as (assigned, completed)."""
    return ActionSums(
        sessions=len(sessions),
        assigned=sum(a for a, _ in sessions),
        completed=sum(c for _, c in sessions),
        assigned_squares=sum(a * a for a, _ in sessions),
        completed_squares=sum(c * c for _, c in sessions),
        products=sum(a * c for a, c in sessions),
    )


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)],
)
def test_wilsons_interval_is_the_published_one(successes: int, trials: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3."""
    _, found_low, found_high = wilson([successes], [trials])
    assert (round(float(found_low[0]), 4), round(float(found_high[0]), 4)) == (low, high)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)]
)
def test_students_quantile_is_the_tables_to_one_in_a_thousand(freedom: int, quantile: float) -> None:
    assert float(student([freedom])[0]) == pytest.approx(quantile, rel=2e-3)


def test_a_means_interval_is_students() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    mean, low, high = means([sum(values)], [sum(v * v for v in values)], [len(values)])
    assert float(mean[0]) == 3
    assert float(low[0]) == pytest.approx(1.0367, abs=2e-3)
    assert float(high[0]) == pytest.approx(4.9633, abs=2e-3)


def test_one_observation_has_a_mean_and_no_interval() -> None:
    mean, low, high = means([2.0], [4.0], [1])
    assert float(mean[0]) == 2
    assert math.isnan(float(low[0]))
    assert math.isnan(float(high[0]))


def test_sessions_done_whole_or_not_at_all_widen_the_interval() -> None:
    mixed, clustered = sums_of([(6, 3)] * 40), sums_of([(6, 6), (6, 0)] * 20)
    one, other = completion_by_action([mixed, clustered])
    assert (one.value, one.n) == (other.value, other.n) == (0.5, 240)
    assert other.high - other.low > 2 * (one.high - one.low)


def test_the_design_effect_of_all_or_nothing_is_the_size_of_a_session() -> None:
    assert float(design_effects([sums_of([(6, 6), (6, 0)] * 500)])[0]) == pytest.approx(6, rel=2e-3)


def test_nothing_to_count_gives_no_effect_and_no_figures() -> None:
    (rate,), (reward,) = completion_by_action([ActionSums()]), reward_by_action([ActionSums()])
    assert (rate.n, reward.n) == (0, 0)
    assert math.isnan(rate.value)
    assert math.isnan(reward.low)


def test_entries_carry_their_own_counts() -> None:
    entry = EntrySums(assigned=20, completed=10, rated=4, lift=6, lift_squares=10)
    (rate,), (lift,) = completion_by_entry([entry]), lift_by_entry([entry])
    assert (rate.n, rate.value, lift.n, lift.value) == (20, 0.5, 4, 1.5)
    assert lift.low < 1.5 < lift.high


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng, held, runs = Random(7), 0, 1000
    for _ in range(runs):
        keen = [rng.choice((0.4, 0.8)) for _ in range(60)]
        sessions = [(6, sum(rng.random() < p for _ in range(6))) for p in keen]
        estimate = completion_by_action([sums_of(sessions)])[0]
        held += estimate.low <= 0.6 <= estimate.high
    assert 0.92 < held / runs < 0.98


@pytest.mark.parametrize("sessions", [[(6, 2)], [(6, 6)] * 4, [(6, 0)] * 4])
def test_where_no_variance_between_sessions_is_to_be_seen_a_session_counts_once(
    sessions: list[tuple[int, int]],
) -> None:
    sums = sums_of(sessions)
    estimate = completion_by_action([sums])[0]
    _, low, high = wilson([sums.completed / 6], [len(sessions)])
    assert estimate.low == pytest.approx(float(low[0]))
    assert estimate.high == pytest.approx(float(high[0]))
