"""Who was paused drops out later: on the seventh day away that was not paused, whatever runs how often and when."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from lab.proofs.faults.client import Fault, FaultyClient, Kind
from rl_core.config import settings
from rl_core.days import SegmentDay, Share, added, of_dropout
from rl_core.errors import UnavailableError
from rl_core.models import Action, Pause, Profile
from rl_core.store import DayTable, profile_write
from rl_core.work import merge, run_shard
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import NOW, SEGMENT, Meanwhile
from tests.functions.test_daily_job import (
    ANA,
    DORA,
    FINAL,
    MONDAY,
    ONE,
    SHARD,
    USERS,
    WEEK,
    Diary,
    diary,
    dispatched,
    restore,
    table,
    work,
)

__all__ = ["diary"]

LEFT = NOW - WEEK  # the latest active day; without a pause Monday is the day of dropping out
CLOSED = datetime(2026, 11, 24, 12, 30, tzinfo=FINAL.tzinfo)  # the first run for which Monday is over


def pause(diary: Diary, since: datetime, until: datetime, user: str = DORA) -> None:
    """Has the user's profile say of one more pause."""
    profile = diary.store.profile(user)
    assert isinstance(profile, Profile)
    diary.store.write(profile_write(replace(profile, pauses=(*profile.pauses, Pause(since, until)))))


def away(diary: Diary, first: int, days: int, user: str = DORA) -> None:
    """The user looked a week before Monday; so many days of these were paused, from the `first` one on."""
    diary.look(user, LEFT)
    pause(diary, LEFT + first * ONE, LEFT + (first + days - 1) * ONE + timedelta(hours=1), user)


def daily(diary: Diary, last: date, first: date = MONDAY) -> None:
    """The runs of the days up to `last`, each as soon as its day is over, and twice more while it is not final."""
    for n in range((last - first).days + 3):
        for day in (first + (n - back) * ONE for back in (2, 1, 0)):
            if first <= day <= last:
                diary.run(CLOSED + (first - MONDAY) + n * ONE, day)


def dropouts(diary: Diary, days: int = 30, first: date = MONDAY) -> list[date]:
    """The days on which a dropout is counted."""
    found = {first + n * ONE: diary.days.segment_day(SEGMENT, first + n * ONE)[0] for n in range(days)}
    return [day for day, whole in found.items() for _ in range(sum((whole or SegmentDay()).dropouts))]


def absences() -> list[tuple[str, str]]:
    """Where the table's absences wait."""
    found = [item for item in table() if item["sk"]["S"].startswith("AWAY#")]
    return [(item["sk"]["S"], item["due_shard"]["S"]) for item in found]


def test_who_was_not_paused_leaves_no_absence(diary: Diary) -> None:
    diary.look(DORA, LEFT)
    daily(diary, MONDAY + 3 * ONE)
    assert dropouts(diary) == [MONDAY]
    assert absences() == []


def test_a_dropout_comes_as_many_days_later_as_were_paused(diary: Diary) -> None:
    away(diary, 2, 3)
    daily(diary, MONDAY + 12 * ONE)
    assert dropouts(diary) == [MONDAY + 3 * ONE]
    assert absences() == [("AWAY#2026-11-16", f"away#{MONDAY + 3 * ONE}#{SHARD:02d}")]


def test_the_day_of_leaving_is_an_active_one(diary: Diary) -> None:
    diary.look(DORA, LEFT)
    pause(diary, LEFT + timedelta(hours=1), LEFT + timedelta(hours=3))
    daily(diary, MONDAY + 3 * ONE)
    assert dropouts(diary) == [MONDAY]


def test_a_pause_that_goes_on_puts_it_off_again_and_again(diary: Diary) -> None:
    away(diary, 3, 30)
    daily(diary, MONDAY + 40 * ONE)
    assert dropouts(diary, 60) == [MONDAY + 30 * ONE]


def test_further_pauses_put_it_off_further(diary: Diary) -> None:
    away(diary, 6, 4)
    pause(diary, LEFT + 11 * ONE, LEFT + 12 * ONE)
    daily(diary, MONDAY + 9 * ONE)
    assert dropouts(diary) == [MONDAY + 6 * ONE]


