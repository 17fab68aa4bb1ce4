"""Whoever adds a tracking field to an activity is told where else it belongs."""

from dataclasses import fields
from typing import Any

from local.phone import ids
from rl_core.edge.http import CompleteRequest, TrackedActivity
from rl_core.models import Activity
from rl_core.sessions import Answer
from tests.functions.conftest import SEGMENT, World
from tests.functions.test_fallback_and_erasure import PHONE

SET_BY_US = {"slug", "completed_at", "completed_on", "rest"}
SAMPLES: dict[str, Any] = {"completed": True, "notes": "Felt great"}
STATED = {f.name for f in fields(Activity)} - SET_BY_US


def test_every_field_of_an_activity_is_one_that_the_user_may_state_and_is_shown() -> None:
    assert set(Answer.__annotations__) == STATED, "sessions.lifecycle.Answer"
    assert set(CompleteRequest.model_fields) == STATED, "edge.http.CompleteRequest"
    assert set(TrackedActivity.model_fields) >= STATED, "edge.http.TrackedActivity"


def test_what_the_user_states_of_an_activity_is_stored_and_told_field_by_field(world: World) -> None:
    PHONE.put_profile(segment=SEGMENT)
    activity = ids(PHONE.recommend())[0]
    said = {name: SAMPLES.get(name, 3) for name in CompleteRequest.model_fields}
    told = PHONE.complete(activity, **said)["activity"]
    shown = PHONE.history()["sessions"][0]["activities"][0]
    stored = world.session("ana").activities[0]
    for name, value in said.items():
        assert (told[name], shown[name], getattr(stored, name)) == (value, value, value), name
