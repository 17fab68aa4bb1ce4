"""The screen Segments: nine cards, the worst named first, and "not known" where nothing is."""

from datetime import timedelta
from typing import Any

import pytest

from lab.bench.full import fill
from local.units import Units, bill
from rl_core.config import settings
from rl_core.days import Replay, Replayed, Weight
from rl_core.models import Segment
from rl_core.store import Store
from tests.console.conftest import Opened, words
from tests.console.filled import (
    EQUAL,
    FINAL,
    days,
    links,
    put_days,
    put_guard,
    teach,
)
from tests.console.tables import Down, Refusing
from tests.forms.golden import load
from tests.functions.conftest import NOW, SEGMENT, World
from tests.functions.test_learning_job import spoil, spoil_policy

OTHER = Segment.LOW_LOW


def test_of_an_empty_table_nothing_is_known_and_nothing_is_said_to_be_well(opened: Opened, world: World) -> None:
    said = words(opened("Segments"))
    assert "No segment is known to have got worse. Of 9 segments it is not known." in said
    assert said.count("Mean reward: not known") == said.count("Favourite: not known") == 9
    assert "green" not in said


def test_the_segments_that_got_worse_are_named_first_the_greatest_loss_before_the_others(
    opened: Opened, world: World
) -> None:
    put_days(world.store, {SEGMENT: days(0.3, 0.5), OTHER: days(0.4, 0.5), Segment.LOW_HIGH: days(0.6, 0.5)})
    console = opened("Segments")
    assert links(console)[:2] == [SEGMENT.value, OTHER.value]
    said = words(console)
    assert "2 segments need a look." in said
    assert said.index("mean reward -0.200") < said.index("mean reward -0.100")
    assert "Mean reward **0.600** (95 %: 0.583 to 0.617), **+0.100**" in said


def test_each_card_has_what_was_learned_and_the_favourite(opened: Opened, world: World) -> None:
    teach(world.store, 12, 3)
    said = words(opened("Segments"))
    assert "Sessions learned: **36**" in said
    assert said.count("% of the plans") == 1


def test_a_link_leads_to_each_segment(opened: Opened, world: World) -> None:
    found = [its.proto.query_string for its in opened("Segments").get("page_link")]
    assert found == [f"segment={segment.name}" for segment in Segment]


def test_a_policy_that_cannot_be_read_is_red_and_the_others_are_shown(opened: Opened, world: World) -> None:
    teach(world.store, 3)
    spoil_policy()
    said = words(opened("Segments"))
    assert said.count("The policy cannot be read: mend it.") == 1
    assert "Sessions learned: not known" in said
    assert said.count("Sessions learned: **0**") == 8


@pytest.mark.parametrize("kind", ["policy.1", "policy.2", "policy.2.posterior-2"])
def test_policies_of_older_forms_have_a_favourite(opened: Opened, world: World, kind: str) -> None:
    for entry in load(kind):
        if entry["item"].get("learner", {}).get("S"):
            world.store.call("put_item", Item=entry["item"])
    assert "of the plans" in words(opened("Segments"))


def test_of_fewer_than_five_users_no_mean_is_shown(opened: Opened, world: World) -> None:
    put_days(world.store, {SEGMENT: days(0.3, 0.5, users=4)})
    said = words(opened("Segments"))
    assert "Mean reward: not shown (fewer than five users on a day), change not known" in said
    assert "0.300" not in said


def test_without_trend_or_with_that_of_a_newer_release_the_mean_is_not_known(opened: Opened, world: World) -> None:
    put_days(world.store, {SEGMENT: days(0.3, 0.5), OTHER: days(0.3, 0.5)})
    spoil(f"SEGMENT#{SEGMENT.name}", "TREND", form={"N": "99"})
    key = {"pk": {"S": f"SEGMENT#{OTHER.name}"}, "sk": {"S": "TREND"}}
    world.store.client.delete_item(TableName=world.store.name, Key=key)
    said = words(opened("Segments"))
    assert said.count("Mean reward: not known") == 2
    assert "Of 9 segments it is not known." in said


def test_days_that_are_too_old_say_nothing(opened: Opened, world: World) -> None:
    put_days(world.store, {SEGMENT: days(0.3, 0.5)})
    assert "mean reward -0.200" not in words(opened("Segments", at=NOW + timedelta(days=9)))


def test_what_the_guard_saw_is_told_on_the_card(opened: Opened, world: World) -> None:
    put_guard(
        world.store,
        {SEGMENT: Replay(Replayed.DIFFERS, 7, 0, NOW), OTHER: EQUAL},
        {OTHER: Weight(0.3, 9, NOW), Segment.LOW_HIGH: Weight(0.9, 4, NOW)},
    )
    said = words(opened("Segments"))
    assert "The guard found that version 7 is not its replay." in said
    assert "One person taught 30 % of the latest sessions." in said
    assert "90 %" not in said
    assert "2 segments need a look." in said


def test_a_weight_that_the_guard_saw_more_than_a_day_ago_is_not_told(opened: Opened, world: World) -> None:
    put_guard(world.store, {}, {OTHER: Weight(0.3, 9, NOW)})
    assert "One person" not in words(opened("Segments", at=NOW + timedelta(days=1)))


def test_without_what_the_guard_keeps_the_cards_are_shown(opened: Opened, world: World) -> None:
    put_guard(world.store, {})
    spoil("GUARD", "STATE", lights={"S": "nonsense"})
    said = words(opened("Segments"))
    assert "What the guard keeps is not known" in said
    assert said.count("Sessions learned") == 9


@pytest.mark.parametrize(
    ("client", "said"), [(Down(), "The table is out of reach"), (Refusing(), "nobody/jo is not allowed to read this")]
)
def test_a_table_that_does_not_answer_shows_no_card(
    opened: Opened, world: World, monkeypatch: pytest.MonkeyPatch, client: Any, said: str
) -> None:
    monkeypatch.setattr(world.store, "client", client)
    console = opened("Segments")
    assert said in words(console)
    assert links(console) == []


class TestFull:
    """Nine segments with as much as there may ever be to read."""

    @pytest.fixture
    def store(self, store_apart: Store) -> Store:
        """A table whose client counts the units for these tests alone."""
        return store_apart

    def test_nine_full_segments_are_read_within_the_units(self, opened: Opened, world: World) -> None:
        fill(world.store, settings(), FINAL)
        bill(world.store.client)
        units = Units(world.store.client)
        console = opened("Segments")
        assert 10 < units.take()[0] <= 40
        assert words(console).count("% of the plans") == 9