def test_who_comes_back_before_that_is_no_dropout_and_who_comes_back_later_is(diary: Diary) -> None:
    for user, back in ((DORA, 3), (ANA, 4)):
        away(diary, 2, 3, user)
        diary.expire(LEFT + 3 * ONE)
        diary.issue(user, NOW + back * ONE)
    daily(diary, MONDAY + 9 * ONE)
    assert dropouts(diary) == [MONDAY + 3 * ONE]


def test_who_came_back_has_the_pauses_in_the_mark_of_that_day(diary: Diary) -> None:
    away(diary, 2, 3)
    diary.expire(LEFT + 3 * ONE)
    diary.issue(DORA, NOW + 9 * ONE)
    profile = diary.store.profile(DORA)
    assert profile is not None
    assert profile.pauses == ()
    daily(diary, MONDAY + 9 * ONE)
    assert dropouts(diary) == [MONDAY + 3 * ONE]


@pytest.mark.parametrize("new", [True, False])
def test_who_comes_back_while_the_profile_is_read_has_them_there_too(
    diary: Diary, setting: Callable[[str, str], None], new: bool
) -> None:
    """The user gets a new session, or looks at the one that is open still."""
    setting("SESSION_HOURS", "48" if new else "1000")
    away(diary, 2, 3)
    diary.expire(LEFT + 3 * ONE)
    back = [diary.issue if new else diary.look]

    class Slow(DayTable):
        def sessions_and_profile(self, *given: Any, **more: Any) -> Any:
            if back:
                back.pop()(DORA, NOW + 9 * ONE)
            return super().sessions_and_profile(*given, **more)

    run_shard(Slow(diary.days.name, diary.days.client), MONDAY, SHARD, CLOSED, settings())
    assert dropouts(diary) == []
    daily(diary, MONDAY + 9 * ONE)
    assert dropouts(diary) == [MONDAY + 3 * ONE]


def test_a_run_that_comes_when_the_later_day_is_over_counts_it_there(diary: Diary) -> None:
    away(diary, 2, 3)
    for day in (MONDAY + 3 * ONE, MONDAY + 4 * ONE):
        diary.run(FINAL + 9 * ONE, day)
    assert diary.days.shard(MONDAY + 3 * ONE, SHARD).final
    diary.run(FINAL + 9 * ONE, MONDAY)
    assert dropouts(diary) == [MONDAY + 3 * ONE]
    assert not diary.days.shard(MONDAY + 3 * ONE, SHARD).final  # the dispatcher sends it again


def test_missed_days_heal_by_themselves(diary: Diary) -> None:
    dispatched(diary, FINAL - WEEK)
    away(diary, 2, 12)
    diary.expire(LEFT + 9 * WEEK)
    work(diary, dispatched(diary, FINAL + 4 * WEEK)[1])
    assert dropouts(diary) == [MONDAY + 12 * ONE]
    work(diary, dispatched(diary, FINAL + 4 * WEEK + ONE)[1])
    assert dispatched(diary, FINAL + 4 * WEEK + ONE)[0].final == MONDAY + 4 * WEEK + ONE


def test_repeated_runs_in_any_order_change_nothing(diary: Diary) -> None:
    away(diary, 2, 9)
    daily(diary, MONDAY + 12 * ONE)
    before = table()
    for n in (9, 0, 7, 3, 9, 0, 12):
        diary.run(FINAL + 20 * ONE, MONDAY + n * ONE)
    assert [item for item in table() if item["pk"]["S"] != "DAILY"] == [i for i in before if i["pk"]["S"] != "DAILY"]


@pytest.mark.parametrize("kind", [Kind.BEFORE, Kind.AFTER])
@pytest.mark.parametrize(("day", "now"), [(0, CLOSED), (3, CLOSED + 3 * ONE), (0, FINAL + 9 * ONE)])
def test_a_worker_cut_off_at_any_call_leaves_what_the_next_one_makes_whole(
    diary: Diary, kind: Kind, day: int, now: datetime
) -> None:
    away(diary, 2, 3)
    diary.look(ANA, LEFT)
    diary.expire(LEFT + 9 * ONE)
    if day:
        diary.run(CLOSED)
    begin, client = table(), FaultyClient(diary.store.client)
    diary.days.client = client
    client.arm(None)
    diary.run(now, MONDAY + day * ONE)
    expected, calls = table(), len(client.calls)
    for at in range(calls):
        restore(begin)
        client.arm(Fault(kind, at))
        with pytest.raises(UnavailableError):
            diary.run(now, MONDAY + day * ONE)
        client.arm(None)
        diary.run(now, MONDAY + day * ONE)
        assert table() == expected, f"{kind} call {at}"


