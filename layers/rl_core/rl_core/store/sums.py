"""Reads and writes the sums of a segment's day, wherever they are stored: in the day, its parts, and users' shares."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields

from rl_core.days import NO_DRAWS, ActionSums, DrawSums, EntrySums, Parts, SegmentDay
from rl_core.models import ACTIONS, MILLION, Segment
from rl_core.packing import pack, unpack, unzigzag, zigzag
from rl_core.store.fields import WHOLE, Codec, Field, FieldTable, Stored, number

SEGMENT_DAY_FORM = 3


def _packed(rows: Iterable[tuple[int, ...]]) -> bytes:
    return pack(zigzag(n) for row in rows for n in row)


def _rows(data: bytes, width: int) -> Iterator[tuple[int, ...]]:
    """Returns the numbers in rows of that width; raises ValueError if the last row is not whole."""
    numbers = map(unzigzag, unpack(data))
    return zip(*[numbers] * width, strict=True)


def _read_actions(data: bytes) -> tuple[ActionSums, ...]:
    found = {action: ActionSums(*sums) for action, *sums in _rows(data, 1 + len(fields(ActionSums)))}
    return tuple([found.get(action, ActionSums()) for action in ACTIONS])


DROPOUTS = Codec(
    "list of six", lambda ns: {"L": [number(n) for n in ns]}, lambda v: tuple([int(n["N"]) for n in v["L"]])
)
ACTION_SUMS = Codec(
    "per action that was served its id and ten sums, LEB128 of zigzag",
    lambda actions: {"B": _packed((n, *astuple(its)) for n, its in enumerate(actions) if its != ActionSums())},
    lambda v: _read_actions(bytes(v["B"])),
)
ENTRY_SUMS = Codec(
    "per entry its code and six sums, LEB128 of zigzag",
    lambda entries: {"B": _packed((entry, *astuple(its)) for entry, its in sorted(entries.items()))},
    lambda v: {entry: EntrySums(*sums) for entry, *sums in _rows(bytes(v["B"]), 1 + len(fields(EntrySums)))},
)
DRAW_SUMS = Codec(
    "nine sums, LEB128 of zigzag",
    lambda its: {"B": _packed([its.numbers()])},
    lambda v: DrawSums.of([unzigzag(n) for n in unpack(bytes(v["B"]))]),
)

_COUNTS = (
    Field("users", "users", WHOLE, "users active"),
    Field("new_users", "new_users", WHOLE, "users active for the first time"),
    Field(
        "dropouts", "dropouts", DROPOUTS, "users whose seventh day away it is, paused days aside, by their last action"
    ),
)
SEGMENT_DAY = FieldTable(
    (
        *_COUNTS,
        Field("served", "served", WHOLE, "users who had a session of the segment", 0, since=2),
        Field(
            "actions",
            "by_action",
            ACTION_SUMS,
            "sessions; assigned a; completed c; sums of a^2, c^2, a c; rewarded; r and r^2, r in millionths; users",
            since=2,
        ),
        Field(
            "entries",
            "by_entry",
            ENTRY_SUMS,
            "how the catalogue's entries did: assigned, completed, rated, lift, its squares, users",
            since=2,
        ),
        Field("assessed", "assessed", WHOLE, "users with assessments of two days or more", 0, since=3),
        Field("gad7_change", "gad7", WHOLE, "sum of their change of GAD-7 from first to latest", 0, since=3),
        Field("gad7_change_squares", "gad7_squares", WHOLE, "sum of the squares of these changes", 0, since=3),
        Field(
            "draws",
            "draws",
            DRAW_SUMS,
            "sessions drawn from a policy, fallbacks, tries, entropy in millionths; closed as fallback, without "
            "consent, excluded, paused, over-weight",
            NO_DRAWS,
            since=3,
        ),
    )
)

# The release before reads these two of a segment's day, and no others; the next release need not write them any more.

_ACTION_1 = struct.Struct("<7Q2d")
_ENTRY_1 = struct.Struct("<IIIIiQ")


def _write_action_1(its: ActionSums) -> bytes:
    *counts, rewards, squares, _ = astuple(its)
    return _ACTION_1.pack(*counts, rewards / MILLION, squares / MILLION**2)


def _read_action_1(*stored: float) -> ActionSums:
    *counts, rewards, squares = stored
    return ActionSums(*[*map(int, counts), round(rewards * MILLION), round(squares * MILLION**2)])


FORM_1 = FieldTable(
    (
        Field(
            "actions",
            "actions",
            Codec(
                "per action seven uint64 and two float64, little-endian",
                lambda actions: {"B": b"".join(map(_write_action_1, actions))},
                lambda v: tuple([_read_action_1(*sums) for sums in _ACTION_1.iter_unpack(bytes(v["B"]))]),
            ),
            "`by_action` without users, for the release before; sums of r and r^2 in ones",
        ),
        Field(
            "entries",
            "entries",
            Codec(
                "per entry its code, assigned, completed, rated as uint32, lift as int32, its squares as uint64",
                lambda entries: {
                    "B": b"".join(_ENTRY_1.pack(e, *astuple(its)[:5]) for e, its in sorted(entries.items()))
                },
                lambda v: {entry: EntrySums(*sums) for entry, *sums in _ENTRY_1.iter_unpack(bytes(v["B"]))},
            ),
            "`by_entry` without users, for the release before",
        ),
    )
)
_AS_FORM_1 = FieldTable((*_COUNTS, *FORM_1.fields))


def read_sums(item: Stored) -> SegmentDay:
    """Returns the sums of a segment's day or part; those of form 1 have no counts of users by action and entry."""
    table = _AS_FORM_1 if item["form"]["N"] == "1" else SEGMENT_DAY
    return SegmentDay(**table.read(item))


PARTS = Codec(
    "map by segment of the attributes of a segment's day",
    lambda parts: {"M": {segment.code: {"M": SEGMENT_DAY.write(its)} for segment, its in parts.items()}},
    lambda v: _read_parts(v["M"]),
)


def _read_parts(maps: Stored) -> Parts:
    return {Segment.by_code(code): SegmentDay(**SEGMENT_DAY.read(its["M"])) for code, its in maps.items()}
