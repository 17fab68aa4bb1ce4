"""The items of the daily job: users' days, segments' days and their shards, what is final. See docs/data-model.md."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from rl_core.days.figures import Figures, Mark, TypeFigures
from rl_core.days.tally import ActionSums, EntrySums, SegmentDay
from rl_core.models import Segment, Session, Streak
from rl_core.store import items, keys
from rl_core.store.attributes import (
    Item,
    Stored,
    maybe_date,
    number,
    read_float,
    read_int,
    read_time,
    strict,
    string,
    time,
)
from rl_core.store.connection import Connection
from rl_core.store.table import open_store
from rl_core.store.writes import Put

_ACTION = struct.Struct("<7Q2d")
_ENTRY = struct.Struct("<IIIIiQ")
_PAGE = 100
_NUMBERS = ("sessions", "assigned", "completed", "rated", "lift_points", "engagement", "motivation", "streak_days")
_SESSIONS = 3  # of one day there are rarely more


@dataclass(frozen=True, slots=True)
class UserDay:
    """A user's day as stored; `figures` None: not computed yet."""

    mark: Mark
    figures: Figures | None
    revision: int


@dataclass(frozen=True, slots=True)
class ShardState:
    """One shard of one day as stored: revision 0, nothing yet; final: computed when nothing could change any more."""

    revision: int
    final: bool
    parts: dict[Segment, SegmentDay]


@dataclass(frozen=True, slots=True)
class Watermark:
    """Every day up to this one is final."""

    day: date
    revision: int


def mark_writes(mark: Mark | None) -> list[Put]:
    """The mark, if there is one. Without a condition of its own: it rides with a profile under `same-revision`."""
    return [Put(user_day_item(UserDay(mark, None, 0)), "", {}, {})] if mark else []


def user_day_item(day: UserDay) -> Item:
    """The item as it will stand; its revision is one more than was read."""
    mark = day.mark
    item: Item = {
        "pk": string(keys.user_pk(mark.user)),
        "sk": string(keys.day_sk(mark.day)),
        "revision": number(day.revision + 1),
        "key": {"B": mark.key},
        "segment": string(mark.segment.name),
        "timezone": string(mark.timezone),
        "session": number(mark.session),
        "engagement": number(mark.engagement),
        "motivation": number(mark.motivation),
        "streak_days": number(mark.streak.days),
        "due_shard": string(keys.day_shard(mark.day, keys.day_shard_of(mark.user))),
        "due_at": time(mark.at),
    }
    if mark.streak.last is not None:
        item["streak_last"] = string(mark.streak.last.isoformat())
    if mark.first_ever:
        item["first_ever"] = {"BOOL": True}
    if day.figures is not None:
        item["figures"] = {"M": _figures_item(day.figures)}
    return item


@strict
def read_user_day(item: Stored) -> UserDay:
    mark = Mark(
        user=item["pk"]["S"].removeprefix(keys.user_pk("")),
        key=item["key"]["B"],
        day=keys.day_of_sk(item["sk"]["S"]),
        at=read_time(item, "due_at"),
        segment=Segment[item["segment"]["S"]],
        timezone=item["timezone"]["S"],
        first_ever="first_ever" in item,
        session=read_int(item, "session"),
        engagement=read_float(item, "engagement"),
        motivation=read_float(item, "motivation"),
        streak=Streak(read_int(item, "streak_days"), maybe_date(item, "streak_last")),
    )
    return UserDay(mark, _read_figures(item["figures"]["M"]) if "figures" in item else None, read_int(item, "revision"))


def _figures_item(figures: Figures) -> Item:
    types: Item = {"types": {"L": [{"L": [number(n) for n in astuple(t)]} for t in figures.types]}}
    return types | {name: number(getattr(figures, name)) for name in _NUMBERS} | {"settled": {"BOOL": figures.settled}}


def _read_figures(item: Stored) -> Figures:
    return Figures(
        sessions=read_int(item, "sessions"),
        types=tuple(TypeFigures(*(int(n["N"]) for n in t["L"])) for t in item["types"]["L"]),
        rated=read_int(item, "rated"),
        lift_points=read_int(item, "lift_points"),
        engagement=read_float(item, "engagement"),
        motivation=read_float(item, "motivation"),
        streak_days=read_int(item, "streak_days"),
        settled=item["settled"]["BOOL"],
    )


