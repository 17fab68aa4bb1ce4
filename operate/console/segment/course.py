"""Computes what TREND says of a segment: the latest days, how they changed, and its learning curve."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from operate.intervals import Estimate, means
from rl_core.days import Change, Colour, Course, DayRow, Period, Seen, change, pooled, summed
from rl_core.models import MILLION, Segment

LATE, BEFORE = 7, 28  # days that the light `reward` compares
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Lately:
    """Holds the mean reward of the latest 7 final days and of the 28 before; None where it may not be shown.

    `change` is None for a segment in which nothing happened in these days.
    """

    final: date
    now: Estimate | None
    before: Estimate | None
    change: Change | None

    @property
    def colour(self) -> Colour:
        """Returns the colour of the light `reward` for this segment alone."""
        return self.change.colour() if self.change else Colour.GREY


def lately(segment: Segment, course: Course | None, final: date | None, now: datetime) -> Lately | None:
    """Returns how the segment went lately; None where the course does not go up to a final day of the last eight."""
    known = Seen(now, final, {segment: course}).known().get(segment)
    if known is None or final is None:
        return None
    begin = final - (LATE - 1) * _DAY
    latest, before = mean_reward(known, begin, final), mean_reward(known, begin - BEFORE * _DAY, begin - _DAY)
    return Lately(final, latest, before, change(known, final))


def mean_reward(course: Course, first: date, last: date) -> Estimate | None:
    """Returns the mean reward of the days from `first` to `last`; None where it would tell of fewer than five users.

    It may be shown if these days are just some of the days and weeks that the learning curve shows: then they tell
    nothing more. A part of a week that is shown as a whole, beside that week, would tell of the rest of it.
    """
    within = course.between(first, last)
    for period in pooled(course.rows):
        days = course.between(period.first, period.last).keys()
        if days & within.keys() and (period.row is None or not days <= within.keys()):
            return None
    return _mean(summed(within.values()))


def _mean(row: DayRow) -> Estimate | None:
    """Returns the mean reward with its 95 % interval; None of fewer than two rewards, which have no interval."""
    if row.rewarded < 2:
        return None
    mean, low, high = means([row.rewards / MILLION], [row.reward_squares / MILLION**2], [row.rewarded])
    return Estimate(row.rewarded, float(mean[0]), float(low[0]), float(high[0]))


@dataclass(frozen=True, slots=True)
class Point:
    """Holds what is shown of a day or a week: the mean reward, and how the sessions were drawn.

    `tries` and `entropy` are shares, None where no session was drawn from a policy.
    """

    first: date
    last: date
    sessions: int
    reward: Estimate
    tries: float | None
    entropy: float | None

    @property
    def days(self) -> str:
        """Returns the day, or the days of the week, in words."""
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


def curve(course: Course) -> tuple[Point, ...]:
    """Returns the learning curve: days, or weeks where a day has fewer than five users; leaves out what is withheld."""
    return tuple(_points(pooled(course.rows)))


def withheld_of(course: Course) -> int:
    """Returns how many weeks may not be shown, because no day of them has five users."""
    return sum(period.row is None for period in pooled(course.rows))


def _points(periods: Iterable[Period]) -> Iterator[Point]:
    for first, last, row in periods:
        if row is None or (reward := _mean(row)) is None:
            continue
        draws = row.draws
        tries = draws.tries / draws.drawn if draws.drawn else None
        entropy = draws.entropy / MILLION / draws.drawn if draws.drawn else None
        yield Point(first, last, row.sessions, reward, tries, entropy)
