"""Reads and writes what operators did, and takes out of it whoever is erased."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from rl_core.errors import UnreadableItemError
from rl_core.models import Act
from rl_core.store import keys
from rl_core.store.codecs import SEGMENT
from rl_core.store.fields import (
    BYTES,
    TEXT,
    Field,
    FieldTable,
    Item,
    Put,
    Stored,
    new_item,
    strict,
    string,
    time,
    written,
)
from rl_core.store.table import Table, between

AUDIT_FORM = 1
_LAG = timedelta(hours=1)  # for which the index may not know an act: far more than it lags, and clocks may be wrong
_LAST = "~"  # sorts after every act
_FORGOTTEN = ("person", "reason", "due_shard", "due_at")

AUDIT = FieldTable(
    (
        Field("who", "who", TEXT, "the operator's ARN, as STS says it; `local` on the local stack"),
        Field("what", "what", TEXT, "the command: `rollback`, `exclude`, ..."),
        Field("segment", "segment", SEGMENT, "the segment whose policy it was done to", None),
        Field("before", "before", TEXT, "what stood before, in words", ""),
        Field("after", "after", TEXT, "what stood after it, in words", ""),
        Field("reason", "reason", TEXT, "the operator's words; an erasure of the person removes them", ""),
        Field("person", "person", BYTES, "the person whom it concerns; an erasure of the person removes it", b""),
    )
)


def act_item(act: Act) -> Item:
    """Returns the act's item; one that concerns a person is in an index partition of that person."""
    item = {"pk": string(keys.AUDIT_PK), "sk": string(keys.act_sk(act.at, act.id))} | AUDIT.write(act)
    if act.person:
        item |= {"due_shard": string(keys.audit_partition(act.person)), "due_at": time(act.at)}
    return written(AUDIT_FORM, item, {})


@strict
def read_act(item: Stored) -> Act:
    """Returns the act. Raises UnreadableItemError."""
    at, name = keys.act_of_sk(item["sk"]["S"])
    return Act(id=name, at=at, **AUDIT.read(item))


class OnRecord(NamedTuple):
    """Holds an act and its place in the audit; `act` is None where it cannot be read.

    `newer` says that a newer release wrote it, which may say more of it.
    """

    place: str
    act: Act | None
    newer: bool


def act_write(act: Act) -> Put:
    """Returns the write of an act under the condition `new-item`."""
    return new_item("act", act_item(act))


def latest_acts(table: Table, most: int) -> Iterator[Act]:
    """Yields the latest acts, newest first, at most so many."""
    query = between(keys.AUDIT_PK, " ", _LAST)
    while most > 0:
        answer = table.call("query", **query, ScanIndexForward=False, Limit=most)
        yield from (read_act(item) for item in answer["Items"])
        most -= len(answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def acts_before(table: Table, most: int, place: str | None = None) -> list[OnRecord]:
    """Returns the latest acts before a place, or of all, newest first, at most so many, with one read.

    Raises UnreadableItemError for a place at which no act can be.
    """
    query = between(keys.AUDIT_PK, " ", _LAST) | {"ScanIndexForward": False, "Limit": most}
    if place is not None:
        query["ExclusiveStartKey"] = {"pk": string(keys.AUDIT_PK), "sk": string(_checked(place))}
    return [_on_record(item) for item in table.call("query", **query)["Items"]]


def _checked(place: str) -> str:
    try:
        at, name = keys.act_of_sk(place)
        if place == keys.act_sk(at, name):
            return place
    except ValueError:
        pass
    raise UnreadableItemError("no act can be at this place of the audit")


def _on_record(item: Stored) -> OnRecord:
    act = None
    with suppress(UnreadableItemError):
        act = read_act(item)
    return OnRecord(item["sk"]["S"], act, item.get("form", {}).get("N") != str(AUDIT_FORM))


def forget(table: Table, person: bytes, now: datetime) -> None:
    """Removes person and reason from every act that concerns the person. A repeat finds nothing more to do.

    Raises ConflictError when another transaction is at work on one of them. The index lags behind the table, so the
    acts of the latest hour are read from the table.
    """
    names = {f"#{name}": name for name in _FORGOTTEN}
    for sk in {*_in_index(table, person), *_since(table, person, now - _LAG)}:
        table.call(
            "update_item",
            Key={"pk": string(keys.AUDIT_PK), "sk": string(sk)},
            UpdateExpression=f"REMOVE {', '.join(names)}",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeNames=names,
        )


def _in_index(table: Table, person: bytes) -> Iterator[str]:
    pages = table.pages(
        IndexName=keys.INDEX,
        KeyConditionExpression="due_shard = :partition",
        ExpressionAttributeValues={":partition": string(keys.audit_partition(person))},
    )
    yield from (item["sk"]["S"] for page in pages for item in page)


def _since(table: Table, person: bytes, moment: datetime) -> Iterator[str]:
    query = between(keys.AUDIT_PK, keys.act_sk(moment, ""), _LAST)
    query["ExpressionAttributeValues"] |= {":person": {"B": person}}
    names = {"#person": "person"}
    pages = table.pages(**query, FilterExpression="#person = :person", ExpressionAttributeNames=names)
    yield from (item["sk"]["S"] for page in pages for item in page)
