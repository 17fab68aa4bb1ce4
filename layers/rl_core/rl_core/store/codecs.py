"""Names how nouns of ours are stored within an item's attribute."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from rl_core.models import LATEST, Action, Assessment, Bridge, Facts, Pause, Segment, State
from rl_core.packing import pack, unpack, unzigzag, zigzag
from rl_core.store.fields import Codec, number, string

SEGMENT = Codec("two letters, L, M or H", lambda its: string(its.code), lambda v: Segment.by_code(v["S"]))
TAUGHT = Codec(
    "map of segment to first and last version",
    lambda its: {"M": {segment.code: {"L": [number(n) for n in versions]} for segment, versions in its.items()}},
    lambda v: {Segment.by_code(code): (int(n["L"][0]["N"]), int(n["L"][1]["N"])) for code, n in v["M"].items()},
)
FACTS = Codec(
    "LEB128: by action the counts, then zigzag of the summed rewards in millionths, then the earlier counts; then the "
    "latest actions",
    lambda its: {"B": pack((*its.counts, *map(zigzag, its.sums), *its.earlier, *its.latest))},
    lambda v: read_facts(bytes(v["B"])),
)
STATE = Codec("state row", lambda state: number(state.row), lambda v: State.from_row(int(v["N"])))
PAUSES = Codec(
    "LEB128: of each pause when it began, in seconds since 1970, then how many seconds it lasts",
    lambda its: {"B": pack(n for since, until in its for n in (_seconds(since), _seconds(until) - _seconds(since)))},
    lambda v: tuple([Pause(_moment(since), _moment(since + lasts)) for since, lasts in _in_groups(v, 2)]),
)
BRIDGES = Codec(
    "LEB128: of each bridge its first day (0001-01-01 is 1), then how many days later it ends",
    lambda its: {"B": pack(n for first, last in its for n in (first.toordinal(), (last - first).days))},
    lambda v: tuple([Bridge(_day(first), _day(first + days)) for first, days in _in_groups(v, 2)]),
)
ASSESSMENTS = Codec(
    "LEB128: of each assessment the day (0001-01-01 is 1), the GAD-7 score and the active minutes a week",
    lambda its: {"B": pack(n for day, gad7, minutes in its for n in (day.toordinal(), gad7, minutes))},
    lambda v: tuple([Assessment(_day(day), gad7, minutes) for day, gad7, minutes in _in_groups(v, 3)]),
)


def read_facts(data: bytes) -> Facts:
    """Returns the facts from their bytes. Raises ValueError when these are not of this form."""
    numbers, width = list(unpack(data)), len(Action)
    if not 3 * width <= len(numbers) <= 3 * width + LATEST:
        raise ValueError(f"{len(numbers)} numbers are no facts of {width} actions")
    counts, sums, earlier = (tuple(numbers[n * width : (n + 1) * width]) for n in range(3))
    return Facts(counts, tuple(map(unzigzag, sums)), earlier, tuple(map(Action, numbers[3 * width :])))


def _in_groups(value: Any, size: int) -> Iterator[Sequence[int]]:
    """Returns the packed numbers in groups. Raises ValueError when the last one is not complete."""
    numbers = list(unpack(bytes(value["B"])))
    if len(numbers) % size:
        raise ValueError(f"{len(numbers)} numbers are no groups of {size}")
    return (numbers[n : n + size] for n in range(0, len(numbers), size))


def _day(number_: int) -> date:
    return date.fromordinal(number_)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
