"""Exploring by posterior probability: shares as they should be, exact propensities, draws that can be drawn again."""

from collections import Counter
from dataclasses import replace
from random import Random
from statistics import NormalDist, fmean

import pytest
from pydantic import ValidationError

from rl_core import config as rl_config
from rl_core.config import Settings, read_settings
from rl_core.learner import chances_of, decide, draw, eligible, estimates, fold_of, generator, probabilities, visits
from rl_core.learner.bounds import bounded
from rl_core.learner.epsilon import Averages
from rl_core.learner.posterior import Posterior
from rl_core.learner.shares import shares, tail
from rl_core.models import ACTIONS, CELLS, NO_FACTS, Action, Decision, Facts, Policy, Segment, State

STATE = State(1, 1)
POSTERIOR = Settings(table_name="t", exploration="posterior")
EVEN = (0.01,) * 6
ADVANTAGES = [0.0, 0.01, 0.02, 0.0, 0.03, -0.01]


def table_of(advantages: list[float], visits: int, variance: float) -> Posterior:
    """A table with these advantages in every state, each so often visited, and these variances."""
    table = Posterior(30)
    table.action_advantages, table.state_advantages = advantages, advantages * 9
    table.counts, table.weights = [visits] * CELLS, [visits * 128] * CELLS
    table.variances = [variance] * 15
    return table


def policy_of(table: Posterior) -> Policy:
    return Policy(Segment.LOW_LOW, version=7, episodes=324, learner="posterior/2", table=table.encode())


SEEN = policy_of(table_of(ADVANTAGES, 6, 0.02))


def within(least: float, most: float = 1.0) -> Settings:
    return Settings(table_name="t", exploration="posterior", min_probability=least, max_probability=most)


def drawn(
    table: Posterior, options: tuple[Action, ...], episodes: int, settings: Settings, facts: Facts | None = None
) -> tuple[float, ...]:
    return chances_of(table, STATE, options, episodes, settings, facts).probabilities


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
    found = probabilities(Policy(Segment.LOW_LOW), STATE, options, POSTERIOR)
    assert found.probabilities == pytest.approx([1 / len(options)] * len(options))


@pytest.mark.parametrize(
    "values", [(0, 0.1, 0.2, 0, 0.05, 0.1), (0.3, 0, 0, 0, 0, 0), (0.1, 0.1, 0.1, 0, 0, 0), (0, 0.2, 0.22, 0, 0, -0.2)]
)
def test_shares_are_near_those_of_thompson_sampling(values: tuple[float, ...]) -> None:
    assert shares(values, EVEN, ACTIONS) == pytest.approx(thompson(values, EVEN, 20_000), abs=0.08)


def test_the_variance_is_the_actions_and_what_the_state_may_add() -> None:
    table = Posterior(100)
    table.weights[STATE.row * 6 + 2], table.noise = 100 * 128, 0.01
    table.variances = [9.0] * 9 + [0.5, 0.5, 0.01, 0.5, 0.5, 0.5]
    found = table.spread(STATE, scale=2.0)
    assert found[2] == pytest.approx(0.04 * (0.01 / 4 + 1 / 200))
    assert found[0] == pytest.approx(0.04 * (0.5 + 1 / 100))


def test_the_probabilities_are_the_shares_within_the_bounds() -> None:
    table, config = table_of(ADVANTAGES, 6, 0.02), within(0.14, 0.3)
    alone = shares(table.estimates(STATE), table.spread(STATE, 0.8 - 0.1 * 150 / (150 + 324)), ACTIONS[1:])
    found = drawn(table, ACTIONS[1:], 324, config)
    assert found == bounded(alone, 0.14, 0.3) != alone
    assert (min(found), max(found)) == (0.14, 0.3)
    assert table.even_share(324, config, 5) == pytest.approx(0.7)