def segment_day_item(segment: Segment, sk: str, day: SegmentDay) -> Item:
    """A segment's day, or a shard of it, without a revision."""
    return {
        "pk": string(keys.segment_pk(segment)),
        "sk": string(sk),
        "users": number(day.users),
        "new_users": number(day.new_users),
        "dropouts": {"L": [number(n) for n in day.dropouts]},
        "actions": {"B": b"".join(_ACTION.pack(*astuple(sums)) for sums in day.actions)},
        "entries": {"B": b"".join(_ENTRY.pack(entry, *astuple(sums)) for entry, sums in sorted(day.entries.items()))},
    }


@strict
def read_segment_day(item: Stored) -> SegmentDay:
    return SegmentDay(
        users=read_int(item, "users"),
        new_users=read_int(item, "new_users"),
        dropouts=tuple(int(n["N"]) for n in item["dropouts"]["L"]),
        actions=tuple(ActionSums(*sums) for sums in _ACTION.iter_unpack(item["actions"]["B"])),
        entries={entry: EntrySums(*sums) for entry, *sums in _ENTRY.iter_unpack(item["entries"]["B"])},
    )


class Days:
    """Reads and conditional writes of the daily job. Every method raises UnavailableError when there is no table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def active(self, day: date, shard: int) -> Iterator[tuple[str, ...]]:
        """Pages of the users of one index shard who were active on the day, as far as the index knows."""
        pages = self._connection.pages(
            IndexName="due",
            KeyConditionExpression="due_shard = :shard",
            ExpressionAttributeValues={":shard": string(keys.day_shard(day, shard))},
            Limit=_PAGE,
        )
        yield from (tuple(i["pk"]["S"].removeprefix(keys.user_pk("")) for i in page) for page in pages)

    def user_days(self, users: Sequence[str], day: date) -> list[Stored]:
        """The items of this day of these users (at most 100), in their order; who was erased is not among them."""
        wanted = [(keys.user_pk(user), keys.day_sk(day)) for user in users]
        found = self._connection.items(wanted)
        return [found[key] for key in wanted if key in found]

    def days_of(self, user: str, first: date, last: date) -> list[UserDay]:
        """A user's active days between these two, both included."""
        pages = self._connection.pages(**_between(keys.user_pk(user), keys.day_sk(first), keys.day_sk(last)))
        return [read_user_day(item) for page in pages for item in page]

    def was_active(self, user: str, first: date, last: date) -> bool:
        """Whether the user has an active day between these two, both included."""
        query = _between(keys.user_pk(user), keys.day_sk(first), keys.day_sk(last))
        return bool(self._connection.call("query", **query, Limit=1)["Items"])

    def sessions_from(self, user: str, number_: int, until: date | None = None) -> list[Session]:
        """The user's sessions from this number on, in order, as far as they may belong to that day or one before."""
        found: list[Session] = []
        query = _between(keys.user_pk(user), keys.session_sk(number_), keys.session_sk(keys.LAST_SESSION))
        for page in self._connection.pages(**query, **({"Limit": _SESSIONS} if until else {})):
            for item in page:
                session = items.read_session(item)
                if until and session.day and session.day > until:
                    return found
                found.append(session)
        return found

    def save(self, day: UserDay) -> None:
        """A user's day with its figures, if its item is there as it was read. Raises ConflictError."""
        self._connection.write(_same(user_day_item(day), day.revision, {":key": {"B": day.mark.key}}))

    def shard(self, day: date, shard: int) -> ShardState:
        """What is stored of a shard, strongly consistent."""
        marker = (keys.DAILY_PK, keys.shard_sk(day, shard))
        found = self._connection.items([marker, *((keys.segment_pk(s), keys.shard_sk(day, shard)) for s in Segment)])
        stored = found.pop(marker, None)
        parts = {Segment[pk.removeprefix("SEGMENT#")]: read_segment_day(item) for (pk, _), item in found.items()}
        return ShardState(
            revision=read_int(stored, "revision") if stored else 0,
            final=stored is not None and stored["final"]["BOOL"],
            parts={s: parts[s] for s in Segment if s in parts},
        )

    def save_shard(self, day: date, shard: int, before: ShardState, after: ShardState) -> None:
        """What changed of a shard, under the revision that was read before its users were. Raises ConflictError."""
        sk = keys.shard_sk(day, shard)
        marker: Item = {
            "pk": string(keys.DAILY_PK),
            "sk": string(sk),
            "revision": number(before.revision + 1),
            "final": {"BOOL": after.final},
        }
        changed = [s for s, part in after.parts.items() if before.parts.get(s) != part]
        parts = [Put(segment_day_item(s, sk, after.parts[s]), "", {}, {}) for s in changed]
        self._connection.write(_same(marker, before.revision), *parts)

    def segment_day(self, segment: Segment, day: date) -> tuple[SegmentDay | None, int]:
        """A segment's day and the revision of its item; None, 0 if there is none."""
        key = {"pk": string(keys.segment_pk(segment)), "sk": string(keys.day_sk(day))}
        item = self._connection.call("get_item", Key=key, ConsistentRead=True).get("Item")
        return (read_segment_day(item), read_int(item, "revision")) if item else (None, 0)

    def parts(self, segment: Segment, day: date) -> list[SegmentDay]:
        """All shards of a segment's day, in order, strongly consistent."""
        query = _between(keys.segment_pk(segment), keys.shard_sk(day, 0), keys.shard_sk(day, keys.DAY_SHARDS - 1))
        return [read_segment_day(item) for page in self._connection.pages(**query) for item in page]

    def save_segment_day(self, segment: Segment, day: date, whole: SegmentDay, revision: int) -> None:
        """A segment's day in place of the one read. Raises ConflictError when another worker was faster."""
        item = segment_day_item(segment, keys.day_sk(day), whole) | {"revision": number(revision + 1)}
        self._connection.write(_same(item, revision))

    def final_shards(self, first: date, last: date) -> dict[date, set[int]]:
        """Which shards of each day between these two are final; a day without any is left out."""
        final: dict[date, set[int]] = {}
        query = _between(keys.DAILY_PK, keys.shard_sk(first, 0), keys.shard_sk(last, keys.DAY_SHARDS - 1))
        for page in self._connection.pages(**query):
            for item in page:
                if item["final"]["BOOL"]:
                    day, shard = keys.day_and_shard(item["sk"]["S"])
                    final.setdefault(day, set()).add(shard)
        return final

    def watermark(self) -> Watermark | None:
        """The latest day up to which all is final; None before the first run."""
        key = {"pk": string(keys.DAILY_PK), "sk": string(keys.WATERMARK_SK)}
        item = self._connection.call("get_item", Key=key, ConsistentRead=True).get("Item")
        return Watermark(date.fromisoformat(item["day"]["S"]), read_int(item, "revision")) if item else None

    def save_watermark(self, watermark: Watermark) -> None:
        """Raises ConflictError when another run moved it meanwhile."""
        item: Item = {
            "pk": string(keys.DAILY_PK),
            "sk": string(keys.WATERMARK_SK),
            "day": string(watermark.day.isoformat()),
            "revision": number(watermark.revision + 1),
        }
        self._connection.write(_same(item, watermark.revision))


def _same(item: Item, revision: int, more: Item | None = None) -> Put:
    """A write under `same-revision` (with the life's key, for a user's item), or `new-item`."""
    if not revision:
        return Put(item, "attribute_not_exists(pk)", {}, {})
    condition, names = "#revision = :revision", {"#revision": "revision"}
    if more:
        condition, names = f"{condition} AND #key = :key", names | {"#key": "key"}
    return Put(item, condition, {":revision": number(revision), **(more or {})}, names)


def _between(pk: str, first: str, last: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {":pk": string(pk), ":first": string(first), ":last": string(last)},
        "ConsistentRead": True,
    }


@lru_cache(maxsize=1)
def open_days() -> Days:
    """The process's days, over the process's store."""
    return Days(open_store().connection)
