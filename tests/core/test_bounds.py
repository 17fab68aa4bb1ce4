"""The bounds of a draw: each probability within them, whatever the shares."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_core.learner.bounds import bounded, even_share, possible

often = settings(derandomize=True, database=None, deadline=None, max_examples=500)
WEIGHTS = st.lists(st.floats(0, 1, allow_subnormal=True), min_size=1, max_size=6).filter(any)
LEAST, MOST = st.floats(0, 1 / 6), st.floats(1 / 6, 1)
ROUND = st.sampled_from([0.0, 1e-300, 0.0004, 0.05, 0.1, 1 / 6]), st.sampled_from([1 / 6, 0.2, 1 / 3, 0.5, 0.8, 1.0])


def shares_of(weights: Sequence[float]) -> list[float]:
    return [weight / sum(weights) for weight in weights]


@often
@given(WEIGHTS, LEAST | ROUND[0], MOST | ROUND[1])
def test_the_probabilities_sum_to_one_within_the_bounds_and_keep_their_order(
    weights: list[float], least: float, most: float
) -> None:
    shares = shares_of(weights)
    drawn = bounded(shares, least, most)
    assert sum(drawn) == pytest.approx(1, abs=1e-12)
    if possible(len(shares), least, most):
        assert all(least <= p <= most for p in drawn)
    ranked = sorted(range(len(shares)), key=shares.__getitem__)
    assert [drawn[i] for i in ranked] == sorted(drawn)
    assert all(drawn[i] == drawn[j] for i in ranked for j in ranked if shares[i] == shares[j])


@often
@given(WEIGHTS, LEAST, MOST)
def test_what_no_bound_holds_keeps_its_proportions(weights: list[float], least: float, most: float) -> None:
    shares = shares_of(weights)
    drawn = bounded(shares, least, most)
    scale = [p / share for p, share in zip(drawn, shares, strict=True) if least < p < most and share > 1e-9]
    assert scale == pytest.approx([scale[0]] * len(scale) if scale else [], rel=1e-9)


@often
@given(WEIGHTS)
def test_shares_within_the_bounds_stay_bit_for_bit(weights: list[float]) -> None:
    shares = shares_of(weights)
    assert bounded(shares, 0, 1) == tuple(shares)
    if possible(len(shares), min(shares), max(shares)):  # rounding may leave equal shares a little below 1 in all
        assert bounded(shares, min(shares), max(shares)) == tuple(shares)


def test_a_share_below_the_least_is_raised_at_the_cost_of_the_others_in_proportion() -> None:
    assert bounded((0.6, 0.3, 0.1), 0.2, 1) == pytest.approx((0.8 * 2 / 3, 0.8 / 3, 0.2))


def test_a_share_above_the_most_is_cut_for_the_others_in_proportion() -> None:
    assert bounded((0.9, 0.08, 0.02), 0, 0.8) == pytest.approx((0.8, 0.16, 0.04))


def test_what_clipping_pushes_over_a_bound_is_clipped_again() -> None:
    assert bounded((0.9, 0.09, 0.01), 0, 0.45) == pytest.approx((0.45, 0.45, 0.1))
    assert bounded((0.79, 0.105, 0.105, 0), 0.1, 1) == pytest.approx((0.7, 0.1, 0.1, 0.1))


def test_what_only_seemed_too_little_gets_its_part_of_what_is_cut() -> None:
    assert bounded((0.85, 0.09, 0.06), 0.1, 0.5) == pytest.approx((0.5, 0.3, 0.2))


def test_where_all_is_said_for_one_option_the_rest_is_spread_evenly() -> None:
    assert bounded((1.0, 0.0, 0.0), 0, 0.5) == (0.5, 0.25, 0.25)


def test_where_too_few_options_are_left_to_keep_the_bounds_the_draw_is_even() -> None:
    assert bounded((0.9, 0.1), 0.05, 0.4) == (0.5, 0.5)
    assert bounded((0.9, 0.05, 0.05), 0.4, 1) == (1 / 3, 1 / 3, 1 / 3)
    assert bounded((1.0,), 0.05, 0.8) == (1.0,)


def test_the_even_share_is_the_least_of_every_option_or_all_where_the_draw_is_even() -> None:
    assert even_share(5, 0.05, 0.8) == 0.25
    assert even_share(1, 0.05, 0.8) == 1
