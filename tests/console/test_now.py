"""The screen Now: the lights, the worst first; what is wrong, since when, where, what to do; never green by default."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lab.bench.full import fill, trend
from local.units import bill
from operate.console.reading import UNREACHABLE
from rl_core.config import settings
from rl_core.days import RULES, Colour, Guard, Replay, Replayed, Standing, Weight
from rl_core.models import Segment
from rl_core.store import DayTable, Store, Watch, Watermark
from rl_core.store.items import parked_write
from tests.conftest import TEMPLATE
from tests.console.conftest import Opened, words
from tests.console.tables import Down, Refusing
from tests.functions.conftest import NOW, SEGMENT, World
from tests.functions.test_learning_job import OF_A_LATER_RELEASE, spoil_policy
from tests.functions.test_versions import live

FINAL = NOW.date() - timedelta(days=4)
HOUR = timedelta(hours=1)
GREEN = {rule.name: Standing(Colour.GREEN, 0.0, NOW - 9 * HOUR, NOW) for rule in RULES}


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


def keep(store: Store, guard: Guard) -> None:
    """What the guard saw last, in place of what it kept."""
    watch = Watch(store, 40)
    watch.save_guard(replace(guard, revision=watch.guard().revision))


def well(world: World) -> Guard:
    """A table of which every light is green; what the guard kept of it."""
    for segment in Segment:
        world.store.client.put_item(TableName=world.store.name, Item=trend(segment, FINAL))
    DayTable(world.store.name, world.store.client).save_watermark(Watermark(FINAL, 0))
    guard = Guard(
        lights=GREEN,
        replays=dict.fromkeys(Segment, Replay(Replayed.EQUAL, 9, 1, NOW)),
        weights=dict.fromkeys(Segment, Weight(0.05, 9, NOW)),
    )
    keep(world.store, guard)
    return guard


def units(said: str) -> float:
    """How many read units the screen says that it took."""
    (found,) = re.findall(r"with ([0-9.]+) of 40 read units", said)
    return float(found)


def test_an_empty_table_has_lights_that_are_not_known_and_none_that_is_red(opened: Opened, world: World) -> None:
    said = words(opened("Now"))
    assert "Something is not known." in said
    assert "The guard has not run yet" in said
    assert "dangerous" not in said


def test_where_all_is_well_every_light_is_green_and_says_its_value(opened: Opened, world: World) -> None:
    well(world)
    said = words(opened("Now"))
    assert "All lights are green." in said
    assert said.count("check_circle") == 1 + len(RULES)
    assert "**weight** 5 %" in said
    assert "The guard" not in said


def test_a_yellow_light_says_since_when_and_what_to_do(opened: Opened, world: World) -> None:
    keep(world.store, replace(well(world), lights=GREEN | {"parked": Standing(Colour.YELLOW, 1, NOW - 2 * HOUR, NOW)}))
    world.store.write(parked_write(replace(world.due("ana"), parked="ValidationError"), 1))
    said = words(opened("Now"))
    assert "Something needs a look." in said
    assert "**parked: 1** (yellow > 0, red > 10)" in said
    assert "Yellow since 2026-11-23 07:01 UTC (2 hours)." in said
    assert "**What to do:** remove the cause that `parked` says" in said


def test_a_red_light_stands_first_and_leads_to_its_segment(opened: Opened, world: World) -> None:
    live(world, 2)
    guard = well(world)
    keep(world.store, replace(guard, weights={**guard.weights, SEGMENT: Weight(0.4, 9, NOW)}))
    world.store.write(parked_write(replace(world.due("ana"), parked="ValidationError"), 1))
    spoil_policy(**OF_A_LATER_RELEASE)
    console = opened("Now")
    said = words(console)
    assert "Something is wrong." in said
    assert said.index("replay: 1") < said.index("parked: 1") < said.index("**fallbacks**")
    links = [(its.proto.label, its.proto.query_string) for its in console.get("page_link")]
    assert (f"{SEGMENT.value}: 40 %", f"segment={SEGMENT.name}&why=weight") in links
    assert (SEGMENT.value, f"segment={SEGMENT.name}&why=replay") in links


def test_a_light_of_days_says_as_of_which_day_and_is_not_green_without_a_segment(opened: Opened, world: World) -> None:
    well(world)
    key = {"pk": {"S": f"SEGMENT#{SEGMENT.name}"}, "sk": {"S": "TREND"}}
    world.store.client.delete_item(TableName=TEMPLATE.table.name, Key=key)
    said = words(opened("Now"))
    assert "Something is not known." in said
    assert f"As of {FINAL}." in said
    assert "without 1 segments whose TREND is missing or cannot be read" in said


@pytest.mark.parametrize(
    ("client", "sentence"),
    [(Down(), UNREACHABLE), (Refusing(), "assumed-role/nobody/jo is not allowed to read this (dynamodb:GetItem)")],
    ids=["out of reach", "refused"],
)
def test_a_table_that_is_not_read_has_one_sentence_and_no_light(
    opened: Opened, world: World, client: Any, sentence: str
) -> None:
    well(world)
    world.store.client = client
    console = opened("Now")
    assert sentence in console.error[0].value
    assert not [word for word in ("check_circle", "green", "Well") if word in words(console)]


def test_a_guard_that_has_not_run_for_hours_is_told_and_after_a_day_its_lights_are_grey(
    opened: Opened, world: World
) -> None:
    well(world)
    said = words(opened("Now", at=NOW + 5 * HOUR))
    assert "ran last at 2026-11-23 09:01 UTC, 5 hours ago" in said
    assert "All lights are green." in said
    late = words(opened("Now", at=NOW + 30 * HOUR))
    assert "Something is not known." in late
    assert "**replay: unknown**" in late
    assert "**weight: unknown**" in late


def test_where_an_older_release_left_no_guard_what_it_keeps_is_grey_and_the_rest_is_judged(
    opened: Opened, world: World
) -> None:
    well(world)
    world.store.client.delete_item(TableName=TEMPLATE.table.name, Key={"pk": {"S": "GUARD"}, "sk": {"S": "STATE"}})
    said = words(opened("Now"))
    assert "The guard has not run yet" in said
    assert "**replay: unknown**" in said
    assert "**fallbacks** 0 %" in said


def test_a_guard_item_that_cannot_be_read_is_told_and_nothing_is_green(opened: Opened, world: World) -> None:
    well(world)
    item = {"pk": {"S": "GUARD"}, "sk": {"S": "STATE"}, "form": {"N": "1"}, "lights": {"S": "rubbish"}}
    world.store.client.put_item(TableName=TEMPLATE.table.name, Item=item)
    console = opened("Now")
    assert "An item cannot be read" in console.error[0].value
    assert "green" not in words(console)


@pytest.mark.parametrize("partitions", [1, 4, 16])
def test_nine_full_segments_are_seen_within_the_units(
    opened: Opened, world: World, partitions: int, setting: Callable[[str, str], None]
) -> None:
    setting("INDEX_SHARDS", str(partitions))
    bill(world.store.client)
    fill(world.store, settings(), FINAL)
    keep(world.store, Guard(lights=GREEN, weights=dict.fromkeys(Segment, Weight(0.3, 9, NOW))))
    said = words(opened("Now"))
    assert 15 < units(said) <= 40
    assert "index could not be read" not in said
    assert ("as the guard saw it at" in said) == (partitions == 16)


def test_check_now_replays_a_segment_with_more_units(opened: Opened, world: World) -> None:
    live(world, 2)
    console = opened("Now").button[0].click().run()
    assert "of 200 read units" in words(console)
    assert "1 of 9 segments are equal" in words(console)
