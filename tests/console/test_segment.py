"""The screen Segment: which one, did it get worse, and why; and a policy that cannot be read."""

from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from operate.console import acting
from rl_core.config import settings
from rl_core.days import Replay, Replayed
from rl_core.work import ERASURE, take_hold
from rl_core.work.refold import Change
from tests.acting import roll_back
from tests.console.conftest import Opened, words
from tests.console.filled import (
    EQUAL,
    LIAR,
    DownForPolicies,
    days,
    links,
    put_days,
    put_guard,
    teach,
)
from tests.console.tables import Down, Refusing
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.test_learning_job import spoil_policy

NAME = SEGMENT.name
ONE = timedelta(days=1)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What an operator is offered to do: the name of the form, and what it is about."""
    found: list[Any] = []
    for name in ("offer_rollback", "offer_exclusion"):
        monkeypatch.setattr(acting, name, lambda policy, its, name=name: found.append((name, policy.segment, its)))
    for name in ("offer_mending", "show_progress"):
        monkeypatch.setattr(acting, name, lambda segment, *_, name=name: found.append((name, segment)))
    return found


def tables(console: AppTest) -> list[Any]:
    return [its.value for its in console.dataframe]


def column(console: AppTest, name: str) -> list[Any]:
    """A column of the first table that has it."""
    return next(list(its[name]) for its in tables(console) if name in its)


def alts(console: AppTest) -> list[str]:
    """The texts of the charts."""
    return [its.proto.alt for its in console.get("vega_lite_chart")]


# Which segment.


def test_without_a_segment_it_asks_which_one_and_reads_nothing(opened: Opened, world: World) -> None:
    said = words(opened("Segment"))
    assert "Choose a segment." in said
    assert "read units" not in said


def test_a_segment_that_there_is_not_is_told(opened: Opened, world: World) -> None:
    assert "There is no segment 'HIGH_FLYING'." in words(opened("Segment", segment="HIGH_FLYING"))


def test_the_address_follows_the_choice_and_keeps_nothing_of_the_segment_before(opened: Opened, world: World) -> None:
    console = opened("Segment", segment=NAME, why="weight", before="7")
    console.selectbox(key="segment").set_value("LOW_LOW").run()
    assert console.query_params == {"segment": "LOW_LOW"}
    assert console.selectbox(key="segment").value == "LOW_LOW"


# Is it worse, and why.


def test_of_an_empty_segment_nothing_is_known_and_nothing_is_said_to_be_well(opened: Opened, world: World) -> None:
    said = words(opened("Segment", segment=NAME))
    assert "Nothing says that it got worse, but not all is known." in said
    assert "Nothing was learned yet." in said
    assert "No day is final yet" in said
    assert "the guard has not come to this segment yet" in said


def test_where_all_is_well_it_is_green(opened: Opened, world: World) -> None:
    teach(world.store, 10, 20)
    put_days(world.store, {SEGMENT: days(0.5, 0.5)})
    put_guard(world.store, {SEGMENT: EQUAL})
    said = words(opened("Segment", segment=NAME))
    assert ":green-badge[:material/check_circle: green] Nothing says that it got worse." in said
    assert "What to do" not in said


def test_a_segment_that_got_worse_by_one_persons_lies_says_so_and_who_it_is(opened: Opened, world: World) -> None:
    teach(world.store, 10, 20, lies=8)
    put_days(world.store, {SEGMENT: days(0.3, 0.5)})
    said = words(opened("Segment", segment=NAME))
    assert "It got worse, and one person taught much of what was learned lately." in said
    assert "**-0.200 against the 28 before**: mean reward 0.300 (95 %: 0.283 to 0.317, 140 sessions)" in said
    assert f"**40 %** of the latest 200 sessions learned are of one person, beside 24 others: `{LIAR.hex()}`" in said
    assert "**What to do (weight):** look who teaches so much" in said


def test_a_segment_that_got_worse_for_another_reason_says_that_these_are_none(opened: Opened, world: World) -> None:
    teach(world.store, 10, 20)
    put_days(world.store, {SEGMENT: days(0.3, 0.5)})
    said = words(opened("Segment", segment=NAME))
    assert "It got worse; neither one person's weight nor a changed policy says why." in said
    assert LIAR.hex() not in said


def test_a_loss_that_may_be_chance_is_not_called_worse(opened: Opened, world: World) -> None:
    put_days(world.store, {SEGMENT: days(0.499, 0.5)})
    assert "**-0.001 against the 28 before**, within what chance does" in words(opened("Segment", segment=NAME))


@pytest.mark.parametrize(
    ("result", "at", "said"),
    [
        (Replayed.DIFFERS, NOW, "red] **replay:** Version 9 is not its replay, bit for bit"),
        (Replayed.UNFINISHED, NOW, "not known] **replay:** Not known: the check was not finished"),
        (Replayed.EQUAL, NOW, "green] **replay:** Version 9 was its replay"),
        (Replayed.EQUAL, NOW - 2 * ONE, "not known] **replay:** Version 9 was its replay"),
    ],
)
def test_what_the_guard_saw_is_told_with_its_time(
    opened: Opened, world: World, result: Replayed, at: Any, said: str
) -> None:
    put_guard(world.store, {SEGMENT: Replay(result, 9, 3, at)})
    found = words(opened("Segment", segment=NAME))
    assert said in found
    assert f"{at:%Y-%m-%d %H:%M} UTC" in found


def test_the_latest_act_is_told_however_much_was_learned_since(opened: Opened, world: World) -> None:
    teach(world.store, 3)
    roll_back(world.store, SEGMENT, 2, "it took a wrong turn")
    teach(world.store, 12, 20)
    said = words(opened("Segment", segment=NAME))
    assert "Version 4, 12 versions ago: rolled back to version 2: it took a wrong turn." in said


def test_the_light_by_which_the_reader_came_opens_its_tab(opened: Opened, world: World) -> None:
    teach(world.store, 2)
    assert "Who taught the latest 2 sessions" in words(opened("Segment", segment=NAME, why="weight"))
    assert "Versions 1 to 2" in words(opened("Segment", segment=NAME, why="replay"))
    assert "Final days" not in words(opened("Segment", segment=NAME, why="weight"))


def test_the_progress_of_a_fold_is_shown_above_and_that_it_is_under_way(
    opened: Opened, world: World, offered: list[Any]
) -> None:
    teach(world.store, 3)
    take_hold(world.store, SEGMENT, Change(1, ERASURE), settings(), turn(NOW))
    said = words(opened("Segment", segment=NAME))
    assert "its past is being folded anew" in said
    assert "an erasure, or an unlearning, began" in said
    assert offered == [("show_progress", SEGMENT)]


# A policy that cannot be read.


def test_without_a_policy_it_is_red_is_offered_to_be_mended_and_the_rest_is_shown(
    opened: Opened, world: World, offered: list[Any]
) -> None:
    teach(world.store, 10, 20, lies=8)
    put_days(world.store, {SEGMENT: days(0.3, 0.5)})
    spoil_policy()
    console = opened("Segment", segment=NAME)
    assert "The policy cannot be read, so every plan here is drawn evenly" in words(console)
    assert "learner 'posterior/99', which this code does not have" in words(console)
    assert offered == [("show_progress", SEGMENT), ("offer_mending", SEGMENT)]
    assert "to 0.300" in alts(console)[0]
    persons = opened("Segment", segment=NAME, tab="Persons")
    assert column(persons, "Person")[0] == LIAR.hex()
    assert column(opened("Segment", segment=NAME, tab="Versions"), "Version")[0] == 10
    assert "its table is not known" in words(opened("Segment", segment=NAME, tab="Q-table"))
    assert {name for name, *_ in offered} == {"show_progress", "offer_mending"}


@pytest.mark.parametrize(
    ("client", "said"), [(Down(), "The table is out of reach"), (Refusing(), "nobody/jo is not allowed to read this")]
)
def test_a_table_that_does_not_answer_shows_no_figure_and_offers_no_mending(
    opened: Opened, world: World, offered: list[Any], monkeypatch: pytest.MonkeyPatch, client: Any, said: str
) -> None:
    monkeypatch.setattr(world.store, "client", client)
    found = words(opened("Segment", segment=NAME))
    assert said in found
    assert "Nothing says" not in found
    assert ("offer_mending", SEGMENT) not in offered


def test_a_policy_that_was_not_reached_is_not_taken_for_a_damaged_one(
    opened: Opened, world: World, offered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(world.store, 3)
    monkeypatch.setattr(world.store, "client", DownForPolicies(world.store.client))
    assert "The table is out of reach" in words(opened("Segment", segment=NAME))
    assert ("offer_mending", SEGMENT) not in offered
    assert links(opened("Segments")) == []
