"""What is known of a person: predictions beside a plain matrix solution, trust, wear, and how alike answers are."""

from dataclasses import replace
from random import Random
from statistics import fmean

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rl_core.learner import fold_of
from rl_core.learner.persons import NOBODY, evidence, person, worn
from rl_core.learner.posterior import Posterior
from rl_core.models import ACTIONS, NO_FACTS, Action, Facts, State
from tests.core.histories import FILTER, lived, taught, transition

often = settings(derandomize=True, database=None, deadline=None, max_examples=60, phases=[Phase.generate])
USUAL = (0.1, 0.2, 0.3, 0.3, 0.4, 0.25)
STATE = State(1, 1)
COUNTS = st.tuples(*[st.integers(0, 12)] * 6)
SUMS = st.tuples(*[st.integers(-4_000_000, 9_000_000)] * 6)


def answered(action: Action, rewards: list[float], facts: Facts = NO_FACTS) -> Facts:
    """The facts after so many answers about one action."""
    for reward in rewards:
        facts = facts.learned(action, reward)
    return facts


# The prediction.


@often
@given(COUNTS, SUMS, st.sampled_from([0.0, 0.05, 0.3]), st.sampled_from([0.003, 0.03]))
def test_offset_and_effects_are_the_mixed_models_best_linear_unbiased_prediction(
    counts: tuple[int, ...], sums: tuple[int, ...], correlation: float, noise: float
) -> None:
    """Henderson's equations of r = usual(b) + D + P(b) + noise, with one row for each of the person's rewards."""
    facts = Facts(counts, tuple(total if n else 0 for n, total in zip(counts, sums, strict=True)))
    rows = [b for b in range(6) for _ in range(counts[b])]
    found = person(facts, USUAL, correlation, noise)
    if not rows:
        assert found == NOBODY
        return
    apart = np.array([facts.sums[b] / 1e6 / counts[b] - USUAL[b] for b in rows])
    loads = np.zeros((len(rows), 7))
    loads[:, 0] = 1
    loads[range(len(rows)), [1 + b for b in rows]] = 1
    prior = np.diag([0.1, *[correlation] * 6])
    whole = loads @ prior @ loads.T + np.eye(len(rows))
    solved = prior @ loads.T @ np.linalg.solve(whole, apart)
    assert (found.offset, *found.effects) == pytest.approx(solved.tolist(), abs=1e-9)
    assert found.distance == pytest.approx(float(apart @ np.linalg.solve(whole, apart)) / noise, rel=1e-6, abs=1e-9)
    assert found.actions == sum(n > 0 for n in counts)


def test_of_an_action_that_was_never_had_nothing_of_ones_own_is_known() -> None:
    found = person(answered(Action.PHYSICAL, [0.9] * 5), USUAL, 0.2, 0.03)
    assert found.effects[Action.PHYSICAL] > 0.2
    assert [found.effects[b] for b in ACTIONS if b is not Action.PHYSICAL] == [0.0] * 5


# Trust.


def test_nobody_and_whoever_answers_as_all_do_is_trusted_in_full() -> None:
    assert NOBODY.trust(1.0) == 1.0
    usual = NO_FACTS
    for b in ACTIONS:
        usual = usual.learned(b, USUAL[b])
    assert person(usual, USUAL, 0.1, 0.03).trust(1.0) == 1.0


def test_trust_falls_with_the_distance_and_a_wider_scale_gives_some_back() -> None:
    several = [answered(Action.PHYSICAL, [0.2 + far] * 4) for far in (0.1, 0.3, 0.5, 0.7)]
    trusts = [person(facts, USUAL, 0.1, 0.03).trust(1.0) for facts in several]
    assert trusts == sorted(trusts, reverse=True)
    assert 0 < trusts[-1] < 0.35 < 0.9 < trusts[0] <= 1
    assert person(several[-1], USUAL, 0.1, 0.03).trust(4.0) > 2 * trusts[-1]


