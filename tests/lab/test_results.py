"""The sums behind the table and the report."""

from dataclasses import replace

import pytest

from lab.demo.results import (
    Learned,
    Served,
    compare,
    favourite,
    first_quarter,
    last_quarter,
    table,
    truly_best,
    verdict,
)

SESSION = Served(
    user="ana",
    session_id=1,
    segment="one",
    action=2,
    eligible=(1, 2, 3),
    expected=(0.9, 0.1, 0.3, 0.5, 0.0, 0.0),
    rested=(0.9, 0.1, 0.3, 0.5, 0.0, 0.0),
    liking=(0.9, 0.3, 0.4, 0.6, 0.2, 0.2),
    reward=0.25,
    completion_rate=0.5,
    tried=True,
)
BLANK = Learned("one", 0, q=((0.0,) * 6,) * 9, visits=((0,) * 6,) * 9)


def test_random_and_best_are_taken_over_the_eligible_actions_only() -> None:
    found = compare([SESSION])
    assert (found.served, found.random, found.best) == pytest.approx((0.3, 0.3, 0.5))


def test_the_share_of_the_gain_is_zero_for_random_and_one_for_the_best() -> None:
    assert compare([SESSION]).share == pytest.approx(0.0)
    assert compare([replace(SESSION, action=3)]).share == pytest.approx(1.0)


def test_without_anything_to_gain_the_share_is_zero() -> None:
    assert compare([replace(SESSION, expected=(0.2,) * 6)]).share == 0.0


def test_quarters_are_the_first_and_the_last_sessions() -> None:
    sessions = [replace(SESSION, session_id=number) for number in range(1, 10)]
    assert [s.session_id for s in first_quarter(sessions)] == [1, 2]
    assert [s.session_id for s in last_quarter(sessions)] == [8, 9]


def test_a_state_counts_for_the_favourite_as_often_as_it_was_visited() -> None:
    q = ((0.0, 9.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0, 0.0), *BLANK.q[2:])
    visits = ((1, 0, 0, 0, 0, 0), (9, 9, 9, 0, 0, 0), *BLANK.visits[2:])
    assert favourite(replace(BLANK, q=q, visits=visits)) == 2


def test_the_truly_best_action_may_be_one_that_was_barred() -> None:
    assert truly_best([SESSION]) == 0


def test_the_truly_best_action_is_judged_as_if_nothing_had_been_had_lately() -> None:
    assert truly_best([replace(SESSION, expected=(0.4, 0.1, 0.3, 0.5, 0.0, 0.0))]) == 0


def test_a_row_is_made_of_its_own_segments_sessions() -> None:
    [row] = table([BLANK], [SESSION, replace(SESSION, segment="two")])
    assert (row.sessions, row.completion_rate, row.reward_first, row.reward_last, row.tries) == (1, 0.5, 0.25, 0.25, 1)


def test_the_verdict_counts_what_was_found_and_names_the_three_policies() -> None:
    sessions = [replace(SESSION, action=3)]
    said = verdict(table([BLANK], sessions), sessions)
    assert said.startswith("1 of 1 segments")
    assert "100% of what there was to gain" in said
    assert "random 0.300, served 0.500, best possible 0.500" in said
