"""Keeps the figures of a segment's latest final days together, so that one small item tells how the segment goes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Self

from rl_core.days.draws import NO_DRAWS, DrawSums
from rl_core.days.tally import SegmentDay
from rl_core.models import Rest

KEPT = 120  # days


@dataclass(frozen=True, slots=True)
class DayRow:
    """Holds what is kept of one final day of a segment; the words are those of SegmentDay and ActionSums.

    `served` counts the users who had a session of the segment. Rewards are sums of millionths.
    """

    users: int = 0
    served: int = 0
    sessions: int = 0
    rewarded: int = 0
    rewards: int = 0
    reward_squares: int = 0
    assigned: int = 0
    completed: int = 0
    draws: DrawSums = NO_DRAWS

    @classmethod
    def of(cls, day: SegmentDay) -> Self:
        """Returns the row of a segment's day."""
        sums = day.total()
        return cls(
            day.users,
            day.served,
            sums.sessions,
            sums.rewarded,
            sums.rewards,
            sums.reward_squares,
            sums.assigned,
            sums.completed,
            day.draws,
        )

    def plus(self, other: "DayRow") -> "DayRow":
        """Returns the sums of both rows; a user of both counts twice."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        return DayRow(**counts, draws=self.draws.plus(other.draws))


COUNTS = tuple(f.name for f in fields(DayRow) if f.name != "draws")
NO_ROW = DayRow()


def summed(rows: Iterable[DayRow]) -> DayRow:
    """Returns the sum of these rows; a user counts once for each row."""
    total = NO_ROW
    for row in rows:
        total = total.plus(row)
    return total


@dataclass(frozen=True, slots=True)
class Course:
    """Holds the rows of a segment's days up to `upto`, the latest final day that was known, at most 120 of them.

    A day on which nothing happened has no row.
    """

    upto: date
    rows: Mapping[date, DayRow] = field(default_factory=dict)
    revision: int = 0
    rest: Rest = field(default_factory=dict)

    @property
    def first(self) -> date:
        """Returns the earliest day of which a row may be kept."""
        return self.upto - timedelta(days=KEPT - 1)

    def holds(self, day: date) -> bool:
        """Returns whether the day's row is, or would be, among the rows."""
        return self.first <= day <= self.upto

    def between(self, first: date, last: date) -> dict[date, DayRow]:
        """Returns the rows of the days from `first` to `last`, in order."""
        return {day: row for day, row in sorted(self.rows.items()) if first <= day <= last}

    def moved(self, upto: date, days: Mapping[date, SegmentDay | None]) -> "Course":
        """Returns the course up to a day, or as far as it goes if that is later, with these days' rows anew.

        None for a day says that nothing happened on it.
        """
        anew = {day: DayRow.of(whole) if whole else NO_ROW for day, whole in days.items()}
        moved = replace(self, upto=max(self.upto, upto))
        rows = {day: row for day, row in (dict(self.rows) | anew).items() if row != NO_ROW and moved.holds(day)}
        return replace(moved, rows=dict(sorted(rows.items())))
