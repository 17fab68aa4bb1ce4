"""Erasure that reaches the model: the segments that learned from a user are folded anew, as if they had never been.

A refold first publishes a version with `refolding` set; it is a lock: who learns or rolls back meanwhile loses the
race, then sees it and waits. The versions from the first touched one on are rewritten, each write on condition that the
policy still stands at the version of this lock; another run that takes the lock stops this one. What comes out is
published as the next version, which ends it. Only then are the sessions removed that tell where to look, so a run that
was cut off anywhere is done anew by the next.
"""

from collections.abc import Collection, Set
from dataclasses import replace

from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import UnavailableError
from rl_core.models import Policy, Segment, VersionRecord
from rl_core.store import Lesson, Store, publish_writes
from rl_core.work.retry import attempts
from rl_core.work.versions import UNDER_WAY, step


def forget(store: Store, segment: Segment, lessons: Collection[Lesson], settings: Settings) -> bool:
    """Folds a segment's policy anew without these lessons and publishes it; returns False if it holds none of them.

    Raises PolicyUnreadableError and VersionError when that cannot be done; ConflictError when another run took over.
    """
    under_way = bool(lessons) and store.policy(segment).refolding is not None
    if not under_way and not any(_recorded(store, lesson) for lesson in lessons):
        return False
    first = min(lesson.version for lesson in lessons)
    held = _hold(store, segment, first, settings)
    first = held.refolding or first
    refolded = _rewrite(store, held, first, {lesson.key for lesson in lessons})
    _publish(store, refolded, first, "erasure", settings)
    return True


def _recorded(store: Store, lesson: Lesson) -> bool:
    records = store.records(lesson.segment, lesson.version - 1, lesson.version)
    return any(t.key == lesson.key for record in records for t in record.transitions)


def _hold(store: Store, segment: Segment, first: int, settings: Settings) -> Policy:
    """Publishes the policy with `refolding` set: the first version of this erasure, or of one that was cut off."""
    for attempt in attempts():
        with attempt:
            now = store.policy(segment)
            from_here = first if now.refolding is None else min(first, now.refolding)
            return _publish(store, replace(now, refolding=from_here), from_here, UNDER_WAY, settings)
    raise UnavailableError


def _publish(store: Store, policy: Policy, first: int, reason: str, settings: Settings) -> Policy:
    """Publishes the policy as the next version, with a record of why it is there, and returns it."""
    policy = replace(policy, version=policy.version + 1)
    record = VersionRecord(policy.version, learner.fold_of(settings), rewritten=first, reason=reason)
    store.write(*publish_writes(policy, record))
    return policy


def _rewrite(store: Store, held: Policy, first: int, keys: Set[bytes]) -> Policy:
    """Rewrites every record and snapshot without these sessions, and returns the policy of the version held so."""
    kept_whole = store.snapshots_from(held.segment, first)
    policy = store.snapshot(held.segment, first - 1)
    for record in store.records(held.segment, policy.version, held.version):
        rest = tuple(t for t in record.transitions if t.key not in keys)
        before, policy = policy, step(store, policy, replace(record, transitions=rest))
        adopts = record.restored is None and policy.learner != before.learner
        adopted = learner.adopted_by(before, record.fold) if adopts else None
        cleaned = replace(record, transitions=rest, adopted=adopted)
        snapshot = policy if policy.version in kept_whole else None
        if cleaned != record or snapshot:
            store.rewrite(held, cleaned if cleaned != record else None, snapshot)
    return policy
