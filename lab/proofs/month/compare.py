"""Compares what the service rolled up with the recount, and names every difference."""

from collections.abc import Iterator
from dataclasses import astuple
from datetime import date
from math import isclose
from typing import Any

from lab.proofs.month.recount import Life, Row, segment_row, trend_row
from rl_core.days import COUNTS, DayRow
from rl_core.days.figures import TYPES, Figures
from rl_core.days.tally import SegmentDay
from rl_core.models import Segment, entry_code
from rl_core.sessions import catalogue
from rl_core.store import DayTable, read_user_day

TOLERANCE = 1e-9


def user_days(items: list[dict[str, Any]], lives: dict[str, Life]) -> Iterator[str]:
    """Yields the differences between the users' stored days and the recount; `items` are all items of the table."""
    stored = [read_user_day(i) for i in items if i["pk"]["S"].startswith("USER#") and i["sk"]["S"].startswith("DAY#")]
    found = {(d.mark.user, d.mark.day): d for d in stored}
    expected = {(user, day) for user, life in lives.items() for day in life.days}
    yield from (f"{user} {day}: only on one side" for user, day in found.keys() ^ expected)
    for user, day in sorted(found.keys() & expected):
        figures = found[user, day].figures
        row = lives[user].row(day)
        told = _row(figures) if figures else {}
        wrong = [name for name in row if not _same(told.get(name), row[name])]
        yield from (f"{user} {day} {name}: {told.get(name)} instead of {row[name]}" for name in wrong)
        if figures and not figures.settled:
            yield f"{user} {day}: not settled"


def _row(figures: Figures) -> Row:
    return {
        "sessions": figures.sessions,
        "assigned": figures.assigned,
        "completed": figures.completed,
        "by_type": {kind: astuple(figures.types[n]) for n, kind in enumerate(TYPES)},
        "rated": figures.rated,
        "lift": figures.lift_points,
        "engagement": figures.engagement,
        "motivation": figures.motivation,
        "streak": figures.streak_days,
    }


def segment_days(diary: DayTable, lives: dict[str, Life], first: date, count: int) -> Iterator[str]:
    """Yields the differences between the segments' stored days and the recount."""
    for day in (date.fromordinal(first.toordinal() + n) for n in range(count)):
        for segment in Segment:
            found, _ = diary.segment_day(segment, day)
            row, told = segment_row(lives.values(), segment.value, day), _segment_row(found or SegmentDay())
            wrong = [name for name in row if not _same(told[name], row[name])]
            yield from (f"{segment.value} {day} {name}: {told[name]} instead of {row[name]}" for name in wrong)


def courses(diary: DayTable, lives: dict[str, Life], first: date, count: int) -> Iterator[str]:
    """Yields the differences between TREND and the recount, of the days that are final."""
    for segment in Segment:
        course = diary.course(segment)
        if course is None:
            yield f"{segment.value}: no TREND"
            continue
        for day in (date.fromordinal(first.toordinal() + n) for n in range(count)):
            row, found = trend_row(lives.values(), segment.value, day), course.rows.get(day, DayRow())
            told = [*(getattr(found, name) for name in COUNTS), *found.draws.numbers()]
            if day <= course.upto and told != row:
                yield f"{segment.value} {day} TREND: {told} instead of {row}"


def _segment_row(found: SegmentDay) -> Row:
    names = {entry_code(entry.slug): entry.name for entry in catalogue().entries}
    return {
        "users": found.users,
        "new_users": found.new_users,
        "dropouts": list(found.dropouts),
        "gad7": [found.assessed, found.gad7_change, found.gad7_change_squares],
        "served": found.served,
        "actions": [list(astuple(sums)) for sums in found.actions],
        "names": {names[entry]: list(astuple(sums)) for entry, sums in found.entries.items()},
        "draws": list(found.draws.numbers()),
    }


def _same(one: Any, other: Any) -> bool:
    """Returns whether the values are equal; floats may differ by as much as another order of addition allows."""
    if isinstance(one, float) and isinstance(other, float | int):
        return isclose(one, other, rel_tol=0, abs_tol=TOLERANCE)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return all(_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
