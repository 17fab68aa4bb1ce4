"""Computes what the page Days shows of TREND: a figure by segment and by day, with n and 95 % interval."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from operate.intervals import Estimate, means, wilson
from rl_core.days import Course, DayRow, Period, recent, shown, summed, together
from rl_core.models import MILLION, Segment

ALL = "All segments"
_NONE = float("nan")
_NOTHING = Estimate(0, _NONE, _NONE, _NONE)


class Figure(StrEnum):
    """Names what is shown of a day."""

    REWARD = "Mean reward"
    COMPLETED = "Completed"
    USERS = "Users a day"
    SESSIONS = "Sessions a day"

    @property
    def means(self) -> str:
        """Returns in one sentence what it is."""
        return _MEANS[self]

    @property
    def is_share(self) -> bool:
        return self is Figure.COMPLETED

    @property
    def is_count(self) -> bool:
        return self in (Figure.USERS, Figure.SESSIONS)


_MEANS = {
    Figure.REWARD: "Mean reward of the sessions that ended; n counts them. The interval takes each as independent of "
    "the others, so it is a little too narrow where a user has several.",
    Figure.COMPLETED: "Share of the assigned activities that were completed; n counts the assigned. The interval takes "
    "each session for one trial, because activities of one session hang together, so it is rather too wide.",
    Figure.USERS: "Users who were active on a day; of a week, on average. n sums them over the days. "
    "A count has no interval.",
    Figure.SESSIONS: "Sessions that were shown on a day; of a week, on average. n sums them over the days. "
    "A count has no interval.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Holds a figure of one day, or of the week from `first` on; `estimate` is None where it is withheld."""

    first: date
    last: date
    estimate: Estimate | None

    @property
    def is_week(self) -> bool:
        return self.first != self.last


@dataclass(frozen=True, slots=True)
class Line:
    """Holds a figure of a segment, or of all: of the whole time, by day or week, and how many weeks are withheld."""

    name: str
    whole: Estimate | None
    days: tuple[Shown, ...]
    withheld: int


def lines(courses: Mapping[Segment, Course], final: date, days: int, figure: Figure) -> list[Line]:
    """Returns a line of each segment, then one of all of them, which sums what is shown of each and nothing more."""
    periods = {s: [_told(its, figure) for its in recent(course, final, days)] for s, course in courses.items()}
    each = [_line(segment.value, its, final, figure) for segment, its in periods.items()]
    return [*each, _line(ALL, together(periods.values()), final, figure)]


def _told(period: Period, figure: Figure) -> Period:
    """Returns the period, withheld if the figure rests on one to four observations: these are of fewer than five."""
    row = period.row
    if row is None or _n(row, figure) == 0 or shown(_n(row, figure)):
        return period
    return period._replace(row=None)


def _line(name: str, periods: Sequence[Period], final: date, figure: Figure) -> Line:
    told = [its for its in periods if its.row is not None]
    lengths = [_length(its, final) for its in told]
    rows = [its.row for its in told if its.row is not None]
    each = iter(_estimates(rows, lengths, figure))
    by_day = [Shown(its.first, its.last, None if its.row is None else next(each)) for its in periods]
    whole = None if periods else _NOTHING
    if rows:
        (whole,) = _estimates([summed(rows)], [sum(lengths)], figure)
    return Line(name, whole, tuple(by_day), len(periods) - len(told))


def _length(period: Period, final: date) -> int:
    """Returns how many final days a period has."""
    return (min(period.last, final) - period.first + timedelta(days=1)).days


def _n(row: DayRow, figure: Figure) -> int:
    counts = {Figure.REWARD: row.rewarded, Figure.COMPLETED: row.assigned, Figure.USERS: row.users}
    return counts.get(figure, row.sessions)


def _estimates(rows: Sequence[DayRow], lengths: Sequence[int], figure: Figure) -> list[Estimate]:
    """Returns the figure of each row, which is of so many days; nan where there are too few observations."""
    counts = [_n(row, figure) for row in rows]
    if figure is Figure.REWARD:
        sums = [row.rewards / MILLION for row in rows], [row.reward_squares / MILLION**2 for row in rows]
        return _zipped(counts, means(*sums, counts))
    if figure is Figure.COMPLETED:
        sizes = [row.assigned / row.sessions if row.sessions else 1.0 for row in rows]
        return _zipped(counts, wilson([row.completed for row in rows], counts, sizes))
    return [Estimate(n, n / length, _NONE, _NONE) for n, length in zip(counts, lengths, strict=True)]


def _zipped(counts: Sequence[int], figures: tuple[Iterable[float], Iterable[float], Iterable[float]]) -> list[Estimate]:
    return [Estimate(n, *map(float, its)) for n, *its in zip(counts, *figures, strict=True)]


def told(estimate: Estimate | None, *, share: bool = False) -> str:
    """Returns a figure in words, with interval and n where it has them."""
    if estimate is None:
        return "withheld"
    if math.isnan(estimate.value):
        return "none"
    value, low, high = (f"{its:.0%}" if share else f"{its:+.3f}" for its in _parts(estimate))
    if math.isnan(estimate.low):
        return f"{estimate.value:.4g}, n={estimate.n}"
    return f"{value} ({low} to {high}), n={estimate.n}"


def _parts(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def missing(courses: Mapping[Segment, Course | None], final: date) -> list[str]:
    """Returns a sentence for what of TREND is not there, cannot be read, or does not go up to the last final day."""
    gone = [s for s in Segment if s not in courses]
    unread = [s for s, its in courses.items() if its is None]
    late = [s for s, its in courses.items() if its is not None and its.upto < final]
    return [
        f"{_named(which)}: {said}"
        for which, said in (
            (gone, "TREND is missing. An older release wrote the table; the daily job writes TREND on its next run."),
            (unread, "TREND cannot be read: a newer release wrote it, or it is damaged."),
            (late, f"TREND does not go up to {final} yet; the daily job brings it up to date on its next run."),
        )
        if which
    ]


def _named(segments: Sequence[Segment]) -> str:
    return ALL if len(segments) == len(Segment) else "; ".join(segment.value for segment in segments)
