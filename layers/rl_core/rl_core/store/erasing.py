"""Finds what was learned from a user who is being erased, and removes every item of that user.

What a user's day has added to the segments' days is taken off in the transaction that removes the day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from rl_core.models import Marker, Segment
from rl_core.store import keys
from rl_core.store.day_table import DayTable
from rl_core.store.fields import Item, Put, Stored, Value, strict, string, time
from rl_core.store.items import marker_item, read_profile
from rl_core.store.table import Table
from rl_core.store.uncounting import uncounting_writes

_PAGE = 99  # removals in one transaction, beside the check of the marker
_READ = ("segment", "learned", "key", "revision", "counted", "counted_since", "gone", "gone_since")


class Lesson(NamedTuple):
    """Says where a session was learned: `key` is in the record of this version of the segment's policy."""

    segment: Segment
    version: int
    key: bytes


@strict
def _lesson(item: Stored) -> Lesson | None:
    if "learned" not in item:
        return None
    return Lesson(Segment.by_code(item["segment"]["S"]), int(item["learned"]["N"]), item["key"]["B"])


@dataclass(frozen=True)
class Leaver:
    """Erases a user under the marker of erasure that was read; never touches what a later life of the user writes."""

    table: Table
    pk: str
    marker: Marker

    @classmethod
    def of(cls, table: Table, pk: str) -> "Leaver | None":
        """Returns the user under their marker; None if they are not being erased (any more).

        Raises UnreadableItemError when the profile or marker cannot be parsed.
        """
        found = table.get(pk, keys.PROFILE_SK)
        marker = read_profile(found) if found else None
        return cls(table, pk, marker) if isinstance(marker, Marker) else None

    def take_lessons(self) -> list[Lesson]:
        """Deletes sessions that were not learned yet, then returns where each learned one is recorded.

        Raises ConflictError when one of these sessions changes meanwhile or another run removes them, and
        UnreadableItemError when a session cannot be parsed.
        """
        learned: list[Lesson] = []
        for page in self._pages(keys.SESSION_PREFIX, f"{keys.SESSION_PREFIX}~"):
            lessons = [_lesson(item) for item in page]
            learned += [lesson for lesson in lessons if lesson]
            self._remove([item for item, lesson in zip(page, lessons, strict=True) if not lesson])
        return learned

    def remove(self, now: datetime, partitions: int) -> bool:
        """Removes every item in the order of the keys: the sessions last, then the marker.

        Leaves a bare marker until `held_until` when the life used up a cap of its day. Returns whether a life was
        erased; False for a marker that was bare already. Raises ConflictError when another run removes the items or
        counts one of the days meanwhile, and UnreadableItemError when what a day has added cannot be parsed.
        """
        diary = DayTable(self.table.name, self.table.client)
        for page in self._pages(" ", keys.PROFILE_SK):
            days = [item for item in page if item["sk"]["S"].startswith(keys.DAY_PREFIX)]
            for day in days:
                self._remove([day], uncounting_writes(diary, day))
            self._remove(item for item in page if item not in days and item["sk"]["S"] != keys.PROFILE_SK)
        until = self.marker.held_until
        if until is not None and now < until:
            bare = Marker(self.marker.user, b"", None, due_at=until, day=self.marker.day, revision=self.marker.revision)
            self.table.call("put_item", Item=marker_item(bare, partitions), **self._guard())
        else:
            self.table.call("delete_item", Key=self._marker(), **self._guard())
        return bool(self.marker.key)

    def _pages(self, first: str, last: str) -> Iterator[list[Stored]]:
        """Yields the items between two sort keys, in pages that fit in a transaction.

        Only the attributes that a removal needs are read.
        """
        yield from self.table.pages(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": string(self.pk), ":first": string(first), ":last": string(last)},
            ExpressionAttributeNames={f"#{name}": name for name in _READ},
            ProjectionExpression=", ".join(["pk", "sk", *(f"#{name}" for name in _READ)]),
            ConsistentRead=True,
            Limit=_PAGE,
        )

    def _remove(self, items: Iterable[Stored], puts: Iterable[Put] = ()) -> None:
        """Removes items in one transaction, each only as it was read and only while the marker stands.

        The puts go through with the removals, or not at all.
        """
        removals = [self._removal(item) for item in items]
        if removals:
            check = {"ConditionCheck": {"TableName": self.table.name, "Key": self._marker(), **self._guard()}}
            writes = [{"Put": {"TableName": self.table.name, **put.arguments()}} for put in puts]
            self.table.call("transact_write_items", TransactItems=[check, *removals, *writes])

    def _removal(self, item: Stored) -> dict[str, Any]:
        as_read: dict[str, Any] = {}
        if "revision" in item:
            as_read = {
                "ConditionExpression": "#revision = :revision",
                "ExpressionAttributeNames": {"#revision": "revision"},
                "ExpressionAttributeValues": {":revision": item["revision"]},
            }
        key = {"pk": item["pk"], "sk": item["sk"]}
        return {"Delete": {"TableName": self.table.name, "Key": key, **as_read}}

    def _marker(self) -> Item:
        return {"pk": string(self.pk), "sk": string(keys.PROFILE_SK)}

    def _guard(self) -> dict[str, Any]:
        """Returns the condition that the marker that was read still stands.

        The marker is known by its life's key, a bare marker by its `due_at`.
        """
        its: tuple[str, Value] = ("key", {"B": self.marker.key})
        if not self.marker.key:
            its = "due_at", time(self.marker.due_at)
        return {
            "ConditionExpression": "#its = :its AND attribute_exists(erasing)",
            "ExpressionAttributeNames": {"#its": its[0]},
            "ExpressionAttributeValues": {":its": its[1]},
        }
