"""A pause on the table: what its requests write, and what comes between a pause and an expiry or a new plan."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.phone import Answer, Phone, ids, to_functions
from rl_core.config import settings
from rl_core.errors import ConflictError
from rl_core.models import Pause, Profile, Session, Status, Why
from rl_core.sessions import pause_ended, pause_until
from rl_core.store import Due, Store, open_store, profile_write
from rl_core.work import close_expired
from tests.conftest import handler_of
from tests.functions.conftest import NOW, SEGMENT, Meanwhile, World
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_erasure import dump

ONE, SECOND = timedelta(days=1), timedelta(seconds=1)
EXPIRED = NOW + 2 * ONE
learn = handler_of("learn")


def phone(at: datetime = NOW) -> Phone[Answer]:
    return Phone(to_functions(FUNCTIONS.invoke, "ana", at))


def iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def profile_of(store: Store) -> Profile:
    profile = store.profile("ana")
    assert profile is not None
    return profile


def change(world: World, to: Callable[[Profile], Profile]) -> None:
    world.store.write(profile_write(to(profile_of(world.store))))


def expiring(world: World) -> Due:
    (page,) = world.store.expiring(EXPIRED, 90, range(16))
    return page[0]


# Its requests.


def test_a_pause_is_one_write_of_the_profile_and_the_same_again_none(world: World) -> None:
    world.issue("ana")
    assert phone().put_pause(iso(NOW + ONE)).body == {"until": iso(NOW + ONE)}
    profile = profile_of(world.store)
    assert profile.pauses == (Pause(NOW, NOW + ONE),)
    before = dump()
    for at in (NOW, NOW + SECOND):
        assert phone(at).put_pause("2026-11-24T10:01:00.000+01:00").body == {"until": iso(NOW + ONE)}
    assert dump() == before


def test_a_delete_ends_it_and_without_one_writes_nothing(world: World) -> None:
    world.issue("ana")
    phone().put_pause(iso(NOW + ONE))
    for _ in range(2):
        assert (phone(NOW + SECOND).delete_pause().status, phone(NOW + SECOND).get_pause().body) == (
            204,
            {"until": None},
        )
    before = dump()
    assert profile_of(world.store).pauses == (Pause(NOW, NOW + SECOND),)
    assert phone(NOW + ONE).delete_pause().status == 204
    assert dump() == before


def test_a_pause_that_lost_a_race_is_decided_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.issue("ana")

    def other() -> None:
        change(world, lambda profile: pause_until(profile, NOW + 9 * ONE, NOW))

    monkeypatch.setattr(open_store(), "client", Meanwhile(world.store.client, "put_item", other))
    assert phone(NOW + SECOND).put_pause(iso(NOW + ONE)).body == {"until": iso(NOW + ONE)}
    assert profile_of(world.store).pauses == (Pause(NOW, NOW + ONE),)


def test_while_paused_nothing_is_read_but_the_users_head_and_nothing_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.issue("ana")
    phone().put_pause(iso(NOW + ONE))
    before = dump()
    monkeypatch.setattr(Store, "policy", lambda *_, **__: pytest.fail("the policy was read"))
    for prefetch in (None, True):
        refused = phone(NOW + ONE - SECOND).recommend(prefetch)
        assert (refused.status, refused.body["type"], refused.body["until"]) == (409, "paused", iso(NOW + ONE))
    assert dump() == before
    assert phone(NOW + ONE).recommend().status == 200


def test_a_plan_that_a_pause_came_before_is_not_issued(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.store.write(profile_write(Profile("ana", b"life-ana", SEGMENT, NOW)))
    paused = profile_write(pause_until(profile_of(world.store), NOW + ONE, NOW))
    client = Meanwhile(world.store.client, "transact_write_items", lambda: world.store.write(paused))
    monkeypatch.setattr(open_store(), "client", client)
    assert phone().recommend().body["type"] == "paused"
    assert world.store.session("ana", 1) is None


# What expires.


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("late", [ONE * 0, 30 * ONE])
def test_the_job_closes_it_as_unseen_and_counts_that(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    shown: bool,
    late: timedelta,
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    world.issue("ana", shown=shown)
    phone().put_pause(iso(NOW + 3 * ONE))
    before = profile_of(world.store)
    report = learn.run(world.store, EXPIRED + late, lambda: 60_000)
    assert (report["closed"], report["learned"]) == (1, 0)
    session, after = world.session("ana"), profile_of(world.store)
    assert (session.status, session.why, session.closing) == (Status.UNSEEN, Why.PAUSED, None)
    assert (after.engagement, after.motivation, after.facts, after.learned) == (0.0, 0.0, before.facts, 0)
    assert "SessionsPaused" in capsys.readouterr().out


def test_the_next_plan_closes_it_too_and_says_so_in_the_history(world: World) -> None:
    world.issue("ana")
    phone().put_pause(iso(NOW + 3 * ONE))
    assert phone(NOW + 3 * ONE).recommend().status == 200
    session = world.session("ana")
    assert (session.status, session.why) == (Status.UNSEEN, Why.PAUSED)
    newer, older = phone(NOW + 3 * ONE).history().body["sessions"]
    assert (newer["status"], older["status"], older["reward"]) == ("open", "unseen", None)


def test_one_answered_meanwhile_is_learned_from(world: World) -> None:
    session = world.issue("ana")
    phone().put_pause(iso(NOW + 9 * ONE))
    assert phone(NOW + ONE).complete(session.number * 10 + 1).status == 200
    report = learn.run(world.store, EXPIRED, lambda: 60_000)
    assert (report["closed"], report["learned"]) == (1, 1)
    assert world.session("ana").status is Status.LEARNED


def test_a_batch_is_taken_while_paused_and_after_an_expiry_refused(world: World) -> None:
    plan = phone_plan()
    phone().put_pause(iso(NOW + 9 * ONE))
    items = [{"activity_id": its, "completed": True} for its in plan]
    assert phone(NOW + ONE).batch(items).body["training_metrics"]["learning"] == "applied"
    world.issue("ana", at=NOW + ONE)
    learn.run(world.store, NOW + 4 * ONE, lambda: 60_000)
    assert world.session("ana", 2).why is Why.PAUSED
    refused = phone(NOW + 4 * ONE).batch([{"activity_id": 21, "completed": True}])
    assert (refused.status, refused.body["type"]) == (409, "session-closed")


def phone_plan() -> list[int]:
    phone().put_profile(segment="High Anxiety, Low Activity")
    return ids(phone().recommend().body)


def ends(profile: Profile) -> Profile:
    return pause_ended(profile, EXPIRED - SECOND)


def begins(profile: Profile) -> Profile:
    return pause_until(profile, EXPIRED + ONE, EXPIRED - SECOND)


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize(("first", "then", "why"), [(None, begins, Why.PAUSED), (begins, ends, None)])
def test_an_expiry_that_a_change_of_the_pause_came_before_is_not_written(
    world: World, shown: bool, first: Any, then: Any, why: Why | None
) -> None:
    world.issue("ana", shown=shown)
    if first:
        change(world, first)
    due = expiring(world)
    client: Any = Meanwhile(world.store.client, "transact_write_items", lambda: change(world, then))
    store = Store(world.store.name, client)
    with pytest.raises(ConflictError):
        close_expired(store, due, settings(), EXPIRED)
    closed = close_expired(world.store, due, settings(), EXPIRED)
    assert isinstance(closed, Session)
    assert closed.why is why
