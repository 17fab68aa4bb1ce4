"""A policy's past: any version rebuilt from a snapshot and the records after it, decisions recomputed, rollbacks."""

from contextlib import suppress
from dataclasses import dataclass, replace

from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import HistoryError, PolicyUnreadableError, RefoldPendingError
from rl_core.models import Decision, Policy, Segment, Session, VersionRecord
from rl_core.store import Store, mending_writes, publish_writes

UNDER_WAY = "erasure under way"  # the reason of a version by which an erasure took hold of the policy


def policy_at(store: Store, segment: Segment, version: int, from_start: bool = False) -> Policy:
    """The policy as of a version, folded anew from the snapshot before it, or from nothing at all.

    Raises HistoryError when a record is missing.
    """
    policy = Policy(segment) if from_start else store.snapshot(segment, version)
    for record in store.records(segment, policy.version, version):
        policy = step(store, policy, record, from_start)
    if policy.version != version:
        raise HistoryError(f"there is no version {version}; the last on record is {policy.version}")
    return policy


def step(store: Store, policy: Policy, record: VersionRecord, from_start: bool = False) -> Policy:
    """The policy after one more record. Raises HistoryError when it is not the next one."""
    if record.version != policy.version + 1:
        raise HistoryError(f"the record of version {policy.version + 1} is missing")
    if record.restored is None:
        return replace(learner.fold(policy, record.transitions, record.fold), version=record.version)
    restored = policy_at(store, policy.segment, record.restored, from_start)
    return replace(restored, version=record.version, episodes=policy.episodes)


def roll_back(store: Store, segment: Segment, to: int, reason: str, settings: Settings) -> Policy:
    """Publishes values, counts and statistics as of an earlier version as a new version; episodes go on.

    Raises HistoryError for a version that is not in the past, RefoldPendingError while the past is being rewritten,
    ConflictError when the policy was replaced meanwhile.
    """
    now = store.policy(segment)
    if not 0 <= to < now.version:
        raise HistoryError(f"version {to} is not before the present one, {now.version}")
    if now.refolding is not None:
        raise RefoldPendingError("the segment is being folded anew without an erased user; try again when that is done")
    restored = replace(policy_at(store, segment, to), version=now.version + 1, episodes=now.episodes)
    record = VersionRecord(restored.version, learner.fold_of(settings), restored=to, reason=reason)
    store.write(*publish_writes(restored, record))
    return restored


def mend(store: Store, segment: Segment, settings: Settings) -> Policy:
    """Rebuilds a policy item that is damaged or gone from the records of its versions, as a new version.

    An erasure that was under way stays so. Raises HistoryError when the item is well, or nothing is on record;
    ConflictError when the item was written by newer code, or another version was published meanwhile.
    """
    with suppress(PolicyUnreadableError):
        raise HistoryError(f"version {store.policy(segment).version} can be read: there is nothing to mend")
    last = store.last_record(segment)
    if last is None:
        raise HistoryError("no version is on record")
    policy, held = policy_at(store, segment, last.version), last.reason == UNDER_WAY
    mended = replace(policy, version=policy.version + 1, refolding=last.rewritten if held else None)
    reason = UNDER_WAY if held else "mended"
    record = VersionRecord(mended.version, learner.fold_of(settings), rewritten=mended.refolding, reason=reason)
    store.write(*mending_writes(mended, record))
    return mended


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision recomputed: per action its estimate and the visits behind it; `again` is what came out this time.

    rewritten: an erasure rewrote the version that the session names, so it need not come out the same.
    """

    estimates: tuple[float, ...]
    visits: tuple[int, ...]
    again: Decision
    rewritten: bool

    def agrees(self, stored: Decision) -> bool:
        return self.again == stored


def explain(store: Store, session: Session, settings: Settings) -> Explanation:
    """A session's decision recomputed from the version that it names and the actions that were eligible.

    Settings are those of today: a decision made under others does not agree. Raises HistoryError.
    """
    stored, row = session.decision, session.decision.state.row
    rng = learner.generator(session.key, stored.policy_version)
    policy = policy_at(store, session.segment, stored.policy_version)
    read = None if stored.fallback else policy
    again = learner.decide(read, stored.state, stored.eligible, settings, rng)
    later = store.records(session.segment, stored.policy_version)
    rewritten = any(r.rewritten is not None and r.rewritten <= stored.policy_version for r in later)
    return Explanation(learner.estimates(policy)[row], learner.visits(policy)[row], again, rewritten)
