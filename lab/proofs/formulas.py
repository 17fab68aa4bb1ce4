"""The specification's formulas in plain Python, for the reference model and for the recount of a month.

Nothing of the service is imported here, because both check the service. Neither of them checks the other, so they say
the formulas once. What they tell with them stays apart: the model answers requests, the recount reads a log.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Said = dict[str, Any]


class Figures(NamedTuple):
    """What a session comes to: `lift` in points of motivation, `engagement` as the score that the session leaves."""

    rate: float
    lift: float
    reward: float
    engagement: float


def figures(answers: Iterable[Said], assigned: int, engagement: float, rating: int | None = None) -> Figures:
    """The figures of a session of so many activities that was issued at that engagement."""
    done = [a for a in answers if a["completed"]]
    rate = len(done) / assigned
    lift = mean([a["motivation_after"] - a["motivation_before"] for a in done if is_rated(a)])
    fit = mean([1 - abs(a["difficulty_rating"] - 3) for a in done if a.get("difficulty_rating")])
    moved = engagement + 0.2 * (rate - engagement) + 0.05 * fit + 0.1 * ((rating or 3) - 3)
    return Figures(rate, lift, (rate + lift / 5) / 2, min(max(moved, 0.0), 1.0))


def is_rated(answer: Said) -> bool:
    """Whether the motivation was told before and after."""
    return bool(answer.get("motivation_before") and answer.get("motivation_after"))


def motivated(motivation: float, lift: float) -> float:
    """The motivation score after a session with that lift."""
    return motivation + 0.2 * (lift / 5 - motivation)


def faded(engagement: float, seen: date | None, today: date) -> float:
    """The engagement of who was last seen that day: less a fifth of itself for each whole day away."""
    away = (today - seen).days - 1 if seen else 0
    return engagement * 0.8 ** max(away, 0)


def own_day(at: datetime, timezone: str, seen: date | None) -> date:
    """The person's own day, which never runs backwards."""
    here = at.astimezone(ZoneInfo(timezone)).date()
    return max(here, seen or here)


def day_is_over(day: date, timezone: str) -> int:
    """The second at which that day is over where the person is."""
    return int(datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)).timestamp())


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0
