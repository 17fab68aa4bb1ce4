"""Fires the template's schedules: each schedule that came due fires once, for its latest tick."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from local.background import Background
from local.clock import Clock, event_time
from local.facts import Schedule

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

_log = logging.getLogger(__name__)

Invoke = Callable[[str, Any], Any]


def event_for(schedule: Schedule, moment: datetime) -> Any:
    """Returns the event that the function receives: the schedule's Input with its scheduled time filled in."""
    return json.loads(schedule.payload.replace(SCHEDULED_TIME, event_time(moment)))


class Ticker:
    """Counts each schedule's ticks by the calendar, or from the start, as EventBridge does from its creation.

    The ticks of the functions in `disabled` pass without a call, as those of a disabled schedule do.
    """

    def __init__(self, schedules: Sequence[Schedule], invoke: Invoke, start: datetime) -> None:
        self._invoke = invoke
        self._latest = {schedule: schedule.origin(start) for schedule in schedules}
        self.disabled: set[str] = set()

    def next_tick(self) -> datetime | None:
        """Returns when the next schedule comes due; None without schedules."""
        return min((last + schedule.every for schedule, last in self._latest.items()), default=None)

    def due(self, now: datetime) -> list[tuple[datetime, Schedule]]:
        """Returns the schedules that came due since the last call, each with its latest tick, earliest first."""
        fresh = []
        for schedule, last in self._latest.items():
            if passed := (now - last) // schedule.every:
                self._latest[schedule] = last + passed * schedule.every
                fresh.append((self._latest[schedule], schedule))
        return sorted((its for its in fresh if its[1].function not in self.disabled), key=lambda found: found[0])

    def run_due(self, now: datetime) -> None:
        """Fires the schedules that came due, one after the other; an error of a function is raised here."""
        for tick, schedule in self.due(now):
            self.fire(schedule, tick)

    def fire(self, schedule: Schedule, moment: datetime) -> Any:
        """Calls the schedule's function as scheduled for that moment, and returns its answer."""
        return self._invoke(schedule.function, event_for(schedule, moment))


class TickerThread(Background):
    """Fires a ticker's schedules by a clock that moves on its own."""

    name = "schedules"

    def __init__(self, ticker: Ticker, clock: Clock) -> None:
        super().__init__()
        self._ticker, self._clock = ticker, clock

    def run(self) -> None:
        while (tick := self._ticker.next_tick()) is not None:
            if self.stopping.wait(max(0.0, (tick - self._clock.now()).total_seconds())):
                return
            self._fire()

    def _fire(self) -> None:
        """Fires what came due; logs a function's error, so that the other schedules, and later ticks, still fire."""
        for tick, schedule in self._ticker.due(self._clock.now()):
            try:
                self._ticker.fire(schedule, tick)
            except Exception:
                _log.exception("%s failed; it runs again at its next tick", schedule.function)