def test_propensities_sum_to_one_and_are_how_often_each_action_is_drawn() -> None:
    chances, rng = probabilities(SEEN, STATE, ACTIONS[1:], within(0.14, 0.3)), Random(5)
    assert sum(chances.probabilities) == pytest.approx(1, abs=1e-12)
    drawn = Counter(draw(chances, rng) for _ in range(20_000))
    assert [drawn[a] / 20_000 for a in ACTIONS[1:]] == pytest.approx(chances.probabilities, abs=0.015)


CERTAIN = policy_of(table_of([5.0, 0, 0, 0, 0, 0], 10**6, 1e-9))


def test_no_eligible_action_is_less_likely_than_the_least_probability() -> None:
    found = probabilities(CERTAIN, STATE, ACTIONS, within(0.05)).probabilities
    assert found[Action.LIGHTEN] == 0.05
    assert found[Action.MAINTAIN] == pytest.approx(0.75)


def test_no_eligible_action_is_more_likely_than_the_greatest_probability() -> None:
    found = probabilities(CERTAIN, STATE, ACTIONS, within(0.0, 0.6)).probabilities
    assert found[Action.MAINTAIN] == 0.6
    assert found[1:] == pytest.approx([0.08] * 5)


def test_where_the_mask_leaves_too_few_the_draw_is_even_and_the_rate_counts_the_best() -> None:
    config = within(0.05, 0.4)
    chances = probabilities(CERTAIN, STATE, ACTIONS[:2], config)
    assert (chances.probabilities, chances.best, chances.exploration_rate) == ((0.5, 0.5), ACTIONS[:1], 0.5)
    alike = probabilities(CERTAIN, STATE, ACTIONS[1:3], config)
    assert (alike.best, alike.exploration_rate) == ((), 1)
    assert decide(CERTAIN, STATE, ACTIONS[:2], config, Random(1)).epsilon == 1


@pytest.mark.parametrize(
    "refused",
    [
        {"min_probability": 0.17},
        {"min_probability": -0.01},
        {"max_probability": 0.19, "action_cooldown": 1},
        {"max_probability": 0.49, "action_cooldown": 4},
        {"max_probability": 0.49, "action_cooldown": 5},
        {"max_probability": 1.1},
    ],
)
def test_bounds_that_cannot_be_kept_are_refused(refused: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"table_name": "t"} | refused)


@pytest.mark.parametrize(
    "taken",
    [
        {"min_probability": 1 / 6},
        {"min_probability": 0.05, "max_probability": 0.8},
        {"max_probability": 0.2, "action_cooldown": 1},
        {"max_probability": 0.17, "action_cooldown": 0},
        {"max_probability": 0.5, "action_cooldown": 5},
    ],
)
def test_bounds_that_can_be_kept_by_what_the_cool_down_leaves_are_taken(taken: dict[str, float]) -> None:
    assert Settings.model_validate({"table_name": "t"} | taken).action_cooldown >= 0


def test_the_settings_know_how_many_actions_there_are() -> None:
    assert len(ACTIONS) == rl_config._ACTIONS


def test_whatever_is_not_the_best_known_is_marked_as_explored() -> None:
    decisions = [decide(SEEN, STATE, ACTIONS, POSTERIOR, Random(seed)) for seed in range(200)]
    assert {(d.action is Action.INTENSITY, d.explored) for d in decisions} == {(True, False), (False, True)}


def test_with_more_visits_the_best_known_action_is_served_more_often() -> None:
    often = policy_of(table_of(ADVANTAGES, 600, 0.001))
    few, many = (
        fmean(decide(p, STATE, ACTIONS, POSTERIOR, Random(seed)).action is Action.INTENSITY for seed in range(600))
        for p in (SEEN, often)
    )
    assert few + 0.1 < many


def test_the_barred_action_has_no_share() -> None:
    options = eligible((Action.INTENSITY,), POSTERIOR.action_cooldown)
    decisions = [decide(SEEN, STATE, options, POSTERIOR, Random(seed)) for seed in range(300)]
    assert {d.action for d in decisions} == set(ACTIONS) - {Action.INTENSITY}
    assert {d.eligible for d in decisions} == {(ACTIONS[0], *ACTIONS[1:4], ACTIONS[5])}


