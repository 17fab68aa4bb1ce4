"""Computes days, streaks and the decay of engagement in the user's own time zone."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from rl_core.models import Activity, Profile, Session, Status, Streak

DAILY_DECAY = 0.2


@lru_cache(maxsize=1)
def timezones() -> frozenset[str]:
    """Returns the names of the IANA database from tzdata; the machine's files may hold others, such as `localtime`."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def day_of(moment: datetime, timezone: str) -> date:
    """Returns the day in which the moment lies in this time zone."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def active_day(profile: Profile, now: datetime) -> date:
    """Returns the user's day to which an event at this moment belongs; it is never before their latest active day.

    A user who flies from Kiritimati to Honolulu stays in the day of their latest activity until the calendar there
    has caught up.
    """
    today = day_of(now, profile.timezone)
    return today if profile.seen is None else max(today, profile.seen)


def counted(profile: Profile, now: datetime) -> Profile:
    """Returns the profile with the counts of its present day; a later day than the stored one starts them at 0.

    The day never runs back, whatever a time zone or a skewed clock says.
    """
    today = day_of(now, profile.timezone)
    if profile.day is not None and today <= profile.day:
        return profile
    return replace(profile, day=today, issued=0, learned=0, grants=0)


def day_ends(profile: Profile, now: datetime) -> datetime:
    """Returns when the day of a profile's counts is over, in the user's present time zone; after `now` in any case."""
    following = (profile.day or day_of(now, profile.timezone)) + timedelta(days=1)
    midnight = datetime.combine(following, time(), ZoneInfo(profile.timezone)).astimezone(UTC)
    return max(midnight, now + timedelta(seconds=1))


def decayed(engagement: float, seen: date | None, today: date) -> float:
    """Returns engagement (1 - 0.2)^n, where n is the number of days strictly between the latest active day and today.

    Computes day by day with - and * alone, so decaying to one day and then to another gives the same bits as decaying
    at once.
    """
    for _ in range((today - seen).days - 1 if seen is not None else 0):
        engagement -= DAILY_DECAY * engagement
    return engagement


def engagement_now(profile: Profile, now: datetime) -> float:
    """Returns the engagement score as of this moment."""
    return decayed(profile.engagement, profile.seen, active_day(profile, now))


def days_completed(activities: Iterable[Activity]) -> tuple[date, ...]:
    """Returns the user's days with a completed activity, ascending, each once."""
    return tuple(sorted({a.completed_on for a in activities if a.completed_on is not None}))


def extend_streak(streak: Streak, days: Iterable[date]) -> Streak:
    """Returns the streak after these further days with a completed activity, given in ascending order."""
    for day in days:
        if streak.last is None or day > streak.last + timedelta(days=1):
            streak = Streak(1, day)
        elif day > streak.last:
            streak = Streak(streak.days + 1, day)
    return streak


def current_streak(streak: Streak, today: date) -> int:
    """Returns the streak's length in days, or 0 once a whole day has passed without a completed activity."""
    return streak.days if streak.last is not None and streak.last >= today - timedelta(days=1) else 0


def streak_now(profile: Profile, sessions: Sequence[Session], now: datetime) -> int:
    """Returns the streak's length in days as of now, with the completions of the latest session if it is still open.

    `sessions` holds the user's latest sessions, newest first. The profile's streak has those of the closed sessions.
    """
    streak = profile.streak
    for session in sessions[:1]:
        if session.status is Status.OPEN:
            streak = extend_streak(streak, days_completed(session.activities))
    return current_streak(streak, active_day(profile, now))


def completed_on(day: date, sessions: Iterable[Session]) -> int:
    """Returns how many activities of these sessions were completed on this day of the user."""
    return sum(a.completed_on == day for s in sessions for a in s.activities)
