"""Choosing an action: what may be drawn, how often, and that every draw can be drawn again."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from rl_core.config import Settings
from rl_core.learner import (
    Chances,
    barred,
    decide,
    draw,
    eligible,
    epsilon,
    even,
    generator,
    probabilities,
)
from rl_core.learner.epsilon import Averages
from rl_core.models import ACTIONS, Action, Decision, Policy, Segment, State

STATE = State(1, 1)
DRAWS = 20_000
KEY = bytes(range(16))
GREEDY = Settings(table_name="t", exploration="epsilon", epsilon_start=0, epsilon_min=0)
POSTERIOR = Settings(table_name="t", exploration="posterior")


def policy_of(*values: float) -> Policy:
    """A policy of averages with these estimates in every state."""
    table = Averages(100)
    table.action_advantages = list(values)
    return Policy(Segment.LOW_LOW, learner="epsilon/1", table=table.encode())


RANKED = policy_of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def at(rate: float) -> Settings:
    """Settings of epsilon-greedy draws with this epsilon."""
    return Settings(table_name="t", exploration="epsilon", epsilon_start=rate, epsilon_decay=1, epsilon_min=0)


def chances_of(values: tuple[float, ...], options: tuple[Action, ...], rate: float) -> dict[Action, float]:
    chances = probabilities(policy_of(*values), STATE, options, at(rate))
    return dict(zip(chances.eligible, chances.probabilities, strict=True))


def frequencies(chances: Chances) -> dict[Action, float]:
    rng = Random(11)
    drawn = Counter(draw(chances, rng) for _ in range(DRAWS))
    return {a: drawn[a] / DRAWS for a in chances.eligible}


@pytest.mark.parametrize("rate", [0.06, 0.3, 1.0])
@pytest.mark.parametrize("options", [ACTIONS, ACTIONS[1:], ACTIONS[:3], ACTIONS[4:], ACTIONS[:1]])
@pytest.mark.parametrize("values", [(0, 1, 2, 3, 4, 5), (5, 5, 1, 1, 5, 5), (0, 0, 0, 0, 0, 0)])
def test_propensities_sum_to_one_and_are_how_often_each_action_is_drawn(
    values: tuple[float, ...], options: tuple[Action, ...], rate: float
) -> None:
    chances = probabilities(policy_of(*values), STATE, options, at(rate))
    assert chances.eligible == options
    assert sum(chances.probabilities) == pytest.approx(1, abs=1e-12)
    recorded = dict(zip(options, chances.probabilities, strict=True))
    assert frequencies(chances) == pytest.approx(recorded, abs=0.015)


def test_the_propensity_of_the_greedy_action_is_its_share_of_both_draws() -> None:
    recorded = chances_of((0, 0, 0, 0, 0, 1), ACTIONS[1:], 0.3)
    assert recorded[Action.LIGHTEN] == 0.3 / 5 + 0.7
    assert recorded[Action.PHYSICAL] == 0.3 / 5


def test_ties_share_the_greedy_draw_evenly() -> None:
    recorded = chances_of((1, 1, 0, 0, 0, 0), ACTIONS, 0.3)
    assert recorded[Action.MAINTAIN] == recorded[Action.PHYSICAL] == 0.3 / 6 + 0.7 / 2


def test_without_exploration_the_greedy_action_is_always_drawn() -> None:
    rng = Random(13)
    decisions = [decide(policy_of(0, 3, 1, 2, 0, 0), STATE, ACTIONS, GREEDY, rng) for _ in range(500)]
    assert {(d.action, d.propensity, d.explored) for d in decisions} == {(Action.PHYSICAL, 1.0, False)}


def test_values_below_zero_are_exploited_too() -> None:
    negative = chances_of((-0.5, -0.4, -0.1, -0.3, -0.2, -0.6), ACTIONS, 0.0)
    assert negative == {a: float(a is Action.MEDITATION) for a in ACTIONS}


def test_a_draw_is_explored_exactly_if_another_eligible_action_was_held_for_better() -> None:
    policy = policy_of(1, 0, 1, 0, 2, 0)
    decisions = [decide(policy, STATE, eligible((Action.INTENSITY,), 1), at(0.5), Random(seed)) for seed in range(500)]
    found = {(d.action, d.explored) for d in decisions}
    assert found == {(Action(0), False), (Action(1), True), (Action(2), False), (Action(3), True), (Action(5), True)}


@pytest.mark.parametrize("settings", [GREEDY, POSTERIOR])
def test_where_all_eligible_actions_are_held_alike_none_is_the_best_and_every_draw_explores(settings: Settings) -> None:
    new, alike = Policy(Segment.LOW_LOW), policy_of(3, 1, 1, 1, 1, 1)
    for policy, options in ((new, ACTIONS), (alike, ACTIONS[1:])):
        chances = probabilities(policy, STATE, options, settings)
        assert (chances.best, chances.exploration_rate) == ((), 1)
        assert decide(policy, STATE, options, settings, Random(1)).explored


def test_an_only_eligible_action_is_better_than_no_other() -> None:
    assert probabilities(RANKED, STATE, (Action.LIGHTEN,), GREEDY) == Chances((Action.LIGHTEN,), (1.0,), ())


def test_the_exploration_rate_is_what_is_left_beside_the_actions_held_for_best() -> None:
    one = probabilities(RANKED, STATE, ACTIONS, at(0.3))
    two = probabilities(policy_of(1, 0, 0, 0, 0, 1), STATE, ACTIONS, at(0.3))
    assert (one.best, two.best) == ((Action.LIGHTEN,), (Action.MAINTAIN, Action.LIGHTEN))
    assert one.exploration_rate == pytest.approx(0.3 * 5 / 6)
    assert two.exploration_rate == pytest.approx(0.3 * 4 / 6)


@pytest.mark.parametrize("cooldown", range(6))
def test_the_cooldown_bars_as_many_of_the_latest_actions(cooldown: int) -> None:
    recent = (Action.MEDITATION, Action.INTENSITY, Action.MAINTAIN, Action.LIGHTEN, Action.PHYSICAL)
    out = recent[5 - min(cooldown, 4) :]  # five would leave one action alone
    assert barred(recent, cooldown) == out
    assert set(eligible(recent, cooldown)) == set(ACTIONS) - set(out)


@pytest.mark.parametrize("cooldown", range(6))
@pytest.mark.parametrize("unwanted", [(), (1,), (0, 5), (1, 2, 4), (0, 1, 2, 3), (2, 3, 4, 5)])
def test_two_actions_stay_whatever_a_user_wants_to_be_without(cooldown: int, unwanted: tuple[int, ...]) -> None:
    recent, without = tuple(map(Action, (2, 4, 0, 5, 1))), tuple(map(Action, unwanted))
    options, out = eligible(recent, cooldown, without), barred(recent, cooldown, without)
    assert len(options) >= 2
    assert len(out) <= 4
    assert set(options).isdisjoint(without)
    assert out[: len(without)] == without
    assert set(options) | set(out) == set(ACTIONS)


def test_the_cooldown_yields_oldest_first_to_what_a_user_wants_to_be_without() -> None:
    recent, without = (Action.MEDITATION, Action.LIGHTEN, Action.PHYSICAL), (Action.MAINTAIN, Action.LIGHTEN)
    assert barred(recent, 3, without) == (*without, Action.MEDITATION, Action.PHYSICAL)
    assert barred(recent, 3, (*without, Action.INTENSITY)) == (*without, Action.INTENSITY, Action.PHYSICAL)


@pytest.mark.parametrize("cooldown", range(6))
def test_a_new_user_may_be_given_any_action(cooldown: int) -> None:
    assert eligible((), cooldown) == ACTIONS


def test_an_action_repeated_within_the_cooldown_is_barred_once() -> None:
    assert len(eligible((Action.LIGHTEN, Action.LIGHTEN), 2)) == 5


def test_the_mask_comes_before_the_draw() -> None:
    options = eligible((Action.LIGHTEN,), 1)
    decisions = [decide(RANKED, STATE, options, at(0.3), Random(seed)) for seed in range(2000)]
    recorded = {d.action: d.propensity for d in decisions}
    assert set(recorded) == set(ACTIONS[:5])
    assert recorded[Action.INTENSITY] == 0.3 / 5 + 0.7
    assert sum(recorded.values()) == pytest.approx(1, abs=1e-12)


def test_a_barred_best_action_leaves_the_second_best_as_greedy() -> None:
    decisions = [decide(RANKED, STATE, ACTIONS[:5], GREEDY, Random(seed)) for seed in range(50)]
    assert {d.action for d in decisions} == {Action.INTENSITY}


def test_a_decision_says_all_that_it_was_made_from(constants: Settings) -> None:
    policy = replace(RANKED, version=9, episodes=15)
    decision = decide(policy, STATE, ACTIONS[1:], constants, Random(1))
    chances = probabilities(policy, STATE, ACTIONS[1:], constants)
    assert (decision.state, decision.eligible, decision.chances) == (STATE, ACTIONS[1:], chances.probabilities)
    assert decision.propensity == decision.chances[decision.eligible.index(decision.action)]
    assert (decision.policy_version, decision.epsilon) == (9, epsilon(15, constants))
    assert not decision.fallback


@pytest.mark.parametrize("settings", [GREEDY, POSTERIOR])
def test_without_a_policy_the_draw_is_even_and_marked_as_a_fallback(settings: Settings) -> None:
    rng = Random(16)
    decisions = [decide(None, STATE, ACTIONS[1:], settings, rng) for _ in range(DRAWS)]
    drawn = Counter(d.action for d in decisions)
    assert {a: drawn[a] / DRAWS for a in ACTIONS[1:]} == pytest.approx(dict.fromkeys(ACTIONS[1:], 0.2), abs=0.015)
    assert {(d.chances, d.propensity, d.epsilon) for d in decisions} == {((0.2,) * 5, 0.2, 1.0)}
    assert {(d.policy_version, d.explored, d.fallback) for d in decisions} == {(0, True, True)}


def test_a_draw_without_a_policy_holds_none_for_best_and_is_all_exploration() -> None:
    assert even(ACTIONS[:4]) == Chances(ACTIONS[:4], (0.25,) * 4, ())
    assert even(ACTIONS[:4]).exploration_rate == 1


def test_epsilon_is_point_two_seven_after_fifteen_episodes(constants: Settings) -> None:
    assert round(epsilon(15, constants), 2) == 0.27
    assert epsilon(15, constants) == pytest.approx(0.3 * 0.993**15, rel=1e-14)


def test_epsilon_starts_at_its_start_and_falls_to_its_floor(constants: Settings) -> None:
    assert epsilon(0, constants) == 0.3
    assert epsilon(229, constants) > 0.06
    assert epsilon(230, constants) == epsilon(10**9, constants) == 0.06


def test_epsilon_goes_by_the_segments_episodes(constants: Settings) -> None:
    for episodes in (0, 15, 230):
        chances = probabilities(replace(RANKED, episodes=episodes), STATE, ACTIONS, constants)
        assert chances.exploration_rate == pytest.approx(epsilon(episodes, constants) * 5 / 6)


def test_the_same_session_and_version_give_the_same_decision(constants: Settings) -> None:
    first, second = (decide(RANKED, STATE, ACTIONS, constants, generator(KEY, 7)) for _ in range(2))
    assert first == second


def test_session_and_version_each_give_another_stream() -> None:
    names = [(KEY, 7), (KEY, 8), (KEY[::-1], 7), (b"1:" + KEY, 1), (KEY, 1), (KEY, 11), (b"1" + KEY, 1)]
    assert len({generator(*name).random() for name in names}) == len(names)


def test_the_streams_first_values_stay_what_they_were_when_the_first_decision_was_stored() -> None:
    rng = generator(KEY, 7)
    assert [rng.random() for _ in range(3)] == [0.35884606956842924, 0.6230217681572566, 0.012276766801493144]


def test_a_decision_once_made_can_be_recomputed_on_any_python(constants: Settings) -> None:
    policy = replace(RANKED, version=7, episodes=40)
    options = (Action.MAINTAIN, Action.MEDITATION, Action.JOURNALING, Action.INTENSITY, Action.LIGHTEN)
    rate, other, best = 0.2265119894729638, 0.04530239789459276, 0.818790408421629
    assert decide(policy, STATE, options, constants, generator(KEY, 7)) == Decision(
        state=STATE,
        eligible=options,
        chances=(other, other, other, other, best),
        action=Action.LIGHTEN,
        epsilon=rate,
        policy_version=7,
        explored=False,
        settings=bytes.fromhex("6f95b026"),
    )


@pytest.mark.parametrize("settings", [GREEDY, POSTERIOR])
@pytest.mark.parametrize("policy", [RANKED, Policy(Segment.LOW_LOW), None], ids=["ranked", "new", "none"])
def test_a_decision_spends_one_draw_of_the_generator(policy: Policy | None, settings: Settings) -> None:
    rng, beside = Random(17), Random(17)
    for _ in range(20):
        decide(policy, STATE, ACTIONS, settings, rng)
    assert [beside.random() for _ in range(21)][-1] == rng.random()


def test_a_draw_beyond_what_rounding_left_of_the_probabilities_takes_the_last_action() -> None:
    assert draw(Chances(ACTIONS[:3], (0.0, 0.0, 0.0), ()), Random(1)) is ACTIONS[2]
