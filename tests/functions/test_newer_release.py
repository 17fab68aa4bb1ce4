"""What a newer release stored: this one keeps it, answers, and loses nothing."""

import struct
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from local.phone import Answer, Phone, ids, to_functions
from rl_core.config import settings
from rl_core.models import ACTIONS, Session
from rl_core.sessions import is_due
from rl_core.store import DayTable, Store
from rl_core.store.items import session_item
from rl_core.work import run_shard
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import NOW, SEGMENT, World
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_learning_job import always, learn, spoil

MONDAY = date(2026, 11, 23)
FINAL = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)  # the first run for which Monday is final
SHARD = 2  # ana's
NEWER_ENTRY = {"M": {"s": {"S": "a-newer-releases"}}}
SEVEN = struct.pack("<7d", *[1 / 7] * 7)
NEWER_ACTION = {"action": {"N": "6"}, "eligible": {"S": "0123456"}, "chances": {"B": SEVEN}}


def ana(at: datetime = NOW) -> Phone[Answer]:
    return Phone(to_functions(FUNCTIONS.invoke, "ana", at))


def spoil_session(**attributes: Any) -> None:
    spoil("USER#ana", "SESSION#00000001", **attributes)


@pytest.fixture
def plan(store: Store) -> Any:
    """Ana's open session, as this release issued it."""
    ana().put_profile(segment=SEGMENT)
    return ana().recommend().body


def put_newer_entry(world: World) -> None:
    item = session_item(world.session("ana"), 1)
    spoil_session(activities={"L": [NEWER_ENTRY, *item["activities"]["L"][1:]]})


def done(plan: Any) -> list[dict[str, Any]]:
    return [{"activity_id": its, "completed": True} for its in ids(plan)]


def test_an_unknown_entry_is_shown_as_a_placeholder(world: World, plan: Any) -> None:
    put_newer_entry(world)
    shown = ana().recommend().body["activities"][0]
    assert (shown["name"], shown["type"], shown["duration_minutes"]) == ("New Activity", "other", 0)
    assert ana().history().body["sessions"][0]["activities"][0]["activity_name"] == "New Activity"


def test_an_unknown_entry_is_answerable_and_counts(world: World, plan: Any) -> None:
    put_newer_entry(world)
    answer = ana().complete(11).body
    assert answer["stats"]["total_completed_today"] == 1
    totals = ana().stats().body["totals"]
    assert (totals["completed"], totals["assigned"]) == (1, len(plan["activities"]))


def test_a_session_with_an_unknown_entry_is_learned_from_with_that_entry(world: World, plan: Any) -> None:
    put_newer_entry(world)
    assert ana().batch(done(plan)).body["training_metrics"]["learning"] == "applied"
    assert len(world.store.policy(world.session("ana").segment).activities) == len(plan["activities"])


def test_the_next_plan_comes_after_a_session_with_an_unknown_entry(world: World, plan: Any) -> None:
    put_newer_entry(world)
    ana().batch(done(plan))
    assert ana().recommend().body["session_id"] == 2


def run_day(world: World) -> Any:
    return run_shard(DayTable(world.store.name, world.store.client), MONDAY, SHARD, FINAL, settings())


def test_a_day_with_an_unknown_entry_stays_unsettled(world: World, plan: Any) -> None:
    put_newer_entry(world)
    ana().batch(done(plan))
    assert (run_day(world)["users"], run_day(world)["unsettled"]) == (1, 1)
    assert not DayTable(world.store.name, world.store.client).shard(MONDAY, SHARD).final


def test_a_day_that_a_newer_release_settled_is_not_written_over_by_one_that_knows_less(world: World, plan: Any) -> None:
    ana().batch(done(plan))
    run_day(world)
    before = DayTable(world.store.name, world.store.client).days_of("ana", MONDAY, MONDAY)
    put_newer_entry(world)
    assert run_day(world)["unsettled"] == 1
    assert DayTable(world.store.name, world.store.client).days_of("ana", MONDAY, MONDAY) == before


