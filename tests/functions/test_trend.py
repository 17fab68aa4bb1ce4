"""TREND: the dispatcher writes it as days become final; an erasure takes the leaver's figures out of it too."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from rl_core.days import KEPT, NO_ROW, Course, DayRow
from rl_core.errors import ConflictError
from rl_core.models import Segment
from rl_core.store import DayTable, Watermark
from rl_core.work import dispatch, keep_courses, merge
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import SEGMENT, Meanwhile, leaver_of
from tests.functions.test_daily_job import (
    ANA,
    BEN,
    FINAL,
    MONDAY,
    ONE,
    Diary,
    diary,
    dispatched,
    live_a_week,
    table,
    work,
)
from tests.functions.test_learning_job import spoil
from tests.functions.test_uncounting import marked

__all__ = ["diary"]


def finish_all(diary: Diary) -> None:
    """Two users' Monday, worked off until the watermark has moved over it."""
    diary.finish(ANA)
    diary.finish(BEN)
    for day in range(3):
        work(diary, dispatched(diary, FINAL + day * ONE)[1])


def course(diary: Diary, segment: Segment = SEGMENT) -> Course:
    found = diary.days.course(segment)
    assert found is not None
    return found


def whole(diary: Diary, day: date = MONDAY) -> DayRow:
    """The row that the segment's stored day comes to."""
    found, _ = diary.days.segment_day(SEGMENT, day)
    return DayRow.of(found) if found else NO_ROW


def test_a_day_is_in_trend_once_it_is_final(diary: Diary) -> None:
    diary.finish(ANA)
    work(diary, dispatched(diary, FINAL)[1])
    assert course(diary).rows == {}
    final = dispatched(diary, FINAL + ONE)[0].final
    assert course(diary).rows == {MONDAY: whole(diary)}
    assert course(diary).rows[MONDAY].draws.drawn == 1
    assert {course(diary, segment).upto for segment in Segment} == {final}


def test_a_run_that_repeats_writes_no_trend_again(diary: Diary) -> None:
    finish_all(diary)
    dispatched(diary, FINAL + 2 * ONE)
    before = table()
    dispatched(diary, FINAL + 2 * ONE)
    assert table() == before


def test_a_trend_that_an_operator_deleted_is_made_anew(diary: Diary) -> None:
    finish_all(diary)
    before = course(diary)
    key = {"pk": {"S": f"SEGMENT#{SEGMENT.name}"}, "sk": {"S": "TREND"}}
    table_client().delete_item(TableName=TEMPLATE.table.name, Key=key)
    dispatched(diary, FINAL + 2 * ONE)
    assert course(diary).rows == before.rows != {}


@pytest.mark.parametrize("damage", [{"days": {"B": b"\x80"}}, {"form": {"N": "9"}}])
def test_a_trend_that_cannot_be_read_stays_as_it_is_and_the_other_segments_go_on(diary: Diary, damage: Any) -> None:
    finish_all(diary)
    spoil(f"SEGMENT#{SEGMENT.name}", "TREND", **damage)
    before = next(item for item in table() if item["sk"]["S"] == "TREND" and item["pk"]["S"].endswith(SEGMENT.name))
    work(diary, dispatched(diary, FINAL + 2 * ONE)[1])
    assert dispatched(diary, FINAL + 3 * ONE)[0].final == course(diary, Segment.LOW_LOW).upto
    assert before in table()


def test_a_day_that_cannot_be_read_has_no_row_and_stops_nothing(diary: Diary) -> None:
    finish_all(diary)
    spoil(f"SEGMENT#{SEGMENT.name}", f"DAY#{MONDAY}", by_action={"B": b"\x80"})
    key = {"pk": {"S": f"SEGMENT#{SEGMENT.name}"}, "sk": {"S": "TREND"}}
    table_client().delete_item(TableName=TEMPLATE.table.name, Key=key)
    dispatched(diary, FINAL + 2 * ONE)
    assert course(diary).rows == {}


def test_only_the_latest_120_days_are_read(diary: Diary) -> None:
    finish_all(diary)
    keep_courses(diary.days, MONDAY, MONDAY + (KEPT - 1) * ONE)
    assert list(course(diary).rows) == [MONDAY]
    keep_courses(diary.days, MONDAY, MONDAY + KEPT * ONE)
    assert course(diary).rows == {}


def test_an_erasure_takes_the_leavers_figures_out_of_trend(diary: Diary) -> None:
    finish_all(diary)
    both = course(diary).rows[MONDAY]
    diary.erase(ANA)
    left = course(diary).rows[MONDAY]
    assert left == whole(diary)
    assert (both.users, left.users, left.draws.drawn) == (2, 1, 1)
    diary.erase(BEN)
    assert course(diary).rows == {}


def test_an_erasure_of_a_day_that_trend_does_not_keep_any_more_leaves_trend_alone(diary: Diary) -> None:
    finish_all(diary)
    keep_courses(diary.days, MONDAY, MONDAY + KEPT * ONE)
    before = course(diary)
    diary.erase(ANA)
    assert course(diary) == before


def test_an_erasure_while_a_dispatcher_adds_the_day_leaves_nothing_of_the_leaver(diary: Diary) -> None:
    """The dispatcher has read the day with the leaver's figures; TREND does not hold the day yet."""
    diary.finish(ANA)
    diary.finish(BEN)
    work(diary, dispatched(diary, FINAL)[1])
    marked(diary, ANA)

    def leaves() -> None:
        leaver = leaver_of(diary.store, ANA)
        assert leaver is not None
        leaver.remove(FINAL, 1)

    client: Any = Meanwhile(diary.days.client, "put_item", leaves)
    late = DayTable(diary.days.name, client)
    dispatch(late, FINAL + ONE, lambda _: None)
    assert course(diary).rows == {MONDAY: whole(diary)}
    assert course(diary).rows[MONDAY].users == 1


def test_an_erasure_that_loses_against_the_dispatcher_changes_nothing(diary: Diary) -> None:
    finish_all(diary)
    leaver = marked(diary, ANA)

    def another() -> None:
        diary.days.save_course(SEGMENT, course(diary))

    client: Any = Meanwhile(diary.days.client, "transact_write_items", another)
    slow = DayTable(diary.days.name, client)
    with pytest.raises(ConflictError):
        replace(leaver, table=slow).remove(FINAL, 1)
    assert course(diary).rows[MONDAY].users == 2


def test_a_final_day_that_is_computed_otherwise_again_is_so_in_trend_too(diary: Diary) -> None:
    finish_all(diary)
    spoil(f"SEGMENT#{SEGMENT.name}", f"DAY#{MONDAY}#05", users={"N": "7"})
    merge(diary.days, SEGMENT, MONDAY, final=True)
    assert course(diary).rows[MONDAY].users == whole(diary).users == 7


def test_days_that_an_erasure_opened_are_counted_anew_in_trend_too(diary: Diary) -> None:
    live_a_week(diary)
    for day in range(3):
        work(diary, dispatched(diary, FINAL + day * ONE)[1])
    spoil("DAILY", f"DAY#{MONDAY}#05", form={"N": "1"})
    diary.erase(ANA)
    assert diary.days.watermark() == Watermark(MONDAY - ONE, 4)
    for day in (3, 4):
        work(diary, dispatched(diary, FINAL + day * ONE)[1])
    assert course(diary).rows[MONDAY] == whole(diary)
