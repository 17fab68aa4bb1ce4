"""Reads and writes a segment's items: policy, snapshot, version record."""

import struct
from dataclasses import replace
from typing import Any

from rl_core.errors import PolicyUnreadableError, UnreadableItemError
from rl_core.learner import check
from rl_core.models import (
    PERSON,
    ActivityStats,
    Fold,
    Policy,
    Result,
    Segment,
    Transition,
    VersionRecord,
)
from rl_core.packing import pack, unpack, unzigzag, zigzag
from rl_core.store import keys
from rl_core.store.codecs import FACTS, STATE
from rl_core.store.fields import (
    ACTION,
    ACTIONS,
    BYTES,
    FLOAT,
    TEXT,
    WHOLE,
    Codec,
    Field,
    FieldTable,
    Item,
    Put,
    Stored,
    new_item,
    number,
    rest_of,
    strict,
    string,
    unknown,
    written,
)
from rl_core.store.sizes import size

POLICY_FORM = 3
RECORD_FORM = 3
SNAPSHOT_EVERY = 100  # versions
SNAPSHOT_BYTES = 48 * 1024  # of records since the snapshot before
_CODE = 3  # bytes of an entry's code
_RESULT = struct.Struct("<3sb")
_NO_LIFT, _NOT_COMPLETED = -128, -127


def _write_statistics(activities: dict[int, ActivityStats]) -> dict[str, Any]:
    packed = [
        entry.to_bytes(_CODE, "little") + pack((s.assigned, s.completed, s.rated, zigzag(s.lift_points)))
        for entry, s in sorted(activities.items())
    ]
    return {"B": b"".join(packed)}


def _read_statistics(value: Any) -> dict[int, ActivityStats]:
    data, at, found = bytes(value["B"]), 0, {}
    while at < len(data):
        entry, end = int.from_bytes(data[at : at + _CODE], "little"), at + _CODE
        for _ in range(4):
            while data[end] & 0x80:
                end += 1
            end += 1
        assigned, completed, rated, lift = unpack(data[at + _CODE : end])
        found[entry] = ActivityStats(assigned, completed, rated, unzigzag(lift))
        at = end
    return found


def _write_results(results: tuple[Result, ...]) -> dict[str, Any]:
    packed = []
    for r in results:
        how = r.lift if r.lift is not None else _NO_LIFT if r.completed else _NOT_COMPLETED
        packed.append(_RESULT.pack(r.entry.to_bytes(_CODE, "little"), how))
    return {"B": b"".join(packed)}


def _read_results(value: Any) -> tuple[Result, ...]:
    unpacked = [(int.from_bytes(code, "little"), how) for code, how in _RESULT.iter_unpack(bytes(value["B"]))]
    return tuple([Result(code, how != _NOT_COMPLETED, how if how > _NOT_COMPLETED else None) for code, how in unpacked])


def _write_fold(fold: Fold) -> dict[str, Any]:
    return {"M": {"learner": string(fold.learner)} | {name: number(value) for name, value in fold.constants.items()}}


def _read_fold(value: Any) -> Fold:
    constants = {name: float(v["N"]) for name, v in value["M"].items() if name != "learner"}
    return Fold(value["M"]["learner"]["S"], constants)


STATISTICS = Codec(
    "per entry 3 bytes of code, little-endian, then LEB128: assigned, completed, rated, zigzag of summed lift points",
    _write_statistics,
    _read_statistics,
)
RESULTS = Codec(
    "per activity 3 bytes of code, then int8: lift, -128 completed without one, -127 not completed",
    _write_results,
    _read_results,
)
FOLD = Codec("map of `learner` and the constants by name", _write_fold, _read_fold)
PERSONS = Codec(
    "8 bytes each",
    lambda persons: {"B": b"".join(persons)},
    lambda v: tuple([bytes(v["B"])[i : i + PERSON] for i in range(0, len(bytes(v["B"])), PERSON)]),
)