def moved_by(table: Posterior, facts: Facts, action: Action, reward: float) -> float:
    """How far one answer moves what the segment expects of an action in a state."""
    before = table.estimates(STATE)[action]
    copy = Posterior.decode(table.encode())
    seen = transition(STATE.row, int(action), reward, STATE.row, facts=facts)
    copy.update(seen, 2001, {**fold_of(FILTER).constants, "discount": 0.0, "drift": 0.0})
    return abs(copy.estimates(STATE)[action] - before)


@pytest.fixture(scope="module")
def known() -> Posterior:
    """A segment that has learned from many."""
    return taught(Posterior, lived(31, 2000, people=400), FILTER)


def test_the_nth_answer_of_a_person_moves_the_segment_by_less_and_less(known: Posterior) -> None:
    usual, a = known.estimates(STATE)[4], Action.INTENSITY
    moved = []
    for n in range(40):
        facts = answered(a, [usual] * n)
        expected = usual + (person(facts, known._usual(), 0.1, known.noise).offset if n else 0)
        moved.append(moved_by(known, facts, a, expected + 0.2))
    assert moved == sorted(moved, reverse=True)
    assert moved[1] < moved[0] * 0.97
    assert moved[-1] < moved[0] / 4


def test_answers_in_a_former_segment_count_for_the_weight_of_the_next(known: Posterior) -> None:
    a, usual = Action.INTENSITY, known.estimates(STATE)[4]
    fresh, moved = (moved_by(known, facts, a, usual + 0.2) for facts in (NO_FACTS, Facts(earlier=(9,) * 6)))
    assert moved < fresh * 0.7


def test_whoever_contradicts_all_moves_the_segment_hardly_at_all(known: Posterior) -> None:
    rewards = dict.fromkeys(ACTIONS, 0.9) | dict.fromkeys(ACTIONS[3:], -0.4)
    strange, usual = NO_FACTS, NO_FACTS
    for b in ACTIONS:
        strange = answered(b, [rewards[b]] * 3, strange)
        usual = answered(b, [known.estimates(STATE)[b]] * 3, usual)
    told = known.estimates(STATE)[5]
    assert moved_by(known, strange, Action.LIGHTEN, -0.4) < moved_by(known, usual, Action.LIGHTEN, told - 0.4) / 4
    assert person(strange, known._usual(), 0.1, known.noise).trust(known.distance) < 0.15


# Wear.


def test_what_was_had_lately_counts_more_the_later_it_was() -> None:
    assert worn(()) == [0.0] * 6
    assert worn((Action.PHYSICAL,) * 5)[1] == pytest.approx(1)
    shares = [worn(latest)[1] for latest in ((ACTIONS[1],), (ACTIONS[1], ACTIONS[2]), (*ACTIONS[1:4],))]
    assert shares == pytest.approx([1 / 2.8, 0.7 / 2.8, 0.5 / 2.8])
    assert worn((Action(9), Action.PHYSICAL)) == worn((Action.PHYSICAL,))


@pytest.mark.parametrize("wear", [0.3, 0.6])
def test_the_slope_of_wear_is_learned_within_a_fifth(wear: float) -> None:
    slopes = [taught(Posterior, lived(seed, 6000, people=300, wear=wear), FILTER).wear for seed in (41, 42)]
    assert slopes == pytest.approx([wear] * 2, rel=0.2)


def test_where_nothing_wears_off_hardly_any_wear_is_learned() -> None:
    assert abs(taught(Posterior, lived(43, 6000, people=300), FILTER).wear) < 0.06