@pytest.fixture
def suspended(plan: Any) -> Any:
    """Ana's session, with a status that only a newer release knows."""
    spoil_session(status={"S": "suspended"})
    return plan


def test_an_unknown_status_takes_no_answers(suspended: Any) -> None:
    for answer in (ana().complete(11), ana().batch(done(suspended))):
        assert (answer.status, answer.body["type"]) == (409, "session-closed")


def test_after_an_unknown_status_the_next_session_is_issued(suspended: Any) -> None:
    assert ana().recommend().body["session_id"] == 2


def test_history_shows_the_unknown_status_in_its_own_word(suspended: Any) -> None:
    assert ana().history().body["sessions"][0]["status"] == "suspended"


def test_an_unknown_status_is_neither_open_nor_due_and_is_left_as_it_is(world: World, suspended: Any) -> None:
    before = session_of(world)
    spoil_session(due_shard={"S": "due#HIGH_LOW#0"})
    report = learn.run(world.store, NOW + timedelta(days=3), always)
    assert (report["closed"], report["learned"], report["parked"]) == (0, 0, 0)
    assert (session_of(world), is_due(before)) == (before, False)


def test_a_batch_that_agrees_with_a_closed_session_of_unknown_status_is_refused_too(world: World, plan: Any) -> None:
    ana().batch(done(plan))
    spoil_session(status={"S": "archived"})
    assert ana().batch(done(plan)).status == 409


def session_of(world: World) -> Session:
    return world.session("ana")


@pytest.fixture
def seventh(plan: Any) -> Any:
    """Ana's session, with an action that only a newer release has."""
    spoil_session(**NEWER_ACTION)
    return plan


def test_an_unknown_action_is_named_as_one_of_a_newer_version(seventh: Any) -> None:
    plan = ana().recommend().body
    assert (plan["rl_action_id"], plan["rl_action"]) == (6, "Plan of a Newer Version")


def test_a_session_with_an_unknown_action_waits_for_a_release_that_knows_it(world: World, seventh: Any) -> None:
    figures = ana().batch(done(seventh)).body["training_metrics"]
    assert (figures["learning"], figures["exploration_rate"]) == ("queued", None)
    report = learn.run(world.store, NOW + timedelta(minutes=1), always)
    assert (report["learned"], report["parked"], is_due(session_of(world))) == (0, 0, True)
    spoil_session(action={"N": "2"}, eligible={"S": "012345"}, chances={"B": bytes(48)})
    assert learn.run(world.store, NOW + timedelta(minutes=2), always)["learned"] == 1


def test_a_day_with_an_unknown_action_stays_unsettled(world: World, seventh: Any) -> None:
    ana().batch(done(seventh))
    assert run_day(world)["unsettled"] == 1


def test_who_dropped_out_after_an_unknown_action_keeps_the_day_unsettled(world: World, seventh: Any) -> None:
    ana().batch(done(seventh))
    days = DayTable(world.store.name, world.store.client)
    report = run_shard(days, MONDAY + timedelta(days=7), SHARD, FINAL + timedelta(days=7), settings())
    assert (report["dropouts"], report["unsettled"]) == (1, 1)


def test_the_next_plan_after_an_unknown_action_is_drawn_from_those_known(world: World, seventh: Any) -> None:
    ana().batch(done(seventh))
    spoil("USER#ana", "~PROFILE", recent={"S": "6"})
    assert ana().recommend().body["rl_action_id"] in ACTIONS


def test_an_unknown_profile_field_stays_through_a_session(world: World, plan: Any) -> None:
    newer = {"a_newer_releases": {"L": [{"N": "1"}]}}
    spoil("USER#ana", "~PROFILE", **newer)
    ana().batch(done(plan))
    key = {"pk": {"S": "USER#ana"}, "sk": {"S": "~PROFILE"}}
    item = table_client().get_item(TableName=TEMPLATE.table.name, Key=key)["Item"]
    assert newer.items() <= item.items()
