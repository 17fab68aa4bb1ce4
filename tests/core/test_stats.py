"""What a user's last days came to, from their days' figures."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_core.days import TYPES, Figures, PeriodDay, Trend, TypeFigures, day_by_day, totals_of, trend_of
from rl_core.models import Mark, Segment, Streak

MONDAY = date(2026, 11, 23)
ONE = timedelta(days=1)
NOTHING = (TypeFigures(),) * len(TYPES)
DAY = Figures(
    sessions=1,
    types=(TypeFigures(3, 2, 25), TypeFigures(1, 1, 10), TypeFigures(2, 0, 0)),
    rated=2,
    lift_points=3,
    engagement=0.5,
    motivation=0.2,
    streak_days=1,
    settled=True,
)
OTHER = replace(DAY, sessions=2, types=(TypeFigures(4, 1, 15), *NOTHING[1:]), rated=1, lift_points=-2)


def mark_of(day: date, motivation: float) -> Mark:
    at = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    return Mark("ana", bytes(16), day, at, Segment.HIGH_LOW, "UTC", False, 1, 0.5, motivation, Streak())


def test_totals_add_up_days_and_each_type_of_activity() -> None:
    totals = totals_of([DAY, OTHER])
    assert (totals.active_days, totals.sessions) == (2, 3)
    assert (totals.assigned, totals.completed, totals.minutes) == (10, 4, 50)
    assert totals.types == (TypeFigures(7, 3, 40), TypeFigures(1, 1, 10), TypeFigures(2, 0, 0))


def test_the_rate_is_the_share_of_what_was_assigned_over_all_days_not_the_mean_of_their_rates() -> None:
    assert totals_of([DAY]).completion_rate == 3 / 6
    assert totals_of([DAY, OTHER]).completion_rate == 4 / 10


def test_the_increase_is_the_mean_over_rated_completions_not_over_days() -> None:
    assert totals_of([DAY]).average_lift == 3 / 2
    assert totals_of([DAY, OTHER]).average_lift == 1 / 3


@pytest.mark.parametrize("days", [[], [replace(DAY, types=NOTHING, rated=0, lift_points=0)]], ids=["none", "idle"])
def test_where_nothing_was_assigned_or_rated_there_is_no_rate_and_no_increase(days: list[Figures]) -> None:
    totals = totals_of(days)
    assert (totals.completion_rate, totals.average_lift) == (None, None)
    assert (totals.active_days, totals.types) == (len(days), NOTHING)


@given(st.lists(st.sampled_from([DAY, OTHER]), max_size=5), st.lists(st.sampled_from([DAY, OTHER]), max_size=5))
def test_the_totals_of_two_periods_add_up_to_those_of_both(early: list[Figures], late: list[Figures]) -> None:
    first, second, both = totals_of(early), totals_of(late), totals_of(early + late)
    for name in ("active_days", "sessions", "assigned", "completed", "minutes", "rated", "lift_points"):
        assert getattr(both, name) == getattr(first, name) + getattr(second, name)


def test_every_day_of_the_period_is_there_oldest_first_active_or_not() -> None:
    days = day_by_day(MONDAY - 6 * ONE, MONDAY, {MONDAY: DAY, MONDAY - 5 * ONE: OTHER})
    assert [day.date for day in days] == [MONDAY - n * ONE for n in range(6, -1, -1)]
    assert [day.figures for day in days] == [None, OTHER, None, None, None, None, DAY]


def test_a_days_totals_are_its_own_figures_and_nothing_without_any() -> None:
    assert PeriodDay(MONDAY, DAY).totals == totals_of([DAY])
    assert PeriodDay(MONDAY, None).totals == totals_of([])


def test_the_trend_goes_from_before_the_first_active_day_to_the_end_of_the_last() -> None:
    days = [
        (mark_of(MONDAY - 2 * ONE, -0.3), replace(DAY, motivation=0.7)),
        (mark_of(MONDAY, 0.6), replace(DAY, motivation=0.1)),
    ]
    assert trend_of(days, motivation=0.9) == Trend(-0.3, 0.1)


def test_without_an_active_day_motivation_stands_where_it_is() -> None:
    trend = trend_of([], motivation=0.4)
    assert (trend.start, trend.end, trend.change, trend.direction) == (0.4, 0.4, 0, "steady")


@pytest.mark.parametrize(
    ("end", "direction"),
    [(0.1, "steady"), (0.1001, "rising"), (-0.1, "steady"), (-0.1001, "falling"), (1, "rising"), (-1, "falling")],
)
def test_a_change_of_more_than_a_tenth_has_a_direction(end: float, direction: str) -> None:
    assert Trend(0.0, end).direction == direction
