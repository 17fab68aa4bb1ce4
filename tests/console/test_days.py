"""The screen Days: daily figures by segment with n and interval, none of fewer than five users; GAD-7; as of when."""

from datetime import date, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lab.bench.full import trend
from local.units import bill
from operate.console.engagement import ALL, Figure, Line, lines, told
from operate.console.reading import UNREACHABLE
from operate.daily import anxiety
from operate.intervals import Estimate
from rl_core.days import KEPT, ActionSums, Course, DayRow, DrawSums, EntrySums, SegmentDay
from rl_core.models import MILLION, Segment
from rl_core.sessions import catalogue
from rl_core.store import DayTable, Store, Watermark
from rl_core.store.trends import trend_item
from tests.conftest import TEMPLATE
from tests.console.conftest import Opened, words
from tests.console.tables import Down
from tests.functions.conftest import NOW, World

FINAL = NOW.date() - timedelta(days=4)  # a Thursday
ONE = timedelta(days=1)
HIGH, LOW, OTHER = Segment.HIGH_LOW, Segment.LOW_LOW, Segment.MODERATE_HIGH


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


def row(users: int, reward: float = 0.5, rewarded: int | None = None) -> DayRow:
    """A day of so many users with a session each, half of them with this reward more, half with as much less."""
    n, r = users if rewarded is None else rewarded, round(reward * MILLION)
    return DayRow(users, users, users, n, n * r, n * (r * r + MILLION**2 // 100), 6 * users, 3 * users, DrawSums())


def days(*users: int, reward: float = 0.5) -> dict[date, DayRow]:
    """The latest days, the final one last."""
    return {FINAL - n * ONE: row(its, reward) for n, its in enumerate(reversed(users)) if its}


def put(world: World, its: dict[Segment, dict[date, DayRow]]) -> None:
    """TREND of all segments, and the last final day."""
    for segment in Segment:
        item = trend_item(segment, Course(FINAL, its.get(segment, {})))
        world.store.client.put_item(TableName=world.store.name, Item=item)
    of_days(world).save_watermark(Watermark(FINAL, 0))


def of_days(world: World) -> DayTable:
    return DayTable(world.store.name, world.store.client)


def table(console: AppTest, place: int = 0) -> dict[str, dict[str, Any]]:
    """One of the screen's tables: rows by name."""
    found = console.dataframe[place].value.to_dict("records")
    return {its.get("", its.get("Name")): its for its in found}


def line(name: str, courses: dict[Segment, dict[date, DayRow]], figure: Figure = Figure.SESSIONS, n: int = 7) -> Line:
    found = lines({s: Course(FINAL, its) for s, its in courses.items()}, FINAL, n, figure)
    return next(its for its in found if its.name == name)


# What is shown.


def test_the_mean_reward_by_segment_has_n_and_an_interval(opened: Opened, world: World) -> None:
    put(world, {HIGH: days(9, 9, 9), LOW: days(6, 6, reward=0.3)})
    console = opened("Days")
    found = table(console)
    assert (found[HIGH.value]["Figure"], found[HIGH.value]["n"]) == (pytest.approx(0.5), 27)
    assert found[HIGH.value]["Low"] < 0.5 < found[HIGH.value]["High"]
    assert (found[ALL]["Figure"], found[ALL]["n"]) == (pytest.approx((27 * 0.5 + 12 * 0.3) / 39), 39)
    assert f"As of the last final day, **{FINAL}**." in words(console)


def test_the_charts_say_in_words_what_they_show(opened: Opened, world: World) -> None:
    put(world, {HIGH: days(9, 9)})
    by_segment, by_day = (its.proto.alt for its in opened("Days", segment="HIGH_LOW").get("vega_lite_chart"))
    assert f"{HIGH.value} +0.500 (+0.449 to +0.551), n=18" in by_segment
    assert f"{LOW.value} none" in by_segment
    assert f"Mean reward of {HIGH.value}: {FINAL - ONE} +0.500" in by_day


def test_the_address_says_how_many_days_which_figure_and_which_segment(opened: Opened, world: World) -> None:
    put(world, {HIGH: days(*(9,) * 20)})
    console = opened("Days", days="7", figure="Sessions a day", segment="HIGH_LOW")
    assert "By segment, over 7 days" in words(console)
    assert f"{HIGH.value}, day by day" in words(console)
    assert (table(console)[HIGH.value]["Figure"], table(console)[HIGH.value]["n"]) == (9, 63)
    assert len(table(console, 1)) == 7


def test_what_is_chosen_goes_into_the_address(opened: Opened, world: World) -> None:
    put(world, {HIGH: days(*(9,) * 20)})
    console = opened("Days")
    console.selectbox[0].set_value("HIGH_LOW").run()
    assert console.query_params["segment"] == "HIGH_LOW"
    assert f"{HIGH.value}, day by day" in words(console)


def test_an_address_of_no_sense_shows_the_usual(opened: Opened, world: World) -> None:
    put(world, {HIGH: days(9)})
    said = words(opened("Days", days="13", figure="nonsense", segment="nonsense"))
    assert "By segment, over 30 days" in said
    assert "All segments, day by day" in said


def test_a_week_with_a_small_day_is_one_row_and_one_of_small_days_is_withheld(opened: Opened, world: World) -> None:
    put(world, {HIGH: days(3, 9, 9), LOW: days(4, 4)})
    console = opened("Days", figure="Sessions a day", segment="HIGH_LOW")
    monday = FINAL - FINAL.weekday() * ONE
    assert list(table(console, 1)) == [f"week from {monday}"]
    assert table(console)[LOW.value]["Withheld"] == "1 week"
    assert table(console)[ALL]["n"] == 21


def test_gad7_is_that_of_the_command_line(opened: Opened, world: World) -> None:
    put(world, {})
    parts = {HIGH: [-6, -2, -4, 0, -3], LOW: [-1] * 4, OTHER: [0] * 6}
    wholes = {
        s: SegmentDay(9, assessed=len(c), gad7_change=sum(c), gad7_change_squares=sum(x * x for x in c))
        for s, c in parts.items()
    }
    for segment, whole in wholes.items():
        of_days(world).save_segment_day(segment, FINAL, whole, 0)
    found = {name: its["Figure"] for name, its in table(opened("Days"), 0).items()}
    expected = anxiety({segment: wholes[segment] for segment in Segment if segment in wholes})
    assert expected.keys() == found.keys()
    assert [name for name, its in expected.items() if its is None] == [LOW.value, HIGH.value]
    assert {name: its.value for name, its in expected.items() if its} == {k: v for k, v in found.items() if v == v}


def test_full_trend_and_the_largest_days_are_read_within_the_units(opened: Opened, world: World) -> None:
    bill(world.store.client)
    n = 500_000
    entries = {its.code: EntrySums(n, n, n, 3 * n, 9 * n, n) for its in catalogue().entries}
    sums = ActionSums(n, 7 * n, 5 * n, 49 * n, 25 * n, 35 * n, n, n * MILLION // 2, n * MILLION**2 // 2, n)
    whole = SegmentDay(n, n, (n,) * 6, (sums,) * 6, entries, n, n, 5 * n, 25 * n)
    for segment in Segment:
        world.store.client.put_item(TableName=world.store.name, Item=trend(segment, FINAL))
        of_days(world).save_segment_day(segment, FINAL, whole, 0)
    of_days(world).save_watermark(Watermark(FINAL, 0))
    console = opened("Days", days=str(KEPT))
    assert "with 19 of 40 read units" in words(console)
    assert table(console)[ALL]["n"] > 9 * 114 * n
    assert table(console, 2)["all segments"]["n"] == 9 * n


# What is in the way.


def test_before_the_first_final_day_it_says_so(opened: Opened, world: World) -> None:
    console = opened("Days")
    assert "No day is final yet." in words(console)
    assert not console.dataframe


def test_trend_that_is_missing_late_or_of_a_newer_release_has_a_sentence_each(opened: Opened, world: World) -> None:
    put(world, {OTHER: days(9)})
    newer = trend_item(LOW, Course(FINAL, {})) | {"form": {"N": "9"}}
    world.store.client.put_item(TableName=TEMPLATE.table.name, Item=newer)
    key = {"pk": {"S": f"SEGMENT#{HIGH.name}"}, "sk": {"S": "TREND"}}
    world.store.client.delete_item(TableName=TEMPLATE.table.name, Key=key)
    late = trend_item(Segment.LOW_HIGH, Course(FINAL - ONE, {}))
    world.store.client.put_item(TableName=TEMPLATE.table.name, Item=late)
    console = opened("Days")
    assert [its.value.partition(":")[0] for its in console.warning] == [
        HIGH.value,
        LOW.value,
        Segment.LOW_HIGH.value,
    ]
    assert "the daily job writes TREND on its next run" in words(console)
    assert "a newer release wrote it" in words(console)
    assert table(console)[OTHER.value]["n"] == 9


def test_a_table_out_of_reach_shows_no_figure(opened: Opened, world: World) -> None:
    put(world, {HIGH: days(9)})
    world.store.client = Down()
    console = opened("Days")
    assert console.error[0].value == UNREACHABLE
    assert not console.dataframe


def test_a_segment_that_may_not_be_shown_is_told_as_withheld(opened: Opened, world: World) -> None:
    put(world, {HIGH: days(2)})
    said = words(opened("Days"))
    assert "Nothing that may be shown happened in this time." in said
    assert "None of them has two." in said


# What decides it.


def test_the_sum_of_all_tells_nothing_of_what_is_withheld() -> None:
    courses = {HIGH: days(9, 9), LOW: days(4, 4), OTHER: days(3, 9)}
    assert line(LOW.value, courses).whole is None
    shown = [line(its.value, courses).whole for its in (HIGH, OTHER)]
    whole = line(ALL, courses).whole
    assert whole
    assert whole.n == sum(its.n for its in shown if its) == 30


def test_a_figure_of_fewer_than_five_observations_is_withheld_and_in_no_sum() -> None:
    courses = {HIGH: {FINAL - ONE: row(9), FINAL: row(9, rewarded=3)}}
    its = line(HIGH.value, courses, Figure.REWARD)
    assert [day.estimate and day.estimate.n for day in its.days] == [9, None]
    assert (its.whole and its.whole.n, its.withheld) == (9, 1)
    whole = line(ALL, courses, Figure.REWARD).whole
    assert whole
    assert whole.n == 9


def test_counts_are_told_by_the_day_and_have_no_interval() -> None:
    its = line(HIGH.value, {HIGH: days(3, 9, 9)}, Figure.USERS)
    (week,) = its.days
    assert week.is_week
    assert week.estimate
    assert (week.estimate.n, week.estimate.value) == (21, 21 / 4)  # Monday to Thursday, the final day
    assert told(week.estimate) == "5.25, n=21"


def test_the_completed_share_takes_a_session_for_one_trial() -> None:
    its = line(HIGH.value, {HIGH: days(9)}, Figure.COMPLETED).whole
    assert its
    assert (its.n, its.value) == (54, 0.5)
    assert [its.low, its.high] == pytest.approx([0.2265, 0.7735], abs=1e-4)  # Wilson's of 9 trials


def test_a_figure_in_words() -> None:
    nan = float("nan")
    assert told(None) == "withheld"
    assert told(Estimate(0, nan, nan, nan)) == "none"
    assert told(Estimate(54, 0.5, 0.23, 0.77), share=True) == "50% (23% to 77%), n=54"
