"""The stack's idea of now: the one place where time is set; handlers only ever read it from their event."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that knows the time, in UTC."""

    def now(self) -> datetime:
        """The present moment."""
        ...


class RealClock:
    """The machine's clock, or one that started at a given moment and runs at the same speed."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = in_utc(start) - datetime.now(UTC) if start else timedelta(0)

    def now(self) -> datetime:
        """The machine's time, shifted."""
        return datetime.now(UTC) + self._offset


class SteppedClock:
    """A clock that stands still until it is moved, so that simulated days take no time."""

    def __init__(self, start: datetime) -> None:
        self._now = in_utc(start)

    def now(self) -> datetime:
        """The moment that the clock was last moved to."""
        return self._now

    def advance_to(self, moment: datetime) -> None:
        """Move forward; time does not run backwards."""
        if in_utc(moment) < self._now:
            raise ValueError(f"{moment.isoformat()} lies before {self._now.isoformat()}")
        self._now = in_utc(moment)


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; a time without a zone names no moment."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


def event_time(moment: datetime) -> str:
    """ISO 8601 with seconds and Z, as EventBridge Scheduler writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