def beside(diary: Diary, other: Callable[[], object], operation: str = "transact_write_items") -> None:
    """Has something happen before the next write of the daily job."""
    diary.days.client = Meanwhile(diary.days.client, operation, other)


@pytest.mark.parametrize("second", [0, 3])
@pytest.mark.parametrize("now", [CLOSED + 3 * ONE, FINAL + 9 * ONE])
def test_two_workers_at_once_count_it_once(diary: Diary, second: int, now: datetime) -> None:
    away(diary, 2, 3)
    other = DayTable(diary.days.name, diary.days.client)
    beside(diary, lambda: run_shard(other, MONDAY + second * ONE, SHARD, now, settings()))
    diary.run(now)
    daily(diary, MONDAY + 6 * ONE)
    assert dropouts(diary) == [MONDAY + 3 * ONE]


def test_an_absence_that_was_put_off_further_is_not_counted_where_the_index_still_has_it(diary: Diary) -> None:
    away(diary, 3, 30)
    diary.run(CLOSED)
    (stale,) = (item for item in table() if item["sk"]["S"].startswith("AWAY#"))
    (place,) = absences()
    daily(diary, MONDAY + 20 * ONE)
    before = diary.day(DORA, LEFT.date())
    table_client().put_item(TableName=TEMPLATE.table.name, Item=stale)
    diary.run(FINAL + 9 * ONE, date.fromisoformat(place[1][5:15]))
    assert diary.day(DORA, LEFT.date()) == before
    assert dropouts(diary, 60) == []


def test_more_than_a_transaction_takes_are_put_off_in_two(diary: Diary, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in USERS:
        away(diary, 2, 3, user)
    monkeypatch.setattr("rl_core.work.roll_up.MOST_DAYS", 4)
    daily(diary, MONDAY + 6 * ONE)
    assert dropouts(diary) == [MONDAY + 3 * ONE] * len(USERS)


def test_an_erasure_takes_it_off_on_the_day_on_which_it_was_counted(diary: Diary) -> None:
    for user in (ANA, DORA):
        away(diary, 2, 3, user)
    daily(diary, MONDAY + 6 * ONE)
    assert dropouts(diary) == [MONDAY + 3 * ONE] * 2
    diary.erase(DORA)
    assert dropouts(diary) == [MONDAY + 3 * ONE]
    diary.erase(ANA)
    assert dropouts(diary) == []
    assert not [item for item in table() if item["pk"]["S"].startswith("USER#")]


def test_an_erasure_before_that_leaves_nobody_to_count(diary: Diary) -> None:
    away(diary, 2, 3)
    diary.run(CLOSED)
    diary.erase(DORA)
    daily(diary, MONDAY + 6 * ONE)
    assert dropouts(diary) == []
    assert absences() == []


def test_an_erasure_while_it_is_put_off_leaves_no_absence(diary: Diary) -> None:
    away(diary, 2, 3)
    beside(diary, lambda: diary.erase(DORA))
    diary.run(CLOSED)
    assert absences() == []
    assert dropouts(diary) == []


def test_what_the_release_before_counted_on_the_seventh_day_is_taken_off_there(diary: Diary) -> None:
    """It knows no pauses and counts the dropout on Monday; what it does not know it keeps."""
    away(diary, 2, 3)
    diary.run(CLOSED)
    day, state = diary.day(DORA, LEFT.date()), diary.days.shard(MONDAY, SHARD)
    gone = Share(state.since, of_dropout(SEGMENT, Action.PHYSICAL))
    counted = replace(state, parts=added(state.parts, gone.parts))
    diary.days.save_shard(MONDAY, SHARD, state, counted, replace(day, gone=gone))
    merge(diary.days, SEGMENT, MONDAY)
    assert dropouts(diary) == [MONDAY]
    daily(diary, MONDAY + 6 * ONE)
    assert dropouts(diary) == [MONDAY + 3 * ONE]


@pytest.mark.parametrize("first", [1, 6, 7, 8])
@pytest.mark.parametrize("length", [1, 2, 8])
def test_a_pause_matters_if_it_begins_within_the_seven_days(diary: Diary, first: int, length: int) -> None:
    away(diary, first, length)
    daily(diary, MONDAY + 12 * ONE)
    assert dropouts(diary) == [MONDAY + (length if first <= 7 else 0) * ONE]
