"""Each light at its thresholds: below, at, above; and grey where nothing is known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rl_core.days import (
    RULE,
    RULES,
    Colour,
    Course,
    DayRow,
    DrawSums,
    Guard,
    Light,
    Replay,
    Replayed,
    Seen,
    Standing,
    Weight,
    change,
    judge,
    worst,
)
from rl_core.models import MILLION, Segment

NOW = datetime(2026, 11, 27, 13, tzinfo=UTC)
FINAL = date(2026, 11, 24)
ONE = timedelta(days=1)
HIGH, LOW = Segment.HIGH_LOW, Segment.LOW_LOW
GREEN, YELLOW, RED, GREY = Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.GREY
WELL = {segment: Replay(Replayed.EQUAL, 9, 1, NOW) for segment in Segment}


def row(drawn: int = 0, fallbacks: int = 0, tries: int = 0, entropy: int = 0, users: int = 9) -> DayRow:
    """A day on which no session was drawn evenly by a user's wish."""
    draws = DrawSums(drawn, fallbacks, tries, entropy)
    return DayRow(users, users, drawn + fallbacks, draws=draws)


def courses(its: Mapping[Segment, Mapping[date, DayRow]]) -> dict[Segment, Course | None]:
    """What TREND holds of all segments."""
    return {segment: Course(FINAL, its.get(segment, {}), 1) for segment in Segment}


def light(name: str, seen: Seen) -> Light:
    (found,) = [its for its in judge(seen) if its.name == name]
    return found


def of_days(name: str, **days: DayRow) -> Light:
    """The light of one segment's days; `d0` is the last final day, `d1` the one before."""
    rows = {FINAL - int(day[1:]) * ONE: its for day, its in days.items()}
    return light(name, Seen(NOW, FINAL, courses({HIGH: rows})))


def test_nothing_that_was_not_read_is_green() -> None:
    lights = judge(Seen(NOW))
    assert [its.name for its in lights] == [rule.name for rule in RULES]
    assert {its.colour for its in lights} == {GREY}


@pytest.mark.parametrize(
    ("fallbacks", "colour"), [(0, GREEN), (10, GREEN), (11, YELLOW), (50, YELLOW), (51, RED), (1000, RED)]
)
def test_fallbacks_by_their_share_of_the_last_final_days_sessions(fallbacks: int, colour: Colour) -> None:
    its = of_days("fallbacks", d0=row(1000 - fallbacks, fallbacks), d1=row(0, 1000))
    assert (its.colour, its.as_of) == (colour, FINAL)
    assert its.value == pytest.approx(fallbacks / 1000)


def test_fallbacks_name_the_worst_segments_of_five_users_or_more() -> None:
    days = {HIGH: {FINAL: row(8, 2)}, LOW: {FINAL: row(5, 5)}, Segment.LOW_HIGH: {FINAL: row(0, 4, users=4)}}
    assert light("fallbacks", Seen(NOW, FINAL, courses(days))).segments == (LOW, HIGH)


def test_fallbacks_are_not_known_of_a_day_on_which_nobody_wanted_a_personal_plan() -> None:
    assert of_days("fallbacks", d0=DayRow(9, 9, 20)).colour is GREY


@pytest.mark.parametrize(
    ("tries", "colour"), [(600, GREEN), (20, GREEN), (19, YELLOW), (5, YELLOW), (4, RED), (0, RED)]
)
def test_tries_by_their_share_of_the_drawn(tries: int, colour: Colour) -> None:
    assert of_days("tries", d0=row(1000, tries=tries)).colour is colour


@pytest.mark.parametrize(
    ("mean", "colour"), [(1.0, GREEN), (0.05, GREEN), (0.049, YELLOW), (0.02, YELLOW), (0.019, RED), (0.0, RED)]
)
def test_entropy_by_its_mean(mean: float, colour: Colour) -> None:
    assert of_days("entropy", d0=row(1000, entropy=round(1000 * mean * MILLION))).colour is colour


@pytest.mark.parametrize("name", ["tries", "entropy"])
def test_tries_and_entropy_are_of_the_latest_days_until_500_were_drawn(name: str) -> None:
    full = row(250, tries=250, entropy=250 * MILLION)
    assert of_days(name, d0=full, d1=full, d2=row(9999)).value == 1
    assert of_days(name, d0=full, d27=full).colour is GREEN
    assert of_days(name, d0=full, d27=row(249, tries=249)).colour is GREY
    assert of_days(name, d0=full, d28=full).colour is GREY


