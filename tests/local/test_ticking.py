"""Clocks and schedules: what came due fires once, with the time it was due at."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.clock import RealClock, SteppedClock, event_time
from local.facts import Schedule
from local.schedules import Ticker, TickerThread

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PAYLOAD = '{"time": "<aws.scheduler.scheduled-time>"}'
MINUTELY = Schedule("minutely", "Learn", timedelta(minutes=1), PAYLOAD)
HOURLY = Schedule("hourly", "Erasure", timedelta(hours=1), PAYLOAD)


@pytest.fixture
def calls() -> list[tuple[str, Any]]:
    return []


@pytest.fixture
def ticker(calls: list[tuple[str, Any]]) -> Ticker:
    return Ticker([MINUTELY, HOURLY], lambda name, event: calls.append((name, event)), START)


def test_a_daily_schedule_keeps_to_the_calendar(calls: list[Any]) -> None:
    noon = Schedule("daily", "Daily", timedelta(days=1), PAYLOAD, daily_at=timedelta(hours=12, minutes=30))
    daily = Ticker([noon], lambda name, event: calls.append((name, event)), START)
    assert daily.next_tick() == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    daily.run_due(START + timedelta(days=2))
    assert calls == [("Daily", {"time": "2026-11-24T12:30:00Z"})]


def test_a_daily_schedule_made_after_its_hour_waits_for_the_next_day() -> None:
    early = Schedule("daily", "Daily", timedelta(days=1), PAYLOAD, daily_at=timedelta(hours=6))
    assert Ticker([early], lambda *_: None, START).next_tick() == datetime(2026, 11, 24, 6, tzinfo=UTC)


def test_nothing_fires_before_its_time(ticker: Ticker, calls: list[Any]) -> None:
    ticker.run_due(START + timedelta(seconds=59))
    assert calls == []


def test_a_schedule_fires_at_its_tick(ticker: Ticker, calls: list[Any]) -> None:
    ticker.run_due(START + timedelta(seconds=60))
    assert calls == [("Learn", {"time": "2026-11-23T08:01:00Z"})]


def test_missed_ticks_become_one_with_the_latest_time(ticker: Ticker, calls: list[Any]) -> None:
    ticker.run_due(START + timedelta(hours=2, minutes=30, seconds=40))
    assert calls == [("Erasure", {"time": "2026-11-23T10:00:00Z"}), ("Learn", {"time": "2026-11-23T10:30:00Z"})]


def test_the_ticks_of_a_disabled_schedule_pass_without_a_call(ticker: Ticker, calls: list[tuple[str, Any]]) -> None:
    ticker.disabled.add("Learn")
    ticker.run_due(START + timedelta(minutes=5))
    assert calls == []
    ticker.disabled.discard("Learn")
    ticker.run_due(START + timedelta(minutes=6, seconds=30))
    assert calls == [("Learn", {"time": "2026-11-23T08:06:00Z"})]


def test_a_tick_fires_once(ticker: Ticker, calls: list[Any]) -> None:
    for _ in range(3):
        ticker.run_due(START + timedelta(seconds=90))
    assert len(calls) == 1


def test_a_schedule_keeps_its_rhythm_after_a_late_run(ticker: Ticker) -> None:
    ticker.run_due(START + timedelta(seconds=90))
    assert ticker.next_tick() == START + timedelta(minutes=2)


def test_a_thread_keeps_ticking_and_a_failure_does_not_stop_it(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []
    seen = threading.Event()

    def invoke(name: str, event: Any) -> None:
        calls.append(name)
        if len(calls) > 2:
            seen.set()
        raise RuntimeError("not this time")

    fast = Schedule("fast", "Learn", timedelta(milliseconds=10), PAYLOAD)
    clock = RealClock()
    thread = TickerThread(Ticker([fast], invoke, clock.now()), clock)
    thread.start()
    assert seen.wait(5)
    thread.stop()
    assert "Learn failed" in caplog.text


def test_a_stepped_clock_stands_still_until_it_is_moved() -> None:
    clock = SteppedClock(START)
    assert clock.now() == clock.now() == START
    clock.advance_to(START + timedelta(days=3))
    assert event_time(clock.now()) == "2026-11-26T08:00:00Z"


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="before"):
        SteppedClock(START).advance_to(START - timedelta(seconds=1))


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        SteppedClock(START.replace(tzinfo=None))


def test_a_real_clock_can_be_started_elsewhere() -> None:
    assert timedelta(0) <= RealClock(START).now() - START < timedelta(seconds=5)
