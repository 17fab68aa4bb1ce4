"""Erasure that reaches the model: the segments that learned from a user are folded anew, as if they had never been.

A refold first takes hold of the policy, by a version of its own that says so: who learns or rolls back meanwhile loses
the race, then sees it and waits. The versions from the first touched one on are rewritten, each write on condition
that the policy still stands at the version of this hold; another run that takes hold stops this one. What comes out is
published as the next version, which ends it. Only then do the sessions go that tell where to look, so a run that was
cut off anywhere is done anew by the next.
"""

from collections.abc import Collection, Set
from dataclasses import replace

from rl_core.config import Settings
from rl_core.models import Policy, Segment, VersionRecord
from rl_core.store import Lesson, Store, policy_write, record_item, record_write, snapshot_item, snapshot_writes
from rl_core.work.retry import until_settled
from rl_core.work.versions import UNDER_WAY, step


def forget(store: Store, segment: Segment, lessons: Collection[Lesson], settings: Settings) -> bool:
    """Folds a segment's policy anew without these lessons and publishes it; False if it holds nothing of them.

    Raises PolicyUnreadableError and HistoryError when that cannot be done; ConflictError when another run took over.
    """
    under_way = bool(lessons) and store.policy(segment).refolding is not None
    if not under_way and not any(_recorded(store, lesson) for lesson in lessons):
        return False
    first = min(lesson.version for lesson in lessons)
    held = until_settled(lambda: _hold(store, segment, first, settings))
    first = held.refolding or first
    refolded = _rewrite(store, held, first, {lesson.key for lesson in lessons})
    _publish(store, refolded, first, "erasure", settings)
    return True


def _recorded(store: Store, lesson: Lesson) -> bool:
    records = store.records(lesson.segment, lesson.version - 1, lesson.version)
    return any(t.key == lesson.key for record in records for t in record.transitions)


def _hold(store: Store, segment: Segment, first: int, settings: Settings) -> Policy:
    """The policy marked as being rewritten from the first version of this erasure, or of one that was cut off."""
    now = store.policy(segment)
    if now.refolding is not None:
        first = min(first, now.refolding)
    return _publish(store, replace(now, refolding=first), first, UNDER_WAY, settings)


def _publish(store: Store, policy: Policy, first: int, reason: str, settings: Settings) -> Policy:
    """The policy as the next version, with a record of why it is there."""
    policy = replace(policy, version=policy.version + 1)
    record = VersionRecord(policy.version, settings, rewritten=first, reason=reason)
    store.write(policy_write(policy), record_write(policy.segment, record), *snapshot_writes(policy))
    return policy


def _rewrite(store: Store, held: Policy, first: int, keys: Set[bytes]) -> Policy:
    """The policy of the version held, folded without these; every record and snapshot on the way says the same."""
    kept_whole = store.snapshots_from(held.segment, first)
    policy = store.snapshot(held.segment, first - 1)
    for record in store.records(held.segment, policy.version, held.version):
        rest = tuple(t for t in record.transitions if t.key not in keys)
        cleaned = replace(record, transitions=rest)
        policy = step(store, policy, cleaned)
        past = [record_item(held.segment, cleaned)] if cleaned != record else []
        if policy.version in kept_whole:
            past.append(snapshot_item(policy))
        if past:
            store.rewrite(held.segment, held.version, *past)
    return policy
