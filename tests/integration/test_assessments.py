"""Assessments, over HTTP: what an app says and hears of scores, day after day."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.conftest import SEGMENT, Phone, at_once, ok, problem

Later = Callable[..., None]
SCORES = {"gad7_score": 16, "active_minutes_per_week": 30}


def given(phone: Phone, limit: int | None = None) -> list[tuple[int, int]]:
    return [(its["gad7_score"], its["active_minutes_per_week"]) for its in ok(phone.assessments(limit))["assessments"]]


def test_who_chose_a_segment_has_none(ana: Phone) -> None:
    assert ok(ana.assessments()) == {"assessments": []}
    assert ok(ana.stats())["assessments"] == {"gad7_score": None, "active_minutes_per_week": None}


def test_scores_are_shown_with_the_users_day(ana: Phone) -> None:
    assert ok(ana.put_profile(**SCORES))["segment"] == SEGMENT
    today = ok(ana.stats())["period"]["last"]
    assert ok(ana.assessments()) == {"assessments": [{"date": today, **SCORES}]}
    assert ok(ana.put_profile(**SCORES)) == ok(ana.get_profile())
    assert given(ana) == [(16, 30)]
    ok(ana.put_profile(gad7_score=3, active_minutes_per_week=200))
    assert given(ana) == [(3, 200)]


def test_a_first_profile_by_scores_has_them_too(stranger: Callable[[], Phone]) -> None:
    bob = stranger()
    ok(bob.put_profile(timezone="Pacific/Kiritimati", **SCORES))
    assert given(bob) == [(16, 30)]


def test_what_moved_between_days_is_in_the_statistics(ana: Phone, later: Later) -> None:
    for score in (16, 12, 9):
        ok(ana.put_profile(gad7_score=score, active_minutes_per_week=30))
        later(days=1)
    assert given(ana) == [(9, 30), (12, 30), (16, 30)]
    assert given(ana, 2) == [(9, 30), (12, 30)]
    told = ok(ana.stats())["assessments"]
    assert (told["gad7_score"]["first"]["score"], told["gad7_score"]["latest"]["score"]) == (16, 9)
    assert (told["gad7_score"]["change"], told["active_minutes_per_week"]["change"]) == (-7, 0)
    assert told["gad7_score"]["first"]["date"] < told["gad7_score"]["latest"]["date"]


def test_scores_that_race_leave_one_assessment(ana: Phone) -> None:
    answers = at_once(8, lambda: ana.put_profile(**SCORES))
    assert [answer.status for answer in answers] == [200] * 8
    assert given(ana) == [(16, 30)]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.5", "limit="])
def test_a_limit_that_does_not_fit_is_refused(ana: Phone, query: str) -> None:
    assert problem(ana.ask("GET", f"/assessments/?{query}"), 422) == "invalid-request"


@pytest.mark.parametrize(
    "body", [{"gad7_score": 16}, {"gad7_score": 22, "active_minutes_per_week": 1}, {"gad7_score": 1}]
)
def test_scores_that_do_not_fit_keep_nothing(ana: Phone, body: dict[str, Any]) -> None:
    assert problem(ana.put_profile(**body), 422) == "invalid-request"
    assert given(ana) == []


def test_before_a_profile_and_while_erasing_there_are_none(stranger: Callable[[], Phone]) -> None:
    nobody = stranger()
    assert problem(nobody.assessments(), 409) == "profile-required"
    ok(nobody.put_profile(**SCORES))
    assert nobody.delete_profile().status == 204
    assert problem(nobody.assessments(), 409) == "erasing"


def test_another_users_scores_are_not_shown(ana: Phone, newcomer: Callable[..., Phone]) -> None:
    bob = newcomer()
    ok(bob.put_profile(**SCORES))
    assert given(ana) == []