@pytest.mark.parametrize("name", ["fallbacks", "tries", "entropy"])
def test_without_one_segments_trend_a_light_of_all_is_not_green_but_may_be_worse(name: str) -> None:
    well = courses({HIGH: {FINAL: row(1000, tries=1000, entropy=1000 * MILLION)}})
    ill = courses({HIGH: {FINAL: row(500, 500)}})
    behind = Course(FINAL - ONE, {}, 1)
    for missing in (None, behind):
        assert light(name, Seen(NOW, FINAL, well | {LOW: missing})).colour is GREY
        assert light(name, Seen(NOW, FINAL, ill | {LOW: missing})).colour is RED
    assert light(name, Seen(NOW, FINAL, well)).colour is GREEN


def test_figures_of_a_final_day_long_ago_say_nothing() -> None:
    well = courses({HIGH: {FINAL: row(1000, tries=1000)}})
    assert light("tries", Seen(NOW + 5 * ONE, FINAL, well)).colour is GREEN
    assert light("tries", Seen(NOW + 6 * ONE, FINAL, well)).colour is GREY


def weigh(share: float, others: int = 5, at: datetime = NOW, **more: Weight) -> Light:
    others_too = {Segment[name]: its for name, its in more.items()}
    return light("weight", Seen(NOW, weights={HIGH: Weight(share, others, at)} | others_too))


@pytest.mark.parametrize(("share", "colour"), [(0.1, GREEN), (0.101, YELLOW), (0.25, YELLOW), (0.251, RED)])
def test_one_persons_weight_where_five_others_teach(share: float, colour: Colour) -> None:
    assert weigh(share).colour is colour


def test_one_persons_weight_where_fewer_teach_is_grey_and_of_another_segment_it_counts() -> None:
    assert weigh(0.9, others=4).colour is GREY
    its = weigh(0.9, 4, LOW_LOW=Weight(0.05, 5, NOW), LOW_HIGH=Weight(0.2, 9, NOW))
    assert (its.colour, its.value, its.segments) == (YELLOW, 0.2, (Segment.LOW_HIGH,))


def test_a_weight_that_was_read_over_a_day_ago_is_grey() -> None:
    assert weigh(0.05, at=NOW - ONE).colour is GREEN
    its = weigh(0.9, at=NOW - ONE - timedelta(seconds=1))
    assert (its.colour, its.segments) == (GREY, (HIGH,))


def rewarded(mean: float, deviation: float, n: int = 30, users: int = 5) -> DayRow:
    """A day of n sessions with this mean reward and this standard deviation."""
    squares = n * mean**2 + (n - 1) * deviation**2
    return DayRow(users, users, n, n, round(n * mean * MILLION), round(squares * MILLION**2))


@pytest.mark.parametrize(
    ("before", "now", "deviation", "colour"),
    [
        (0.5, 0.5, 0.1, GREEN),
        (0.5, 0.9, 0.1, GREEN),
        (0.5, 0.4501, 0.09, YELLOW),  # 1.96 x 0.09 x sqrt(2 / 30) = 0.0455
        (0.5, 0.4501, 0.11, GREEN),
        (0.5, 0.4499, 0.09, RED),
        (0.5, 0.4499, 0.11, GREEN),  # 0.0557: by more than 0.05, but not for sure
        (0.5, -0.5, 0.1, RED),
    ],
)
def test_the_reward_against_the_28_days_before(before: float, now: float, deviation: float, colour: Colour) -> None:
    its = of_days("reward", d6=rewarded(now, deviation), d7=rewarded(before, deviation))
    assert (its.colour, its.as_of) == (colour, FINAL)
    assert its.value == pytest.approx(now - before, abs=1e-6)


@pytest.mark.parametrize(
    "days",
    [
        {"d0": rewarded(0.1, 0.1)},
        {"d7": rewarded(0.1, 0.1)},
        {"d6": rewarded(0.1, 0.1), "d35": rewarded(0.9, 0.1)},
        {"d6": rewarded(0.1, 0.1, n=29), "d34": rewarded(0.9, 0.1)},
        {"d6": rewarded(0.1, 0.1), "d34": rewarded(0.9, 0.1, n=29)},
        {"d6": rewarded(0.1, 0.1, users=4), "d34": rewarded(0.9, 0.1)},
        {"d6": rewarded(0.1, 0.1), "d34": rewarded(0.9, 0.1, users=4)},
    ],
)
def test_a_reward_with_too_little_on_either_side_is_grey(days: dict[str, DayRow]) -> None:
    its = of_days("reward", **days)
    assert (its.colour, its.value, its.segments) == (GREY, None, (HIGH,))
    assert of_days("reward", d6=rewarded(0.1, 0.1), d34=rewarded(0.9, 0.1)).colour is RED