def test_a_decision_once_made_can_be_recomputed_on_any_python() -> None:
    options = (Action.MAINTAIN, Action.MEDITATION, Action.JOURNALING, Action.INTENSITY, Action.LIGHTEN)
    decision = decide(SEEN, STATE, options, POSTERIOR, generator(bytes(range(16)), 7))
    assert decision == Decision(
        state=STATE,
        eligible=options,
        chances=(
            0.1372832607951445,
            0.25083315202119477,
            0.1372832607951445,
            0.3804585338686191,
            0.0941417925198971,
        ),
        action=Action.MEDITATION,
        epsilon=0.002,
        policy_version=7,
        explored=True,
        settings=bytes.fromhex("5c19036f"),
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


def test_a_likely_second_best_is_not_held_for_best() -> None:
    chances = probabilities(SEEN, STATE, ACTIONS, POSTERIOR)
    assert chances.probabilities[Action.MEDITATION] > 1 / 6
    assert chances.best == (Action.INTENSITY,)
    assert chances.exploration_rate == pytest.approx(1 - chances.probabilities[Action.INTENSITY])


def test_an_even_draw_of_epsilon_greedy_that_hits_the_best_is_the_best_known() -> None:
    config = Settings(table_name="t", exploration="epsilon", epsilon_start=0.9)
    drawn = [decide(SEEN, STATE, ACTIONS, config, Random(seed)) for seed in range(200)]
    assert {d.explored for d in drawn if d.action is Action.INTENSITY} == {False}
    assert {d.explored for d in drawn if d.action is not Action.INTENSITY} == {True}


def test_a_policy_of_averages_is_drawn_from_by_what_its_table_says_to_the_filter() -> None:
    averages = Averages(100)
    averages.action_advantages, averages.state_advantages, averages.counts = ADVANTAGES, ADVANTAGES * 9, [6] * CELLS
    policy = replace(SEEN, learner="epsilon/1", table=averages.encode())
    adopted = Posterior.adopt(estimates(policy), visits(policy), fold_of(POSTERIOR).constants)
    chances = probabilities(policy, STATE, ACTIONS, POSTERIOR)
    assert chances.probabilities == drawn(adopted, ACTIONS, policy.episodes, POSTERIOR)
    assert chances.best == (Action.INTENSITY,)


@pytest.mark.parametrize(("episodes", "scale"), [(0, 0.7), (150, 0.75), (1350, 0.79), (10**8, 0.8)])
def test_a_draws_scale_goes_from_the_first_to_the_later_one_by_half_in_150_sessions(
    episodes: int, scale: float
) -> None:
    table = table_of(ADVANTAGES, 6, 0.02)
    alone = shares(table.estimates(STATE), table.spread(STATE, scale), ACTIONS)
    assert drawn(table, ACTIONS, episodes, within(0.0)) == pytest.approx(alone, abs=1e-6)
    wider = within(0.0).model_copy(update={"posterior_scale": 1.4, "posterior_scale_first": 1.4})
    first = shares(table.estimates(STATE), table.spread(STATE, 1.4), ACTIONS)
    assert drawn(table, ACTIONS, episodes, wider) == pytest.approx(first)


def test_two_people_draw_from_one_table_each_by_their_own_answers() -> None:
    table = table_of(ADVANTAGES, 6, 0.02)
    table.alike = [20.0, 50.0]
    fond = NO_FACTS
    for _ in range(4):
        fond = fond.learned(Action.JOURNALING, 0.6).learned(Action.PHYSICAL, -0.1)
    own, other = (drawn(table, ACTIONS, 324, POSTERIOR, facts) for facts in (fond, None))
    assert own[Action.JOURNALING] > other[Action.JOURNALING] + 0.2
    assert own[Action.PHYSICAL] < other[Action.PHYSICAL]
    again = drawn(table, ACTIONS, 324, POSTERIOR, fond)
    assert again == own != drawn(table, ACTIONS, 324, POSTERIOR, fond.unanswered())
