"""A glance at the lights, within 40 read units: what is read anew, and what stands as the guard saw it last."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from lab.bench.full import fill
from local.units import bill
from rl_core.config import settings
from rl_core.days import Colour, Guard, Light, Replay, Replayed, SegmentDay, Standing, Weight
from rl_core.models import Segment
from rl_core.store import DayTable, Store, Watch
from rl_core.work import Look, glance
from tests.acting import exclude
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.test_guard import LATER, kept, looked, until_checked
from tests.functions.test_learning_job import OF_A_LATER_RELEASE, spoil, spoil_policy
from tests.functions.test_versions import live

UNITS = 40.0
HOUR = timedelta(hours=1)


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


def glanced(store: Store, at: datetime = LATER) -> Look:
    return glance(Watch(store, UNITS), settings(), at)


def light(seen: Look, name: str) -> Light:
    (found,) = [its for its in seen.lights if its.name == name]
    return found


def keep(store: Store, guard: Guard) -> None:
    """What the guard saw last, in place of what it kept."""
    Watch(store, UNITS).save_guard(replace(guard, revision=kept(store).revision))


def test_the_replays_of_before_stand(world: World) -> None:
    live(world, 3)
    last = until_checked()
    seen = glanced(world.store, last + HOUR)
    assert (light(seen, "replay").colour, seen.ran) == (Colour.GREEN, last)
    assert seen.guard.replays == kept(world.store).replays


def test_a_replay_that_was_wrong_stays_so_until_the_guard_has_checked_it_again(world: World) -> None:
    live(world, 3)
    keep(world.store, Guard(replays={SEGMENT: Replay(Replayed.DIFFERS, 3, 0, NOW)}))
    its = light(glanced(world.store), "replay")
    assert (its.colour, its.segments[0]) == (Colour.RED, SEGMENT)


def test_an_unreadable_policy_is_red_at_once_and_one_that_was_mended_is_so_no_longer(world: World) -> None:
    live(world, 3)
    last = until_checked()
    spoil_policy(**OF_A_LATER_RELEASE)
    its = light(glanced(world.store, last), "replay")
    assert (its.colour, its.segments) == (Colour.RED, (SEGMENT,))
    keep(world.store, Guard(replays={Segment.LOW_LOW: Replay(Replayed.UNREADABLE, 0, 0, NOW)}))
    assert light(glanced(world.store), "replay").segments[0] is SEGMENT
    assert Segment.LOW_LOW not in glanced(world.store).guard.replays


def test_a_weight_that_was_too_great_is_weighed_again_after_an_exclusion(world: World) -> None:
    live(world, 8)
    heavy = world.session("u0").person
    keep(world.store, Guard(weights={SEGMENT: Weight(0.5, 7, NOW)}))
    assert light(glanced(world.store), "weight").value == pytest.approx(1 / 8)
    exclude(world.store, SEGMENT, heavy, "a program", turn(NOW))
    assert light(glanced(world.store), "weight").value == pytest.approx(1 / 7)


def test_a_weight_that_was_not_too_great_stands(world: World) -> None:
    live(world, 8)
    keep(world.store, Guard(weights={SEGMENT: Weight(0.05, 7, NOW)}))
    assert light(glanced(world.store), "weight").value == 0.05


def test_it_writes_nothing(world: World) -> None:
    until_checked()
    before = world.store.get("GUARD", "STATE")
    glanced(world.store)
    assert world.store.get("GUARD", "STATE") == before


@pytest.mark.parametrize("partitions", [1, 4, 16])
def test_nine_full_segments_are_glanced_at_within_the_units(
    world: World, partitions: int, setting: Callable[[str, str], None]
) -> None:
    setting("INDEX_SHARDS", str(partitions))
    bill(world.store.client)
    fill(world.store, settings(), NOW.date() - timedelta(days=4))
    great = {segment: Weight(0.3, 9, NOW) for segment in Segment}
    keep(world.store, Guard({"waiting": Standing(Colour.GREEN, 60.0, NOW, NOW)}, weights=great))
    watch = Watch(world.store, UNITS)
    seen = glance(watch, settings(), LATER)
    assert 0 <= watch.budget.left < 20
    known = {its.name for its in seen.lights if its.value is not None}
    assert known == {"fallbacks", "tries", "entropy", "weight", "reward", "waiting", "parked", "erasures"}


def test_where_too_many_partitions_wait_the_guards_last_look_at_them_stands_for_two_hours(
    world: World, setting: Callable[[str, str], None]
) -> None:
    setting("INDEX_SHARDS", "16")
    bill(world.store.client)
    keep(world.store, Guard({"waiting": Standing(Colour.YELLOW, 600.0, NOW, NOW)}))
    its = light(glanced(world.store, NOW + 2 * HOUR), "waiting")
    assert (its.colour, its.value, its.as_of) == (Colour.YELLOW, 600.0, NOW)
    assert its.note == "as the guard saw it at 2026-11-23 09:01 UTC"
    late = light(glanced(world.store, NOW + 3 * HOUR), "waiting")
    assert (late.colour, late.value, late.note) == (Colour.GREY, None, "")


def test_where_few_partitions_wait_they_are_read_now(world: World) -> None:
    world.due("ana", NOW)
    keep(world.store, Guard({"waiting": Standing(Colour.RED, 9999.0, NOW, NOW)}))
    its = light(glanced(world.store), "waiting")
    assert (its.value, its.as_of, its.note) == (3600.0, LATER, "")


def test_each_segments_day_is_read_and_one_that_cannot_be_is_told_apart_from_none(world: World) -> None:
    table, day = DayTable(world.store.name, world.store.client), NOW.date()
    for segment in (SEGMENT, Segment.LOW_LOW):
        table.save_segment_day(segment, day, SegmentDay(7), 0)
    spoil("SEGMENT#LOW_LOW", f"DAY#{day}", users={"S": "seven"})
    watch = Watch(world.store, UNITS)
    assert watch.segments_on(day) == {Segment.LOW_LOW: None, SEGMENT: SegmentDay(7)}
    assert watch.budget.left < UNITS


def test_a_look_says_when_the_guard_ran_last_and_none_before_its_first_run(world: World) -> None:
    assert (glanced(world.store).ran, looked(world.store).ran) == (None, None)
    last = until_checked()
    assert (glanced(world.store, last + HOUR).ran, looked(world.store, last + HOUR).ran) == (last, last)
