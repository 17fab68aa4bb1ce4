"""What may be shown of a day: no cell of fewer than five people, nor one that a difference would tell."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import pytest

from rl_core.days import (
    KEPT,
    ActionSums,
    Course,
    DayRow,
    Period,
    SegmentDay,
    count_shown,
    publishable,
    recent,
    shown,
    together,
    withheld,
)
from rl_core.models import MILLION, Segment

LOW, HIGH, OTHER = Segment.LOW_LOW, Segment.HIGH_LOW, Segment.HIGH_HIGH
MONDAY, ONE = date(2026, 11, 16), timedelta(days=1)


def day(users: int) -> SegmentDay:
    """A segment's day with one session and one point of reward for each user."""
    served = ActionSums(sessions=users, rewarded=users, rewards=users * MILLION, users=users)
    return SegmentDay(users=users, actions=(served, *SegmentDay().actions[1:]), served=users)


@pytest.mark.parametrize(("users", "expected"), [(0, False), (4, False), (5, True)])
def test_five_people_are_enough(users: int, expected: bool) -> None:
    assert shown(users) is expected


def test_without_segments_the_total_is_that_of_all() -> None:
    assert publishable({LOW: day(7), HIGH: day(2)}, by_segment=False) == (day(9), {})


def test_a_segment_of_fewer_is_hidden_and_taken_out_of_the_total() -> None:
    assert publishable({LOW: day(7), HIGH: day(2)}, by_segment=True) == (day(7), {LOW: day(7)})


def test_segments_that_have_five_together_are_hidden_and_stay_in_the_total() -> None:
    assert publishable({LOW: day(7), HIGH: day(2), OTHER: day(3)}, by_segment=True) == (day(12), {LOW: day(7)})


def test_a_session_of_a_segment_without_a_user_of_its_own_is_taken_out_too() -> None:
    """Its user was in another segment at the day's first moment."""
    moved = SegmentDay(actions=day(1).actions, served=1)
    assert publishable({LOW: day(7), HIGH: moved}, by_segment=True) == (day(7), {LOW: day(7)})


def test_a_segment_whose_sessions_are_of_fewer_is_hidden_too() -> None:
    few = SegmentDay(users=6, actions=day(2).actions, served=2)
    assert publishable({LOW: day(7), HIGH: few}, by_segment=True) == (day(7), {LOW: day(7)})


def test_a_count_of_one_to_four_users_is_told_as_less_than_five() -> None:
    assert [count_shown(users) for users in (0, 1, 4, 5)] == ["0", "<5", "<5", "5"]


@pytest.mark.parametrize(
    ("users", "places"),
    [
        ([], set()),
        ([0, 0], set()),
        ([5, 9, 0], set()),
        ([4], {0}),
        ([9, 4, 8, 0], {1, 2}),  # the total less 9 and 8 would tell of the four
        ([9, 4, 8, 1], {1, 3}),  # five together
        ([1, 1, 1, 7, 8], {0, 1, 2, 3}),
    ],
)
def test_what_is_withheld_cannot_be_told_by_subtraction(users: list[int], places: set[int]) -> None:
    assert withheld(users) == places


def course(users: Mapping[int, int], upto: int = 6) -> Course:
    """A course up to so many days after Monday; on each of the days named so many users had a session each."""
    return Course(MONDAY + upto * ONE, {MONDAY + n * ONE: DayRow(its, its, its) for n, its in users.items()})


def told(periods: Iterable[Period]) -> list[tuple[int, int, int | None]]:
    """First and last day from Monday on, and sessions; None if withheld."""
    return [((p.first - MONDAY).days, (p.last - MONDAY).days, p.row.sessions if p.row else None) for p in periods]


def latest(days: int, users: Mapping[int, int]) -> list[tuple[int, int, int | None]]:
    return told(recent(course(users), MONDAY + 6 * ONE, days))


def test_the_latest_days_are_those_up_to_the_final_day() -> None:
    week = {n: 5 + n for n in range(7)}
    assert latest(2, week) == [(5, 5, 10), (6, 6, 11)]
    assert told(recent(course(week), MONDAY + 5 * ONE, 2)) == [(4, 4, 9), (5, 5, 10)]


def test_a_week_in_which_the_latest_days_begin_is_pooled_as_a_whole_so_that_its_small_day_cannot_be_told() -> None:
    week = {0: 3} | dict.fromkeys(range(1, 7), 5)
    assert latest(6, week) == latest(7, week) == [(0, 6, 33)]


def test_the_oldest_week_is_left_out_when_a_part_of_it_is_not_kept_any_more() -> None:
    rows = dict.fromkeys(range(6 - KEPT, 7), 9)
    found = recent(course(rows), MONDAY + 6 * ONE, KEPT)
    assert found[0].first == MONDAY - 16 * 7 * ONE
    assert (found[0].first - course(rows).first).days == 1


def test_segments_together_are_the_sum_of_what_is_shown_of_each() -> None:
    one, other = (list(recent(course(its), MONDAY + 6 * ONE, 7)) for its in ({0: 5, 1: 6}, {1: 7}))
    assert told(together([one, other])) == [(0, 0, 5), (1, 1, 13)]


def test_beside_a_pooled_week_the_sum_is_of_the_week() -> None:
    """By day it would tell the days of the pooled segment, and so its small one."""
    days, pooled = ({0: 5, 1: 6}, {0: 9, 1: 3})
    each = [recent(course(its), MONDAY + 6 * ONE, 7) for its in (days, pooled)]
    assert told(together(each)) == [(0, 6, 23)]


def test_what_is_withheld_is_in_no_sum() -> None:
    each = [recent(course(its), MONDAY + 6 * ONE, 7) for its in ({0: 5, 1: 6}, {0: 4, 1: 4})]
    assert told(together(each)) == [(0, 0, 5), (1, 1, 6)]
    assert told(together(each[1:])) == [(0, 6, None)]
