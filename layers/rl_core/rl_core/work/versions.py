"""A policy's past: any version rebuilt from a snapshot and the records after it, decisions recomputed, rollbacks."""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace

from rl_core.config import Settings
from rl_core.errors import HistoryError, PolicyUnreadableError, RefoldPendingError
from rl_core.learner import choosing
from rl_core.learner.folding import fold, q_values
from rl_core.models import ACTIONS, Decision, Policy, Segment, Session, VersionRecord
from rl_core.store import Store, mending_write, policy_write, record_write, snapshot_writes

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
        return replace(fold(policy, record.transitions, record.learner), version=record.version)
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
    record = VersionRecord(restored.version, settings, restored=to, reason=reason)
    store.write(policy_write(restored), record_write(segment, record), *snapshot_writes(restored))
    return restored


def mend(store: Store, segment: Segment, settings: Settings) -> Policy:
    """Rebuilds a policy item that is damaged or gone from the records of its versions, as a new version.

    An erasure that was under way stays so. Raises HistoryError when the item is well, or nothing is on record;
    ConflictError when the item was written by newer code, or another version was published meanwhile.
    """
    with suppress(PolicyUnreadableError):
        raise HistoryError(f"version {store.policy(segment).version} can be read: there is nothing to mend")
    last = deque(store.records(segment), maxlen=1)
    if not last:
        raise HistoryError("no version is on record")
    policy, held = policy_at(store, segment, last[0].version), last[0].reason == UNDER_WAY
    mended = replace(policy, version=policy.version + 1, refolding=last[0].rewritten if held else None)
    record = VersionRecord(mended.version, settings, rewritten=mended.refolding, reason=UNDER_WAY if held else "mended")
    store.write(mending_write(mended), record_write(segment, record), *snapshot_writes(mended))
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
    stored = session.decision
    rng = choosing.generator(session.user, session.number, stored.policy_version)
    policy = policy_at(store, session.segment, stored.policy_version)
    estimates = q_values(policy, stored.state)
    row = stored.state.row * len(ACTIONS)
    if stored.fallback:
        again = choosing.draw_without_policy(stored.state, stored.eligible, rng)
    else:
        again = choosing.draw(policy, stored.state, stored.eligible, settings, rng)
    later = store.records(session.segment, stored.policy_version)
    rewritten = any(r.rewritten is not None and r.rewritten <= stored.policy_version for r in later)
    return Explanation(estimates, policy.counts[row : row + len(ACTIONS)], again, rewritten)
