"""Reads and writes the daily job's items: users' days, segments' days, their shards, and the days that are final."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from functools import lru_cache

from rl_core.days import ActionSums, EntrySums, SegmentDay
from rl_core.models import Segment, Session
from rl_core.store import items, keys
from rl_core.store.budget import ReadBudget
from rl_core.store.fields import (
    DATE,
    FLAG,
    WHOLE,
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
    written,
)
from rl_core.store.items import UserDay, read_user_day, user_day_item
from rl_core.store.table import Table, between, open_store

SEGMENT_DAY_FORM = SHARD_FORM = WATERMARK_FORM = 1
_ACTION = struct.Struct("<7Q2d")
_ENTRY = struct.Struct("<IIIIiQ")
_PAGE = 100
_SESSIONS = 3  # a user rarely has more on one day


@dataclass(frozen=True, slots=True)
class ShardState:
    """Holds one shard of one day as stored.

    `revision` is 0 when nothing is stored yet; `final` says that the shard was computed when nothing could change any
    more.
    """

    revision: int
    final: bool
    parts: dict[Segment, SegmentDay]


@dataclass(frozen=True, slots=True)
class Watermark:
    """Says that every day up to `day`, and `day` itself, is final."""

    day: date
    revision: int


DROPOUTS = Codec(
    "list of six", lambda ns: {"L": [number(n) for n in ns]}, lambda v: tuple([int(n["N"]) for n in v["L"]])
)
ACTION_SUMS = Codec(
    "per action seven uint64 and two float64, little-endian",
    lambda actions: {"B": b"".join(_ACTION.pack(*astuple(sums)) for sums in actions)},
    lambda v: tuple([ActionSums(*sums) for sums in _ACTION.iter_unpack(bytes(v["B"]))]),
)
ENTRY_SUMS = Codec(
    "per entry its code, assigned, completed, rated as uint32, lift as int32, its squares as uint64, little-endian",
    lambda entries: {"B": b"".join(_ENTRY.pack(entry, *astuple(sums)) for entry, sums in sorted(entries.items()))},
    lambda v: {entry: EntrySums(*sums) for entry, *sums in _ENTRY.iter_unpack(bytes(v["B"]))},
)

SEGMENT_DAY = FieldTable(
    (
        Field("users", "users", WHOLE, "users active"),
        Field("new_users", "new_users", WHOLE, "users active for the first time"),
        Field("dropouts", "dropouts", DROPOUTS, "users last active seven days before, by their last action"),
        Field(
            "actions",
            "actions",
            ACTION_SUMS,
            "sessions; assigned a; completed c; sums of a^2, c^2, a c; rewarded; sums of r and r^2",
        ),
        Field("entries", "entries", ENTRY_SUMS, "how the catalogue's entries did"),
    )
)
SHARD = FieldTable((Field("final", "final", FLAG, "whether nothing could change when the shard was computed", False),))
WATERMARK = FieldTable((Field("day", "day", DATE, "the day up to which every day, this one included, is final"),))


def segment_day_item(segment: Segment, sk: str, day: SegmentDay) -> Item:
    """Returns the item of a segment's day, or of one shard's part of it, without a revision."""
    place = {"pk": string(keys.segment_pk(segment)), "sk": string(sk)}
    return written(SEGMENT_DAY_FORM, place | SEGMENT_DAY.write(day), {})


@strict
def read_segment_day(item: Stored) -> SegmentDay:
    """Returns the segment's day, or one shard's part of it. Raises UnreadableItemError."""
    return SegmentDay(**SEGMENT_DAY.read(item))


class DayTable(Table):
    """Reads and writes the table for the daily job. Every method raises UnavailableError when it cannot be reached."""

    def active(self, day: date, shard: int) -> Iterator[tuple[str, ...]]:
        """Yields pages of the users of one shard who were active on the day, as far as the index knows."""
        pages = self.pages(
            IndexName=keys.INDEX,
            KeyConditionExpression="due_shard = :partition",
            ExpressionAttributeValues={":partition": string(keys.day_partition(day, shard))},
            Limit=_PAGE,
        )
        yield from (tuple(i["pk"]["S"].removeprefix(keys.user_pk("")) for i in page) for page in pages)

    def user_days(self, users: Sequence[str], day: date) -> list[Stored]:
        """Returns these users' items of the day, in the order of `users` (at most 100); leaves out users without one.

        An erased user has no item.
        """
        wanted = [(keys.user_pk(user), keys.day_sk(day)) for user in users]
        found = self.items(wanted)
        return [found[key] for key in wanted if key in found]

    def days_of(self, user: str, first: date, last: date, budget: ReadBudget | None = None) -> list[UserDay]:
        """Returns a user's active days from `first` to `last`, both included; takes them off the budget, if given."""
        pages = self.pages(budget, **between(keys.user_pk(user), keys.day_sk(first), keys.day_sk(last)))
        return [read_user_day(item) for page in pages for item in page]

    def was_active(self, user: str, first: date, last: date) -> bool:
        """Returns whether the user has an active day from `first` to `last`, both included."""
        query = between(keys.user_pk(user), keys.day_sk(first), keys.day_sk(last))
        return bool(self.call("query", **query, Limit=1)["Items"])

    def sessions_from(self, user: str, number_: int, until: date) -> list[Session]:
        """Returns the user's sessions from this number on, in order, before the first one of a day after `until`."""
        found: list[Session] = []
        query = between(keys.user_pk(user), keys.session_sk(number_), keys.session_sk(keys.LAST_SESSION))
        for page in self.pages(**query, Limit=_SESSIONS):
            for item in page:
                session = items.read_session(item)
                if session.day and session.day > until:
                    return found
                found.append(session)
        return found

    def save(self, day: UserDay) -> None:
        """Writes a user's day with its figures. Raises ConflictError when the day's item is not as it was read."""
        self.write(same_revision("day", user_day_item(day), day.revision, day.mark.key))

    def shard(self, day: date, shard: int) -> ShardState:
        """Returns what is stored of a shard, strongly consistent."""
        marker = (keys.DAILY_PK, keys.shard_sk(day, shard))
        found = self.items([marker, *((keys.segment_pk(s), keys.shard_sk(day, shard)) for s in Segment)])
        stored = found.pop(marker, None)
        parts = {Segment[pk.removeprefix("SEGMENT#")]: read_segment_day(item) for (pk, _), item in found.items()}
        return ShardState(
            revision=int(stored["revision"]["N"]) if stored else 0,
            final=stored is not None and SHARD.read(stored)["final"],
            parts={s: parts[s] for s in Segment if s in parts},
        )

    def save_shard(self, day: date, shard: int, before: ShardState, after: ShardState) -> None:
        """Writes what changed of a shard, under the revision that was read before the shard's users were.

        Raises ConflictError when another worker wrote the shard meanwhile.
        """
        sk = keys.shard_sk(day, shard)
        place: Item = {"pk": string(keys.DAILY_PK), "sk": string(sk), "revision": number(before.revision + 1)}
        marker = written(SHARD_FORM, place | SHARD.write(after), {})
        changed = [s for s, part in after.parts.items() if before.parts.get(s) != part]
        parts = [Put("part", segment_day_item(s, sk, after.parts[s])) for s in changed]
        self.write(same_revision("shard", marker, before.revision), *parts)

    def segment_day(self, segment: Segment, day: date) -> tuple[SegmentDay | None, int]:
        """Returns a segment's day and the revision of its item; (None, 0) if there is no item."""
        item = self.get(keys.segment_pk(segment), keys.day_sk(day))
        return (read_segment_day(item), int(item["revision"]["N"])) if item else (None, 0)

    def parts(self, segment: Segment, day: date) -> list[SegmentDay]:
        """Returns the parts of a segment's day, in the order of their shards, strongly consistent."""
        query = between(keys.segment_pk(segment), keys.shard_sk(day, 0), keys.shard_sk(day, keys.DAY_SHARDS - 1))
        return [read_segment_day(item) for page in self.pages(**query) for item in page]

    def save_segment_day(self, segment: Segment, day: date, whole: SegmentDay, revision: int) -> None:
        """Writes a segment's day in place of the one read. Raises ConflictError when another worker was faster."""
        item = segment_day_item(segment, keys.day_sk(day), whole) | {"revision": number(revision + 1)}
        self.write(same_revision("whole", item, revision))

    def final_shards(self, first: date, last: date) -> dict[date, set[int]]:
        """Returns the final shards of each day from `first` to `last`; leaves out a day without a final shard."""
        final: dict[date, set[int]] = {}
        query = between(keys.DAILY_PK, keys.shard_sk(first, 0), keys.shard_sk(last, keys.DAY_SHARDS - 1))
        for page in self.pages(**query):
            for item in page:
                if SHARD.read(item)["final"]:
                    day, shard = keys.day_and_shard(item["sk"]["S"])
                    final.setdefault(day, set()).add(shard)
        return final

    def watermark(self) -> Watermark | None:
        """Returns the watermark; None before the first run."""
        item = self.get(keys.DAILY_PK, keys.WATERMARK_SK)
        return Watermark(revision=int(item["revision"]["N"]), **WATERMARK.read(item)) if item else None

    def save_watermark(self, watermark: Watermark) -> None:
        """Writes the watermark. Raises ConflictError when another run moved it meanwhile."""
        place = {"pk": string(keys.DAILY_PK), "sk": string(keys.WATERMARK_SK)}
        item = written(WATERMARK_FORM, place | WATERMARK.write(watermark), {})
        item["revision"] = number(watermark.revision + 1)
        self.write(same_revision("watermark", item, watermark.revision))


@lru_cache(maxsize=1)
def open_day_table() -> DayTable:
    """Returns the process's day table, which uses the client of the process's store."""
    return DayTable(open_store().name, open_store().client)
