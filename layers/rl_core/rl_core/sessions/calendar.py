"""Computes days, streaks and the decay of engagement in the user's own time zone."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from rl_core.models import Activity, Bridge, Pause, Profile, Session, Status, Streak

DAILY_DECAY = 0.2
ONE_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_EASTERNMOST = timedelta(hours=14)  # in the first zone, UTC+14, a day begins fourteen hours earlier than in UTC


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
    following = (profile.day or day_of(now, profile.timezone)) + ONE_DAY
    midnight = datetime.combine(following, time(), ZoneInfo(profile.timezone)).astimezone(UTC)
    return max(midnight, now + timedelta(seconds=1))


def paused_days(pauses: Iterable[Pause], timezone: str, first: date, last: date) -> frozenset[date]:
    """Returns the days from `first` to `last`, both included, at any moment of which one of the pauses held."""
    found = set[date]()
    for since, until in pauses:
        day, end = max(first, day_of(since, timezone)), min(last, day_of(until - _SECOND, timezone))
        found |= {day + timedelta(days=n) for n in range((end - day).days + 1)}
    return frozenset(found)


def paused_since(profile: Profile, today: date) -> frozenset[date]:
    """Returns the paused days strictly between the user's latest active day and today."""
    if profile.seen is None:
        return frozenset()
    return paused_days(profile.pauses, profile.timezone, profile.seen + ONE_DAY, today - ONE_DAY)


def still_telling(pauses: Iterable[Pause], seen: date, now: datetime) -> tuple[Pause, ...]:
    """Returns the pauses that are not over, or may make a day after `seen` a paused one in any time zone."""
    return tuple(p for p in pauses if p.until > now or (p.until - _SECOND + _EASTERNMOST).date() > seen)


def decayed(engagement: float, seen: date | None, today: date, paused: Collection[date] = ()) -> float:
    """Returns engagement (1 - 0.2)^n; n is the number of days strictly between the latest active day and today.

    Paused days do not count. Computes day by day with - and * alone, so decaying to one day and then to another gives
    the same bits as decaying at once.
    """
    away = (today - seen).days - 1 if seen is not None else 0
    for _ in range(away - len(paused)):
        engagement -= DAILY_DECAY * engagement
    return engagement


def engagement_now(profile: Profile, now: datetime) -> float:
    """Returns the engagement score as of this moment."""
    today = active_day(profile, now)
    return decayed(profile.engagement, profile.seen, today, paused_since(profile, today))


def bridged(profile: Profile, today: date) -> tuple[Bridge, ...]:
    """Returns the profile's bridges, with one from the latest active day to today if all days between were paused."""
    paused = paused_since(profile, today)
    if profile.seen is None or not paused or len(paused) < (today - profile.seen).days - 1:
        return profile.bridges
    return (*profile.bridges, Bridge(profile.seen, today))


def days_completed(activities: Iterable[Activity]) -> tuple[date, ...]:
    """Returns the user's days with a completed activity, ascending, each once."""
    return tuple(sorted({a.completed_on for a in activities if a.completed_on is not None}))


def extend_streak(streak: Streak, days: Iterable[date], bridges: Collection[Bridge] = ()) -> Streak:
    """Returns the streak after these further days with a completed activity, given in ascending order.

    It goes on from one day to the next, or from one end of a bridge to the other.
    """
    for day in days:
        if streak.last is None or not _goes_on(streak.last, day, bridges):
            streak = Streak(1, day)
        elif day > streak.last:
            streak = Streak(streak.days + 1, day)
    return streak


def current_streak(streak: Streak, today: date, bridges: Collection[Bridge] = ()) -> int:
    """Returns the streak's length in days, or 0 once a whole day has passed without a completed activity.

    The days under a bridge to today do not count.
    """
    return streak.days if streak.last is not None and _goes_on(streak.last, today, bridges) else 0


def _goes_on(last: date, day: date, bridges: Collection[Bridge]) -> bool:
    return day <= last + ONE_DAY or Bridge(last, day) in bridges


def streak_now(profile: Profile, sessions: Sequence[Session], now: datetime) -> int:
    """Returns the streak's length in days as of now, with the completions of the latest session if it is still open.

    `sessions` holds the user's latest sessions, newest first. The profile's streak has those of the closed sessions.
    """
    streak = profile.streak
    for session in sessions[:1]:
        if session.status is Status.OPEN:
            streak = extend_streak(streak, days_completed(session.activities), profile.bridges)
    today = active_day(profile, now)
    return current_streak(streak, today, bridged(profile, today))


def completed_on(day: date, sessions: Iterable[Session]) -> int:
    """Returns how many activities of these sessions were completed on this day of the user."""
    return sum(a.completed_on == day for s in sessions for a in s.activities)
