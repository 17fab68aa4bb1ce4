"""Defines how values are stored, the field table of an item, and the conditional write of an item.

The reader, the writer and the documentation of an item come from its field table. Floats are stored as numbers with
their full repr (at most 17 digits), so they come back bit for bit. A value that equals its default is not stored.
Attributes that no field names are read into `rest` and written back: a newer release put them there.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import wraps
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from rl_core.errors import UnreadableItemError
from rl_core.models import Action

Value = dict[str, Any]
Item = dict[str, Value]
Stored = Mapping[str, Mapping[str, Any]]
T = TypeVar("T")

_SMALLEST = 1e-100
_EPOCH = date(1970, 1, 1)


class Codec(NamedTuple):
    """Writes and reads one kind of value; `kind` is the documentation's name for the stored form."""

    kind: str
    write: Callable[[Any], Value]
    read: Callable[[Mapping[str, Any]], Any]


def string(value: str) -> Value:
    return {"S": value}


def number(value: float) -> Value:
    """Returns a stored number, 0 for one within 1e-100 of 0: DynamoDB's numbers end at 1e-130, and scores decay."""
    return {"N": repr(value) if abs(value) > _SMALLEST else "0"}


def time(value: datetime) -> Value:
    return {"N": str(int(value.timestamp()))}


def actions(value: Iterable[Action]) -> Value:
    return {"S": "".join(str(int(a)) for a in value)}


def read_time(value: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(value["N"]), UTC)


def read_floats(value: Mapping[str, Any]) -> tuple[float, ...]:
    return struct.unpack(f"<{len(value['B']) // 8}d", value["B"])


TEXT = Codec("text", string, lambda v: v["S"])
WHOLE = Codec("whole number", number, lambda v: int(v["N"]))
FLOAT = Codec("number", number, lambda v: float(v["N"]))
FLAG = Codec("flag", lambda value: {"BOOL": value}, lambda v: v["BOOL"])
BYTES = Codec("bytes", lambda value: {"B": value}, lambda v: v["B"])
TIME = Codec("time", time, read_time)
DATE = Codec("date", lambda day: string(day.isoformat()), lambda v: date.fromisoformat(v["S"]))
DAY_NUMBER = Codec(
    "days since 1970-01-01",
    lambda day: number((day - _EPOCH).days),
    lambda v: _EPOCH + timedelta(days=int(v["N"])),
)
ACTION = Codec("action id", lambda action: number(int(action)), lambda v: Action(int(v["N"])))
ACTIONS = Codec("action ids, a digit each", actions, lambda v: tuple(Action(int(c)) for c in v["S"]))
FLOATS = Codec("float64 each", lambda fs: {"B": struct.pack(f"<{len(fs)}d", *fs)}, read_floats)
TEXTS = Codec(
    "texts, a space between",
    lambda texts: string(" ".join(texts)),
    lambda v: tuple(v["S"].split(" ")) if v["S"] else (),
)


def enumerated(kind: type[Enum]) -> Codec:
    """Returns the codec of an enumeration, stored by value."""
    return Codec("text", lambda value: string(value.value), lambda v: kind(v["S"]))


class _Required(Enum):
    REQUIRED = "required"


REQUIRED = _Required.REQUIRED


@dataclass(frozen=True, slots=True)
class Field:
    """Describes one value of an item.

    `name` is the model's attribute, `attribute` the item's; `codec` stores the value, `means` documents it. `default`
    is read when the attribute is missing, and is not written; REQUIRED says that the attribute is never missing.
    `since` is the first form of the item that has the attribute.
    """

    name: str
    attribute: str
    codec: Codec
    means: str
    default: Any = REQUIRED
    since: int = 1


