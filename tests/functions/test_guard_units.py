"""What one run of the guard reads where there is most to read: at most 200 read units, and everything is judged."""

from datetime import timedelta

import pytest

from lab.bench.full import PERSONS, VERSIONS, fill, past, put
from local.units import Units
from rl_core.config import settings
from rl_core.days import Replayed
from rl_core.models import Segment
from rl_core.store import Store, Watch
from rl_core.work import UNITS
from tests.conftest import ROOT
from tests.functions.conftest import NOW, World
from tests.functions.invoked import FUNCTIONS

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


def guard(store: Store) -> float:
    """The read units of a run, as DynamoDB would bill them."""
    event = {"time": LATER.isoformat()}
    FUNCTIONS.invoke("Guard", event)  # from a function's first call on, units are billed by DynamoDB's rule
    units = Units(store.client)
    FUNCTIONS.invoke("Guard", event)
    return units.take()[0]


def test_nine_segments_with_full_trend_and_200_lessons_each_are_read_within_the_units(world: World) -> None:
    for n in range(20):
        world.issue(f"u{n}")
    fill(world.store, settings(), NOW.date() - timedelta(days=4))
    assert 120 < guard(world.store) <= UNITS
    kept = Watch(world.store, UNITS).guard()
    assert {its.at for its in kept.weights.values()} == {LATER}
    assert len(kept.weights) == 9
    assert {its.share for its in kept.weights.values()} == {5 / VERSIONS}
    assert {its.result for its in kept.replays.values()} == {Replayed.EQUAL}
    assert not [name for name, its in kept.lights.items() if its.value is None and name != "replay"]


def test_where_the_job_learned_in_batches_a_run_stays_within_the_units_and_says_what_it_did_not_finish(
    world: World,
) -> None:
    put(world.store, past(Segment.LOW_LOW, settings(), 90))
    assert guard(world.store) <= UNITS
    kept = Watch(world.store, UNITS).guard()
    assert kept.replays[Segment.LOW_LOW].result is Replayed.UNFINISHED
    assert kept.weights[Segment.LOW_LOW].share == pytest.approx(1 / PERSONS, rel=0.2)


def test_where_nothing_happened_a_run_reads_what_the_bill_says(store: Store) -> None:
    bill = (ROOT / "docs" / "deploy.md").read_text()
    assert f"| guard: {guard(store):.0f} units and " in bill