def test_the_reward_names_the_worst_segment_first_and_then_those_that_are_grey() -> None:
    days = {
        HIGH: {FINAL: rewarded(0.3, 0.1), FINAL - 7 * ONE: rewarded(0.5, 0.1)},
        LOW: {FINAL: rewarded(0.1, 0.1), FINAL - 7 * ONE: rewarded(0.5, 0.1)},
        Segment.LOW_HIGH: {FINAL: rewarded(0.1, 0.1)},
        Segment.HIGH_HIGH: {FINAL: rewarded(0.5, 0.1), FINAL - 7 * ONE: rewarded(0.5, 0.1)},
    }
    its = light("reward", Seen(NOW, FINAL, courses(days)))
    assert its.segments == (LOW, HIGH, Segment.LOW_HIGH)
    assert its.value == pytest.approx(-0.4)


def test_a_segment_in_which_nothing_happened_has_no_change() -> None:
    assert change(Course(FINAL), FINAL) is None


@pytest.mark.parametrize(
    ("name", "value", "colour"),
    [
        ("waiting", 0.0, GREEN),
        ("waiting", 300.0, GREEN),
        ("waiting", 301.0, YELLOW),
        ("waiting", 900.0, YELLOW),
        ("waiting", 901.0, RED),
        ("parked", 0, GREEN),
        ("parked", 1, YELLOW),
        ("parked", 10, YELLOW),
        ("parked", 11, RED),
        ("erasures", 0.0, GREEN),
        ("erasures", 3600.0, GREEN),
        ("erasures", 3601.0, YELLOW),
        ("erasures", 86400.0, YELLOW),
        ("erasures", 86401.0, RED),
    ],
)
def test_what_waits_at_its_thresholds(name: str, value: Any, colour: Colour) -> None:
    its = light(name, replace(Seen(NOW), **{name: value}))
    assert (its.colour, its.value, its.as_of) == (colour, value, NOW)


def replayed(**its: Replay) -> Light:
    return light("replay", Seen(NOW, replays=WELL | {Segment[name]: each for name, each in its.items()}))


@pytest.mark.parametrize("result", [Replayed.DIFFERS, Replayed.UNREADABLE])
def test_one_segment_that_is_wrong_is_red_until_it_is_checked_again(result: Replayed) -> None:
    for at in (NOW, NOW - 9 * ONE):
        its = replayed(HIGH_LOW=Replay(result, 9, 0, at))
        assert (its.colour, its.value, its.segments) == (RED, 1, (HIGH,))


def test_all_nine_segments_checked_within_a_day_are_green() -> None:
    assert replayed(HIGH_LOW=Replay(Replayed.EQUAL, 9, 0, NOW - ONE)).colour is GREEN


def test_a_segment_that_was_not_checked_to_the_end_within_a_day_is_grey() -> None:
    for its in (Replay(Replayed.EQUAL, 9, 0, NOW - ONE - timedelta(seconds=1)), Replay(Replayed.UNFINISHED, 9, 0, NOW)):
        assert (replayed(HIGH_LOW=its).colour, replayed(HIGH_LOW=its).segments) == (GREY, (HIGH,))
    assert "not finished: 1" in replayed(HIGH_LOW=Replay(Replayed.UNFINISHED, 9, 0, NOW)).note
    seen = Seen(NOW, replays={segment: its for segment, its in WELL.items() if segment is not LOW})
    assert light("replay", seen).colour is GREY


def test_the_worst_of_all_is_red_before_yellow_before_grey_before_green() -> None:
    assert [worst(its) for its in ([], [GREEN], [GREEN, GREY], [GREY, YELLOW], [RED, YELLOW])] == [
        GREY,
        GREEN,
        GREY,
        YELLOW,
        RED,
    ]


def test_a_light_has_its_colour_since_it_got_it() -> None:
    before = Guard({"parked": Standing(YELLOW, 1, NOW - ONE, NOW - ONE), "tries": Standing(GREY, None, NOW, NOW)})
    lights = [Light("parked", YELLOW, 2), Light("tries", GREEN, 0.5), Light("waiting", RED, 1e4)]
    seen = before.seen(lights, NOW)
    assert {name: its.since for name, its in seen.items()} == {"parked": NOW - ONE, "tries": NOW, "waiting": NOW}
    assert seen["parked"] == Standing(YELLOW, 2, NOW - ONE, NOW)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("tries", 0.0123456, "1.235 %"),
        ("waiting", 90.0, "1.5 min"),
        ("erasures", 86400.0, "24 h"),
        ("parked", 11, "11"),
        ("reward", -0.05, "-0.050"),
        ("entropy", None, "unknown"),
    ],
)
def test_a_value_is_told_in_its_unit(name: str, value: float | None, told: str) -> None:
    assert RULE[name].told(value) == told