@dataclass(frozen=True)
class FieldTable:
    """Reads and writes the fields of one kind of item, or of a map within an item."""

    fields: tuple[Field, ...]

    @property
    def attributes(self) -> frozenset[str]:
        return frozenset(f.attribute for f in self.fields)

    def write(self, value: Any) -> Item:
        """Returns the attributes of a model that has every field as an attribute of its own."""
        item: Item = {}
        for f in self.fields:
            its = attrgetter(f.name)(value)
            if f.default is REQUIRED or its != f.default:
                item[f.attribute] = f.codec.write(its)
        return item

    def read(self, item: Stored) -> dict[str, Any]:
        """Returns the fields by the model's names. Raises KeyError when a required attribute is missing."""
        found: dict[str, Any] = {}
        for f in self.fields:
            if f.attribute in item:
                found[f.name] = f.codec.read(item[f.attribute])
            elif f.default is REQUIRED:
                raise KeyError(f.attribute)
            else:
                found[f.name] = f.default
        return found


def shifted(item: Stored, by: Mapping[str, int]) -> Item:
    """Returns the attributes of the item; adds to each whole number that `by` names the amount given there."""
    moved = {name: number(int(item[name]["N"]) + much) for name, much in by.items() if name in item}
    return {**{name: dict(value) for name, value in item.items()}, **moved}


def rest_of(item: Stored, *known: frozenset[str]) -> dict[str, Any]:
    """Returns the attributes that none of these sets names."""
    return {name: value for name, value in item.items() if not any(name in names for names in known)}


def written(form: int, item: Item, rest: Mapping[str, Any]) -> Item:
    """Returns the item with its form and the attributes in `rest`, which may replace the form by a newer one."""
    return item | {"form": number(form)} | dict(rest)


def unknown(item: Stored, form: int, *known: frozenset[str]) -> dict[str, Any]:
    """Returns `rest`: the attributes that this code does not know, with the item's form if that is a newer one."""
    rest = rest_of(item, *known, frozenset({"form"}))
    return rest | {"form": item["form"]} if int(item["form"]["N"]) > form else rest


def strict(read: Callable[[Stored], T]) -> Callable[[Stored], T]:
    """Returns the reader, made to raise UnreadableItemError, which names no user, whenever an item fails to parse."""

    @wraps(read)
    def reader(item: Stored) -> T:
        try:
            return read(item)
        except (LookupError, ValueError, TypeError, ArithmeticError, struct.error) as error:
            raise UnreadableItemError(f"{item.get('sk', {}).get('S')}: {type(error).__name__}") from error

    return reader


@dataclass(frozen=True, slots=True)
class Put:
    """Writes a whole item. Has no condition only when another write of the same transaction guards it.

    A lost condition is reported by `name`; `key` is the session's key when the item is a session.
    """

    name: str
    item: Item
    condition: str = ""
    values: Item | None = None
    names: dict[str, str] | None = None
    key: bytes = b""

    def arguments(self) -> dict[str, Any]:
        """Returns the arguments, apart from the table's name, for put_item and for a Put in a transaction."""
        arguments: dict[str, Any] = {"Item": self.item}
        if self.condition:
            arguments["ConditionExpression"] = self.condition
        if self.values:
            arguments["ExpressionAttributeValues"] = self.values
        if self.names:
            arguments["ExpressionAttributeNames"] = self.names
        return arguments


def new_item(name: str, item: Item) -> Put:
    """Returns the write of an item under the condition `new-item`."""
    return Put(name, item, "attribute_not_exists(pk)")


def same_revision(name: str, item: Item, revision: int, life: bytes = b"", key: bytes = b"") -> Put:
    """Returns the write of an item under the condition `same-revision`, or `new-item` for revision 0.

    With `life`, `same-revision` also requires that the stored item has this key, a life's or a session's.
    """
    if not revision:
        return Put(name, item, "attribute_not_exists(pk)", key=key)
    condition, values, names = "#revision = :revision", {":revision": number(revision)}, {"#revision": "revision"}
    if life:
        condition = f"{condition} AND #key = :key"
        values |= {":key": {"B": life}}
        names |= {"#key": "key"}
    return Put(name, item, condition, values, names, key)
