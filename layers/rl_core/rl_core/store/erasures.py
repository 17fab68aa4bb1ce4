"""Reads and writes the table that says which lives were erased, for as long as a backup may bring one of them back.

It is apart from the service's own table, because that table's backups know nothing of whom was erased after them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rl_core.store.fields import TIME, Field, FieldTable, Item, Stored, strict, string, written
from rl_core.store.table import Table

ERASURE_FORM = 1
ERASURES_TTL = "until"
KEPT = timedelta(days=36)  # point-in-time recovery goes back 35 days

ERASURE = FieldTable(
    (
        Field("at", "at", TIME, "when the life's items were about to be removed"),
        Field("until", ERASURES_TTL, TIME, "when no backup has the life any more; DynamoDB then deletes the item"),
    )
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """Says that a life was erased. Nothing in it leads to the user; `life` can only be computed from the life's key."""

    life: str
    at: datetime
    until: datetime


def life_of(key: bytes) -> str:
    """Returns what stands for a life after its erasure: a hash of the key that the life's profile had."""
    return hashlib.sha256(b"erased" + key).hexdigest()


def erasure_item(erasure: Erasure) -> Item:
    """Returns the erasure's item."""
    return written(ERASURE_FORM, {"pk": string(erasure.life)} | ERASURE.write(erasure), {})


@strict
def read_erasure(item: Stored) -> Erasure:
    """Returns the erasure. Raises UnreadableItemError."""
    return Erasure(life=item["pk"]["S"], **ERASURE.read(item))


class Erasures(Table):
    """Reads and writes that table. Every method raises UnavailableError when the table cannot be reached."""

    def note(self, key: bytes, now: datetime) -> None:
        """Stores that the life with this key is being erased now; a later note takes the place of an earlier one."""
        self.call("put_item", Item=erasure_item(Erasure(life_of(key), now, now + KEPT)))

    def all(self) -> Iterator[Erasure]:
        """Yields every erasure that is stored. Raises UnreadableItemError when one cannot be parsed."""
        for page in self.scan(ConsistentRead=True):
            yield from (read_erasure(item) for item in page)
