"""Reads and writes a refold under way: who works on it, how far it has come, and what it rewrites."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rl_core.errors import PolicyUnreadableError, UnreadableItemError
from rl_core.models import PERSON, Policy, Refold, Segment, VersionRecord
from rl_core.store import keys
from rl_core.store.fields import (
    TEXT,
    TIME,
    WHOLE,
    Codec,
    Field,
    FieldTable,
    Item,
    Put,
    Stored,
    number,
    strict,
    string,
    time,
    written,
)
from rl_core.store.policies import PERSONS, POLICY, publish_writes, read_policy, record_item, snapshot_item
from rl_core.store.table import Table

REFOLD_FORM = 2
_VERSION = 5  # bytes

LESSONS = Codec(
    "13 bytes each: a person, and the last version, big-endian",
    lambda its: {"B": b"".join(person + its[person].to_bytes(_VERSION, "big") for person in sorted(its))},
    lambda v: dict(_lesson(bytes(v["B"])[i : i + PERSON + _VERSION]) for i in range(0, len(v["B"]), PERSON + _VERSION)),
)

REFOLD = FieldTable(
    (
        Field("hold", "hold", WHOLE, "the version by which it took hold of the policy"),
        Field("first", "first", WHOLE, "the first version that it rewrites"),
        Field("persons", "lessons", LESSONS, "whose transitions it removes, up to which version", {}, since=2),
        Field("reason", "reason", TEXT, "`erasure`, or an operator's words"),
        Field("since", "due_at", TIME, "when it took hold"),
        Field("owner", "owner", TEXT, "the run that works on it", ""),
        Field("until", "until", TIME, "until when no other run takes it over", None),
    )
)


def refold_item(refold: Refold, partitions: int) -> Item:
    """Returns the item, in the index partition of erasures, out of `partitions`, where the job finds it."""
    pk = keys.segment_pk(refold.segment)
    place = {"pk": string(pk), "sk": string(keys.REFOLD_SK)}
    place["due_shard"] = string(keys.erasing_partition(keys.partition_of(pk, partitions)))
    return written(REFOLD_FORM, place | REFOLD.write(refold) | {"folded": {"M": POLICY.write(refold.folded)}}, {})


@strict
def read_refold(item: Stored) -> Refold:
    """Returns the refold. Raises UnreadableItemError, and PolicyUnreadableError when a newer release wrote it."""
    if int(item["form"]["N"]) > REFOLD_FORM:
        raise PolicyUnreadableError("a newer release folds the policy anew")
    found = REFOLD.read(item)
    if "persons" in item:  # of form 1: all that they taught
        found["persons"] = dict.fromkeys(PERSONS.read(item["persons"]), keys.LAST_VERSION)
    folded = read_policy({"pk": item["pk"], "sk": item["sk"], "form": item["form"], **item["folded"]["M"]})
    return Refold(**found, folded=replace(folded, rest={}))


def _lesson(packed: bytes) -> tuple[bytes, int]:
    return packed[:PERSON], int.from_bytes(packed[PERSON:], "big")


@dataclass(frozen=True)
class Hold:
    """Works on a refold as it was read. Every write is refused when the policy is no longer held by this refold."""

    table: Table
    refold: Refold
    partitions: int

    @classmethod
    def of(cls, table: Table, segment: Segment, partitions: int) -> "Hold | None":
        """Returns the segment's refold; None if there is none, or if it cannot be read: then it has to start anew."""
        item = table.get(keys.segment_pk(segment), keys.REFOLD_SK)
        try:
            return cls(table, read_refold(item), partitions) if item else None
        except UnreadableItemError:
            return None

    @classmethod
    def take(
        cls, table: Table, refold: Refold, policy: Policy, record: VersionRecord, partitions: int, *more: Put
    ) -> "Hold":
        """Publishes a version of the policy that this refold holds, and stores the refold and `more` beside it.

        Replaces a refold that no policy is held by. Raises ConflictError when another version came meanwhile.
        """
        table.write(*publish_writes(policy, record), Put("refold", refold_item(refold, partitions)), *more)
        return cls(table, refold, partitions)

    def lease(self, owner: str, now: datetime, until: datetime) -> "Hold":
        """Takes the refold over until a moment. Raises ConflictError while another run has it."""
        names = {"#hold": "hold", "#owner": "owner", "#until": "until"}
        values = {":hold": number(self.refold.hold), ":owner": string(owner), ":now": time(now), ":until": time(until)}
        self.table.call(
            "update_item",
            Key=self._key(keys.REFOLD_SK),
            UpdateExpression="SET #owner = :owner, #until = :until",
            ConditionExpression="#hold = :hold AND (attribute_not_exists(#until) OR #until <= :now OR #owner = :owner)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
        return replace(self, refold=replace(self.refold, owner=owner, until=until))

    def release(self) -> None:
        """Lets the next run take the refold over at once. Raises ConflictError when another run has it already."""
        self.table.call(
            "update_item",
            Key=self._key(keys.REFOLD_SK),
            UpdateExpression="REMOVE #until",
            ConditionExpression="#hold = :hold AND #owner = :owner",
            ExpressionAttributeNames={"#hold": "hold", "#owner": "owner", "#until": "until"},
            ExpressionAttributeValues={":hold": number(self.refold.hold), ":owner": string(self.refold.owner)},
        )

    def advance(self, folded: Policy, records: Sequence[VersionRecord], snapshot: bool) -> "Hold":
        """Rewrites these records, and the snapshot of the policy's version, and stores how far the refold has come.

        Writes all or nothing; at most 97 records. Raises ConflictError when the policy is no longer held.
        """
        refold = replace(self.refold, folded=folded)
        items = [record_item(refold.segment, record) for record in records]
        items += [snapshot_item(folded)] if snapshot else []
        self._transact(self._check(), *(self._put(item) for item in (*items, refold_item(refold, self.partitions))))
        return replace(self, refold=refold)

    def swap(self, policy: Policy, record: VersionRecord) -> None:
        """Publishes the policy that was folded anew as the next version, and removes the refold.

        Raises ConflictError when another version came meanwhile, or when the policy is no longer held.
        """
        puts = [
            {"Put": {"TableName": self.table.name, **put.arguments()}}
            for put in publish_writes(policy, record, hold=self.refold.hold)
        ]
        self._transact(*puts, {"Delete": {"TableName": self.table.name, "Key": self._key(keys.REFOLD_SK)}})

    def drop(self) -> None:
        """Removes the refold when no policy is held by it. Raises ConflictError when another refold took its place."""
        self.table.call(
            "delete_item",
            Key=self._key(keys.REFOLD_SK),
            ConditionExpression="#hold = :hold",
            ExpressionAttributeNames={"#hold": "hold"},
            ExpressionAttributeValues={":hold": number(self.refold.hold)},
        )

    def _check(self) -> dict[str, Any]:
        """Returns the check `still-held`; it also fails while the erasure of an earlier release rewrites."""
        condition = {
            "ConditionExpression": "#hold = :hold AND attribute_not_exists(refolding)",
            "ExpressionAttributeNames": {"#hold": "hold"},
            "ExpressionAttributeValues": {":hold": number(self.refold.hold)},
        }
        return {"ConditionCheck": {"TableName": self.table.name, "Key": self._key(keys.POLICY_SK), **condition}}

    def _put(self, item: Item) -> dict[str, Any]:
        return {"Put": {"TableName": self.table.name, "Item": item}}

    def _transact(self, *writes: dict[str, Any]) -> None:
        self.table.call("transact_write_items", TransactItems=list(writes), ClientRequestToken=secrets.token_hex(16))

    def _key(self, sk: str) -> Item:
        return {"pk": string(keys.segment_pk(self.refold.segment)), "sk": string(sk)}
