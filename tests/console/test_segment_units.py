"""The screen Segment where there is most to read: each of its tabs within 40 read units, and what that leaves out."""

from collections.abc import Callable
from functools import cache

import pytest

from lab.bench.full import VERSIONS, past, put, trend
from local.units import Units, bill
from operate.console.reading import SPENT
from rl_core.config import settings
from rl_core.models import Act
from rl_core.store import DayTable, Store, Watermark, act_write
from rl_core.store.fields import Item
from tests.console.conftest import Opened, words
from tests.console.filled import FINAL
from tests.console.test_segment import NAME, column
from tests.functions.conftest import NOW, SEGMENT, World

TABS = ("By day", "Q-table", "Versions", "Persons")
Full = Callable[[int], Units]


@cache
def lived(batch: int) -> list[Item]:
    """The segment's versions of so many sessions."""
    return list(past(SEGMENT, settings(), batch))


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


@pytest.fixture
def full(world: World) -> Full:
    """Fills the segment: TREND of 120 days, 199 versions of so many sessions, a hundred acts with long reasons."""

    def fill(batch: int) -> Units:
        put(world.store, [*lived(batch), trend(SEGMENT, FINAL)])
        DayTable(world.store.name, world.store.client).save_watermark(Watermark(FINAL, 0))
        for n in range(100):
            world.store.write(
                act_write(Act(f"{n:08d}", NOW, "w" * 90, "exclude", SEGMENT, "b" * 90, "a" * 90, "é" * 500))
            )
        bill(world.store.client)
        return Units(world.store.client)

    return fill


@pytest.mark.parametrize("batch", [1, 2, 5, 90])
def test_every_tab_of_a_full_segment_is_read_within_the_units(opened: Opened, full: Full, batch: int) -> None:
    units = full(batch)
    for tab in TABS:
        said = words(opened("Segment", segment=NAME, tab=tab))
        taken, _ = units.take()
        assert 5 < taken <= 40
        assert f"with {taken:g} of 40 read units" in said
        assert "sessions learned are of one person" in said


def test_versions_of_90_sessions_each_fill_less_than_a_page_and_the_rest_is_one_link_away(
    opened: Opened, full: Full
) -> None:
    full(90)
    console = opened("Segment", segment=NAME, tab="Versions")
    first = column(console, "Version")
    assert SPENT in words(console)
    assert 5 < len(first) < 20
    assert first == list(range(VERSIONS, VERSIONS - len(first), -1))
    then = column(opened("Segment", segment=NAME, tab="Versions", before=str(first[-1])), "Version")
    assert then[0] == first[-1] - 1


def test_a_full_segment_shows_all_of_its_days(opened: Opened, full: Full) -> None:
    full(90)
    console = opened("Segment", segment=NAME)
    assert len(column(console, "Days")) == 120
    assert "20 of the latest 20 acts of operators were on this segment." in words(console)
