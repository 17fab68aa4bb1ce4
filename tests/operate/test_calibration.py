"""Whether propensities that are right pass, and propensities that are wrong do not."""

from dataclasses import replace

import numpy as np
import pytest

from operate.ope.calibration import Count, calibrate
from operate.ope.judge import RefusedError, expect_evaluable
from tests.operate.logs import logged


def test_right_propensities_are_hardly_ever_rejected() -> None:
    smallest = [calibrate(logged(seed, users=100, rate=rate).sample).p for seed in range(100) for rate in (0.06, 0.3)]
    assert sum(p < 0.001 for p in smallest) <= 1
    assert sum(p < 0.05 for p in smallest) <= 0.1 * len(smallest)


def test_every_kind_of_comparison_is_made() -> None:
    names = {count.name.split(",")[0] for count in calibrate(logged(0, users=100).sample).counts}
    assert names == {"off the best"} | {f"action {a}" for a in range(4)} | {f"action {a} at least" for a in range(4)}


def test_where_all_propensities_are_known_each_bucket_of_them_is_counted() -> None:
    truth = logged(0, users=200)
    known = replace(truth.sample, all_propensities=truth.drawn_from)
    counts = {count.name: count for count in calibrate(known).counts if "p in" in count.name}
    few = counts["action 2, p in 0.05-0.2"]
    assert few.observed == ((truth.sample.action == 2) & (truth.drawn_from[:, 2] < 0.2)).sum()
    assert few.expected == pytest.approx(truth.drawn_from[:, 2][truth.drawn_from[:, 2] < 0.2].sum())
    assert not calibrate(known).rejected
    swapped = truth.drawn_from[:, [1, 0, 2, 3]]
    assert calibrate(replace(known, all_propensities=swapped)).rejected


def test_a_log_that_was_drawn_with_another_epsilon_than_it_says_is_rejected() -> None:
    truth = logged(0, users=200, rate=0.3)
    lowest = truth.sample.propensity < 0.15
    claimed = np.where(lowest, 0.2 / 3, 0.2 / 3 + 0.8)
    assert calibrate(replace(truth.sample, epsilon=np.full(4000, 0.2), propensity=claimed)).rejected


def test_draws_that_are_not_epsilon_greedy_are_not_held_to_its_form() -> None:
    sample, rng = logged(0, users=200).sample, np.random.default_rng(0)
    weights = np.where(sample.eligible, rng.dirichlet(np.ones(4), len(sample)), 0.0)
    chances = 0.05 * sample.eligible / 3 + 0.95 * weights / weights.sum(1, keepdims=True)
    action = (chances.cumsum(1) > rng.random((len(sample), 1))).argmax(1)
    by_posterior = replace(
        sample,
        action=action,
        propensity=chances[range(len(sample)), action],
        epsilon=np.full(len(sample), 0.05),
    )
    found = calibrate(by_posterior)
    assert {count.name.split(" ")[0] for count in found.counts} == {"action"}
    assert not found.rejected


def test_right_propensities_pass_where_an_action_became_so_unlikely_that_it_was_no_longer_drawn() -> None:
    rejected = 0
    for seed in range(60):
        sample, rng = logged(seed, users=100).sample, np.random.default_rng(seed)
        n, even = len(sample), sample.eligible / sample.eligible.sum(1, keepdims=True)
        sure = np.where(np.arange(n) > n // 10, 1.0, 0.0)[:, None] * np.array([0.0, 0.0, 1.0, 1.0])
        weights = np.where(sample.eligible, sure + 1e-9, 0.0)
        chances = 0.002 * even + 0.998 * weights / weights.sum(1, keepdims=True)
        action = np.minimum((chances.cumsum(1) < rng.random((n, 1))).sum(1), 3)
        drawn = replace(sample, action=action, propensity=chances[range(n), action], epsilon=np.full(n, 0.002))
        rejected += calibrate(drawn).rejected
    assert rejected <= 1


def test_propensities_logged_for_the_wrong_action_are_rejected_without_epsilon_too() -> None:
    truth = logged(0, users=200)
    shuffled = np.random.default_rng(0).permutation(truth.sample.propensity)
    bare = replace(truth.sample, propensity=shuffled, epsilon=None)
    assert calibrate(bare).rejected
    assert not calibrate(replace(bare, propensity=truth.sample.propensity)).rejected


def test_an_action_that_was_never_drawn_though_it_should_have_been_is_rejected() -> None:
    sample = logged(0, users=200).sample
    kept = sample.where(sample.action != 2)
    worst = calibrate(kept).worst
    assert worst is not None
    assert calibrate(kept).rejected


def test_a_log_whose_propensities_are_wrong_is_refused_with_what_was_seen() -> None:
    sample = logged(0, users=200).sample
    with pytest.raises(RefusedError, match=r"do not match what was drawn: .*observed .*expected"):
        expect_evaluable(replace(sample, propensity=np.clip(sample.propensity * 1.3, 0.0, 1.0)))


def test_a_count_at_two_deviations_has_the_p_of_a_normal_distribution() -> None:
    assert Count("it", 12.0, 10.0, 1.0).p == pytest.approx(0.0455, abs=1e-4)
    assert Count("it", 10.0, 10.0, 0.0).p == 1.0
