"""Reads and writes the daily job's items: users' days, segments' days, their shards, and the days that are final."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from rl_core.days import GONE_AFTER, ONE_DAY, Course, Parts, SegmentDay
from rl_core.errors import UnreadableItemError
from rl_core.models import Absence, Profile, Segment, Session
from rl_core.store import items, keys
from rl_core.store.budget import ReadBudget
from rl_core.store.fields import (
    DATE,
    FLAG,
    TIME,
    WHOLE,
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
from rl_core.store.items import UserDay, read_user_day, user_day_write
from rl_core.store.sums import FORM_1, SEGMENT_DAY, SEGMENT_DAY_FORM, read_sums
from rl_core.store.table import Table, between, open_store
from rl_core.store.trends import read_trend, trend_write

SHARD_FORM = 3
_SINCE = {"2", "3"}  # forms whose users' days say what they have added; form 2 counted no assessments and no draws
WATERMARK_FORM = 1
ABSENCE_FORM = 1
MOST_DAYS = 90  # users' days and absences in one transaction, beside a shard's state and its parts of nine segments
_BATCH = 100  # items in one read
_SESSIONS = 3  # a user rarely has more on one day


@dataclass(frozen=True, slots=True)
class ShardState:
    """Holds one shard of one day as stored.

    `revision` is 0 when nothing is stored yet; `final` says that the shard was computed when nothing could change any
    more. `parts` are the sums of what the users' days say that they have added since `since`, the revision at which
    that began. It is 0 when another release counted the shard: then no user's day says what is in the parts.
    """

    revision: int
    final: bool
    parts: Parts
    since: int = 0

    def anew(self) -> "ShardState":
        """Returns the shard with nothing counted yet, as the next revision may hold it."""
        return ShardState(self.revision, False, dict.fromkeys(self.parts, SegmentDay()), self.revision + 1)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Says that every day up to `day`, and `day` itself, is final."""

    day: date
    revision: int


SHARD = FieldTable(
    (
        Field("final", "final", FLAG, "whether nothing could change when the shard was computed", False),
        Field("since", "since", WHOLE, "the revision that began to count the users' days that are in it", 0, since=2),
    )
)
ABSENCE = FieldTable((Field("at", "due_at", TIME, "the first moment of the user's latest active day"),))
WATERMARK = FieldTable((Field("day", "day", DATE, "the day up to which every day, this one included, is final"),))


def segment_day_item(segment: Segment, sk: str, day: SegmentDay) -> Item:
    """Returns the item of a segment's day, or of one shard's part of it, without a revision."""
    place = {"pk": string(keys.segment_pk(segment)), "sk": string(sk)}
    return written(SEGMENT_DAY_FORM, place | SEGMENT_DAY.write(day) | FORM_1.write(day), {})


@strict
def read_segment_day(item: Stored) -> SegmentDay:
    """Returns the segment's day, or one shard's part of it. Raises UnreadableItemError."""
    return read_sums(item)


def shard_writes(day: date, shard: int, before: ShardState, after: ShardState) -> list[Put]:
    """Returns the writes of a shard's state, under the revision that was read, and of the parts that changed."""
    sk = keys.shard_sk(day, shard)
    place: Item = {"pk": string(keys.DAILY_PK), "sk": string(sk), "revision": number(before.revision + 1)}
    state = same_revision("shard", written(SHARD_FORM, place | SHARD.write(after), {}), before.revision)
    changed = [s for s, part in after.parts.items() if before.parts.get(s) != part]
    return [state, *(Put("part", segment_day_item(s, sk, after.parts[s])) for s in changed)]


@strict
def _read_shard(item: Stored) -> tuple[int, bool, int]:
    """Returns revision, `final` and `since` of a shard; `since` is 0 for another form: its release counts otherwise."""
    if not item:
        return 0, False, 0
    its, ours = SHARD.read(item), item["form"]["N"] in _SINCE
    return int(item["revision"]["N"]), its["final"], its["since"] if ours else 0


def whole_write(segment: Segment, day: date, whole: SegmentDay, revision: int) -> Put:
    """Returns the write of a segment's day in place of the one read."""
    item = segment_day_item(segment, keys.day_sk(day), whole) | {"revision": number(revision + 1)}
    return same_revision("whole", item, revision)


