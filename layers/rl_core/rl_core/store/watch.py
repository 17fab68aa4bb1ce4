"""Reads what the lights are judged by, and keeps within one budget of read units whatever is stored."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from rl_core.days import Course, Guard, SegmentDay
from rl_core.errors import SpentError, UnreadableItemError
from rl_core.models import Marker, Segment, VersionRecord
from rl_core.store import items, keys
from rl_core.store.budget import LARGEST_SESSION, ReadBudget
from rl_core.store.consents import read_request
from rl_core.store.day_table import DayTable, read_segment_day
from rl_core.store.fields import Stored, read_time, string, time
from rl_core.store.guards import guard_write, read_guard
from rl_core.store.policies import read_record
from rl_core.store.table import Store, Table, between
from rl_core.store.trends import read_trend

_READS = {"get_item", "query"}
_LARGEST = 4  # read units of the largest item of a segment: a record of 90 transitions
_KEYS = 0.5  # read units of the first keys of an index partition, which may be a moment old
_PAGE = 25  # items of a query that asks for no number
_HEAD = 3 * LARGEST_SESSION
_PARKED = 100  # so many are counted
_ERASURES = 20  # so many are looked at, the oldest of each index partition
T = TypeVar("T")


class Watch(Store, DayTable):
    """Reads the table within a budget. Every read raises SpentError when the budget is used up.

    A read takes no more than the budget holds: a query asks for as many items as fit if each is as large as can be.
    Without `users` no item of a user is read.
    """

    def __init__(self, table: Table, units: float, *, users: bool = True) -> None:
        super().__init__(table.name, table.client)
        self.users = users
        self.budget = ReadBudget(units)
        self._kept = 0.0

    @property
    def left(self) -> float:
        """Returns how many units may be read now."""
        return self.budget.left - self._kept

    @contextmanager
    def keeping(self, units: float) -> Iterator[None]:
        """Leaves so many units of the budget untouched until the end of the block."""
        self._kept = units
        try:
            yield
        finally:
            self._kept = 0.0

    def call(self, operation: str, budget: ReadBudget | None = None, **arguments: Any) -> Any:
        """Makes one call, and takes what it reads off the budget."""
        if operation not in _READS:
            return super().call(operation, budget, **arguments)
        if self.left < 1:
            raise SpentError("no read units are left")
        if operation == "query" and "Limit" not in arguments:
            arguments["Limit"] = max(1, min(_PAGE, int(self.left // _LARGEST)))
        return super().call(operation, self.budget, **arguments)

    # What waits.

    def oldest_waiting(self, now: datetime, partitions: int) -> float:
        """Returns how many seconds the oldest session waits to be closed or learned from; 0 if none waits."""
        places = [keys.open_partition(n) for n in range(partitions)]
        places += [keys.due_partition(segment, n) for segment in Segment for n in range(partitions)]
        oldest = [read_time(it["due_at"]) for place in places for it in self._in(place, 1, until=now)]
        return (now - min(oldest, default=now)).total_seconds()

    def has_room_for_waiting(self, partitions: int) -> bool:
        """Returns whether the budget covers `oldest_waiting`."""
        return self.left >= max(1.0, _KEYS * partitions * (1 + len(Segment)))

    def parked_sessions(self) -> int:
        """Returns how many sessions are set aside; beyond a hundred it counts no more."""
        return len(self._in(keys.PARKED, _PARKED))

    def erasures(self, now: datetime, partitions: int, last: float = 0.0) -> float:
        """Returns how many seconds ago the oldest erasure or unlearning that waits was asked for; 0 if none waits.

        Bare markers, of which everything is erased, do not wait. Looks at the twenty of each index partition that are
        to be tried first, which were put off by 15 minutes at most. Where no item of a user is read, the index says
        when each is tried next, and the oldest of those that wait is taken to wait for `last` seconds.
        """
        places = [it for n in range(partitions) for it in self._in(keys.erasing_partition(n), _ERASURES)]
        users = [place for place in places if place["pk"]["S"].startswith(keys.user_pk(""))]
        if self.users:
            asked = [at for place in users if (at := self._asked(place))]
        else:
            asked = [read_time(place["due_at"]) for place in users]
            asked += [now - timedelta(seconds=last)] if users else []
        return max((now - min(asked, default=now)).total_seconds(), 0.0)

    def _in(self, partition: str, most: int, until: datetime | None = None, **more: Any) -> list[Stored]:
        """Returns the first keys of an index partition, those due by `until` if that is given."""
        condition, values = "due_shard = :partition", {":partition": string(partition)}
        if until is not None:
            condition, values = f"{condition} AND due_at <= :until", values | {":until": time(until)}
        found: list[Stored] = self.call(
            "query",
            IndexName=keys.INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            Limit=most,
            **more,
        )["Items"]
        return found

    def _asked(self, place: Stored) -> datetime | None:
        """Returns when the erasure or unlearning at this place was asked for; None if it is done with."""
        its = between(place["pk"]["S"], place["sk"]["S"], place["sk"]["S"])
        found = self.call("query", **its, Limit=1)["Items"]
        if not found:
            return None
        item = found[0]
        with suppress(UnreadableItemError):
            if place["sk"]["S"] == keys.REQUEST_SK:
                request = read_request(item)
                return request.asked_at or request.due_at
            marker = items.read_profile(item)
            if not isinstance(marker, Marker) or not marker.key:
                return None
            return marker.asked_at or marker.due_at
        return read_time(place["due_at"])

    # What was learned.

    def latest_records(self, segment: Segment, before: int = keys.LAST_VERSION + 1) -> Iterator[VersionRecord]:
        """Yields the records of the segment's versions below `before`, newest first; they may be a moment old."""
        if before <= 1:
            return
        query = between(keys.segment_pk(segment), keys.version_sk(1), keys.version_sk(before - 1))
        pages = self.pages(**query | {"ScanIndexForward": False, "ConsistentRead": False})
        yield from (read_record(item) for page in pages for item in page)

    def lately_active(self, day: date, shard: int, most: int) -> list[str]:
        """Returns the users of a shard who were active on the day, the latest first, at most so many."""
        found = self._in(keys.day_partition(day, shard), most, ScanIndexForward=False)
        return [it["pk"]["S"].removeprefix(keys.user_pk("")) for it in found]

    @property
    def has_room_for_a_head(self) -> bool:
        """Returns whether the budget covers a user's head, however large that is."""
        return self.budget.left >= _HEAD and self.left >= 1

    # What was kept.

    def lately(self) -> dict[Segment, Course | None]:
        """Returns what TREND holds of each segment, None where it cannot be parsed; it may be a moment old."""
        return self._of_segments(keys.TREND_SK, read_trend)

    def segments_on(self, day: date) -> dict[Segment, SegmentDay | None]:
        """Returns each segment's day, None where it cannot be parsed; leaves out segments of which there is none."""
        return self._of_segments(keys.day_sk(day), read_segment_day)

    def _of_segments(self, sk: str, read: Callable[[Stored], T]) -> dict[Segment, T | None]:
        """Returns what each segment has under a sort key, which may be a moment old."""
        found: dict[Segment, T | None] = {}
        for segment in Segment:
            key = {"pk": string(keys.segment_pk(segment)), "sk": string(sk)}
            if item := self.call("get_item", Key=key).get("Item"):
                found[segment] = None
                with suppress(UnreadableItemError):
                    found[segment] = read(item)
        return found

    def guard(self) -> Guard:
        """Returns what the guard saw last; nothing before its first run. Raises UnreadableItemError."""
        item = self.get(keys.GUARD_PK, keys.STATE_SK)
        return read_guard(item) if item else Guard()

    def save_guard(self, guard: Guard) -> None:
        """Writes what the guard saw in place of the item read. Raises ConflictError when another run was faster."""
        self.write(guard_write(guard))
