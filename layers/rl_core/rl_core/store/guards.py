"""Reads and writes GUARD, the item that says how the lights stood when the guard last ran. It names no person."""

from collections.abc import Mapping
from typing import Any, TypeVar

from rl_core.days import Colour, Guard, Replay, Replayed, Standing, Weight
from rl_core.models import Segment
from rl_core.store import keys
from rl_core.store.fields import (
    FLOAT,
    TIME,
    WHOLE,
    Codec,
    Field,
    FieldTable,
    Item,
    Put,
    Stored,
    enumerated,
    number,
    same_revision,
    strict,
    string,
    unknown,
    written,
)

GUARD_FORM = 1
T = TypeVar("T")

STANDING = FieldTable(
    (
        Field("colour", "colour", enumerated(Colour), "`green`, `yellow`, `red` or `grey`"),
        Field("value", "value", FLOAT, "the value that was read", None),
        Field("since", "since", TIME, "since when it has the colour"),
        Field("at", "at", TIME, "when it was read"),
    )
)
REPLAY = FieldTable(
    (
        Field("result", "result", enumerated(Replayed), "`equal`, `differs`, `unreadable` or `not finished`"),
        Field("version", "version", WHOLE, "the policy's version"),
        Field("draws", "draws", WHOLE, "how many draws were recomputed"),
        Field("at", "at", TIME, "when it was checked"),
    )
)
WEIGHT = FieldTable(
    (
        Field("share", "share", FLOAT, "the greatest share of one person in the latest 200 lessons"),
        Field("others", "others", WHOLE, "how many others taught"),
        Field("at", "at", TIME, "when it was read"),
    )
)


def _maps(its: FieldTable, of: type[T]) -> Codec:
    """Returns the codec of a map by segment, each with the attributes of a field table."""
    return Codec(
        "map by segment",
        lambda found: {"M": {segment.code: {"M": its.write(each)} for segment, each in found.items()}},
        lambda v: {Segment.by_code(code): of(**its.read(each["M"])) for code, each in v["M"].items()},
    )


def _read_standings(value: Mapping[str, Any]) -> dict[str, Standing]:
    return {name: Standing(**STANDING.read(each["M"])) for name, each in value["M"].items()}


STANDINGS = Codec(
    "map by the light's name",
    lambda found: {"M": {name: {"M": STANDING.write(each)} for name, each in found.items()}},
    _read_standings,
)
GUARD = FieldTable(
    (
        Field("lights", "lights", STANDINGS, "each light as it stood: `standing`", {}),
        Field("replays", "replays", _maps(REPLAY, Replay), "the last check of each segment's policy: `replay`", {}),
        Field("weights", "weights", _maps(WEIGHT, Weight), "who teaches how much, by segment: `weight`", {}),
    )
)
_PLACE = frozenset({"pk", "sk", "revision"})


def guard_item(guard: Guard) -> Item:
    """Returns the item as it will be stored; its revision is one more than the one read."""
    place = {"pk": string(keys.GUARD_PK), "sk": string(keys.STATE_SK), "revision": number(guard.revision + 1)}
    return written(GUARD_FORM, place | GUARD.write(guard), guard.rest)


@strict
def read_guard(item: Stored) -> Guard:
    """Returns what the guard saw last. Raises UnreadableItemError."""
    rest = unknown(item, GUARD_FORM, GUARD.attributes, _PLACE)
    return Guard(revision=int(item["revision"]["N"]), rest=rest, **GUARD.read(item))


def guard_write(guard: Guard) -> Put:
    """Returns the write of the item in place of the one read."""
    return same_revision("guard", guard_item(guard), guard.revision)