def absence_of(day: UserDay) -> Absence:
    """Returns the absence after a user's day whose dropout is put off."""
    return Absence(day.mark.user, day.mark.day, day.mark.at, day.mark.day + GONE_AFTER + ONE_DAY * day.postponed)


def absence_item(absence: Absence) -> Item:
    """Returns the absence's item, in the index partition of the day on which it is looked at again."""
    place = {"pk": string(keys.user_pk(absence.user)), "sk": string(keys.away_sk(absence.day))}
    place["due_shard"] = string(keys.away_partition(absence.on, keys.day_shard_of(absence.user)))
    return written(ABSENCE_FORM, place | ABSENCE.write(absence), {})


def absence_write(absence: Absence) -> Put:
    """Returns the write of an absence.

    The write has no condition: the condition of the user's day in the same transaction guards it.
    """
    return Put("absence", absence_item(absence))


@strict
def read_absence(item: Stored) -> Absence:
    """Returns the absence. Raises UnreadableItemError."""
    user, day = item["pk"]["S"].removeprefix(keys.user_pk("")), keys.day_of_away_sk(item["sk"]["S"])
    return Absence(user, day, on=keys.day_of_away_partition(item["due_shard"]["S"]), **ABSENCE.read(item))


def watermark_write(watermark: Watermark) -> Put:
    """Returns the write of the watermark in place of the one read."""
    place = {"pk": string(keys.DAILY_PK), "sk": string(keys.WATERMARK_SK)}
    item = written(WATERMARK_FORM, place | WATERMARK.write(watermark), {})
    return same_revision("watermark", item | {"revision": number(watermark.revision + 1)}, watermark.revision)


