"""A small month against the recount; and that the comparison sees what is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from lab.proofs.month.__main__ import everything
from lab.proofs.month.compare import courses, segment_days, user_days
from lab.proofs.month.people import Entry
from lab.proofs.month.recount import Life, lives_of
from lab.proofs.month.run import FIRST, leave, live, queue_only, start
from local.stack import UNCAPPED, Stack
from rl_core.models import Segment
from rl_core.store import DayTable

PEOPLE, DAYS, AFTER = 100, 5, 5  # `make daily-month` has 2,000 people and 30 days


@pytest.fixture(scope="module")
def month() -> Iterator[tuple[Stack, list[Entry]]]:
    """Days in many zones, with the stack as it stands after them."""
    with queue_only(), Stack(clock=start(), quiet=True, parameters=UNCAPPED, short=True) as stack:
        yield stack, live(stack, PEOPLE, DAYS, every=2, keenness=3)


@pytest.fixture(scope="module")
def lives(month: tuple[Stack, list[Entry]]) -> dict[str, Life]:
    return lives_of(month[1], everything(month[0]))


def days_of(stack: Stack) -> DayTable:
    return DayTable(stack.table_name, stack.dynamodb)


def test_users_days_equal_the_recount(month: tuple[Stack, list[Entry]], lives: dict[str, Life]) -> None:
    assert list(user_days(everything(month[0]), lives)) == []


def test_segments_days_equal_the_recount(month: tuple[Stack, list[Entry]], lives: dict[str, Life]) -> None:
    assert list(segment_days(days_of(month[0]), lives, FIRST, DAYS + AFTER)) == []


def test_trend_equals_the_recount(month: tuple[Stack, list[Entry]], lives: dict[str, Life]) -> None:
    diary = days_of(month[0])
    assert list(courses(diary, lives, FIRST, DAYS + AFTER)) == []
    assert sum(len(course.rows) for course in diary.courses().values() if course) > DAYS
    assert list(courses(diary, lives_of(month[1]), FIRST, DAYS + AFTER))  # as if nothing had been drawn


def test_every_day_is_final_when_its_time_has_come(month: tuple[Stack, list[Entry]]) -> None:
    watermark = days_of(month[0]).watermark()
    assert watermark is not None
    assert watermark.day >= FIRST + timedelta(days=DAYS - 1)


def test_the_log_holds_every_kind_of_line(month: tuple[Stack, list[Entry]]) -> None:
    kinds = {"profile", "assessed", "shown", "prefetched", "answered", "rated", "paused"}
    assert {entry.kind for entry in month[1]} == kinds


def test_some_people_have_assessments_of_two_days(month: tuple[Stack, list[Entry]], lives: dict[str, Life]) -> None:
    stored = (days_of(month[0]).segment_day(segment, FIRST + timedelta(days=DAYS - 1))[0] for segment in Segment)
    assert sum(day.assessed for day in stored if day) > 2
    assert any(len(life.gad7) > 2 for life in lives.values())


def test_assessments_that_are_missing_from_the_log_are_a_difference(month: tuple[Stack, list[Entry]]) -> None:
    stack, log = month
    lives = lives_of([entry for entry in log if entry.kind != "assessed"])
    assert [line for line in segment_days(days_of(stack), lives, FIRST, DAYS + AFTER) if "gad7" in line]


def test_a_line_that_is_missing_from_the_log_is_a_difference(month: tuple[Stack, list[Entry]]) -> None:
    stack, log = month
    last = max(n for n, entry in enumerate(log) if entry.kind == "answered")
    lives = lives_of(log[:last] + log[last + 1 :], everything(stack))
    assert list(user_days(everything(stack), lives))
    assert list(segment_days(days_of(stack), lives, FIRST, DAYS + AFTER))


def test_a_line_an_hour_off_near_midnight_is_a_difference(month: tuple[Stack, list[Entry]]) -> None:
    stack, log = month
    shifted = [replace(entry, at=entry.at + timedelta(hours=1)) for entry in log]
    assert list(user_days(everything(stack), lives_of(shifted)))


def test_pauses_that_are_missing_from_the_log_are_differences(month: tuple[Stack, list[Entry]]) -> None:
    stack, log = month
    told = list(user_days(everything(stack), lives_of([entry for entry in log if entry.kind != "paused"])))
    assert {line.split()[2].rstrip(":") for line in told} >= {"engagement", "streak"}


def test_after_erasures_the_days_equal_a_recount_without_these_people(
    month: tuple[Stack, list[Entry]], lives: dict[str, Life]
) -> None:
    """It changes the stack, and so comes last."""
    stack, gone = month[0], sorted(lives)[::3]
    leave(stack, gone)
    left = {name: life for name, life in lives.items() if name not in gone}
    assert list(user_days(everything(stack), left)) == []
    assert list(segment_days(days_of(stack), left, FIRST, DAYS + AFTER)) == []
    assert list(courses(days_of(stack), left, FIRST, DAYS + AFTER)) == []
    assert list(segment_days(days_of(stack), lives, FIRST, DAYS + AFTER))
    leave(stack, left)
    assert list(segment_days(days_of(stack), {}, FIRST, DAYS + AFTER)) == []
    assert {len(course.rows) for course in days_of(stack).courses().values() if course} == {0}
