"""Reads and writes TREND, the item that holds the figures of a segment's latest final days."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from rl_core.days import COUNTS, NO_DRAWS, Course, DayRow, DrawSums
from rl_core.errors import UnreadableItemError
from rl_core.models import Segment
from rl_core.packing import pack, unpack, unzigzag, zigzag
from rl_core.store import keys
from rl_core.store.fields import (
    DATE,
    Codec,
    Field,
    FieldTable,
    Item,
    Put,
    Stored,
    number,
    same_revision,
    strict,
    string,
    unknown,
    written,
)

TREND_FORM = 1
_WIDTH = 1 + len(COUNTS) + len(NO_DRAWS.numbers())
_EPOCH = date(1970, 1, 1)


def _packed(rows: Mapping[date, DayRow]) -> dict[str, Any]:
    """Returns the rows packed; the first day is stored in days since 1970, each later one in days after the former."""
    numbers, before = list[int](), _EPOCH
    for day, row in sorted(rows.items()):
        numbers += [(day - before).days, *(getattr(row, name) for name in COUNTS), *row.draws.numbers()]
        before = day
    return {"B": pack(map(zigzag, numbers))}


def _rows(value: Mapping[str, Any]) -> Iterator[tuple[date, DayRow]]:
    numbers, day = map(unzigzag, unpack(bytes(value["B"]))), _EPOCH
    for after, *its in zip(*[numbers] * _WIDTH, strict=True):
        day += timedelta(days=after)
        counts = dict(zip(COUNTS, its, strict=False))
        yield day, DayRow(**counts, draws=DrawSums.of(its[len(COUNTS) :]))


ROWS = Codec(
    "per day the days since the one before (the first: since 1970-01-01) and 17 sums, LEB128 of zigzag",
    _packed,
    lambda v: dict(_rows(v)),
)
TREND = FieldTable(
    (
        Field("upto", "upto", DATE, "the latest final day when it was written"),
        Field(
            "rows",
            "days",
            ROWS,
            "users, users served, sessions, rewarded, r and r^2 with r in millionths, assigned, completed; `draws` of "
            "the segment's day",
            {},
        ),
    )
)
_PLACE = frozenset({"pk", "sk", "revision"})


def trend_item(segment: Segment, course: Course) -> Item:
    """Returns the item as it will be stored; its revision is one more than the one read."""
    place = {"pk": string(keys.segment_pk(segment)), "sk": string(keys.TREND_SK)}
    place["revision"] = number(course.revision + 1)
    return written(TREND_FORM, place | TREND.write(course), course.rest)


@strict
def read_trend(item: Stored) -> Course:
    """Returns the course. Raises UnreadableItemError, also for a newer form, whose rows may mean something else."""
    if int(item["form"]["N"]) > TREND_FORM:
        raise UnreadableItemError("a newer release wrote TREND")
    rest = unknown(item, TREND_FORM, TREND.attributes, _PLACE)
    return Course(revision=int(item["revision"]["N"]), rest=rest, **TREND.read(item))


def trend_write(segment: Segment, course: Course) -> Put:
    """Returns the write of the item in place of the one read."""
    return same_revision("trend", trend_item(segment, course), course.revision)