POLICY = FieldTable(
    (
        Field("version", "version", WHOLE, "grows by one with every write"),
        Field("episodes", "episodes", WHOLE, "sessions learned in the segment", 0),
        Field("learner", "learner", TEXT, "the learner whose table it is, and the table's form: `posterior/2`", ""),
        Field("table", "table", BYTES, "the learner's own bytes (docs/learner.md)", b""),
        Field("activities", "activities", STATISTICS, "how the catalogue's entries did in the segment", {}),
        Field("excluded", "excluded", PERSONS, "persons whose sessions no fold counts", ()),
        Field("refolding", "refolding", WHOLE, "where the erasure of an earlier release rewrites from", None),
        Field("hold", "hold", WHOLE, "the version by which a refold took hold of the policy", None, since=2),
        Field("acted", "acted", WHOLE, "the latest version that is not plain learning; no part of it", 0, since=3),
        Field("counted", "counted", WHOLE, "the version as of which `since` was counted", 0, since=3),
        Field("since", "since", WHOLE, "bytes of the records since the latest snapshot before it", 0, since=3),
    )
)
RECORD = FieldTable(
    (
        Field("fold", "fold", FOLD, "how the version was folded"),
        Field("adopted", "adopted", TEXT, "the learner and form whose table the fold took over", None),
        Field("restored", "restored", WHOLE, "the version that a rollback restored; `episodes` went on", None),
        Field("rewritten", "rewritten", WHOLE, "the first version that a refold rewrote", None),
        Field("reason", "reason", TEXT, "an operator's words, or `erasure`, `restore`, `mended`, `lost`", None),
        Field("excluded", "excluded", PERSONS, "persons whose sessions no fold counts, if that changed", None, since=2),
    )
)
TRANSITION = FieldTable(
    (
        Field("key", "key", BYTES, "the session's key"),
        Field("state", "s", STATE, "state"),
        Field("action", "a", ACTION, "action"),
        Field("reward", "r", FLOAT, "reward"),
        Field("next_state", "next", STATE, "next state"),
        Field("barred", "barred", ACTIONS, "the actions that the cool-down bars in the next state", ()),
        Field("results", "results", RESULTS, "how each activity ended"),
        Field("facts", "facts", FACTS, "the person's facts as the session's draw saw them", None, since=3),
    )
)
_PLACE = frozenset({"pk", "sk", "transitions"})


def policy_item(policy: Policy) -> Item:
    """Returns the policy's item as it will be stored."""
    place = {"pk": string(keys.segment_pk(policy.segment)), "sk": string(keys.POLICY_SK)}
    return written(POLICY_FORM, place | POLICY.write(policy), policy.rest)


def snapshot_item(policy: Policy) -> Item:
    """Returns the item of the whole policy as of its version, without what says who acts or acted on it."""
    its = replace(policy, hold=None, refolding=None, acted=0)
    return policy_item(its) | {"sk": string(keys.snapshot_sk(policy.version))}


def read_policy(item: Stored) -> Policy:
    """Returns the stored policy. Raises PolicyUnreadableError when this code cannot read the item or its table."""
    try:
        policy = _read_policy(item)
    except UnreadableItemError as error:
        raise PolicyUnreadableError(str(error)) from error
    check(policy)
    return policy


@strict
def _read_policy(item: Stored) -> Policy:
    segment = Segment[item["pk"]["S"].removeprefix(keys.SEGMENT_PREFIX)]
    rest = unknown(item, POLICY_FORM, POLICY.attributes, _PLACE)
    return Policy(segment=segment, rest=rest, **POLICY.read(item))


def record_item(segment: Segment, record: VersionRecord) -> Item:
    """Returns the record's item."""
    place: Item = {"pk": string(keys.segment_pk(segment)), "sk": string(keys.version_sk(record.version))}
    place["transitions"] = {"L": [{"M": TRANSITION.write(t) | dict(t.rest)} for t in record.transitions]}
    return written(RECORD_FORM, place | RECORD.write(record), record.rest)


