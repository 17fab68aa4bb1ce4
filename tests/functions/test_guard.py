"""The guard: what it reads, what it keeps, what it says; and `python -m operate check`, which says the same."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from operate.__main__ import main
from rl_core.config import settings
from rl_core.days import Colour, Guard, Light, Replayed
from rl_core.errors import UnavailableError
from rl_core.models import Marker, Policy, Profile, Segment
from rl_core.store import Store, Watch, marker_write, policies
from rl_core.work import ERASURE, UNITS, Look, look, take_hold
from rl_core.work.checking import check
from rl_core.work.refold import Change
from tests.acting import exclude, mend, roll_back
from tests.conftest import TEMPLATE, counted, handler_of
from tests.functions.conftest import NOW, SEGMENT, Invocation, Meanwhile, World, turn
from tests.functions.test_learning_job import OF_A_LATER_RELEASE, always, learn, spoil, spoil_policy, stored_policy
from tests.functions.test_versions import live

HOUR = timedelta(hours=1)
TABLE = ["--table", TEMPLATE.table.name]
handler = handler_of("guard")
LATER = NOW + HOUR


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot every four versions."""
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 4)


def run(at: datetime = LATER) -> dict[str, Any]:
    """One run of the function."""
    answer: dict[str, Any] = handler.lambda_handler({"time": at.isoformat()}, Invocation())
    return answer


def kept(store: Store) -> Guard:
    return Watch(store, UNITS).guard()


def looked(store: Store, at: datetime = LATER, units: float = UNITS) -> Look:
    return look(Watch(store, units), settings(), at)


def light(store: Store, name: str, at: datetime = LATER) -> Light:
    (found,) = [its for its in looked(store, at).lights if its.name == name]
    return found


def until_checked(at: datetime = LATER) -> datetime:
    """Runs of the guard until each segment had its turn; the time of the last."""
    for n in range(9):
        run(at + n * HOUR)
    return at + 8 * HOUR