class DayTable(Table):
    """Reads and writes the table for the daily job. Every method raises UnavailableError when it cannot be reached."""

    def active(self, day: date, shard: int) -> Iterator[tuple[str, ...]]:
        """Yields pages of the users of one shard who were active on the day, as far as the index knows."""
        pages = self.pages(
            IndexName=keys.INDEX,
            KeyConditionExpression="due_shard = :partition",
            ExpressionAttributeValues={":partition": string(keys.day_partition(day, shard))},
            Limit=MOST_DAYS,
        )
        yield from (tuple(i["pk"]["S"].removeprefix(keys.user_pk("")) for i in page) for page in pages)

    def away(self, day: date, shard: int) -> Iterator[tuple[date, tuple[str, ...]]]:
        """Yields the users of one shard whose absence is to be looked at on the day, by their latest active day."""
        pages = self.pages(
            IndexName=keys.INDEX,
            KeyConditionExpression="due_shard = :partition",
            ExpressionAttributeValues={":partition": string(keys.away_partition(day, shard))},
            Limit=MOST_DAYS,
        )
        for page in pages:
            since: dict[date, list[str]] = {}
            for item in page:
                user = item["pk"]["S"].removeprefix(keys.user_pk(""))
                since.setdefault(keys.day_of_away_sk(item["sk"]["S"]), []).append(user)
            yield from ((latest, tuple(users)) for latest, users in since.items())

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

    def day_after(self, user: str, day: date) -> tuple[date, Stored] | None:
        """Returns the user's first active day after this one, and its item; None if there is none."""
        query = between(keys.user_pk(user), keys.day_sk(day + ONE_DAY), keys.day_sk(date.max))
        found: list[Stored] = self.call("query", **query, Limit=1)["Items"]
        return (keys.day_of_sk(found[0]["sk"]["S"]), found[0]) if found else None

    def sessions_from(self, user: str, number_: int, until: date) -> list[Session]:
        """Returns the user's sessions from this number on, in order, before the first one of a day after `until`."""
        return self.sessions_and_profile(user, number_, until, keys.session_sk(keys.LAST_SESSION))[0]

    def sessions_and_profile(
        self, user: str, number_: int, until: date, last: str = keys.PROFILE_SK
    ) -> tuple[list[Session], Profile | None]:
        """Returns the sessions of `sessions_from` and the profile, which follows the user's last session.

        The profile is None if there is a session of a day after `until`, or if the user is being erased.
        """
        found: list[Session] = []
        query = between(keys.user_pk(user), keys.session_sk(number_), last)
        for page in self.pages(**query, Limit=_SESSIONS):
            for item in page:
                if item["sk"]["S"] == keys.PROFILE_SK:
                    profile = items.read_profile(item)
                    return found, profile if isinstance(profile, Profile) else None
                session = items.read_session(item)
                if session.day and session.day > until:
                    return found, None
                found.append(session)
        return found, None

    def shard(self, day: date, shard: int, segments: Iterable[Segment] = Segment) -> ShardState:
        """Returns what is stored of a shard, with its parts of these segments, strongly consistent."""
        marker = (keys.DAILY_PK, keys.shard_sk(day, shard))
        found = self.items([marker, *((keys.segment_pk(s), keys.shard_sk(day, shard)) for s in segments)])
        revision, final, since = _read_shard(found.pop(marker, {}))
        parts = {Segment[pk.removeprefix("SEGMENT#")]: read_segment_day(item) for (pk, _), item in found.items()}
        return ShardState(revision, final, {s: parts[s] for s in Segment if s in parts}, since)

    def save_shard(self, day: date, shard: int, before: ShardState, after: ShardState, *days: UserDay) -> None:
        """Writes what changed of a shard, under the revision that was read, and the users' days that changed it.

        Of a day whose dropout is put off, the absence is written too, so that it is looked at when that day has come.
        Raises ConflictError when another worker wrote the shard meanwhile, or a user's day is not as it was read.
        """
        absences = [absence_write(absence_of(its)) for its in days if its.postponed]
        self.write(*shard_writes(day, shard, before, after), *map(user_day_write, days), *absences)

    def segment_day(self, segment: Segment, day: date) -> tuple[SegmentDay | None, int]:
        """Returns a segment's day and the revision of its item; (None, 0) if there is no item."""
        item = self.get(keys.segment_pk(segment), keys.day_sk(day))
        return (read_segment_day(item), int(item["revision"]["N"])) if item else (None, 0)

    def parts(self, segment: Segment, day: date) -> list[SegmentDay]:
        """Returns the parts of a segment's day, in the order of their shards, strongly consistent."""
        query = between(keys.segment_pk(segment), keys.shard_sk(day, 0), keys.shard_sk(day, keys.DAY_SHARDS - 1))
        return [read_segment_day(item) for page in self.pages(**query) for item in page]

    def save_segment_day(
        self, segment: Segment, day: date, whole: SegmentDay, revision: int, course: Course | None = None
    ) -> None:
        """Writes a segment's day in place of the one read, and its row if the course holds the day.

        Raises ConflictError when another worker was faster.
        """
        trend = [trend_write(segment, course.moved(course.upto, {day: whole}))] if course and course.holds(day) else []
        self.write(whole_write(segment, day, whole, revision), *trend)

    def segment_days(self, wanted: Sequence[tuple[Segment, date]]) -> dict[tuple[Segment, date], SegmentDay | None]:
        """Returns these segments' days, None where nothing happened; leaves out those that cannot be parsed."""
        found: dict[tuple[Segment, date], SegmentDay | None] = {}
        for start in range(0, len(wanted), _BATCH):
            places = {(keys.segment_pk(s), keys.day_sk(day)): (s, day) for s, day in wanted[start : start + _BATCH]}
            stored = self.items(list(places))
            for place, its in places.items():
                with suppress(UnreadableItemError):
                    found[its] = read_segment_day(stored[place]) if place in stored else None
        return found

    def course(self, segment: Segment) -> Course | None:
        """Returns what TREND holds of a segment; None if there is no item. Raises UnreadableItemError."""
        item = self.get(keys.segment_pk(segment), keys.TREND_SK)
        return read_trend(item) if item else None

    def courses(self) -> dict[Segment, Course | None]:
        """Returns what TREND holds of each segment, None where it cannot be parsed; leaves out segments without."""
        places = {(keys.segment_pk(segment), keys.TREND_SK): segment for segment in Segment}
        found: dict[Segment, Course | None] = {}
        for place, item in self.items(list(places)).items():
            found[places[place]] = None
            with suppress(UnreadableItemError):
                found[places[place]] = read_trend(item)
        return found

    def save_course(self, segment: Segment, course: Course) -> None:
        """Writes TREND in place of the item read. Raises ConflictError when another run or an erasure was faster."""
        self.write(trend_write(segment, course))

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
        self.write(watermark_write(watermark))


@lru_cache(maxsize=1)
def open_day_table() -> DayTable:
    """Returns the process's day table, which uses the client of the process's store."""
    return DayTable(open_store().name, open_store().client)
