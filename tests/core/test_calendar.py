"""Days and streaks where the user lives."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rl_core.models import Activity, Session, Streak
from rl_core.sessions.calendar import completed_on, current_streak, day_of, days_completed, extend_streak

MONDAY = date(2026, 11, 23)


def day(n: int) -> date:
    """Days after Monday."""
    return MONDAY + timedelta(days=n)


def done(on: date) -> Activity:
    return Activity("walking-10", completed=True, completed_on=on)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (0, 30), (12, 0), (23, 30), (23, 59)])
def test_a_moment_belongs_to_the_day_of_the_users_own_clock(zone: str, hour: int, minute: int) -> None:
    local = datetime(2026, 11, 23, hour, minute, tzinfo=ZoneInfo(zone))
    assert day_of(local.astimezone(UTC), zone) == MONDAY


def test_shortly_after_midnight_on_kiritimati_is_still_yesterday_in_utc() -> None:
    moment = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    assert day_of(moment, "Pacific/Kiritimati") == MONDAY
    assert day_of(moment, "UTC") == day(-1)


def test_late_evening_on_pago_pago_is_already_tomorrow_in_utc() -> None:
    moment = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    assert day_of(moment, "Pacific/Pago_Pago") == MONDAY
    assert day_of(moment, "UTC") == day(1)


@pytest.mark.parametrize("hour", [0, 1, 2, 3, 22])
def test_the_day_the_clocks_go_back_is_one_day(hour: int) -> None:
    local = datetime(2026, 10, 25, hour, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert day_of(local.astimezone(UTC), "Europe/Berlin") == date(2026, 10, 25)


def test_days_completed_are_ascending_and_each_once() -> None:
    assert days_completed([done(day(2)), done(MONDAY), done(MONDAY), Activity("body-scan-10")]) == (MONDAY, day(2))


@pytest.mark.parametrize(
    ("days", "streak"),
    [
        ([], Streak()),
        ([0], Streak(1, day(0))),
        ([0, 1, 2], Streak(3, day(2))),
        ([0, 0, 1], Streak(2, day(1))),
        ([0, 2], Streak(1, day(2))),
        ([0, 1, 3, 4, 5], Streak(3, day(5))),
    ],
)
def test_a_streak_grows_by_days_in_a_row_and_starts_anew_after_a_gap(days: list[int], streak: Streak) -> None:
    assert extend_streak(Streak(), map(day, days)) == streak


def test_a_streak_goes_on_over_sessions_and_months() -> None:
    earlier = Streak(6, date(2026, 11, 30))
    assert extend_streak(earlier, [date(2026, 11, 30), date(2026, 12, 1)]) == Streak(7, date(2026, 12, 1))


def test_a_day_before_the_streaks_latest_changes_nothing() -> None:
    assert extend_streak(Streak(4, day(3)), [day(1), day(2)]) == Streak(4, day(3))


@pytest.mark.parametrize(("today", "length"), [(0, 5), (1, 5), (2, 0), (30, 0)])
def test_a_streak_lasts_until_a_whole_day_has_passed_without_a_completion(today: int, length: int) -> None:
    assert current_streak(Streak(5, day(0)), day(today)) == length


def test_who_never_completed_anything_has_no_streak() -> None:
    assert current_streak(Streak(), MONDAY) == 0


def test_completions_of_a_day_are_counted_over_sessions(session: Session) -> None:
    sessions = [replace(session, activities=(done(on), done(MONDAY))) for on in (day(-1), MONDAY)]
    assert completed_on(MONDAY, sessions) == 3
    assert completed_on(day(-1), sessions) == 1
    assert completed_on(day(1), sessions) == 0
