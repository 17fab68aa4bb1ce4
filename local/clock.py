"""Provides the local stack's clocks: time is set only here, and handlers only read it from their event."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """Returns the present moment."""
        ...


class RealClock:
    """The machine's clock, or a clock that started at a given moment and runs at the machine's speed."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = in_utc(start) - datetime.now(UTC) if start else timedelta(0)

    def now(self) -> datetime:
        """Returns the machine's time, shifted if a start was given."""
        return datetime.now(UTC) + self._offset


class SteppedClock:
    """A clock that stands still until it is moved, so that simulated days take no time; `run_on` lets it run."""

    def __init__(self, start: datetime) -> None:
        self._now = in_utc(start)
        self._running: RealClock | None = None

    def now(self) -> datetime:
        """Returns the moment that the clock was last moved to; if it runs, the time since is added."""
        return self._running.now() if self._running else self._now

    def advance_to(self, moment: datetime) -> None:
        """Moves the clock forward. Raises ValueError for a moment in its past, and when the clock runs."""
        if self._running or in_utc(moment) < self._now:
            raise ValueError(f"{moment.isoformat()} lies before {self.now().isoformat()}, or the clock runs by itself")
        self._now = in_utc(moment)

    def run_on(self) -> None:
        """Lets the clock run at the machine's speed from where it stands."""
        self._running = RealClock(self._now)


def in_utc(moment: datetime) -> datetime:
    """Returns the same moment in UTC. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


def event_time(moment: datetime) -> str:
    """Returns the moment in ISO 8601 with seconds and Z, as EventBridge Scheduler writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
