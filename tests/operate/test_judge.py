"""Values, intervals and refusals on logs whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from operate.log import Floats
from operate.ope import estimators
from operate.ope.judge import RefusedError, Target, Verdict, expect_evaluable, judge, served
from operate.ope.model import fitted, folds_of
from operate.ope.sample import Sample
from operate.ope.targets import fixed, uniform
from operate.ope.totals import ESTIMATORS, values
from tests.operate.logs import ACTIONS, GROUPS, STATES, logged, population_worth


def only(sample: Sample, target: Floats, replicates: int = 200) -> Verdict:
    (verdict,) = judge(sample, [Target("it", target)], replicates)
    return verdict


def contexts(target: str) -> Floats:
    """The target's probabilities by group, state, barred action, action."""
    eligible = ~np.eye(ACTIONS, dtype=bool)
    by_barred = uniform(eligible) if target == "uniform" else fixed(eligible, 3)
    return np.broadcast_to(by_barred, (GROUPS, STATES, ACTIONS, ACTIONS)).copy()


def test_sums_per_user_give_what_the_equations_give_row_by_row() -> None:
    sample = logged(1).sample
    target, folds = fixed(sample.eligible, 3), folds_of(sample.users)
    w, q = estimators.importance_weights(target, sample.action, sample.propensity), fitted(sample, folds)
    under_target, q_logged = (target * q).sum(1), estimators.logged(q, sample.action)
    assert values(sample, target, folds, np.ones((1, sample.users)))[0].tolist() == pytest.approx(
        [
            estimators.ips(sample.reward, w),
            estimators.snips(sample.reward, w),
            estimators.direct_method(under_target),
            estimators.doubly_robust(sample.reward, w, q_logged, under_target),
        ],
        abs=1e-12,
    )


def test_a_replicate_that_draws_a_user_twice_is_the_log_with_that_user_twice() -> None:
    sample, folds = logged(2, users=30).sample, folds_of(30)
    target, draws = uniform(sample.eligible), np.ones((1, 30))
    draws[0, 4], draws[0, 5] = 2.0, 0.0
    rows = np.concatenate([np.flatnonzero(sample.user != 5), np.flatnonzero(sample.user == 4)])
    user = sample.user[rows].copy()
    user[len(user) - 20 :] = 30
    doubled = replace(
        sample, user=user, **{name: getattr(sample, name)[rows] for name in ("group", "state", "eligible", "action")},
        propensity=sample.propensity[rows], reward=sample.reward[rows],
    )  # fmt: skip
    again = values(doubled, target[rows], np.append(folds, folds[4]), np.ones((1, 31)))
    assert values(sample, target, folds, draws)[0].tolist() == pytest.approx(again[0].tolist(), abs=1e-12)


def test_a_group_of_fewer_users_than_folds_is_judged_too() -> None:
    sample = logged(4, users=30).sample
    lonely = replace(sample, group=np.where(sample.user == 3, 1, 0))
    target, folds = uniform(sample.eligible), folds_of(30)
    w, q = estimators.importance_weights(target, lonely.action, lonely.propensity), fitted(lonely, folds)
    expected = estimators.doubly_robust(lonely.reward, w, estimators.logged(q, lonely.action), (target * q).sum(1))
    assert values(lonely, target, folds, np.ones((1, 30)))[0, 3] == pytest.approx(expected, abs=1e-12)


def test_no_row_is_judged_by_a_model_that_saw_its_user() -> None:
    sample, folds = logged(3).sample, folds_of(60)
    moved = replace(sample, reward=np.where(sample.user == 7, 1e6, sample.reward))
    same_fold = folds[sample.user] == folds[7]
    assert (fitted(moved, folds)[same_fold] == fitted(sample, folds)[same_fold]).all()
    assert (fitted(moved, folds)[~same_fold] != fitted(sample, folds)[~same_fold]).any()