def test_of_two_actions_alike_the_one_that_was_not_had_lately_has_the_greater_estimate() -> None:
    table = taught(Posterior, lived(44, 3000, people=300, wear=0.5), FILTER)
    table.weights[1::6], table.state_advantages[1::6] = table.weights[2::6], table.state_advantages[2::6]
    table.action_advantages[1], table.usual_wear[1] = table.action_advantages[2], table.usual_wear[2]
    for had, rested in ((1, 2), (2, 1)):
        found = table.estimates(STATE, NO_FACTS.had(Action(had)))
        assert found[rested] - found[had] == pytest.approx(table.wear / 2.8)
    assert table.wear > 0.2


# How alike one person's answers are.


def simulated(correlation: float, seed: int) -> float:
    return taught(Posterior, lived(seed, 8000, people=600, correlation=correlation), FILTER)._correlation()


def test_where_people_are_alike_the_correlation_comes_to_nearly_nothing() -> None:
    assert simulated(0.0, 51) < 0.03


@pytest.mark.parametrize("correlation", [0.15, 0.3])
def test_where_people_differ_the_correlation_comes_near_the_truth(correlation: float) -> None:
    assert fmean(simulated(correlation, seed) for seed in (52, 53)) == pytest.approx(correlation, rel=0.35)


def test_an_answer_without_others_to_set_it_against_is_no_evidence() -> None:
    for facts in (NO_FACTS, answered(ACTIONS[1], [0.4] * 3), answered(ACTIONS[2], [0.4] * 3)):
        assert evidence(facts, Action.PHYSICAL, 0.2, USUAL, 0.05, 0.03) == (0.0, 0.0)


def test_evidence_is_unbiased_where_the_contrast_is_not_cut() -> None:
    rng, products, weights = Random(6), 0.0, 0.0
    for _ in range(20_000):
        effects = [rng.gauss(0, (0.03 * 0.2) ** 0.5) for _ in ACTIONS]
        draws = {b: [USUAL[b] + effects[b] + rng.gauss(0, 0.03**0.5) for _ in range(2)] for b in ACTIONS[:3]}
        facts = NO_FACTS
        for b, rewards in draws.items():
            facts = answered(b, rewards, facts)
        innovation = effects[0] + rng.gauss(0, 0.03**0.5)
        found = evidence(facts, ACTIONS[0], innovation, USUAL, 5.0, 0.03)  # so wide a prior cuts nothing
        products, weights = products + found.product, weights + found.weight
    assert products / weights == pytest.approx(0.2, abs=0.02)


# Without facts.


def test_no_facts_stand_for_a_person_of_whom_nothing_is_known_at_usual_wear(known: Posterior) -> None:
    table = Posterior.decode(known.encode())
    table.wear, table.usual_wear = 0.4, [worn((Action.MEDITATION, Action.PHYSICAL))[b] for b in range(6)]
    usual = Facts(latest=(Action.MEDITATION, Action.PHYSICAL))
    assert table.estimates(STATE, usual) == pytest.approx(table.estimates(STATE))
    rested = table.estimates(STATE, NO_FACTS)
    gains = [rested[b] - q for b, q in enumerate(table.estimates(STATE))]
    assert gains == pytest.approx([0.4 * x for x in table.usual_wear])


def test_facts_without_answers_have_no_effect_of_the_persons_own() -> None:
    known = taught(Posterior, lived(47, 1000, people=100, correlation=0.4), FILTER)
    facts = lived(45, 500, people=5)[-1].facts
    assert facts is not None
    unanswered = facts.unanswered()
    assert person(unanswered, USUAL, 0.3, 0.03) == NOBODY
    assert known.estimates(STATE, unanswered) == known.estimates(STATE, Facts(latest=facts.latest))
    assert known.estimates(STATE, facts) != known.estimates(STATE, unanswered)


def test_a_transition_without_facts_teaches_as_that_of_somebody_unknown() -> None:
    seen = lived(46, 300, people=300)
    without, unknown = ([replace(t, facts=facts) for t in seen] for facts in (None, NO_FACTS))
    assert taught(Posterior, without, FILTER).encode() == taught(Posterior, unknown, FILTER).encode()
