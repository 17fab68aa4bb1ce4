"""Exploring by posterior probability: shares as they should be, exact propensities, draws that can be drawn again."""

from collections import Counter
from dataclasses import replace
from random import Random
from statistics import NormalDist, fmean

import pytest

from rl_core.config import Settings, read_settings
from rl_core.learner.choosing import decide, generator, known_best, sample, shares, tail, variances
from rl_core.models import ACTIONS, CELLS, Action, Decision, Policy, Segment, State

STATE = State(1, 1)
POSTERIOR = Settings(table_name="t", exploration="posterior")
EVEN = (0.01,) * 6
ADVANTAGES = (0.0, 0.01, 0.02, 0.0, 0.03, -0.01)
SEEN = replace(
    Policy(Segment.LOW_LOW),
    version=7,
    episodes=324,
    action_advantages=ADVANTAGES,
    state_advantages=ADVANTAGES * 9,
    counts=(6,) * CELLS,
    variances=(0.02,) * 15,
)


def thompson(values: tuple[float, ...], variance: tuple[float, ...], draws: int) -> list[float]:
    """How often each action has the greatest of independent normal draws."""
    rng = Random(3)
    won = Counter(max(range(6), key=lambda a: rng.gauss(values[a], variance[a] ** 0.5)) for _ in range(draws))
    return [won[a] / draws for a in range(6)]


@pytest.mark.parametrize("z", [0.0, 0.1, 0.5, 1.0, 1.7, 2.5, 4.0, 9.0])
def test_the_tail_is_the_normal_distributions_to_a_quarter_of_a_thousandth(z: float) -> None:
    assert tail(z) == pytest.approx(1 - NormalDist().cdf(z), abs=2.5e-4)


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.2])
def test_of_two_actions_each_has_exactly_its_probability_of_being_the_better(gap: float) -> None:
    found = shares((0.0, gap, 0, 0, 0, 0), (0.01, 0.03, 0, 0, 0, 0), ACTIONS[:2])
    assert found[1] == pytest.approx(NormalDist().cdf(gap / 0.2), abs=3e-4)
    assert sum(found) == pytest.approx(1)


@pytest.mark.parametrize("options", [ACTIONS, ACTIONS[1:], ACTIONS[4:], ACTIONS[:1]])
def test_where_nothing_is_known_all_eligible_actions_are_alike(options: tuple[Action, ...]) -> None:
    assert shares((0.0,) * 6, EVEN, options) == pytest.approx([1 / len(options)] * len(options))


@pytest.mark.parametrize(
    "values", [(0, 0.1, 0.2, 0, 0.05, 0.1), (0.3, 0, 0, 0, 0, 0), (0.1, 0.1, 0.1, 0, 0, 0), (0, 0.2, 0.22, 0, 0, -0.2)]
)
def test_shares_are_near_those_of_thompson_sampling(values: tuple[float, ...]) -> None:
    assert shares(values, EVEN, ACTIONS) == pytest.approx(thompson(values, EVEN, 20_000), abs=0.08)


def test_the_variance_is_the_actions_and_what_the_state_may_add() -> None:
    cells = [0] * CELLS
    cells[STATE.row * 6 + 2] = 100
    known = replace(SEEN, counts=tuple(cells), variances=(9.0,) * 9 + (0.5, 0.5, 0.01, 0.5, 0.5, 0.5),
                    noise=0.01, pooling=100)  # fmt: skip
    found = variances(known, STATE, scale=2.0)
    assert found[2] == pytest.approx(0.04 * (0.01 / 4 + 1 / 200))
    assert found[0] == pytest.approx(0.04 * (0.5 + 1 / 100))


