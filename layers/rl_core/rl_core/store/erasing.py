"""A user who is being erased: what of theirs was learned, and the removal of every item of theirs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from rl_core.models import Marker, Segment
from rl_core.store import keys
from rl_core.store.fields import Item, Stored, Value, strict, string, time
from rl_core.store.items import marker_item, read_profile
from rl_core.store.table import Table

_PAGE = 99  # removals in one transaction, beside the check of the marker


class Lesson(NamedTuple):
    """Where a session was learned: its key is in the record of this version of the segment's policy."""

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
    """A user under the marker of erasure that was read: what a later life of theirs writes is never touched."""

    table: Table
    pk: str
    marker: Marker

    @classmethod
    def of(cls, table: Table, pk: str) -> "Leaver | None":
        """Returns None if the user is not being erased (any more). Raises UnreadableItemError."""
        found = table.get(pk, keys.PROFILE_SK)
        marker = read_profile(found) if found else None
        return cls(table, pk, marker) if isinstance(marker, Marker) else None

    def take_lessons(self) -> list[Lesson]:
        """Deletes sessions that were not learned yet, then returns where each learned one is recorded.

        Raises ConflictError when one of these moves meanwhile, or another run removes them; UnreadableItemError.
        """
        learned: list[Lesson] = []
        for page in self._pages(keys.SESSION_PREFIX, f"{keys.SESSION_PREFIX}~"):
            lessons = [_lesson(item) for item in page]
            learned += [lesson for lesson in lessons if lesson]
            self._remove([item for item, lesson in zip(page, lessons, strict=True) if not lesson])
        return learned

    def remove(self, now: datetime, shards: int) -> bool:
        """Removes every item, in the order of their keys: the sessions last, and then the marker.

        A life that used up a cap of its day leaves a bare marker until that day is over. Returns whether a life was
        erased: not for a marker that was bare. Raises ConflictError when another run removes them.
        """
        for page in self._pages(" ", keys.PROFILE_SK):
            self._remove(item for item in page if item["sk"]["S"] != keys.PROFILE_SK)
        until = self.marker.held_until
        if until is not None and now < until:
            bare = Marker(self.marker.user, b"", None, due_at=until, day=self.marker.day, revision=self.marker.revision)
            self.table.call("put_item", Item=marker_item(bare, shards), **self._guard())
        else:
            self.table.call("delete_item", Key=self._marker(), **self._guard())
        return bool(self.marker.key)

    def _pages(self, first: str, last: str) -> Iterator[list[Stored]]:
        """The items between two sort keys, in pages that fit in a transaction: what a removal needs of them."""
        yield from self.table.pages(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": string(self.pk), ":first": string(first), ":last": string(last)},
            ExpressionAttributeNames={f"#{name}": name for name in ("segment", "learned", "key", "revision")},
            ProjectionExpression="pk, sk, #segment, #learned, #key, #revision",
            ConsistentRead=True,
            Limit=_PAGE,
        )

    def _remove(self, items: Iterable[Stored]) -> None:
        """Removes items, each as it was read, while the marker stands."""
        removals = [self._removal(item) for item in items]
        if removals:
            check = {"ConditionCheck": {"TableName": self.table.name, "Key": self._marker(), **self._guard()}}
            self.table.call("transact_write_items", TransactItems=[check, *removals])

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
        """Returns the condition that the marker that was read stands: by its life's key, or bare with its time."""
        its: tuple[str, Value] = ("key", {"B": self.marker.key})
        if not self.marker.key:
            its = "due_at", time(self.marker.due_at)
        return {
            "ConditionExpression": "#its = :its AND attribute_exists(erasing)",
            "ExpressionAttributeNames": {"#its": its[0]},
            "ExpressionAttributeValues": {":its": its[1]},
        }
