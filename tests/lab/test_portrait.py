"""The one person whose plans the report shows: who it is, and what is said of them."""

from dataclasses import replace

import pytest

from lab.demo.portrait import Portrait, halves, loss, moved, own_share, portrait, told, was_own_best
from lab.demo.results import Learned, Served, table

LIKING = (0.9, 0.6, 0.4, 0.3, 0.2, 0.1)
SESSION = Served(
    user="ana",
    session_id=1,
    segment="one",
    action=0,
    eligible=(0, 1, 2, 3, 4, 5),
    expected=LIKING,
    rested=LIKING,
    liking=LIKING,
    reward=0.5,
    completion_rate=0.5,
    tried=False,
)
OTHER = (0.3, 0.9, 0.4, 0.8, 0.2, 0.1)  # likes the second plan best, and the first much less


def sessions(user: str, count: int, rested: tuple[float, ...] = LIKING) -> list[Served]:
    return [replace(SESSION, user=user, session_id=n + 1, rested=rested) for n in range(count)]


def chosen(*people: list[Served]) -> Portrait:
    together = [session for person in people for session in person]
    policy = Learned("one", len(together), q=((0.0,) * 6,) * 9, visits=((1,) * 6,) * 9)
    return portrait(table([policy], together), together)


def test_the_person_who_differs_most_is_shown() -> None:
    found = chosen(sessions("ana", 20), sessions("ben", 20), sessions("eve", 16, OTHER))
    assert {session.user for session in found.sessions} == {found.user} == {"eve"}
    assert (found.own_best, found.segments_best) == (1, 0)
    assert loss(found) == pytest.approx(0.6)


def test_who_came_seldom_is_not_shown() -> None:
    assert chosen(sessions("ana", 20), sessions("eve", 14, OTHER)).user == "ana"


def test_where_nobody_differs_the_first_one_is_shown() -> None:
    found = chosen(sessions("ana", 4), sessions("ben", 4))
    assert (found.user, found.own_best, loss(found)) == ("ana", 0, 0.0)


def test_what_a_person_likes_best_does_not_depend_on_what_they_just_had() -> None:
    worn = replace(SESSION, liking=OTHER, expected=OTHER)
    assert Portrait([worn], segments_best=0).ranking == [0, 1, 2, 3, 4, 5]


def test_only_eligible_plans_could_have_been_liked_better() -> None:
    second = replace(SESSION, action=1)
    assert not was_own_best(second)
    assert was_own_best(replace(second, eligible=(1, 2, 3, 4, 5)))


def test_a_plan_that_wore_off_is_no_longer_the_best_one() -> None:
    assert was_own_best(SESSION)
    assert not was_own_best(replace(SESSION, liking=(0.5, *LIKING[1:])))


def test_the_share_of_own_best_plans_is_that_of_the_sessions() -> None:
    assert own_share([SESSION, replace(SESSION, action=1), replace(SESSION, action=2), SESSION]) == 0.5


def test_halves_leave_out_the_middle_one_and_are_never_empty() -> None:
    five = sessions("ana", 5)
    assert [[s.session_id for s in half] for half in halves(five)] == [[1, 2], [4, 5]]
    assert [len(half) for half in halves(five[:1])] == [1, 1]


def test_it_is_told_how_the_persons_share_moved_and_everybodys_beside_it() -> None:
    person = [replace(SESSION, action=action) for action in (2, 1, 0, 3, 0, 0, 0, 1)]
    others = [replace(SESSION, user="ben", action=1)] * 8
    said = told(Portrait(person, segments_best=1), [*person, *others])
    assert "rose from 25% to 75% from the first half of their 8 sessions to the second" in said
    assert "this share fell from 25% to 0%" in said


def test_a_share_that_is_the_same_in_whole_per_cent_stayed() -> None:
    assert moved(0.5, 0.5001) == "stayed at 50%"
