"""Fewer than five users are not shown, nor told by what is shown beside them."""

import pytest

from rl_core.days import count_shown, may_show, withheld


def test_a_figure_of_five_users_may_be_shown_and_of_four_not() -> None:
    assert [may_show(users) for users in (0, 1, 4, 5, 6)] == [False, False, False, True, True]


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
