"""What a user's last days came to: totals, by type and day by day, and where motivation went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from rl_core.days.figures import ONE_DAY, TYPES, Figures, TypeFigures
from rl_core.models import Mark

Direction = Literal["rising", "steady", "falling"]

_STEADY = 0.1


@dataclass(frozen=True, slots=True)
class Totals:
    """What some active days came to together; `types` in the order of TYPES."""

    active_days: int
    sessions: int
    types: tuple[TypeFigures, ...]
    rated: int
    lift_points: int
    other: TypeFigures

    @property
    def assigned(self) -> int:
        return sum(t.assigned for t in (*self.types, self.other))

    @property
    def completed(self) -> int:
        return sum(t.completed for t in (*self.types, self.other))

    @property
    def minutes(self) -> int:
        return sum(t.minutes for t in self.types)

    @property
    def completion_rate(self) -> float | None:
        """The share of the assigned activities that was completed; None if nothing was assigned."""
        return self.completed / self.assigned if self.assigned else None

    @property
    def average_lift(self) -> float | None:
        """The mean increase of motivation in points, over the completions with both ratings; None without any."""
        return self.lift_points / self.rated if self.rated else None


@dataclass(frozen=True, slots=True)
class PeriodDay:
    """One day of a period; `figures` None: the user was not active on it."""

    date: date
    figures: Figures | None

    @property
    def totals(self) -> Totals:
        return totals_of([self.figures] if self.figures else [])


@dataclass(frozen=True, slots=True)
class Trend:
    """Motivation before a period's first active day, and when its last one ended."""

    start: float
    end: float

    @property
    def change(self) -> float:
        return self.end - self.start

    @property
    def direction(self) -> Direction:
        """The change is steady up to 0.1 points either way."""
        if self.change > _STEADY:
            return "rising"
        return "falling" if self.change < -_STEADY else "steady"


def totals_of(days: Sequence[Figures]) -> Totals:
    return Totals(
        active_days=len(days),
        sessions=sum(d.sessions for d in days),
        types=tuple(_summed([d.types[n] for d in days]) for n in range(len(TYPES))),
        rated=sum(d.rated for d in days),
        lift_points=sum(d.lift_points for d in days),
        other=_summed([d.other for d in days]),
    )


def _summed(parts: Sequence[TypeFigures]) -> TypeFigures:
    return TypeFigures(
        assigned=sum(p.assigned for p in parts),
        completed=sum(p.completed for p in parts),
        minutes=sum(p.minutes for p in parts),
    )


def day_by_day(first: date, last: date, active: Mapping[date, Figures]) -> list[PeriodDay]:
    """Every day of the period, oldest first; days that are not in `active` have no figures."""
    days = (first + ONE_DAY * n for n in range((last - first).days + 1))
    return [PeriodDay(day, active.get(day)) for day in days]


def trend_of(active: Sequence[tuple[Mark, Figures]], motivation: float) -> Trend:
    """The trend over the period's active days, in order; without any, `motivation` stood all the time."""
    if not active:
        return Trend(motivation, motivation)
    (first, _), (_, last) = active[0], active[-1]
    return Trend(first.motivation, last.motivation)
