"""The profile, the history and the erasure, over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from local.phone import ids, pages
from local.stack import Stack
from tests.integration.conftest import SEGMENT, Phone, Target, done, everything, ok, problem

NewUser = Callable[..., Phone]
Later = Callable[..., None]
OTHER = "Low Anxiety, High Activity"


def items_of(stack: Target, phone: Phone) -> list[dict[str, Any]]:
    return [item for item in everything(stack) if item["pk"]["S"] == f"USER#{phone.user}"]


def test_a_new_profile_starts_at_zero(stranger: Callable[[], Phone]) -> None:
    ana = stranger()
    put = ok(ana.put_profile(segment=SEGMENT, timezone="Europe/Berlin", avoid=["outdoors", "floor"]))
    assert put == ana.profile()
    assert put == {
        "segment": SEGMENT,
        "engagement_score": 0,
        "motivation_score": 0,
        "timezone": "Europe/Berlin",
        "avoid": ["floor", "outdoors"],
        "without": [],
        "streak_days": 0,
        "support": None,
    }


@pytest.mark.parametrize(
    ("gad7", "minutes", "segment"),
    [
        (0, 0, "Low Anxiety, Low Activity"),
        (9, 59, "Low Anxiety, Low Activity"),
        (10, 60, "Moderate Anxiety, Moderate Activity"),
        (14, 149, "Moderate Anxiety, Moderate Activity"),
        (15, 150, "High Anxiety, High Activity"),
        (21, 5000, "High Anxiety, High Activity"),
    ],
)
def test_an_assessment_gives_the_segment(stranger: Callable[[], Phone], gad7: int, minutes: int, segment: str) -> None:
    assert ok(stranger().put_profile(gad7_score=gad7, active_minutes_per_week=minutes))["segment"] == segment


def test_a_later_put_changes_what_it_names_and_keeps_the_scores(ana: Phone) -> None:
    ok(ana.batch(done(ana.plan(), motivation_before=2, motivation_after=4)))
    before = ana.profile()
    assert before["engagement_score"] > 0
    assert ok(ana.put_profile(timezone="Asia/Tokyo")) == before | {"timezone": "Asia/Tokyo"}
    assert ok(ana.put_profile(avoid=["floor"])) == before | {"timezone": "Asia/Tokyo", "avoid": ["floor"]}
    moved = before | {"timezone": "Asia/Tokyo", "avoid": ["floor"], "segment": OTHER}
    assert ok(ana.put_profile(segment=OTHER)) == moved == ok(ana.put_profile())


def test_kinds_of_plan_that_a_user_is_without_are_not_drawn_until_the_user_says_otherwise(ana: Phone) -> None:
    assert ok(ana.put_profile(without=[5, 1, 4, 3])) == ana.profile() | {"without": [1, 3, 4, 5]}
    for _ in range(3):
        plan = ana.plan()
        assert plan["rl_action_id"] in {0, 2}
        ok(ana.batch(done(plan)))
    assert ok(ana.put_profile(timezone="Asia/Tokyo"))["without"] == [1, 3, 4, 5]
    assert ok(ana.put_profile(without=[]))["without"] == []


def test_an_open_session_keeps_its_segment(ana: Phone) -> None:
    plan = ana.plan()
    ok(ana.put_profile(segment=OTHER))
    assert ana.plan() == plan
    ok(ana.batch(done(plan)))
    ana.plan()
    assert [s["segment"] for s in ana.sessions()] == [OTHER, SEGMENT]


def test_without_a_profile_there_is_nothing_to_get(stranger: Callable[[], Phone]) -> None:
    ana = stranger()
    assert problem(ana.get_profile(), 404) == "profile-not-found"
    assert problem(ana.complete(11), 404) == "activity-not-found"
    assert problem(ana.batch([{"activity_id": 11, "completed": True}]), 404) == "activity-not-found"


def test_a_streak_grows_by_days_and_breaks(newcomer: NewUser, later: Later) -> None:
    ana = newcomer()
    for days in (1, 2, 3):
        ok(ana.batch(done(ana.plan(), 1)))
        assert ana.profile()["streak_days"] == days
        later(days=1)
    assert ana.profile()["streak_days"] == 3
    later(days=1)
    assert ana.profile()["streak_days"] == 0


# Erasure.


def assert_erasing(phone: Phone, activity: int) -> None:
    assert problem(phone.get_profile(), 404) == "profile-not-found"
    for answer in (
        phone.put_profile(segment=SEGMENT),
        phone.recommend(),
        phone.history(),
        phone.complete(activity),
        phone.batch([{"activity_id": activity, "completed": True}]),
    ):
        assert problem(answer, 409) == "erasing"


def test_erasing_is_seen_at_once_and_safe_to_repeat(ana: Phone, target: Target) -> None:
    first = ids(ana.plan())[0]
    for _ in range(2):
        answer = ana.delete_profile()
        assert (answer.status, answer.content) == (204, b"")
        assert_erasing(ana, first)
    assert len(items_of(target, ana)) == 3  # the session, the day, the marker


def test_the_job_removes_every_item_and_who_comes_back_is_new(
    ana: Phone, newcomer: NewUser, stack: Stack, later: Later
) -> None:
    bob = newcomer()
    bob.plan()
    theirs = items_of(stack, bob)
    for _ in range(3):
        ok(ana.batch(done(ana.plan(), notes="private")))
    ana.plan()
    ana.delete_profile()
    later(minutes=1)
    assert not [item for item in everything(stack) if ana.user in str(item)]
    assert items_of(stack, bob) == theirs
    assert ana.delete_profile().status == 204
    assert problem(ana.recommend(), 409) == "profile-required"
    assert ok(ana.put_profile(segment=OTHER))["engagement_score"] == 0
    assert ana.sessions() == []
    assert ana.plan()["session_id"] == 1


def test_erasing_whoever_never_was_is_nothing(stranger: Callable[[], Phone], target: Target) -> None:
    ana = stranger()
    assert ana.delete_profile().status == 204
    assert items_of(target, ana) == []


# History.


def test_history_pages_through_all_sessions_newest_first(ana: Phone) -> None:
    for _ in range(5):
        ok(ana.batch(done(ana.plan(), 2)))
    ana.plan()
    whole = ok(ana.history())
    assert whole["next_token"] is None
    assert [s["session_id"] for s in whole["sessions"]] == [6, 5, 4, 3, 2, 1]
    assert [s["status"] for s in whole["sessions"]] == ["open"] + ["learned"] * 5
    found = list(pages(lambda token: ok(ana.history(2, token))))
    assert [s for page in found for s in page] == whole["sessions"]
    assert [len(page) for page in found] == [2, 2, 2]


def test_a_session_in_the_history_has_these_fields(ana: Phone) -> None:
    plan = ana.plan()
    ok(ana.batch(done(plan)))
    session = ana.latest()
    assert [a["id"] for a in session.pop("activities")] == ids(plan)
    assert session == {
        "session_id": 1,
        "status": "learned",
        "rl_action": plan["rl_action"],
        "rl_action_id": plan["rl_action_id"],
        "segment": SEGMENT,
        "issued_at": session["issued_at"],
        "closed_at": session["issued_at"],
        "reward": 0.5,
    }
    assert session["issued_at"].endswith("Z")


# Routes.


def test_every_route_answers_with_and_without_its_slash(ana: Phone) -> None:
    plan = ana.plan()
    first = ids(plan)[0]
    batch = {"activities": done(plan)}
    for method, path, body in [
        ("GET", "/profile", None),
        ("PUT", "/profile", {"timezone": "UTC"}),
        ("GET", "/activity/recommended", None),
        ("GET", "/activity/history", None),
        ("POST", f"/activity/{first}/complete", {"completed": True}),
        ("POST", "/activity/feedback-batch", batch),
    ]:
        plain, slashed = (ana.ask(method, path + end, body) for end in ("", "/"))
        assert ok(plain) == ok(slashed)
    assert [ana.ask("DELETE", "/profile" + end).status for end in ("", "/")] == [204, 204]
