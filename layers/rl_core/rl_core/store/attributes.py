"""Attribute values: Python's values in DynamoDB's wire form and back.

Floats are stored as numbers with their full repr (at most 17 digits), so they come back bit for bit.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, TypeVar

from rl_core.errors import UnreadableItemError
from rl_core.models import Action

Value = dict[str, Any]
Item = dict[str, Value]
Stored = Mapping[str, Mapping[str, Any]]
T = TypeVar("T")

_SMALLEST = 1e-100


def string(value: str) -> Value:
    return {"S": value}


def number(value: float) -> Value:
    """DynamoDB's numbers end at 1e-130; a score that decayed to next to nothing is stored as 0."""
    return {"N": repr(value) if abs(value) > _SMALLEST else "0"}


def time(value: datetime) -> Value:
    return {"N": str(int(value.timestamp()))}


def actions(value: Iterable[Action]) -> Value:
    return {"S": "".join(str(int(a)) for a in value)}


def read_int(item: Stored, name: str) -> int:
    return int(item[name]["N"])


def maybe_int(item: Stored, name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None


def read_float(item: Stored, name: str) -> float:
    return float(item[name]["N"])


def read_time(item: Stored, name: str) -> datetime:
    return datetime.fromtimestamp(int(item[name]["N"]), UTC)


def maybe_date(item: Stored, name: str) -> date | None:
    return date.fromisoformat(item[name]["S"]) if name in item else None


def read_actions(item: Stored, name: str) -> tuple[Action, ...]:
    return tuple(Action(int(c)) for c in item[name]["S"])


def strict(read: Callable[[Stored], T]) -> Callable[[Stored], T]:
    """Any way in which an item fails to parse is one fact: UnreadableItemError, which names the key only."""

    @wraps(read)
    def reader(item: Stored) -> T:
        try:
            return read(item)
        except (LookupError, ValueError, TypeError, ArithmeticError, struct.error) as error:
            place = f"{item.get('pk', {}).get('S', '')[:8]}... {item.get('sk', {}).get('S')}"
            raise UnreadableItemError(f"{place}: {type(error).__name__}") from error

    return reader
