"""The trial as logged decisions and the learner over it; on the trial itself where it lies beside the repository."""

import csv
from pathlib import Path
from random import Random

import numpy as np
import pytest

from lab.studies.heartsteps import page
from lab.studies.heartsteps.effects import doses, effect, weeks
from lab.studies.heartsteps.learning import as_the_log_goes_by, replay, replayed
from lab.studies.heartsteps.trial import FILE, Scores, Trial, load, sample_of, shipped, walk, with_dose
from operate.log import Floats, LogError
from operate.ope.calibration import calibrate
from operate.ope.judge import Target, Verdict, difference, judge, served
from rl_core.config import Settings
from rl_core.models import State

SETTINGS = Settings(table_name="none", action_cooldown=0, exploration="epsilon")
COLUMNS = (
    "user", "t", "day", "slot", "weekend", "avail", "send", "arm3", "propensity2", "propensity3", "steps30pre",
    "steps30", "reward_log", "reward_bin", "ipaq3",
)  # fmt: skip
needs_the_trial = pytest.mark.skipif(not FILE.exists(), reason=f"no HeartSteps V1 decisions at {FILE}")


def made_up(path: Path, people: int = 30, days: int = 20, lift: float = 2.0) -> Path:
    """A trial of the same form in which sending adds `lift` to the log of steps; every tenth point is unavailable."""
    rng = Random(5)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for user in range(1, people + 1):
            for t in range(days * 5):
                available, sent = t % 10 != 3, rng.random() < 0.6
                steps = max(0.0, float(np.exp(3.0 + lift * sent * available + rng.gauss(0.0, 1.0)) - 0.5))
                reward = float(np.log(steps + 0.5))
                kind = rng.choice(("walk", "antisedentary")) if sent else "none"
                arm = (sent, kind, 0.6 if sent else 0.4, 0.3 if sent else 0.4) if available else (False, "none", 1, 1)
                level = ("Low", "Moderate", "High")[user % 3]
                out.writerow(
                    [user, t, t // 5, t % 5 + 1, 0, available, *arm, 50.0, steps, reward, int(steps >= 100), level]
                )
    return path


@pytest.fixture(scope="module")
def helpful(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return load(made_up(tmp_path_factory.mktemp("trial") / "decisions.csv"))


@pytest.fixture(scope="module")
def trial() -> Trial:
    return load()


def arm(n: int, send: float) -> Floats:
    return np.tile(np.array([1.0 - send, send]), (n, 1))


def judged(trial: Trial, replicates: int = 200, **policies: Floats) -> list[Verdict]:
    targets = [Target(name, chosen) for name, chosen in policies.items()]
    return judge(sample_of(trial, walk(trial).state), targets, replicates)


def test_points_at_which_nobody_could_be_reached_are_left_out(helpful: Trial) -> None:
    assert (len(helpful), helpful.unavailable) == (30 * 90, 30 * 10)
    assert np.all(np.diff(helpful.day * 10 + helpful.slot) >= 0)


def test_a_propensity_that_is_none_of_the_trials_is_refused(tmp_path: Path) -> None:
    path = made_up(tmp_path / "decisions.csv", people=1, days=2)
    path.write_text(path.read_text().replace(",0.6,0.3,", ",0.5,0.3,"))
    with pytest.raises(LogError, match="neither"):
        load(path)


def test_a_state_holds_only_what_came_before_the_decision(helpful: Trial) -> None:
    walked = walk(helpful)
    first = np.unique(helpful.user, return_index=True)[1]
    assert set(walked.state[first].tolist()) == {shipped(Scores()).row}
    mine = np.flatnonzero(helpful.user == 4)
    assert walked.next_state[mine[:-1]].tolist() == walked.state[mine[1:]].tolist()


def test_the_dose_is_counted_over_the_latest_five_decisions() -> None:
    scores, seen = Scores(), list[int]()
    for sent in (True, True, True, True, True, False, False, False, False):
        scores.move(False, 0.0, sent)
        seen.append(with_dose(scores).motivation)
    assert seen == [0, 1, 1, 2, 2, 2, 1, 1, 0]
    assert with_dose(Scores(engagement=0.9)) == State(2, 0)


def test_the_learner_comes_to_send_where_sending_helps(helpful: Trial) -> None:
    chosen = as_the_log_goes_by(helpful, walk(helpful), SETTINGS)
    assert chosen.sum(1).tolist() == pytest.approx([1.0] * len(helpful))
    assert chosen[0].tolist() == [0.5, 0.5]
    assert chosen[-900:, 1].mean() > 0.85
    learner, never = judged(helpful, learner=chosen, never=arm(len(helpful), 0.0))
    assert learner.gain["DR"].low > 0.0 > never.gain["DR"].high


def test_a_policy_as_the_log_goes_by_depends_on_the_past_alone(helpful: Trial) -> None:
    chosen = as_the_log_goes_by(helpful, walk(helpful), SETTINGS)
    half = len(helpful) // 2
    later = helpful.reward.copy()
    later[half:] = -9.0
    other = as_the_log_goes_by(_with_rewards(helpful, later), walk(helpful), SETTINGS)
    assert (chosen[: half + 1] == other[: half + 1]).all()
    assert (chosen != other).any()


def _with_rewards(trial: Trial, reward: Floats) -> Trial:
    return Trial(**{name: getattr(trial, name) for name in Trial.__dataclass_fields__} | {"reward": reward})


def test_replay_keeps_points_whatever_the_arm_with_the_least_probability(helpful: Trial) -> None:
    walked = walk(helpful)
    kept = np.mean([replayed(helpful, walked, SETTINGS, seed).mean() for seed in range(8)])
    assert kept == pytest.approx(0.4, abs=0.015)


def test_replay_is_unbiased_for_a_policy_that_does_not_learn(helpful: Trial) -> None:
    coin = Settings(table_name="none", exploration="epsilon", epsilon_start=1.0, epsilon_decay=1.0)
    found = replay(helpful, walk(helpful), coin, runs=10, replicates=200)
    (uniform,) = judged(helpful, uniform=arm(len(helpful), 0.5))
    assert found.value.value == pytest.approx(uniform.value["SNIPS"].value, abs=0.04)
    assert found.gain["always"].high < 0.0 < found.gain["never"].low


def test_an_effect_is_found_where_there_is_one_and_held_by_its_interval(helpful: Trial) -> None:
    for _, rows in (*list(weeks(helpful))[:2], *doses(helpful)):
        found = effect(helpful, rows)
        assert found.low < 2.0 < found.high
        assert found.low > 1.0


def test_a_difference_is_that_of_the_two_values(helpful: Trial) -> None:
    always, never = arm(len(helpful), 1.0), arm(len(helpful), 0.0)
    first, second = judged(helpful, always=always, never=never)
    apart = difference(sample_of(helpful, walk(helpful).state), always, never, 200)
    assert apart.value == pytest.approx(first.value["DR"].value - second.value["DR"].value)
    assert apart.low < 2.0 < apart.high


def test_a_table_is_put_between_its_markers(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("a\n<!-- t -->\nold\n<!-- end of t -->\nb\n")
    page.put("t", "| new |", path)
    assert path.read_text() == "a\n<!-- t -->\n| new |\n<!-- end of t -->\nb\n"
    with pytest.raises(ValueError, match="has no"):
        page.put("u", "| new |", path)


# The trial itself.


@needs_the_trial
def test_the_trial_has_the_decisions_that_are_known_of_it(trial: Trial) -> None:
    assert (len(trial), trial.unavailable, int(trial.user.max()) + 1) == (4764, 1141, 29)


@needs_the_trial
def test_known_values_of_the_trial_are_met(trial: Trial) -> None:
    sample, n = sample_of(trial, walk(trial).state), len(trial)
    logged = served(sample)
    assert logged.value == pytest.approx(3.015, abs=5e-4)
    assert (logged.low, logged.high) == pytest.approx((2.76, 3.24), abs=0.04)
    always, never, uniform = judged(trial, always=arm(n, 1.0), never=arm(n, 0.0), uniform=arm(n, 0.5))
    assert always.value["SNIPS"].value == pytest.approx(3.064, abs=5e-4)
    assert never.value["SNIPS"].value == pytest.approx(2.943, abs=5e-4)
    assert uniform.value["SNIPS"].value == pytest.approx(3.003, abs=5e-4)
    assert uniform.value["IPS"].value == pytest.approx(3.007, abs=1e-3)


@needs_the_trial
def test_no_policy_is_a_clear_winner_in_the_trial(trial: Trial) -> None:
    n = len(trial)
    learner = as_the_log_goes_by(trial, walk(trial), SETTINGS)
    for verdict in judged(trial, always=arm(n, 1.0), never=arm(n, 0.0), learner=learner):
        assert verdict.gain["DR"].low < 0.0 < verdict.gain["DR"].high


@needs_the_trial
def test_sending_was_drawn_as_recorded_and_its_kind_was_not(trial: Trial) -> None:
    assert not calibrate(sample_of(trial, walk(trial).state)).rejected
    assert calibrate(sample_of(trial, walk(trial).state, by_kind=True)).rejected
