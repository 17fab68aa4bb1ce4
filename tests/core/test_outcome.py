"""Section 7 of the specification to the digit."""

from dataclasses import replace

import pytest

from rl_core.models import Activity, State
from rl_core.sessions.outcome import engagement_after, motivation_after, outcome_of, reward, state_of

DONE = Activity("walking-10", completed=True, motivation_before=2, motivation_after=4)
SKIPPED = Activity("body-scan-10", completed=False, motivation_before=2, motivation_after=2)


def test_half_completed_with_a_lift_of_two_is_fifty_percent_and_a_delta_of_point_four() -> None:
    outcome = outcome_of([DONE, SKIPPED], rating=None)
    assert (outcome.completed, outcome.completion_rate) == (1, 0.5)
    assert outcome.average_lift == 2
    assert outcome.motivation_delta == 0.4


def test_the_worked_session_is_rewarded_with_point_four_five() -> None:
    assert round(reward(outcome_of([DONE, SKIPPED], rating=4)), 4) == 0.45


@pytest.mark.parametrize(
    ("difficulty", "rating", "delta"),
    [(None, None, 0.1), (3, None, 0.15), (None, 4, 0.2), (1, None, 0.05), (2, None, 0.1), (None, 2, 0.0)],
)
def test_engagement_moves_from_zero_as_worked_out(difficulty: int | None, rating: int | None, delta: float) -> None:
    done = replace(DONE, difficulty_rating=difficulty)
    assert round(engagement_after(0.0, outcome_of([done, SKIPPED], rating)), 4) == delta


def test_engagement_moves_from_where_it_was_when_the_session_was_issued() -> None:
    everything = outcome_of([DONE], rating=5)
    assert engagement_after(0.5, everything) == pytest.approx(0.5 + 0.2 * 0.5 + 0.1 * 2)


@pytest.mark.parametrize(("start", "rating", "end"), [(1.0, 5, 1.0), (0.95, 5, 1.0), (0.0, 1, 0.0), (0.05, 1, 0.0)])
def test_engagement_is_clipped_to_zero_and_one(start: float, rating: int, end: float) -> None:
    activities = [DONE] if rating == 5 else [SKIPPED]
    assert engagement_after(start, outcome_of(activities, rating)) == end


def test_motivation_moves_a_fifth_of_the_way_to_the_delta() -> None:
    outcome = outcome_of([DONE, SKIPPED], rating=None)
    assert motivation_after(0.0, outcome) == pytest.approx(0.08)
    assert motivation_after(-0.5, outcome) == pytest.approx(-0.32)


def test_ratings_of_what_was_not_completed_do_not_count() -> None:
    skipped = replace(SKIPPED, motivation_after=5, difficulty_rating=3)
    outcome = outcome_of([skipped], rating=None)
    assert (outcome.motivation_delta, outcome.difficulty_fit, reward(outcome)) == (0, 0, 0)


def test_a_completion_with_one_rating_missing_has_no_lift() -> None:
    half_rated = replace(DONE, motivation_before=None)
    outcome = outcome_of([half_rated, DONE], rating=None)
    assert (outcome.completion_rate, outcome.motivation_delta) == (1, 0.4)


def test_difficulty_fit_is_one_at_three_and_minus_one_at_the_ends() -> None:
    fits = [outcome_of([replace(DONE, difficulty_rating=d)], None).difficulty_fit for d in (1, 2, 3, 4, 5)]
    assert fits == [-1, 0, 1, 0, -1]


@pytest.mark.parametrize(("before", "after", "expected"), [(1, 5, 0.9), (5, 1, 0.1), (3, 3, 0.5)])
def test_the_reward_of_a_full_session_lies_between_its_bounds(before: int, after: int, expected: float) -> None:
    done = replace(DONE, motivation_before=before, motivation_after=after)
    assert reward(outcome_of([done, done], None)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("engagement", "level"),
    [(0.0, 0), (0.33333333, 0), (1 / 3, 1), (0.66666666, 1), (2 / 3, 2), (1.0, 2)],
)
def test_engagement_levels_begin_at_their_lower_bound(engagement: float, level: int) -> None:
    assert state_of(engagement, 0.0) == State(level, 1)


@pytest.mark.parametrize(
    ("motivation", "level"),
    [(-1.0, 0), (-0.10000001, 0), (-0.1, 1), (0.0, 1), (0.1, 1), (0.10000001, 2), (1.0, 2)],
)
def test_motivation_is_steady_from_minus_a_tenth_to_a_tenth_inclusive(motivation: float, level: int) -> None:
    assert state_of(0.0, motivation) == State(0, level)
