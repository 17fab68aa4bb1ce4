"""Days and streaks in the user's own time zone."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from rl_core.models import Activity, Session, Streak


@lru_cache(maxsize=1)
def timezones() -> frozenset[str]:
    """The names of the IANA database, whatever the machine has: its own files may hold others, such as `localtime`."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def day_of(moment: datetime, timezone: str) -> date:
    """The user's day in which the moment lies."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def days_completed(activities: Iterable[Activity], timezone: str) -> tuple[date, ...]:
    """The user's days with a completed activity, ascending, each once."""
    return tuple(sorted({day_of(a.completed_at, timezone) for a in activities if a.completed_at is not None}))


def extend_streak(streak: Streak, days: Iterable[date]) -> Streak:
    """The streak after more days with a completed activity, given in ascending order."""
    for day in days:
        if streak.last is None or day > streak.last + timedelta(days=1):
            streak = Streak(1, day)
        elif day > streak.last:
            streak = Streak(streak.days + 1, day)
    return streak


def current_streak(streak: Streak, today: date) -> int:
    """Its length in days, or 0 once a whole day has passed without a completed activity."""
    return streak.days if streak.last is not None and streak.last >= today - timedelta(days=1) else 0


def completed_on(day: date, sessions: Iterable[Session], timezone: str) -> int:
    """How many activities of these sessions were completed on the user's day."""
    return sum(
        a.completed_at is not None and day_of(a.completed_at, timezone) == day for s in sessions for a in s.activities
    )
