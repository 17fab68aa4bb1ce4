"""The tabs of the screen Segment: days, Q-table, versions, persons."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rl_core.models import Segment
from tests.acting import exclude, roll_back
from tests.console.conftest import Opened, words
from tests.console.filled import FINAL, LIAR, ONE, days, put_days, row, teach
from tests.console.test_segment import NAME, alts, column, offered, tables
from tests.forms.golden import load
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.test_learning_job import spoil, spoil_policy

__all__ = ["offered"]

# By day.


def test_the_learning_curve_says_in_words_what_it_shows_and_marks_acts(opened: Opened, world: World) -> None:
    teach(world.store, 3)
    roll_back(world.store, SEGMENT, 2)
    put_days(world.store, {SEGMENT: days(0.3, 0.5)})
    console = opened("Segment", segment=NAME)
    curve, draws = alts(console)
    assert "from 0.500 (2026-10-16) to 0.300 (2026-11-19)" in curve
    assert "rollback on 2026-11-23" in curve
    assert "10.0% and 25.0%" in draws
    assert column(console, "Mean reward")[0] == pytest.approx(0.3)
    assert "1 of the latest 20 acts of operators were on this segment." in words(console)


def test_acts_on_another_segment_are_not_marked(opened: Opened, world: World) -> None:
    teach(world.store, 3, segment=Segment.LOW_LOW)
    roll_back(world.store, Segment.LOW_LOW, 2)
    put_days(world.store, {SEGMENT: days(0.3, 0.5)})
    assert "rollback" not in alts(opened("Segment", segment=NAME))[0]


def test_days_of_fewer_than_five_users_are_pooled_or_not_shown(opened: Opened, world: World) -> None:
    small = {FINAL - n * ONE: row(0.9, users=4) for n in range(14, 28)}
    put_days(world.store, {SEGMENT: days(0.5, 0.5) | small})
    console = opened("Segment", segment=NAME)
    assert "0.900" not in words(console) + alts(console)[0]
    assert not [mean for mean in column(console, "Mean reward") if mean > 0.89]
    assert [its for its in column(console, "Days") if " to " in its]
    put_days(world.store, {SEGMENT: days(0.9, 0.9, users=4)})
    said = words(opened("Segment", segment=NAME))
    assert "Fewer than five users were here on each day" in said
    assert "0.900" not in said


def test_a_mean_that_would_tell_of_a_small_day_beside_its_week_is_not_shown(opened: Opened, world: World) -> None:
    """The latest seven days begin on a Friday: beside the whole week they tell of the four days before."""
    assert (FINAL - 6 * ONE).weekday() == 4
    its = days(0.3, 0.5)
    put_days(world.store, {SEGMENT: its | {FINAL - 9 * ONE: row(0.9, users=4)}})
    said = words(opened("Segment", segment=NAME))
    assert "mean reward not shown (fewer than five users on a day) in the latest 7" in said
    assert "**-0.2" in said
    put_days(
        world.store, {SEGMENT: its | {FINAL - 2 * ONE: row(0.3, users=4)}}
    )  # a week that is wholly among the seven
    assert "mean reward 0.300 (95 %: 0.283 to 0.317, 140 sessions)" in words(opened("Segment", segment=NAME))


def test_a_mean_over_a_week_that_is_withheld_is_not_shown(opened: Opened, world: World) -> None:
    small = {FINAL - n * ONE: row(0.5, users=4) for n in range(11, 18)}  # Monday to Sunday
    put_days(world.store, {SEGMENT: days(0.3, 0.5) | small})
    said = words(opened("Segment", segment=NAME))
    assert "mean reward 0.300" in said
    assert "before, not shown (fewer than five users on a day)" in said


def test_trend_that_is_missing_or_of_a_newer_release_is_told(opened: Opened, world: World) -> None:
    assert "the daily job fills TREND" in words(opened("Segment", segment=NAME))
    put_days(world.store, {SEGMENT: days(0.3, 0.5)})
    spoil(f"SEGMENT#{NAME}", "TREND", form={"N": "99"})
    said = words(opened("Segment", segment=NAME))
    assert "perhaps because a newer release wrote it: a newer release wrote TREND." in said


# The Q-table.


def test_the_table_says_what_is_believed_of_each_state_and_action(opened: Opened, world: World) -> None:
    teach(world.store, 10, 20)
    console = opened("Segment", segment=NAME, tab="Q-table")
    assert len(column(console, "Q")) == 54
    assert sum(column(console, "Visits")) == 200
    assert min(column(console, "Uncertainty")) > 0
    assert alts(console)[0].count(";") == 9
    assert "**Wear " in words(console)
    assert "Learner: posterior/2." in words(console)


@pytest.mark.parametrize(
    ("kind", "form", "uncertain"), [("policy.2", "epsilon/1", False), ("policy.1", "posterior/1", True)]
)
def test_tables_of_older_forms_are_shown_as_far_as_they_go(
    opened: Opened, world: World, kind: str, form: str, uncertain: bool
) -> None:
    item = next(e["item"] for e in load(kind) if e["item"].get("learner") == {"S": form})
    world.store.call("put_item", Item=item)
    console = opened("Segment", segment=item["pk"]["S"].removeprefix("SEGMENT#"), tab="Q-table")
    assert sum(column(console, "Visits")) > 0
    assert (column(console, "Uncertainty")[0] is not None) == uncertain
    assert "knows neither wear nor persons" in words(console)


# Versions.


def test_versions_are_paged_newest_first(opened: Opened, world: World) -> None:
    teach(world.store, 45)
    console = opened("Segment", segment=NAME, tab="Versions")
    assert column(console, "Version") == list(range(45, 25, -1))
    older = turned(console, "Older versions")
    assert column(older, "Version") == list(range(25, 5, -1))
    assert older.query_params["before"] == "26"
    last = turned(older, "Older versions")
    assert column(last, "Version") == [5, 4, 3, 2, 1]
    assert [its.label for its in last.button] == ["Newest versions"]
    assert column(turned(last, "Newest versions"), "Version")[0] == 45
    assert column(opened("Segment", segment=NAME, tab="Versions", before="26"), "Version")[0] == 25


def turned(console: AppTest, label: str) -> AppTest:
    """The console after a button was pressed."""
    return next(its for its in console.button if its.label == label).click().run()


def test_a_version_says_what_it_did(opened: Opened, world: World) -> None:
    teach(world.store, 3, 5, lies=5)
    roll_back(world.store, SEGMENT, 2, "it took a wrong turn")
    exclude(world.store, SEGMENT, LIAR, "a program", turn(NOW))
    console = opened("Segment", segment=NAME, tab="Versions")
    said = dict(zip(column(console, "Version"), column(console, "What"), strict=True))
    assert said[1] == "learned 5 sessions"
    assert said[4] == "rolled back to version 2: it took a wrong turn"
    assert said[5] == "the exclusion of a person began; versions from 1 on are folded anew"
    assert said[6] == "a person was excluded; versions from 1 on are folded anew"
    assert column(console, "Mean reward")[-1] == pytest.approx(-1.0)


def test_a_rollback_is_offered_to_the_version_that_is_chosen_and_no_other(
    opened: Opened, world: World, offered: list[Any]
) -> None:
    teach(world.store, 3)
    console = opened("Segment", segment=NAME, tab="Versions")
    choice = console.selectbox(key=f"rollback-{NAME}")
    assert [its.split(":")[0] for its in choice.options] == ["version 2", "version 1"]
    assert offered == [("show_progress", SEGMENT)]
    choice.select(2).run()
    assert offered[-1] == ("offer_rollback", SEGMENT, 2)


def test_the_version_that_was_chosen_stays_while_learning_goes_on(
    opened: Opened, world: World, offered: list[Any]
) -> None:
    teach(world.store, 25)
    console = opened("Segment", segment=NAME, tab="Versions")
    console.selectbox(key=f"rollback-{NAME}").select(6).run()
    teach(world.store, 9)
    console.run()
    assert column(console, "Version")[-1] == 15
    assert offered[-1] == ("offer_rollback", SEGMENT, 6)


def test_a_record_that_cannot_be_read_ends_the_page_and_says_so(opened: Opened, world: World) -> None:
    teach(world.store, 5)
    spoil(f"SEGMENT#{NAME}", "VERSION#0000000003", transitions={"S": "nonsense"})
    console = opened("Segment", segment=NAME, tab="Versions")
    assert column(console, "Version") == [5, 4]
    assert "An item cannot be read" in words(console)


# Persons.


def test_persons_are_listed_by_weight_beside_the_others(opened: Opened, world: World) -> None:
    teach(world.store, 10, 20, lies=8)
    console = opened("Segment", segment=NAME, tab="Persons")
    assert column(console, "Person")[0] == LIAR.hex()
    assert column(console, "Share")[0] == "40.0%"
    assert column(console, "Mean reward")[0] == -1
    assert column(console, "Others' mean")[0] > 0


def test_who_weighs_too_much_is_chosen_at_once_with_what_they_taught_and_the_form(
    opened: Opened, world: World, offered: list[Any]
) -> None:
    teach(world.store, 10, 20, lies=8)
    console = opened("Segment", segment=NAME, why="weight")
    assert offered[-1] == ("offer_exclusion", SEGMENT, LIAR)
    assert sum(column(console, "Others' sessions")) <= 120
    assert len(column(console, "Reward")) == 80
    assert {name for its in tables(console) for name in its if "time" in name.lower() or name == "at"} == set()


def test_nobody_is_chosen_while_nobody_weighs_too_much(opened: Opened, world: World, offered: list[Any]) -> None:
    teach(world.store, 10, 20)
    console = opened("Segment", segment=NAME, tab="Persons")
    assert offered == [("show_progress", SEGMENT)]
    person = column(console, "Person")[3]
    console.selectbox(key=f"person-{NAME}").select(person).run()
    assert offered[-1] == ("offer_exclusion", SEGMENT, bytes.fromhex(person))


def test_who_is_excluded_comes_last_and_counts_in_no_share(opened: Opened, world: World, offered: list[Any]) -> None:
    teach(world.store, 10, 20, lies=8)
    exclude(world.store, SEGMENT, LIAR, "a program", turn(NOW))
    console = opened("Segment", segment=NAME, tab="Persons")
    assert (column(console, "Person")[-1], column(console, "Share")[-1]) == (LIAR.hex(), "excluded")
    assert sum(float(its.rstrip("%")) for its in column(console, "Share")[:-1]) == pytest.approx(100, abs=1)
    assert "green] **weight:**" in words(console)


@pytest.mark.parametrize(
    ("typed", "said"), [("nobody", "16 hexadecimal digits"), ("00" * 7 + "ff", "taught none of the latest 2 sessions")]
)
def test_a_person_may_be_typed(opened: Opened, world: World, typed: str, said: str) -> None:
    teach(world.store, 2)
    console = opened("Segment", segment=NAME)
    console.session_state["tab"], console.session_state[f"person-{NAME}"] = "Persons", typed
    assert said in words(console.run())


# The forms.


def test_the_forms_stand_beside_what_they_change(opened: Opened, world: World) -> None:
    teach(world.store, 10, 20, lies=8)
    said = words(opened("Segment", segment=NAME, why="weight"))
    assert f"**Exclude: person {LIAR.hex()}**" in said
    console = opened("Segment", segment=NAME, why="replay")
    console.selectbox(key=f"rollback-{NAME}").select(9).run()
    assert "**Roll back to version 9**" in words(console)
    spoil_policy()
    assert "Mend" in words(opened("Segment", segment=NAME))
