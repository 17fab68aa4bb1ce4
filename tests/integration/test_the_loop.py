"""The guide's own tests, over HTTP: a user's first days."""

from collections.abc import Callable
from typing import Any

import pytest

from local.phone import ids
from rl_core.models import NO_FACTS, Segment
from rl_core.store import Store
from tests.integration.conftest import SEGMENT, Phone, at_now, done, ok

NewUser = Callable[..., Phone]
ACTIVITY_FIELDS = {
    "id",
    "name",
    "type",
    "category",
    "duration_minutes",
    "intensity",
    "description",
    "instructions",
    "motivation_tracking",
    "completed",
}
TRACKED_FIELDS = {
    "user",
    "activity_type",
    "activity_name",
    "segment",
    "rl_action_id",
    "description",
    "duration_minutes",
    "intensity",
    "assigned_date",
    "completion_date",
    "completed",
    "motivation_before",
    "motivation_after",
    "difficulty_rating",
    "notes",
    "created_at",
}


def untouched(activity: dict[str, Any]) -> bool:
    ratings = [activity[name] for name in ("motivation_before", "motivation_after", "difficulty_rating")]
    return activity["completed"] is False and [*ratings, activity["completion_date"]] == [None] * 4


def test_a_new_activity_is_not_completed_and_has_no_ratings(ana: Phone) -> None:
    ana.plan()
    activities = ana.latest()["activities"]
    assert all(untouched(a) and a["notes"] == "" for a in activities)
    assert all(a.keys() == TRACKED_FIELDS | {"id"} for a in activities)
    assert {a["user"] for a in activities} == {ana.user}


def test_recommendations_come_with_all_their_fields(ana: Phone) -> None:
    plan = ana.plan()
    fields = {"session_id", "rl_action", "rl_action_id", "reason", "expires_at", "activities", "support"}
    assert plan.keys() == fields
    assert 5 <= len(plan["activities"]) <= 7
    assert at_now(ana.stack, plan["expires_at"], hours=48)
    assert SEGMENT in plan["reason"]
    for activity in plan["activities"]:
        assert activity.keys() == ACTIVITY_FIELDS
        assert (activity["motivation_tracking"], activity["completed"]) == (True, False)
        assert activity["instructions"][0].startswith("1. ")


def test_ids_are_ten_times_the_session_plus_the_position(ana: Phone) -> None:
    first = ana.plan()
    ok(ana.batch(done(first)))
    for session, plan in enumerate((first, ana.plan()), 1):
        assert ids(plan) == [session * 10 + position for position in range(1, len(plan["activities"]) + 1)]


def test_a_completion_sticks(ana: Phone) -> None:
    its = ids(ana.plan())[1]
    said = {"motivation_before": 2, "motivation_after": 4, "difficulty_rating": 3, "notes": "Felt great"}
    tracked = ok(ana.complete(its, **said))["activity"]
    assert tracked.items() >= said.items()
    assert tracked["completed"] is True
    assert at_now(ana.stack, tracked["completion_date"])
    assert ana.latest()["activities"][1] == tracked | {"id": its}
    assert ana.plan()["activities"][1]["completed"] is True


def test_the_journey_from_profile_to_the_next_plan(newcomer: NewUser) -> None:
    ana = newcomer(segment="Low Anxiety, High Activity")
    plan = ana.plan()
    ok(ana.complete(ids(plan)[0], motivation_before=2, motivation_after=4))
    answer = ok(ana.batch(done(plan)[1:], overall_session_rating=4))
    assert (answer["status"], answer["training_metrics"]["learning"]) == ("success", "applied")
    assert ana.profile()["engagement_score"] == answer["engagement_delta"] == 0.3
    after = ana.plan()
    assert after["session_id"] == plan["session_id"] + 1
    assert after["rl_action_id"] != plan["rl_action_id"]


def test_two_sessions_in_a_row_differ_in_kind_and_share_at_most_half(newcomer: NewUser) -> None:
    ana = newcomer(avoid=["floor", "outdoors", "upper_body"])
    kind, before = -1, set[str]()
    for _ in range(20):
        plan = ana.plan()
        names = {activity["name"] for activity in plan["activities"]}
        assert plan["rl_action_id"] != kind
        assert len(names & before) <= len(names) / 2
        kind, before = plan["rl_action_id"], names
        ok(ana.batch(done(plan)))


def test_each_session_stores_how_it_was_decided(newcomer: NewUser, table: Store) -> None:
    ana = newcomer(segment=Segment.MODERATE_HIGH)
    plan = ana.plan()
    decision = table.head(ana.user).sessions[0].decision
    assert (int(decision.action), decision.policy_version, decision.fallback) == (plan["rl_action_id"], 0, False)
    assert decision.propensity == pytest.approx(1 / 6, abs=1e-12)
    assert decision.epsilon == pytest.approx(6 * 0.0004)
    assert decision.facts == NO_FACTS
    assert len(decision.settings) == 4
