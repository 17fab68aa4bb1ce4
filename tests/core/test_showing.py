"""What may be shown of a day: no cell of fewer than five people, nor one that a difference would tell."""

import pytest

from rl_core.days import ActionSums, SegmentDay, count_shown, publishable, shown, withheld
from rl_core.models import MILLION, Segment

LOW, HIGH, OTHER = Segment.LOW_LOW, Segment.HIGH_LOW, Segment.HIGH_HIGH


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
