"""Where people with high anxiety find help: on the profile and on every answer to who asks for a plan."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from local.phone import Json, Phone, to_functions
from rl_core.config import settings
from tests.functions.conftest import NOW
from tests.functions.invoked import FUNCTIONS

pytestmark = pytest.mark.usefixtures("world")
PHONE = Phone(to_functions(FUNCTIONS.invoke, "ana", NOW))
TEXT, URL = "Talk to somebody: call 112.", "https://example.org/help"
HELP = {"text": TEXT, "url": URL}
HIGH, OTHERS = ["High Anxiety, Low Activity", "High Anxiety, High Activity"], "Moderate Anxiety, High Activity"
Setting = Callable[[str, str], None]


@pytest.fixture
def told(setting: Setting) -> None:
    setting("SUPPORT_TEXT", TEXT)
    setting("SUPPORT_URL", URL)


def support(segment: str) -> list[Json | None]:
    """What a user of this segment is told: with the profile, put and read, with a new plan and with the open one."""
    answers = [PHONE.put_profile(segment=segment), PHONE.get_profile(), PHONE.recommend(), PHONE.recommend()]
    assert {answer.status for answer in answers} == {200}
    return [answer.body["support"] for answer in answers]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("segment", HIGH)
def test_everybody_whose_anxiety_is_high_is_told_where_help_is(segment: str) -> None:
    assert support(segment) == [HELP] * 4


@pytest.mark.usefixtures("told")
def test_whose_anxiety_is_not_high_is_told_null() -> None:
    assert support(OTHERS) == [None] * 4


def test_where_nothing_is_set_it_is_null() -> None:
    assert support(HIGH[0]) == [None] * 4


@pytest.mark.parametrize(
    ("name", "value", "its"), [("TEXT", TEXT, {"text": TEXT, "url": None}), ("URL", URL, {"text": None, "url": URL})]
)
def test_one_of_the_two_may_be_set_alone(setting: Setting, name: str, value: str, its: Json) -> None:
    setting(f"SUPPORT_{name}", value)
    assert support(HIGH[0]) == [its] * 4


@pytest.mark.usefixtures("told")
def test_who_gets_no_more_plans_today_is_told_too(setting: Setting) -> None:
    setting("SESSIONS_PER_DAY", "1")
    assert support(HIGH[0])[0] == HELP
    plan = PHONE.recommend().body
    assert PHONE.batch([{"activity_id": plan["activities"][0]["id"], "completed": False}]).status == 200
    refused = PHONE.recommend()
    assert (refused.status, refused.body["type"], refused.body["support"]) == (429, "too-many-sessions", HELP)
    assert PHONE.put_profile(segment=OTHERS).body["support"] is None
    assert PHONE.recommend().body["support"] is None


@pytest.mark.usefixtures("told")
def test_who_pauses_is_told_too() -> None:
    assert support(HIGH[0])[0] == HELP
    assert PHONE.put_pause("2026-11-24T09:00:00Z").status == 200
    refused = PHONE.recommend()
    assert (refused.status, refused.body["type"], refused.body["support"]) == (409, "paused", HELP)


@pytest.mark.usefixtures("told")
def test_it_follows_the_profile_and_not_the_open_session() -> None:
    assert support(OTHERS) == [None] * 4
    assert support(HIGH[0]) == [HELP] * 4
    assert PHONE.recommend().body["rl_action_id"] in range(6)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SUPPORT_TEXT", "x" * 501), ("SUPPORT_URL", "http://example.org"), ("SUPPORT_URL", "https://a b")],
)
def test_what_cannot_be_shown_stops_the_start(setting: Setting, name: str, value: str) -> None:
    setting(name, value)
    with pytest.raises(ValidationError):
        settings()