def bend() -> None:
    """One bit of the policy's table is not as it was."""
    table = bytearray(stored_policy()["table"]["B"])
    table[len(table) // 2] ^= 1
    spoil_policy(table={"B": bytes(table)})


def test_nine_runs_check_all_nine_segments_and_the_replay_is_green(world: World) -> None:
    live(world, 6)
    run()
    assert (light(world.store, "replay").colour, len(kept(world.store).replays)) == (Colour.GREY, 1)
    last = until_checked(LATER + HOUR)
    assert light(world.store, "replay", last).colour is Colour.GREEN
    assert {its.result for its in kept(world.store).replays.values()} == {Replayed.EQUAL}
    assert kept(world.store).replays[SEGMENT].version == 6


def test_a_policy_bent_by_one_bit_turns_the_replay_red_within_nine_hours(world: World) -> None:
    live(world, 6)
    until_checked()
    bend()
    last = until_checked(LATER + 9 * HOUR)
    its = light(world.store, "replay", last)
    assert (its.colour, its.segments, its.value) == (Colour.RED, (SEGMENT,), 1)
    assert run(last + HOUR)["red"] == ["replay"]


def test_a_bent_policy_that_was_rolled_back_is_green_an_hour_later(world: World) -> None:
    live(world, 6)
    bend()
    last = until_checked()
    assert light(world.store, "replay", last).colour is Colour.RED
    roll_back(world.store, SEGMENT, 5)
    run(last + HOUR)
    assert light(world.store, "replay", last + HOUR).colour is Colour.GREEN


def test_an_unreadable_policy_is_red_at_once_and_green_an_hour_after_it_was_mended(world: World) -> None:
    live(world, 6)
    last = until_checked()
    spoil_policy(**OF_A_LATER_RELEASE)
    run(last + HOUR)
    its = light(world.store, "replay", last + HOUR)
    assert (its.colour, its.segments) == (Colour.RED, (SEGMENT,))
    mend(world.store, SEGMENT)
    run(last + 2 * HOUR)
    assert light(world.store, "replay", last + 2 * HOUR).colour is Colour.GREEN


def test_a_record_that_is_missing_is_red(world: World) -> None:
    live(world, 6)
    world.store.client.delete_item(
        TableName=world.store.name, Key={"pk": {"S": f"SEGMENT#{SEGMENT.name}"}, "sk": {"S": "VERSION#0000000005"}}
    )
    assert light(world.store, "replay", until_checked()).colour is Colour.RED


def test_draws_are_recomputed_with_the_policy_of_their_version(world: World) -> None:
    live(world, 3)
    world.issue("between")
    live(world, 2, first=3)
    until_checked()
    assert kept(world.store).replays[SEGMENT].draws == 1  # by version 4, the snapshot; the others were drawn before
    live(world, 2, first=5)
    until_checked(LATER + 9 * HOUR)
    assert kept(world.store).replays[SEGMENT].draws == 3


def test_a_draw_that_comes_out_otherwise_is_red(world: World) -> None:
    live(world, 5)
    world.issue("ana")
    spoil("USER#ana", "SESSION#00000001", epsilon={"N": "0.123"})
    last = until_checked()
    assert (light(world.store, "replay", last).segments) == (SEGMENT,)


def test_a_draw_under_other_settings_is_not_judged(world: World, setting: Callable[[str, str], None]) -> None:
    live(world, 5)
    world.issue("ana")
    setting("MIN_PROBABILITY", "0.01")
    until_checked()
    assert kept(world.store).replays[SEGMENT].result is Replayed.EQUAL
    assert kept(world.store).replays[SEGMENT].draws == 0


def test_a_draw_before_an_operators_version_is_not_judged(world: World) -> None:
    live(world, 5)
    world.issue("before")
    roll_back(world.store, SEGMENT, 4)
    world.issue("after")
    until_checked()
    its = kept(world.store).replays[SEGMENT]
    assert (its.result, its.draws, its.version) == (Replayed.EQUAL, 1, 6)


def test_while_a_refold_is_under_way_the_former_check_stands(world: World) -> None:
    live(world, 6)
    last = until_checked()
    take_hold(world.store, SEGMENT, Change(1, ERASURE), settings(), turn(NOW))
    until_checked(last + HOUR)
    its = kept(world.store).replays[SEGMENT]
    assert (its.result, its.at) == (Replayed.EQUAL, LATER + (8 - 2) * HOUR)


def test_a_refold_that_begins_during_the_check_is_not_a_difference(world: World) -> None:
    """An erasure takes hold and rewrites a record after the policy was read."""
    past = live(world, 3)

    def refold() -> None:
        take_hold(world.store, SEGMENT, Change(1, ERASURE), settings(), turn(NOW))
        spoil(f"SEGMENT#{SEGMENT.name}", "VERSION#0000000003", transitions={"L": []})

    class Late(Watch):
        def snapshot(self, segment: Segment, version: int) -> Policy:
            if version == len(past):
                refold()
            return super().snapshot(segment, version)

    assert check(Late(world.store, UNITS), SEGMENT, settings(), LATER) is None


def test_a_check_for_which_no_units_are_left_is_not_finished(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world, 7)
    monkeypatch.setattr("rl_core.work.looking._FOR_WEIGHTS", UNITS - 28)
    monkeypatch.setattr("rl_core.work.looking._next", lambda *_: SEGMENT)
    its = looked(world.store).guard.replays[SEGMENT]
    assert its.result is Replayed.UNFINISHED
    run()
    assert "not finished: 1" in light(world.store, "replay").note


def test_a_run_that_is_repeated_keeps_the_same(world: World) -> None:
    live(world, 6)
    run()
    before = kept(world.store)
    run()
    assert replace(kept(world.store), revision=before.revision) == before


def test_since_stays_while_the_colour_does(world: World) -> None:
    world.due("ana", NOW - timedelta(minutes=10))
    for n in range(3):
        run(NOW + n * timedelta(minutes=1))
    its = kept(world.store).lights["waiting"]
    assert (its.colour, its.since, its.at) == (Colour.YELLOW, NOW, NOW + timedelta(minutes=2))
    learn.run(world.store, NOW, always)
    run()
    assert (kept(world.store).lights["waiting"].colour, kept(world.store).lights["waiting"].since) == (
        Colour.GREEN,
        LATER,
    )


def test_an_open_session_that_expired_waits_too_and_one_that_did_not_waits_for_nothing(world: World) -> None:
    expires = world.issue("ana").expires_at
    assert light(world.store, "waiting", expires).value == 0
    assert light(world.store, "waiting", expires + 2 * HOUR).value == 7200


def test_what_is_set_aside_is_counted(world: World) -> None:
    for user in ("ana", "ben"):
        world.due(user)
    for page in world.store.due(SEGMENT, LATER, 9, range(1)):
        for place in page:
            world.store.park(place, "a reason")
    its = light(world.store, "parked")
    assert (its.colour, its.value) == (Colour.YELLOW, 2)


def erasing(world: World, user: str, at: datetime, **its: Any) -> None:
    """The user asked to be erased at that moment."""
    world.issue(user)
    profile = world.store.profile(user)
    assert isinstance(profile, Profile)
    marker = Marker(user, profile.key, profile.created_at, at, profile.revision, asked_at=at)
    world.store.write(marker_write(replace(marker, **its), 1))


def test_an_erasure_that_was_put_off_waits_since_it_was_asked_for(world: World) -> None:
    erasing(world, "ana", NOW, due_at=LATER + 25 * HOUR, failures=5)
    its = light(world.store, "erasures", LATER + 24 * HOUR)
    assert (its.colour, its.value) == (Colour.RED, 25 * 3600)


def test_a_marker_of_an_earlier_form_waits_since_its_next_try_and_a_bare_one_not_at_all(world: World) -> None:
    erasing(world, "ana", NOW - HOUR, key=b"", created_at=None, asked_at=None)
    assert light(world.store, "erasures").value == 0
    erasing(world, "ben", NOW, asked_at=None)
    assert light(world.store, "erasures").value == 3600


def test_one_person_who_teaches_more_than_a_quarter_is_red_and_excluded_green(world: World) -> None:
    live(world, 10)
    spoil(f"SEGMENT#{SEGMENT.name}", "VERSION#0000000010", **_taught_by(world, 1, times=6))
    its = light(world.store, "weight")
    assert (its.colour, its.segments, its.value) == (Colour.RED, (SEGMENT,), 7 / 15)
    person = next(world.store.records(SEGMENT, 0, 1)).transitions[0].key[:8]
    assert light(world.store, "weight").colour is Colour.RED
    exclude(world.store, SEGMENT, person, "a program", turn(NOW))
    assert light(world.store, "weight").value == pytest.approx(1 / 8)


def _taught_by(world: World, version: int, times: int) -> Any:
    """The attribute of a record in which the person who taught that version taught so often."""
    key = {"pk": {"S": f"SEGMENT#{SEGMENT.name}"}, "sk": {"S": f"VERSION#{version:010d}"}}
    item = world.store.client.get_item(TableName=world.store.name, Key=key)["Item"]
    return {"transitions": {"L": item["transitions"]["L"] * times}}


def test_without_a_table_the_run_fails_and_says_nothing(world: World) -> None:
    class Down:
        def __getattr__(self, _: str) -> Any:
            raise UnavailableError

    with pytest.raises(UnavailableError):
        looked(Store(world.store.name, Down()))  # type: ignore[arg-type]


def test_two_runs_at_once_keep_what_one_of_them_saw(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    other = looked(world.store, LATER + HOUR).guard
    late = Meanwhile(world.store.client, "put_item", lambda: Watch(world.store, UNITS).save_guard(other))
    monkeypatch.setattr(handler, "open_store", lambda: Store(world.store.name, late))  # type: ignore[arg-type]
    assert run(LATER + HOUR)["red"] == []
    assert kept(world.store).revision == other.revision + 1


def test_the_guard_names_no_person(world: World) -> None:
    live(world, 6)
    until_checked()
    item = world.store.get("GUARD", "STATE")
    people = {t.key[:8] for record in world.store.records(SEGMENT) for t in record.transitions}
    assert len(people) == 6
    assert not [person for person in people if person in str(item).encode() or person.hex() in str(item)]


def test_check_says_what_the_guard_sees_and_writes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world, 6)
    world.due("ana", NOW - timedelta(minutes=10))
    run(NOW)
    with counted(world.store.client) as calls:
        assert main([*TABLE, "check", "--now", NOW.isoformat()]) == 1
    assert set(calls) <= {"GetItem", "Query", "due"}
    said = capsys.readouterr().out
    assert "YELLOW waiting    10 min      yellow > 5 min, red > 15 min" in said
    assert f"since {NOW.isoformat()}, as of {NOW.isoformat()}" in said
    assert "python -m operate mend <segment>" in said


def test_check_has_a_code_for_each_colour_and_another_one_for_its_own_failures(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = looked(world.store)

    def seen(*colours: Colour) -> int:
        lights = [replace(its, colour=c) for its, c in zip(found.lights, [*colours] * 9, strict=False)]
        monkeypatch.setattr("operate.check.look", lambda *_: Look(tuple(lights), found.guard))
        return main([*TABLE, "check"])

    green, yellow, red, grey = Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.GREY
    assert [seen(green), seen(green, yellow), seen(grey, red), seen(green, grey)] == [0, 1, 2, 3]
    monkeypatch.setattr("operate.check.look", lambda *_: (_ for _ in ()).throw(UnavailableError()))
    assert main([*TABLE, "check"]) == 4
    with pytest.raises(SystemExit) as wrong:
        main([*TABLE, "check", "--nonsense"])
    assert wrong.value.code == 4
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("units", [5.0, 10.0, 20.0, 30.0, 40.0])
def test_a_watch_never_reads_more_than_its_budget_and_what_it_did_not_reach_is_not_green(
    world: World, units: float
) -> None:
    live(world, 9)
    watch = Watch(world.store, units)
    seen = look(watch, settings(), LATER)
    assert watch.budget.left >= 0
    assert len(seen.lights) == 9
    assert all(its.colour is not Colour.GREEN for its in seen.lights if its.value is None)
