"""Choosing an action: what may be drawn, how often, and that every draw can be drawn again."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from rl_core.config import Settings
from rl_core.learner.choosing import (
    barred,
    choose,
    decide,
    decide_without_policy,
    eligible,
    epsilon,
    generator,
    known_best,
    pick,
)
from rl_core.models import ACTIONS, Action, Decision, Policy, Segment, State

STATE = State(1, 1)
DRAWS = 20_000
GREEDY = Settings(table_name="t", exploration="epsilon", epsilon_start=0, epsilon_min=0)
RANKED = Policy(Segment.LOW_LOW, action_advantages=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))


def frequencies(values: tuple[float, ...], options: tuple[Action, ...], rate: float) -> dict[Action, float]:
    rng = Random(11)
    drawn = Counter(choose(values, options, rate, rng).action for _ in range(DRAWS))
    return {a: drawn[a] / DRAWS for a in options}


def propensities(values: tuple[float, ...], options: tuple[Action, ...], rate: float) -> dict[Action, float]:
    """As recorded for whichever action was drawn; every action has been drawn once in so many."""
    rng = Random(12)
    return {c.action: c.propensity for c in (choose(values, options, rate, rng) for _ in range(DRAWS))}


@pytest.mark.parametrize("rate", [0.06, 0.3, 1.0])
@pytest.mark.parametrize("options", [ACTIONS, ACTIONS[1:], ACTIONS[:3], ACTIONS[4:], ACTIONS[:1]])
@pytest.mark.parametrize("values", [(0, 1, 2, 3, 4, 5), (5, 5, 1, 1, 5, 5), (0, 0, 0, 0, 0, 0)])
def test_propensities_sum_to_one_and_are_how_often_each_action_is_drawn(
    values: tuple[float, ...], options: tuple[Action, ...], rate: float
) -> None:
    recorded = propensities(values, options, rate)
    assert set(recorded) == set(options)
    assert sum(recorded.values()) == pytest.approx(1, abs=1e-12)
    assert frequencies(values, options, rate) == pytest.approx(recorded, abs=0.015)


def test_the_propensity_of_the_greedy_action_is_its_share_of_both_draws() -> None:
    recorded = propensities((0, 0, 0, 0, 0, 1), ACTIONS[1:], 0.3)
    assert recorded[Action.LIGHTEN] == 0.3 / 5 + 0.7
    assert recorded[Action.PHYSICAL] == 0.3 / 5


def test_ties_share_the_greedy_draw_evenly() -> None:
    recorded = propensities((1, 1, 0, 0, 0, 0), ACTIONS, 0.3)
    assert recorded[Action.MAINTAIN] == recorded[Action.PHYSICAL] == 0.3 / 6 + 0.7 / 2


def test_without_exploration_the_greedy_action_is_always_drawn() -> None:
    rng = Random(13)
    choices = {choose((0, 3, 1, 2, 0, 0), ACTIONS, 0.0, rng) for _ in range(500)}
    assert choices == {(Action.PHYSICAL, 1.0, False)}


def test_values_below_zero_are_exploited_too() -> None:
    rng = Random(14)
    negative = (-0.5, -0.4, -0.1, -0.3, -0.2, -0.6)
    assert {choose(negative, ACTIONS, 0.0, rng).action for _ in range(500)} == {Action.MEDITATION}


def test_a_greedy_draw_of_exploration_is_marked_as_explored() -> None:
    rng = Random(15)
    drawn = {(c.action, c.explored) for c in (choose((1, 0, 0, 0, 0, 0), ACTIONS, 0.5, rng) for _ in range(500))}
    assert (Action.MAINTAIN, True) in drawn
    assert (Action.PHYSICAL, False) not in drawn


@pytest.mark.parametrize("cooldown", range(6))
def test_the_cooldown_bars_as_many_of_the_latest_actions(cooldown: int) -> None:
    recent = (Action.MEDITATION, Action.INTENSITY, Action.MAINTAIN, Action.LIGHTEN, Action.PHYSICAL)
    assert barred(recent, cooldown) == recent[5 - cooldown :]
    assert set(eligible(recent, cooldown)) == set(ACTIONS) - set(recent[5 - cooldown :])


@pytest.mark.parametrize("cooldown", range(6))
def test_a_new_user_may_be_given_any_action(cooldown: int) -> None:
    assert eligible((), cooldown) == ACTIONS


def test_an_action_repeated_within_the_cooldown_is_barred_once() -> None:
    assert len(eligible((Action.LIGHTEN, Action.LIGHTEN), 2)) == 5


def test_the_mask_comes_before_the_draw() -> None:
    settings = Settings(table_name="t", exploration="epsilon", epsilon_start=0.3, epsilon_decay=1)
    decisions = [decide(RANKED, STATE, (Action.LIGHTEN,), settings, Random(seed)) for seed in range(2000)]
    recorded = {d.action: d.propensity for d in decisions}
    assert set(recorded) == set(ACTIONS[:5])
    assert recorded[Action.INTENSITY] == 0.3 / 5 + 0.7
    assert sum(recorded.values()) == pytest.approx(1, abs=1e-12)


def test_a_barred_best_action_leaves_the_second_best_as_greedy() -> None:
    decisions = [decide(RANKED, STATE, (Action.LIGHTEN,), GREEDY, Random(seed)) for seed in range(50)]
    assert {d.action for d in decisions} == {Action.INTENSITY}


def test_a_decision_says_all_that_it_was_made_from(constants: Settings) -> None:
    policy = replace(RANKED, version=9, episodes=15)
    decision = decide(policy, STATE, (Action.MAINTAIN,), constants, Random(1))
    assert (decision.state, decision.eligible) == (STATE, ACTIONS[1:])
    assert (decision.policy_version, decision.epsilon) == (9, epsilon(15, constants))
    assert not decision.fallback


def test_without_a_policy_the_draw_is_even_and_marked_as_a_fallback(constants: Settings) -> None:
    rng = Random(16)
    decisions = [decide_without_policy(STATE, (Action.MAINTAIN,), constants, rng) for _ in range(DRAWS)]
    drawn = Counter(d.action for d in decisions)
    assert {a: drawn[a] / DRAWS for a in ACTIONS[1:]} == pytest.approx(dict.fromkeys(ACTIONS[1:], 0.2), abs=0.015)
    assert {(d.propensity, d.policy_version, d.fallback) for d in decisions} == {(0.2, 0, True)}


def test_epsilon_is_point_two_seven_after_fifteen_episodes(constants: Settings) -> None:
    assert round(epsilon(15, constants), 2) == 0.27
    assert epsilon(15, constants) == pytest.approx(0.3 * 0.993**15, rel=1e-14)


def test_epsilon_starts_at_its_start_and_falls_to_its_floor(constants: Settings) -> None:
    assert epsilon(0, constants) == 0.3
    assert epsilon(229, constants) > 0.06
    assert epsilon(230, constants) == epsilon(10**9, constants) == 0.06


def test_the_same_user_session_and_version_give_the_same_decision(constants: Settings) -> None:
    first, second = (decide(RANKED, STATE, (), constants, generator("ana", 3, 7)) for _ in range(2))
    assert first == second


def test_user_session_and_version_each_give_another_stream() -> None:
    names = [
        ("ana", 3, 7),
        ("ana", 3, 8),
        ("ana", 4, 7),
        ("bob", 3, 7),
        ("7:ana", 3, 7),
        ("ana", 11, 1),
        ("ana", 1, 11),
    ]
    assert len({generator(*name).random() for name in names}) == len(names)


def test_the_streams_first_values_stay_what_they_were_when_the_first_decision_was_stored() -> None:
    rng = generator("ana", 3, 7)
    assert [rng.random() for _ in range(3)] == [0.6277789351801638, 0.2551613688948374, 0.5484291750991832]


def test_a_decision_once_made_can_be_recomputed_on_any_python(constants: Settings) -> None:
    policy = replace(RANKED, version=7, episodes=40)
    decision = decide(policy, STATE, (Action.PHYSICAL,), constants, generator("c", 3, 7))
    options = (Action.MAINTAIN, Action.MEDITATION, Action.JOURNALING, Action.INTENSITY, Action.LIGHTEN)
    rate, propensity = 0.2265119894729638, 0.04530239789459276
    assert decision == Decision(STATE, options, Action.JOURNALING, propensity, rate, policy_version=7, explored=True)


def test_picking_spends_one_draw_and_reaches_every_option() -> None:
    rng, beside = Random(17), Random(17)
    assert {pick(ACTIONS, rng) for _ in range(200)} == set(ACTIONS)
    assert [beside.random() for _ in range(201)][-1] == rng.random()


def test_only_a_preferred_action_is_called_the_best_known() -> None:
    uniform = decide(Policy(Segment.LOW_LOW), STATE, (), GREEDY, Random(1))
    best = decide(RANKED, STATE, (), GREEDY, Random(1))
    assert known_best(best)
    assert not known_best(uniform)
    assert not known_best(replace(best, propensity=0.05))
    assert not known_best(replace(best, fallback=True))
