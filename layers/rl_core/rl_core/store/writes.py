"""The conditional writes, each with the name that docs/data-model.md gives its condition."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rl_core.models import Policy, Profile, Segment, Session, VersionRecord
from rl_core.store import items, policies
from rl_core.store.attributes import Item, number

SNAPSHOT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Put:
    """One write of a whole item, conditional unless it rides with one that is."""

    item: Item
    condition: str
    values: Item
    names: dict[str, str]

    def arguments(self) -> dict[str, Any]:
        """What put_item, and a Put in a transaction, take beside the table's name."""
        arguments: dict[str, Any] = {"Item": self.item}
        if self.condition:
            arguments["ConditionExpression"] = self.condition
        if self.values:
            arguments |= {"ExpressionAttributeValues": self.values, "ExpressionAttributeNames": self.names}
        return arguments


def session_write(session: Session) -> Put:
    """Condition: `same-revision`, or `new-item` for a session just issued."""
    return _revision_put(items.session_item(session), session.revision, session.key)


def profile_write(profile: Profile) -> Put:
    """Condition: `same-revision` (a marker of erasure has another one), or `new-item`."""
    return _revision_put(items.profile_item(profile), profile.revision, profile.key)


def erasing_write(profile: Profile, at: datetime) -> Put:
    return _revision_put(items.erasing_item(profile, at), profile.revision, profile.key)


def policy_write(policy: Policy) -> Put:
    """Condition: `next-version`, the stored version is the one before."""
    item = policies.policy_item(policy)
    if policy.version == 1:
        return _new(item)
    return Put(item, "#version = :before", {":before": number(policy.version - 1)}, {"#version": "version"})


def mending_write(policy: Policy) -> Put:
    """Condition: `not-newer`, the item is gone or not of another format; the record's `new-item` guards its version."""
    item = policies.policy_item(policy)
    condition = "attribute_not_exists(#format) OR #format = :format"
    return Put(item, condition, {":format": item["format"]}, {"#format": "format"})


def record_write(segment: Segment, record: VersionRecord) -> Put:
    """Condition: `new-item`."""
    return _new(policies.record_item(segment, record))


def snapshot_writes(policy: Policy) -> list[Put]:
    """Every hundredth version is also kept whole: a replay starts there. Condition: `new-item`."""
    return [_new(policies.snapshot_item(policy))] if policy.version % SNAPSHOT_EVERY == 0 else []


def _new(item: Item) -> Put:
    return Put(item, "attribute_not_exists(pk)", {}, {})


def _revision_put(item: Item, revision: int, key: bytes) -> Put:
    if not revision:
        return _new(item)
    values: Item = {":revision": number(revision), ":key": {"B": key}}
    return Put(item, "#revision = :revision AND #key = :key", values, {"#revision": "revision", "#key": "key"})
