"""Repeats the specification's formulas in plain Python, for the reference model and for the recount of a month.

Nothing of the service is imported here, because both check the service. They do not check each other, so they share
the formulas; the rest is separate: the model answers requests, the recount reads a log.
"""

from collections.abc import Container, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Said = dict[str, Any]


class Figures(NamedTuple):
    """The figures of a session: `lift` is in points of motivation, `engagement` is the score after the session."""

    rate: float
    lift: float
    reward: float
    engagement: float


def figures(answers: Iterable[Said], assigned: int, engagement: float, rating: int | None = None) -> Figures:
    """Returns the figures of a session with `assigned` activities that was issued at this engagement."""
    done = [a for a in answers if a["completed"]]
    rate = len(done) / assigned
    lift = mean([a["motivation_after"] - a["motivation_before"] for a in done if is_rated(a)])
    fit = mean([1 - abs(a["difficulty_rating"] - 3) for a in done if a.get("difficulty_rating")])
    moved = engagement + 0.2 * (rate - engagement) + 0.05 * fit + 0.1 * ((rating or 3) - 3)
    return Figures(rate, lift, (rate + lift / 5) / 2, min(max(moved, 0.0), 1.0))


def is_rated(answer: Said) -> bool:
    """Returns whether the answer has a motivation rating before and after."""
    return bool(answer.get("motivation_before") and answer.get("motivation_after"))


def motivated(motivation: float, lift: float) -> float:
    """Returns the motivation score after a session with that lift."""
    return motivation + 0.2 * (lift / 5 - motivation)


def faded(engagement: float, seen: date | None, today: date, paused: Container[date] = ()) -> float:
    """Returns the engagement on `today`, less a fifth for each whole day away since `seen`, paused days aside."""
    return engagement * 0.8 ** sum(day not in paused for day in between(seen, today))


def between(seen: date | None, today: date) -> list[date]:
    """Returns the days after `seen` and before `today`; none if the person was never seen."""
    return [seen + timedelta(days=n) for n in range(1, (today - seen).days)] if seen else []


def paused_days(pauses: Iterable[tuple[int, int]], timezone: str, seen: date | None, today: date) -> set[date]:
    """Returns the days after `seen` and before `today` in which one of the pauses held for a second or more.

    A pause is its first second and the first second after it.
    """
    midnights = {day: day_is_over(day - timedelta(days=1), timezone) for day in between(seen, today)}
    ends = {day: day_is_over(day, timezone) for day in midnights}
    return {day for day in midnights for since, until in pauses if since < ends[day] and until > midnights[day]}


def own_day(at: datetime, timezone: str, seen: date | None) -> date:
    """Returns the person's own day, which never runs backwards."""
    here = at.astimezone(ZoneInfo(timezone)).date()
    return max(here, seen or here)


def day_is_over(day: date, timezone: str) -> int:
    """Returns the second at which the day ends in this time zone."""
    return int(datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)).timestamp())


def mean(values: Sequence[float]) -> float:
    """Returns the mean; 0 if there are no values."""
    return sum(values) / len(values) if values else 0.0
