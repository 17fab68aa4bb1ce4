"""Says what may be shown of figures of people: nothing that tells of fewer than five of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from rl_core.days.course import Course, DayRow, summed
from rl_core.days.tally import SegmentDay, merged
from rl_core.models import Segment

FEWEST = 5


def shown(users: int) -> bool:
    """Returns whether a figure of so many users may be shown."""
    return users >= FEWEST


def shows(day: SegmentDay) -> bool:
    """Returns whether the figures of a day may be shown: of its users, and of its sessions if it has any."""
    return shown(day.users) and (shown(day.served) or not day.total().sessions)


def count_shown(users: int) -> str:
    """Returns a number of users as it may be shown: one to four as "<5"."""
    return str(users) if users == 0 or shown(users) else f"<{FEWEST}"


def withheld(users: Sequence[int]) -> set[int]:
    """Returns the places of the rows, given each row's users, that must not be shown beside the total of all rows.

    These are rows of one to four users; and as long as those withheld have fewer than five together, the next larger
    one too, because the total less the rows that are shown would tell their figures. A user may be in several rows, so
    this keeps out a simple subtraction and no more.
    """
    places: set[int] = set()
    for place in sorted((n for n, its in enumerate(users) if its), key=lambda n: users[n]):
        together = sum(users[n] for n in places)
        if shown(users[place]) and (not places or shown(together)):
            break
        places.add(place)
    return places


def publishable(
    segments: Mapping[Segment, SegmentDay], *, by_segment: bool
) -> tuple[SegmentDay, dict[Segment, SegmentDay]]:
    """Returns the sum over a day's segments, and with `by_segment` each segment that may be shown beside it.

    The sum leaves out the segments that may not be shown when they have fewer than five users together: their figures
    would be the difference between the sum and the segments beside it.
    """
    if not by_segment:
        return merged(segments.values()), {}
    each = {segment: day for segment, day in segments.items() if shows(day)}
    hidden = merged(day for segment, day in segments.items() if segment not in each)
    whole = merged(each.values())
    return (whole.plus(hidden) if shows(hidden) else whole), each


class Period(NamedTuple):
    """Holds what may be shown of a day, or of a week from its Monday on; `row` is None where that is nothing."""

    first: date
    last: date
    row: DayRow | None


def pooled(rows: Mapping[date, DayRow]) -> Iterator[Period]:
    """Yields the days in order; a week with a day of fewer than five users is shown as a whole, or withheld.

    Users of several days are not known apart. So a week is shown if one of its days has five users alone, and then
    without its days: the difference would tell the figures of the small one.
    """
    for monday, days in groupby(sorted(rows), key=_monday):
        its = {day: rows[day] for day in days}
        if all(map(_told, its.values())):
            yield from (Period(day, day, row) for day, row in its.items())
        else:
            told = summed(its.values()) if any(map(_told, its.values())) else None
            yield Period(monday, monday + timedelta(days=6), told)


def recent(course: Course, final: date, days: int) -> list[Period]:
    """Returns what may be shown of a segment's latest final days, so many, and of the whole week in which they begin.

    Weeks are pooled before days are left out: a week's days without its small one, beside the whole week, would tell
    of the small one. The oldest week is left out when the course does not hold all of it.
    """
    begin = course.first + timedelta(days=-course.first.weekday() % 7)
    return [its for its in pooled(course.between(begin, final)) if its.last > final - timedelta(days=days)]


def together(segments: Iterable[Iterable[Period]]) -> list[Period]:
    """Returns the sums over segments of the periods that are shown, and of nothing that is withheld.

    A week of which one segment is shown as a whole is one period, and `row` is None for a week of which nothing is.
    """
    weeks = defaultdict[date, list[Period]](list)
    for period in (its for periods in segments for its in periods):
        weeks[_monday(period.first)].append(period)
    return [whole for monday in sorted(weeks) for whole in _summed_week(monday, weeks[monday])]


def _summed_week(monday: date, periods: Iterable[Period]) -> Iterator[Period]:
    told = [(its.first, its.last, its.row) for its in periods if its.row is not None]
    days = sorted({first for first, last, _ in told if first == last})
    if told and all(first == last for first, last, _ in told):
        yield from (Period(day, day, summed(row for first, _, row in told if first == day)) for day in days)
    else:
        yield Period(monday, monday + timedelta(days=6), summed(row for *_, row in told) if told else None)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _told(row: DayRow) -> bool:
    return shown(row.users) and (shown(row.served) or not row.sessions)
