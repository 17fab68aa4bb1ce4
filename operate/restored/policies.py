"""Brings policies, version records and sessions of a restored table into agreement.

A backup may have one write of a transaction of its last second and not the other. What is left of such a transaction is
made whole by two rules: the sessions say what the records may hold, and the records say what the policy is. So each
session is learned from exactly once: what a record learned from a session that does not say so is taken out of it, and
a session that says so of a record without it waits again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from operate.restored.people import Lesson, Survey
from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import PolicyUnreadableError, RefoldPendingError
from rl_core.models import Policy, Segment, Status, VersionRecord
from rl_core.store import LAST_VERSION, Hold, Store, session_write
from rl_core.store.fields import new_item
from rl_core.store.policies import record_item
from rl_core.work import Change, Turn, go_on, mend, step, take_hold, under_way

RESTORE = "restore"
LOST = "lost"
TAIL = 100  # versions; more than any second publishes


class Tail(NamedTuple):
    """Holds a segment's latest version, as policy, record or snapshot, and the latest records by version."""

    last: int
    records: dict[int, VersionRecord]

    @property
    def before(self) -> int:
        """Returns the last version that no torn transaction can have touched."""
        return max(0, self.last - TAIL)

    @property
    def recorded(self) -> dict[bytes, int]:
        """Returns by which version each session of these records was learned from."""
        return {t.key: version for version, record in self.records.items() for t in record.transitions}


def tail_of(store: Store, segment: Segment) -> Tail:
    """Returns the segment's latest versions. Has to be read before the sessions, which may be learned meanwhile."""
    policy, record = _readable(store, segment), store.last_record(segment)
    snapshot = store.snapshot(segment, LAST_VERSION)
    last = max(policy.version if policy else 0, record.version if record else 0, snapshot.version)
    return Tail(last, {r.version: r for r in store.records(segment, max(0, last - TAIL))})


def _readable(store: Store, segment: Segment) -> Policy | None:
    try:
        return store.policy(segment)
    except PolicyUnreadableError:
        return None


@dataclass(frozen=True)
class Findings:
    """Says what does not agree in a segment.

    `missing`: versions without a record. `damaged`: the policy cannot be read, or is older than its records. `caught`:
    a refold was under way. `differs`: the policy or a snapshot is not what the records give. `strangers`: what records
    learned from sessions that do not say so. `forgotten`: sessions that say so of a record that does not.
    """

    missing: tuple[int, ...] = ()
    damaged: bool = False
    caught: bool = False
    differs: bool = False
    strangers: dict[int, set[bytes]] = field(default_factory=dict)
    forgotten: list[Lesson] = field(default_factory=list)

    def told(self) -> Iterator[str]:
        """Yields a sentence for each thing that does not agree."""
        if self.missing:
            yield f"the record of version {', '.join(map(str, self.missing))} is missing; what it did is undone"
        if self.damaged:
            yield "the policy cannot be read, or is older than its records; it is rebuilt from them"
        if self.caught:
            yield "a refold was under way; it is done from its beginning"
        if self.differs:
            yield "policy or snapshots DIFFER from the replay; they are folded anew"
        if self.strangers:
            count = sum(map(len, self.strangers.values()))
            yield f"{count} sessions were learned that do not say so; they are taken out, and learned when they close"
        if self.forgotten:
            yield f"{len(self.forgotten)} sessions say that they were learned, and were not; they wait again"


def look(store: Store, segment: Segment, tail: Tail, survey: Survey) -> Findings:
    """Returns what does not agree in a segment. Writes nothing."""
    if not tail.last:
        return Findings()
    policy = _readable(store, segment)
    missing = tuple(n for n in range(tail.before + 1, tail.last + 1) if n not in tail.records)
    damaged = policy is None or policy.version < tail.last
    caught = policy is not None and (policy.hold is not None or policy.refolding is not None)
    whole = policy is not None and not (missing or damaged or caught)
    said = {key: lesson for key, lesson in survey.learned.items() if lesson.segment is segment}
    strangers = dict[int, set[bytes]]()
    for key, version in tail.recorded.items():
        known = key in said and said[key].version == version
        if not known and not survey.unreadable:  # one of these may be it
            strangers.setdefault(version, set()).add(key)
    return Findings(
        missing=missing,
        damaged=damaged,
        caught=caught,
        differs=whole and policy is not None and not agrees(store, policy),
        strangers=strangers,
        forgotten=[it for key, it in said.items() if _forgotten(store, key, it, survey)],
    )