@strict
def read_record(item: Stored) -> VersionRecord:
    """Returns the record. Raises UnreadableItemError."""
    return VersionRecord(
        version=int(item["sk"]["S"].removeprefix(keys.VERSION_PREFIX)),
        transitions=tuple([_read_transition(t["M"]) for t in item["transitions"]["L"]]),
        rest=unknown(item, RECORD_FORM, RECORD.attributes, _PLACE),
        **RECORD.read(item),
    )


def _read_transition(item: Stored) -> Transition:
    return Transition(**TRANSITION.read(item), rest=rest_of(item, TRANSITION.attributes))


# The conditional writes; docs/data-model.md has the names of the conditions.


def publish_writes(policy: Policy, record: VersionRecord, hold: int | None = None) -> list[Put]:
    """Returns the writes of a new version of a policy: policy, record and, where one is due, a snapshot.

    A snapshot is due each hundred versions, and once the records since the one before come to 48 KB. It is also due
    where the version before did not count these bytes: then an earlier release wrote it, or a fold of the past made it.

    The policy's condition is `next-version` (the stored version is the one before), or `new-item` for version 1; with
    `hold` also that this refold holds the policy. The other writes have `new-item`.
    """
    its = record_item(policy.segment, record)
    policy = _counted(policy, its)
    item = policy_item(policy)
    if policy.version == 1:
        return [new_item("policy", item), *_past(policy, its)]
    condition, names, values = "#version = :before", {"#version": "version"}, {":before": number(policy.version - 1)}
    if hold is not None:
        condition, names = f"{condition} AND #hold = :hold", names | {"#hold": "hold"}
        values |= {":hold": number(hold)}
    return [Put("policy", item, condition, values, names), *_past(policy, its)]


def mending_writes(policy: Policy, record: VersionRecord, shown: Stored | None) -> list[Put]:
    """Returns the writes of a new version in place of a policy item that cannot be read, and so shows no version.

    The policy's condition is `as-shown` (the item is still what was shown, or is still gone, and is of no newer form);
    the record's `new-item` guards the version.
    """
    its = record_item(policy.segment, record)
    policy = _counted(policy, its)
    item = policy_item(policy)
    if shown is None:
        return [new_item("policy", item), *_past(policy, its)]
    names = {f"#its{n}": name for n, name in enumerate(sorted({"form", *POLICY.attributes, *shown} - {"pk", "sk"}))}
    conditions, values = ["(attribute_not_exists(#form) OR #form <= :form)"], {":form": item["form"]}
    for alias, name in names.items():
        value = alias.replace("#", ":")
        conditions.append(f"{alias} = {value}" if name in shown else f"attribute_not_exists({alias})")
        values |= {value: dict(shown[name])} if name in shown else {}
    put = Put("policy", item, " AND ".join(conditions), values, names | {"#form": "form"})
    return [put, *_past(policy, its)]


def _counted(policy: Policy, record: Item) -> Policy:
    """Returns the policy with the bytes of the records since the latest snapshot before its version, its own included.

    The bytes are 0 where the version before did not count them.
    """
    before = replace(policy, version=policy.version - 1)
    since = 0
    if before.counted == before.version:
        since = size(record) + (0 if _is_kept_whole(before) else before.since)
    return replace(policy, counted=policy.version, since=since)


def _is_kept_whole(policy: Policy) -> bool:
    """Returns whether the version of this policy, which counted, has a snapshot."""
    return policy.since == 0 or policy.since >= SNAPSHOT_BYTES or policy.version % SNAPSHOT_EVERY == 0


def is_counted(policy: Policy) -> bool:
    """Returns whether every record since the latest snapshot before this version was counted when it was written.

    Those before this version's own then come to less than SNAPSHOT_BYTES.
    """
    return policy.counted == policy.version and policy.since > 0


def _past(policy: Policy, record: Item) -> list[Put]:
    past = [new_item("record", record)]
    if _is_kept_whole(policy):
        past.append(new_item("snapshot", snapshot_item(policy)))
    return past
