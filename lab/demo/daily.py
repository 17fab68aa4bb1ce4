"""Reads the days that the daily job rolled up, all segments together, for the terminal and the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from operate.intervals import Estimate, completion_by_action, reward_by_action
from rl_core.days import SegmentDay, count_shown, merged, shown
from rl_core.models import Segment
from rl_core.store import DayTable

LAST = 14  # days shown in the terminal


@dataclass(frozen=True)
class DayRow:
    """One day of all segments; the intervals are 95 % intervals."""

    day: date
    users: int
    new_users: int
    dropouts: int
    sessions: int
    completion: Estimate
    reward: Estimate


def daily_rows(table_name: str, first: date, count: int) -> list[DayRow]:
    """Returns the days of five users or more, and those of nobody but five dropouts or more, in order."""
    diary = DayTable(table_name)
    wholes = {first + timedelta(days=n): _whole(diary, first + timedelta(days=n)) for n in range(count)}
    return [_row(day, whole) for day, whole in wholes.items() if shown(whole.served or sum(whole.dropouts))]


def _whole(diary: DayTable, day: date) -> SegmentDay:
    found = (diary.segment_day(segment, day)[0] for segment in Segment)
    return merged(segment_day for segment_day in found if segment_day)


def _row(day: date, whole: SegmentDay) -> DayRow:
    total = whole.total()
    return DayRow(
        day=day,
        users=whole.users,
        new_users=whole.new_users,
        dropouts=sum(whole.dropouts),
        sessions=total.sessions,
        completion=completion_by_action([total])[0],
        reward=reward_by_action([total])[0],
    )


def tell_days(console: Console, rows: Sequence[DayRow]) -> None:
    """Prints the latest days as a table."""
    shown = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, title=f"The last {min(LAST, len(rows))} days")
    for heading in ("Day", "Active", "New", "Gone", "Sessions", "Done (95 %)", "n", "Reward (95 %)", "n"):
        shown.add_column(heading, justify="left" if heading == "Day" else "right", no_wrap=True)
    for row in rows[-LAST:]:
        shown.add_row(f"{row.day:%a %d %b}", *_counts(row), *_done(row.completion), *_gained(row.reward))
    console.print(shown)


def table_rows(rows: Sequence[DayRow]) -> str:
    """Returns the days as rows of an HTML table."""
    return "\n".join(
        f"<tr><td>{escape(f'{row.day:%a %d %b}')}</td>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in (*_counts(row), *_done(row.completion), *_gained(row.reward)))
        + "</tr>"
        for row in rows
    )


def _counts(row: DayRow) -> tuple[str, ...]:
    return (*map(count_shown, (row.users, row.new_users, row.dropouts)), str(row.sessions))


def _done(its: Estimate) -> tuple[str, str]:
    return (f"{its.value:.0%} ({its.low:.0%}-{its.high:.0%})" if its.n else "-"), str(its.n)


def _gained(its: Estimate) -> tuple[str, str]:
    if its.n == 0 or math.isnan(its.low):
        return ("-" if its.n == 0 else f"{its.value:.2f}"), str(its.n)
    return f"{its.value:.2f} ({its.low:.2f} to {its.high:.2f})", str(its.n)
