"""Finds what was learned from a user who is being erased, and removes every item of that user.

What a user's day has added to the segments' days is taken off in the transaction that removes the day.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rl_core.errors import UnreadableItemError
from rl_core.models import Marker, Segment, Why
from rl_core.store import keys
from rl_core.store.audit import forget
from rl_core.store.codecs import TAUGHT
from rl_core.store.day_table import DayTable
from rl_core.store.erasures import Erasures
from rl_core.store.fields import Item, Put, Stored, Value, strict, string, time
from rl_core.store.items import marker_item, read_profile
from rl_core.store.policies import PERSONS
from rl_core.store.table import Due, Table
from rl_core.store.uncounting import uncounting_writes

_PAGE = 99  # removals in one transaction, beside the check of the marker
_BATCH = 100  # items of one read
_SHARES = ("counted", "counted_since", "gone", "gone_since", "late", "late_since", "postponed")
_READ = ("segment", "learned", "why", "key", "revision", *_SHARES)


@strict
def lesson_of(item: Stored) -> tuple[Segment, int] | None:
    """Returns in which version of which segment's policy the session was learned; None if it was not learned."""
    return (Segment.by_code(item["segment"]["S"]), int(item["learned"]["N"])) if "learned" in item else None


def _is_refused(session: Stored) -> bool:
    """Returns whether nothing is learned from the session by the user's wish; what was learned may be taken back."""
    return session.get("why") == string(Why.CONSENT)


@dataclass(frozen=True)
class Leaver:
    """Erases a user under the marker of erasure that was read; never touches what a later life of the user writes.

    Before anything is removed, `erasures` says that the life is erased, because a backup may bring the life back.
    """

    table: Table
    erasures: Erasures
    pk: str
    marker: Marker
    stays = False

    @classmethod
    def among(
        cls, table: Table, erasures: Erasures, places: Sequence[Due]
    ) -> "tuple[dict[Due, Leaver], list[tuple[Due, str]]]":
        """Returns the users at these places, and the places of markers that cannot be parsed with the reason."""
        found, broken = dict[Due, Leaver](), list[tuple[Due, str]]()
        for start in range(0, len(places), _BATCH):
            items = table.items([(due.pk, due.sk) for due in places[start : start + _BATCH]])
            for due in places[start : start + _BATCH]:
                try:
                    item = items.get((due.pk, due.sk))
                    marker = read_profile(item) if item else None
                except UnreadableItemError as error:
                    broken.append((due, str(error)))
                else:
                    found |= {due: cls(table, erasures, due.pk, marker)} if isinstance(marker, Marker) else {}
        return found, broken

    @classmethod
    def of(cls, table: Table, erasures: Erasures, pk: str) -> "Leaver | None":
        """Returns the user under their marker; None if they are not being erased (any more).

        Raises UnreadableItemError when the profile or marker cannot be parsed.
        """
        found = table.get(pk, keys.PROFILE_SK)
        marker = read_profile(found) if found else None
        return cls(table, erasures, pk, marker) if isinstance(marker, Marker) else None

    @property
    def person(self) -> bytes:
        return self.marker.person

    @property
    def taught(self) -> Mapping[Segment, tuple[int, int]] | None:
        return self.marker.taught

    @property
    def failures(self) -> int:
        return self.marker.failures

    def prepare(self, now: datetime) -> "Leaver":
        """Deletes sessions that were not learned yet, then notes on the marker where the others were learned.

        Notes too which segments still exclude the user although what was learned there was taken back. After that
        nothing more is learned from the user. Returns the user with `taught`. Raises ConflictError when one of these
        sessions changes meanwhile or another run removes them, and UnreadableItemError when a session cannot be parsed.
        """
        if self.marker.taught is not None:
            return self
        self._tell(now)
        taught: dict[Segment, tuple[int, int]] = {}
        refused = set[str]()
        for page in self._pages(keys.SESSION_PREFIX, f"{keys.SESSION_PREFIX}~"):
            lessons = [lesson_of(item) for item in page]
            for segment, version in (lesson for lesson in lessons if lesson):
                first, last = taught.get(segment, (version, version))
                taught[segment] = min(first, version), max(last, version)
            refused |= {item["segment"]["S"] for item in page if _is_refused(item)}
            unlearned = (item for item, lesson in zip(page, lessons, strict=True) if not lesson)
            self._remove(item for item in unlearned if not _is_refused(item))  # the refused tell where to look
        taught |= self._excluding([s for s in Segment if s.code in refused and s not in taught])
        if taught:
            self._note(taught)
        return replace(self, marker=replace(self.marker, taught=taught))

    def _excluding(self, segments: Collection[Segment]) -> dict[Segment, tuple[int, int]]:
        """Returns those of these segments whose policy excludes the user, with its first and its present version."""
        policies = {segment: (keys.segment_pk(segment), keys.POLICY_SK) for segment in segments}
        found = self.table.items(list(policies.values()))
        listing = {s: found[p] for s, p in policies.items() if p in found and "excluded" in found[p]}
        its = {s: item for s, item in listing.items() if self.person in PERSONS.read(item["excluded"])}
        return {segment: (1, int(item["version"]["N"])) for segment, item in its.items()}

    def _tell(self, now: datetime) -> None:
        """Has `erasures` say that the life is erased; of a bare marker's life the key is gone, and everything else."""
        if self.marker.key:
            self.erasures.note(self.marker.key, now)

    def _note(self, taught: dict[Segment, tuple[int, int]]) -> None:
        guard = self._guard()
        guard["ExpressionAttributeValues"] |= {":taught": TAUGHT.write(taught)}
        self.table.call("update_item", Key=self._marker(), UpdateExpression="SET taught = :taught", **guard)

    def remove(self, now: datetime, partitions: int) -> bool:
        """Removes every item in the order of the keys: the sessions last, then the marker.

        Before that, person and reason are removed from what operators did. Leaves a bare marker until `held_until` when
        the life used up a cap of its day. Returns whether a life was erased; False for a marker that was bare already.
        Raises ConflictError when another run removes the items or counts one of the days meanwhile, and
        UnreadableItemError when what a day has added cannot be parsed.
        """
        self._tell(now)  # again, for the backups have the life until it is removed
        if self.marker.key:
            forget(self.table, self.person, now)
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