def _forgotten(store: Store, key: bytes, lesson: Lesson, survey: Survey) -> bool:
    """Returns whether the record that the session names does not know the session, as it now stands.

    Of a user whose erasure had come that far, the records may know nothing any more.
    """
    return lesson.place.user not in survey.prepared and key not in _keys(store, lesson.segment, lesson.version)


def _keys(store: Store, segment: Segment, version: int) -> set[bytes]:
    """Returns the keys of the sessions from which a version learned, according to its record."""
    return {t.key for record in store.records(segment, version - 1, version) for t in record.transitions}


def agrees(store: Store, policy: Policy) -> bool:
    """Returns whether policy and snapshots are what the records give, bit for bit, folded from the first version."""
    segment, folded = policy.segment, Policy(policy.segment, excluded=policy.excluded)
    snapshot = store.snapshot_after(segment, 0, policy.version)
    for record in store.records(segment, 0, policy.version):
        folded = step(store, folded, record, from_start=True)
        if folded.version == snapshot:
            stored = replace(store.snapshot(segment, snapshot), excluded=policy.excluded, rest={})
            if stored != folded:
                return False
            snapshot = store.snapshot_after(segment, snapshot, policy.version)
    return folded == replace(policy, rest={}) and snapshot is None


def settle(store: Store, segment: Segment, found: Findings, settings: Settings, turn: Turn) -> None:
    """Makes the segment agree. Raises FettleError when it cannot; what was done until then can be gone on with."""
    for version in found.missing:
        lost = VersionRecord(version, learner.fold_of(settings), reason=LOST)
        store.write(new_item("record", record_item(segment, lost)))
    if found.damaged:
        mend(store, segment, store.stored_policy(segment), None, settings)
    for lesson in found.forgotten:
        _wait_again(store, lesson, settings)
    if (hold := under_way(store, segment, settings)) is not None:
        _finish(_from_its_beginning(store, hold), store, settings, turn)
    policy = store.policy(segment)
    whole = policy.hold is None and policy.refolding is None and agrees(store, policy)
    strangers = {version: its for version, its in found.strangers.items() if its & _keys(store, segment, version)}
    if strangers or not whole:
        first = min(strangers) if strangers and whole else 1
        hold = take_hold(store, segment, Change(first, RESTORE), settings, turn)
        _finish(_without(store, hold, strangers), store, settings, turn)


def _wait_again(store: Store, lesson: Lesson, settings: Settings) -> None:
    session = store.session(*lesson.place)
    if session is not None and session.learned_version == lesson.version:
        waits = replace(session, status=Status.CLOSED, learned_version=None, learned_episodes=None)
        store.write(session_write(waits, settings.index_shards))


def _from_its_beginning(store: Store, hold: Hold) -> Hold:
    """Returns the refold as if nothing was rewritten yet, and nobody at work on it.

    Who was at work is at work on the table that was lost; and the progress that the refold noted may be one of the
    writes of which the backup has not the other.
    """
    refold = replace(hold.refold, owner="", until=None)
    base = replace(store.snapshot(refold.segment, refold.first - 1), excluded=refold.folded.excluded)
    return replace(hold, refold=refold).advance(base, [], False)


def _without(store: Store, hold: Hold, strangers: dict[int, set[bytes]]) -> Hold:
    """Takes transitions out of records that the refold is going to fold."""
    for version, theirs in strangers.items():
        for record in store.records(hold.refold.segment, version - 1, version):
            kept = tuple(t for t in record.transitions if t.key not in theirs)
            hold = hold.advance(hold.refold.folded, [replace(record, transitions=kept)], False)
    return hold


def _finish(hold: Hold, store: Store, settings: Settings, turn: Turn) -> None:
    if not go_on(hold, store, settings, turn):
        raise RefoldPendingError("another run folds the segment anew; repeat this when that is done")