@pytest.mark.parametrize("name", ["uniform", "fixed"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(name: str) -> None:
    truth, covered, runs = population_worth(contexts(name)), dict.fromkeys(ESTIMATORS, 0), 80
    for seed in range(runs):
        sample = logged(seed).sample
        target = uniform(sample.eligible) if name == "uniform" else fixed(sample.eligible, 3)
        for estimator, estimate in only(sample, target).value.items():
            covered[estimator] += estimate.low <= truth <= estimate.high
    for estimator in ("IPS", "SNIPS", "DR"):
        assert 0.89 <= covered[estimator] / runs <= 0.99, (estimator, covered)


def test_weights_undo_what_the_mean_of_the_log_gets_wrong() -> None:
    runs = [logged(seed, users=200) for seed in range(20)]
    gaps: dict[str, list[float]] = {name: [] for name in (*ESTIMATORS, "log")}
    for truth in runs:
        target = fixed(truth.sample.eligible, 3)
        for name, estimate in only(truth.sample, target, replicates=20).value.items():
            gaps[name].append(estimate.value - truth.worth(target))
        gaps["log"].append(float(truth.sample.reward.mean()) - truth.worth(target))
    bias = {name: float(np.mean(gap)) for name, gap in gaps.items()}
    assert abs(bias["log"]) > 0.05
    assert all(abs(bias[name]) < 0.015 for name in ("IPS", "SNIPS", "DR")), bias


def test_the_gain_over_what_was_served_is_told_more_closely_than_the_value() -> None:
    sample = logged(5, users=200).sample
    verdict, mean = only(sample, uniform(sample.eligible)), served(sample)
    assert verdict.gain["DR"].value == pytest.approx(verdict.value["DR"].value - mean.value)
    assert width(verdict.gain["DR"].low, verdict.gain["DR"].high) < width(
        verdict.value["DR"].low, verdict.value["DR"].high
    )


def width(low: float, high: float) -> float:
    return high - low


def test_the_same_seed_gives_the_same_verdict() -> None:
    sample = logged(6).sample
    assert only(sample, uniform(sample.eligible)) == only(sample, uniform(sample.eligible))


# Refusals.


def test_a_log_without_propensities_is_refused() -> None:
    sample = logged(1).sample
    propensity = sample.propensity.copy()
    propensity[3] = np.nan
    with pytest.raises(RefusedError, match="1 of 1200 decisions have no propensity"):
        expect_evaluable(replace(sample, propensity=propensity))
    propensity[3] = 0.0
    with pytest.raises(RefusedError, match="not a probability above 0"):
        expect_evaluable(replace(sample, propensity=propensity))


def test_a_log_of_too_few_users_is_refused() -> None:
    with pytest.raises(RefusedError, match="19 users"):
        expect_evaluable(logged(1, users=19).sample)


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(RefusedError, match="no decision"):
        expect_evaluable(logged(1).sample.where(np.zeros(1200, bool)))


def test_a_draw_that_was_not_eligible_is_refused() -> None:
    sample = logged(1).sample
    eligible = sample.eligible.copy()
    eligible[0, sample.action[0]] = False
    with pytest.raises(RefusedError, match="was not eligible"):
        expect_evaluable(replace(sample, eligible=eligible))


def test_a_policy_that_goes_where_the_log_was_certain_not_to_is_refused() -> None:
    sample = logged(1).sample
    assert sample.epsilon is not None
    certain = replace(sample, propensity=np.ones(1200), epsilon=np.zeros(1200))
    assert "no overlap: " in only(certain, uniform(sample.eligible)).refused
    unknown = replace(certain, epsilon=None)
    assert "no overlap: its weights average 0.3" in only(unknown, uniform(sample.eligible)).refused


def test_a_policy_that_draws_what_was_not_eligible_is_refused() -> None:
    sample = logged(1).sample
    assert "not eligible" in only(sample, np.full((1200, ACTIONS), 1.0 / ACTIONS)).refused


def test_a_policy_that_lives_on_too_few_decisions_is_refused() -> None:
    sample = logged(1, users=20, each=40, rate=0.06).sample
    assert "effective sample size" in only(sample, fixed(sample.eligible, 2)).refused


def test_a_policy_judged_on_too_few_users_is_refused_and_the_others_are_not() -> None:
    sample = logged(1).sample
    few = Target("few", uniform(sample.eligible), judged=sample.user < 5)
    refused, judged = judge(sample, [few, Target("all", uniform(sample.eligible))], 50)
    assert "5 users" in refused.refused
    assert not judged.refused
