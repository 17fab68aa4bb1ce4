"""The world in which suggestions wear off."""

from dataclasses import replace
from random import Random

import pytest

from lab.studies.heartsteps import fading
from lab.studies.heartsteps.fading import FADING, FRESH, KNOWING, RULES, World, by_rule, gain_of, live, mean_over
from lab.studies.heartsteps.trial import Scores
from rl_core import learner
from rl_core.config import Settings
from rl_core.learner.epsilon import Averages
from rl_core.learner.posterior import Posterior
from rl_core.models import Action, State, Transition

SETTINGS = Settings(table_name="none", action_cooldown=0, exploration="epsilon")
POSTERIOR = Settings(table_name="none", action_cooldown=0)
STATE = State(1, 1)
SHIPPED, DOSED, *_ = KNOWING


def test_the_effect_wears_off_with_the_dose_and_comes_back_with_rest() -> None:
    world, dose = World("it", memory=5, slope=0.94), 0.0
    for _ in range(20):
        dose = world.after(dose, sent=True)
    worn = world.effect(dose, 20)
    for _ in range(20):
        dose = world.after(dose, sent=False)
    assert worn < -0.4
    assert world.effect(dose, 40) == pytest.approx(FRESH, abs=0.02)


def test_the_effect_falls_to_nothing_near_day_27_as_the_trial_found() -> None:
    by_day, by_dose = FADING[-1], FADING[-2]
    assert by_day.effect(0.0, 27 * 5) == pytest.approx(0.0, abs=0.02)
    dose = 0.0
    for _ in range(27 * 4):
        dose += (0.6 - dose) / by_dose.memory
    assert by_dose.effect(dose, 0) == pytest.approx(0.0, abs=0.02)


def test_steps_carry_the_effect_on_average() -> None:
    world, rng, rewards = World("it"), Random(1), list[float]()
    for _ in range(4000):
        gain, reward = live(world, fading.Person(3.0, Scores()), True, rng)
        assert gain == FRESH
        rewards.append(reward)
    assert sum(rewards) / len(rewards) == pytest.approx(3.0 + FRESH, abs=0.15)


@pytest.mark.parametrize("world", FADING, ids=lambda world: world.name)
def test_no_rule_and_no_constant_rate_beats_the_planned_one(world: World) -> None:
    best, *others = (by_rule(world, rule(world)) for rule in RULES.values())
    constant = [by_rule(world, lambda *_, rate=rate: rate) for rate in (0.1, 0.2, 0.3, 0.5)]
    assert best > max([0.0, *others, *constant])


@pytest.mark.parametrize("settings", [SETTINGS, POSTERIOR], ids=["epsilon", "posterior"])
def test_knowing_the_dose_is_worth_something_where_the_effect_comes_back_soon(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(fading, "PEOPLE", 25)
    monkeypatch.setattr(fading, "WITHIN", 0.3)
    world = FADING[0]
    apart = [gain_of(world, DOSED, settings, seed) - gain_of(world, SHIPPED, settings, seed) for seed in range(2)]
    assert min(apart) > 0.01


SEEN = Transition(b"", STATE, Action.PHYSICAL, 1.0, STATE, (), ())


def test_a_next_state_of_another_table_counts_with_that_tables_value() -> None:
    constants = learner.fold_of(SETTINGS).constants
    own, rich = Averages.start(constants), Averages.start(constants)
    rich.values = [5.0] * 9
    assert fading._told(own, own, SEEN, SETTINGS) == SEEN
    own.update(fading._told(own, rich, SEEN, SETTINGS), 0, constants)
    assert own.values[STATE.row] == pytest.approx(1.0 + SETTINGS.discount * 5.0)


def test_by_the_filter_it_does_so_once_its_own_table_has_seen_the_state() -> None:
    constants = learner.fold_of(POSTERIOR).constants
    own, rich = Posterior.start(constants), Posterior.start(constants)
    rich.values = [5.0] * 9
    assert fading._told(own, rich, SEEN, POSTERIOR) == SEEN
    own.update(SEEN, 0, constants)
    moved = 1.0 + POSTERIOR.discount * (5.0 - max(own.estimates(STATE)))
    assert fading._told(own, rich, SEEN, POSTERIOR) == replace(SEEN, reward=moved)
    assert fading._told(own, own, SEEN, POSTERIOR) == SEEN


def test_a_mean_over_runs_has_students_interval() -> None:
    found = mean_over([1.0, 2.0, 3.0, 4.0])
    assert found.value == 2.5
    assert found.high - found.value == pytest.approx(3.182 * 1.2909944 / 2)