def test_propensities_sum_to_one_and_are_how_often_each_action_is_drawn() -> None:
    values, rng = (0, 0.1, 0.2, 0, 0.05, 0.1), Random(5)
    choices = [sample(values, EVEN, ACTIONS[1:], 0.1, rng) for _ in range(20_000)]
    recorded = {choice.action: choice.propensity for choice in choices}
    assert sum(recorded.values()) == pytest.approx(1, abs=1e-12)
    drawn = Counter(choice.action for choice in choices)
    assert {a: drawn[a] / len(choices) for a in recorded} == pytest.approx(recorded, abs=0.015)


def test_no_eligible_action_is_less_likely_than_its_part_of_the_floor() -> None:
    rng = Random(6)
    hopeless = (5.0, 0, 0, 0, 0, 0)
    drawn = {c.action: c.propensity for c in (sample(hopeless, (1e-9,) * 6, ACTIONS, 0.3, rng) for _ in range(500))}
    assert drawn[Action.LIGHTEN] == pytest.approx(0.05)
    assert drawn[Action.MAINTAIN] == pytest.approx(0.75)


def test_whatever_is_not_the_best_known_is_marked_as_explored() -> None:
    rng = Random(7)
    drawn = {(c.action is Action.PHYSICAL, c.explored) for c in (sample((0, 1, 0, 0, 0, 0), EVEN, ACTIONS, 0.5, rng)
             for _ in range(200))}  # fmt: skip
    assert drawn == {(True, False), (False, True)}


def test_with_more_visits_the_best_known_action_is_served_more_often() -> None:
    often = replace(SEEN, counts=(600,) * CELLS, variances=(0.001,) * 15)
    few, many = (
        fmean(decide(p, STATE, (), POSTERIOR, Random(seed)).action is Action.INTENSITY for seed in range(600))
        for p in (SEEN, often)
    )
    assert few + 0.1 < many


def test_the_barred_action_has_no_share() -> None:
    decisions = [decide(SEEN, STATE, (Action.INTENSITY,), POSTERIOR, Random(seed)) for seed in range(300)]
    assert {d.action for d in decisions} == set(ACTIONS) - {Action.INTENSITY}
    assert {d.eligible for d in decisions} == {(ACTIONS[0], *ACTIONS[1:4], ACTIONS[5])}


def test_a_decision_once_made_can_be_recomputed_on_any_python() -> None:
    decision = decide(SEEN, STATE, (Action.PHYSICAL,), POSTERIOR, generator("c", 3, 7))
    options = (Action.MAINTAIN, Action.MEDITATION, Action.JOURNALING, Action.INTENSITY, Action.LIGHTEN)
    assert decision == Decision(
        STATE, options, Action.MAINTAIN, 0.15274704829639482, 0.002, policy_version=7, explored=True
    )


def test_the_environment_may_ask_for_epsilon_greedy_which_brings_the_specifications_constants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings(table_name="t").exploration == "posterior"
    monkeypatch.setenv("EXPLORATION", "epsilon")
    found = read_settings(table_name="t")
    assert (found.exploration, found.pooling_visits, found.discount) == ("epsilon", 100, 0.6)
    monkeypatch.setenv("DISCOUNT", "0.5")
    assert read_settings(table_name="t").discount == 0.5


def test_a_likely_second_best_is_not_called_the_best_known() -> None:
    decisions = [decide(SEEN, STATE, (), POSTERIOR, Random(seed)) for seed in range(400)]
    second = next(d for d in decisions if d.action is Action.MEDITATION)
    assert second.propensity > 1 / 6
    assert not known_best(second)
    assert known_best(next(d for d in decisions if d.action is Action.INTENSITY))


def test_an_even_draw_of_epsilon_greedy_that_hits_the_best_is_the_best_known() -> None:
    config = Settings(table_name="t", exploration="epsilon", epsilon_start=0.9)
    drawn = [decide(SEEN, STATE, (), config, Random(seed)) for seed in range(200)]
    assert {known_best(d) for d in drawn if d.explored and d.action is Action.INTENSITY} == {True}
    assert {known_best(d) for d in drawn if d.action is not Action.INTENSITY} == {False}
