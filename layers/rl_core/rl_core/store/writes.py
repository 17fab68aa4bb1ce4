"""The conditional writes. Each has the name of what it writes; docs/data-model.md has the names of the conditions."""

from dataclasses import dataclass
from typing import Any

from rl_core.models import Marker, Policy, Profile, Segment, Session, VersionRecord
from rl_core.store import items, policies
from rl_core.store.fields import Item, number

SNAPSHOT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Put:
    """One write of a whole item. Has no condition only when another write of the same transaction guards it.

    `name` is what a lost condition is reported by; `key` is the session's, of a session.
    """

    name: str
    item: Item
    condition: str = ""
    values: Item | None = None
    names: dict[str, str] | None = None
    key: bytes = b""

    def arguments(self) -> dict[str, Any]:
        """Returns what put_item, and a Put in a transaction, take beside the table's name."""
        arguments: dict[str, Any] = {"Item": self.item}
        if self.condition:
            arguments["ConditionExpression"] = self.condition
        if self.values:
            arguments["ExpressionAttributeValues"] = self.values
        if self.names:
            arguments["ExpressionAttributeNames"] = self.names
        return arguments


def session_write(session: Session) -> Put:
    """Condition: `same-revision`, or `new-item` for a session just issued."""
    return same_revision("session", items.session_item(session), session.revision, session.key, session.key)


def profile_write(profile: Profile) -> Put:
    """Condition: `same-revision` (a marker of erasure has another one), or `new-item`."""
    return same_revision("profile", items.profile_item(profile), profile.revision, profile.key)


def marker_write(marker: Marker) -> Put:
    """Condition: `same-revision`, of the profile whose place it takes."""
    return same_revision("profile", items.marker_item(marker), marker.revision, marker.key)


def publish_writes(policy: Policy, record: VersionRecord) -> list[Put]:
    """Returns all that a new version of a policy is: policy, record and, every hundredth version, a snapshot.

    Conditions: `next-version` (the stored version is the one before), and `new-item` for the others.
    """
    item = policies.policy_item(policy)
    before = {":before": number(policy.version - 1)}
    put = Put("policy", item, "#version = :before", before, {"#version": "version"})
    return [new_item("policy", item) if policy.version == 1 else put, *_past(policy, record)]


def mending_writes(policy: Policy, record: VersionRecord) -> list[Put]:
    """Returns the same for a policy item that cannot be read, so that it has no version to go by.

    Condition: `not-newer`, the item is gone or of no newer form; the record's `new-item` guards its version.
    """
    item = policies.policy_item(policy)
    condition = "attribute_not_exists(#form) OR #form <= :form"
    put = Put("policy", item, condition, {":form": item["form"]}, {"#form": "form"})
    return [put, *_past(policy, record)]


def _past(policy: Policy, record: VersionRecord) -> list[Put]:
    past = [new_item("record", policies.record_item(policy.segment, record))]
    if policy.version % SNAPSHOT_EVERY == 0:
        past.append(new_item("snapshot", policies.snapshot_item(policy)))
    return past


def past_writes(segment: Segment, record: VersionRecord | None, snapshot: Policy | None) -> list[Put]:
    """Returns a record and a snapshot rewritten. They have no condition: a check of the policy guards them."""
    puts = [Put("record", policies.record_item(segment, record))] if record else []
    return puts + ([Put("snapshot", policies.snapshot_item(snapshot))] if snapshot else [])


def new_item(name: str, item: Item) -> Put:
    """Condition: `new-item`."""
    return Put(name, item, "attribute_not_exists(pk)")


def same_revision(name: str, item: Item, revision: int, life: bytes = b"", key: bytes = b"") -> Put:
    """Condition: `same-revision` (with the life's or session's key, where it has one), or `new-item` for revision 0."""
    if not revision:
        return Put(name, item, "attribute_not_exists(pk)", key=key)
    condition, values, names = "#revision = :revision", {":revision": number(revision)}, {"#revision": "revision"}
    if life:
        condition = f"{condition} AND #key = :key"
        values |= {":key": {"B": life}}
        names |= {"#key": "key"}
    return Put(name, item, condition, values, names, key)
