"""Works on a policy's past: rebuilds versions from snapshots and records, recomputes decisions, rolls back, mends."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import ActedError, PolicyUnreadableError, RefoldPendingError, UnavailableError, VersionError
from rl_core.models import Act, Decision, Policy, Segment, Session, VersionRecord
from rl_core.store import LAST_VERSION, Hold, Store, Stored, act_write, mending_writes, publish_writes, read_policy
from rl_core.work.retry import attempts

MENDED = "mended"
_TRIES = 50  # of an action of an operator, which may lose to learning again and again


def policy_at(
    store: Store,
    segment: Segment,
    version: int,
    from_start: bool = False,
    *,
    excluded: tuple[bytes, ...] | None = None,
) -> Policy:
    """Returns the policy as of a version, folded anew from the snapshot before it, or `from_start` from nothing at all.

    Leaves out the sessions of `excluded`; without that list, of those whom the policy excludes today. Raises
    VersionError when a record is missing.
    """
    if excluded is None:
        excluded = _excluded(store, segment)
    base = Policy(segment) if from_start else store.snapshot(segment, version)
    policy = replace(base, excluded=excluded)
    for record in store.records(segment, policy.version, version):
        policy = step(store, policy, record, from_start)
    if policy.version != version:
        raise VersionError(f"there is no version {version}; the last on record is {policy.version}")
    return policy


def step(store: Store, policy: Policy, record: VersionRecord, from_start: bool = False) -> Policy:
    """Returns the policy after one more record. Raises VersionError when the record is not the next one."""
    if record.version != policy.version + 1:
        raise VersionError(f"the record of version {policy.version + 1} is missing")
    if record.restored is None:
        return replace(learner.fold(policy, record.transitions, record.fold), version=record.version)
    restored = policy_at(store, policy.segment, record.restored, from_start, excluded=policy.excluded)
    return replace(restored, version=record.version, episodes=policy.episodes)


def roll_back(store: Store, segment: Segment, to: int, act: Act, acted: int, settings: Settings) -> Policy:
    """Publishes the table and statistics of an earlier version as a new version, and returns it; episodes go on.

    Stores the act with it. Persons who are excluded today stay excluded. Learning may go on meanwhile: what is restored
    is computed once, and published over whatever was learned since. `acted` is the policy's as the operator saw it.
    Raises ActedError when it is another one by now, VersionError for a version that is not in the past,
    RefoldPendingError while the past is being rewritten, UnavailableError after too many lost races.
    """
    now = as_shown(store, segment, acted)
    if not 0 <= to < now.version:
        raise VersionError(f"version {to} is not before the present one, {now.version}")
    if now.hold is not None or now.refolding is not None:
        raise RefoldPendingError("the segment is being folded anew; try again when that is done")
    restored = policy_at(store, segment, to, excluded=now.excluded)
    for attempt in attempts(_TRIES):
        with attempt:
            now = as_shown(store, segment, acted)
            version = now.version + 1
            published = replace(restored, version=version, episodes=now.episodes, acted=version)
            record = VersionRecord(version, learner.fold_of(settings), restored=to, reason=act.reason)
            after = f"version {version}, which holds what {to} held"
            done = replace(act, what="rollback", segment=segment, before=_state(now), after=after)
            store.write(*publish_writes(published, record), act_write(done))
            return published
    raise UnavailableError


def as_shown(store: Store, segment: Segment, acted: int) -> Policy:
    """Returns the policy. Raises ActedError when somebody acted on it after the operator saw this `acted`."""
    policy = store.policy(segment)
    if policy.acted != acted:
        raise ActedError(policy.acted)
    return policy


def _state(policy: Policy) -> str:
    return f"version {policy.version}, {policy.episodes} episodes"


class Damage(NamedTuple):
    """Holds what is wrong with a policy item, in words, and the policy as its version records say it."""

    found: str
    policy: Policy


def damage_of(store: Store, segment: Segment, shown: Stored | None) -> Damage:
    """Returns what is wrong with a policy item that is damaged, gone (None) or older than its version records.

    Raises VersionError when nothing is wrong with the item or no version is on record.
    """
    last = store.last_record(segment)
    known, found = _shown(shown)
    if known is not None and (last is None or known.version >= last.version):
        raise VersionError(f"version {known.version} can be read: there is nothing to mend")
    if last is None:
        raise VersionError("no version is on record: there is nothing to mend")
    if known is None:
        known = store.snapshot(segment, LAST_VERSION)
    return Damage(found, policy_at(store, segment, last.version, excluded=_listed_since(store, known)))


def mend(store: Store, segment: Segment, shown: Stored | None, act: Act | None, settings: Settings) -> Policy:
    """Rebuilds a policy from its version records when its item is damaged, gone or older than they are.

    `shown` is the item as the operator saw it, None when it was gone. Publishes and returns a new version, and stores
    the act with it, if there is one. A refold that was under way stays under way. Raises VersionError when nothing is
    wrong with the item or no version is on record, ConflictError when the item is not the one that was shown, newer
    code wrote it, or another version was published meanwhile.
    """
    found, policy = damage_of(store, segment, shown)
    under_way = Hold.of(store, segment, settings.index_shards)
    hold = under_way.refold.hold if under_way and under_way.refold.hold <= policy.version else None
    version = policy.version + 1
    mended = replace(policy, version=version, hold=hold, acted=version)
    record = VersionRecord(version, learner.fold_of(settings), reason=MENDED)
    writes = mending_writes(mended, record, shown)
    if act is not None:
        writes.append(act_write(replace(act, what="mend", segment=segment, before=found, after=_state(mended))))
    store.write(*writes)
    return mended


def _shown(shown: Stored | None) -> tuple[Policy | None, str]:
    """Returns the policy that was shown, None if it is gone or cannot be read, and what that is in words.

    It is judged by what was shown alone: a table that does not answer is no damaged item.
    """
    if shown is None:
        return None, "the policy item is gone"
    try:
        policy = read_policy(shown)
    except PolicyUnreadableError as error:
        return None, str(error)
    return policy, f"{_state(policy)}, older than its records"


def _excluded(store: Store, segment: Segment) -> tuple[bytes, ...]:
    """Returns the persons whom the policy excludes; if it cannot be read, from the last snapshot and records since."""
    with suppress(PolicyUnreadableError):
        return store.policy(segment).excluded
    return _listed_since(store, store.snapshot(segment, LAST_VERSION))


def _listed_since(store: Store, known: Policy) -> tuple[bytes, ...]:
    """Returns the persons whom the policy excludes according to the records after the version that is known."""
    lists = [r.excluded for r in store.records(known.segment, known.version) if r.excluded is not None]
    return lists[-1] if lists else known.excluded


@dataclass(frozen=True, slots=True)
class Explanation:
    """Holds a decision recomputed (`again`), with the estimate of each action and the visits behind that estimate.

    `rewritten` says that an erasure rewrote the version that the session names, `other_settings` that the decision was
    drawn under other settings than today's; then `again` may differ from the stored decision.
    """

    estimates: tuple[float, ...]
    visits: tuple[int, ...]
    again: Decision
    rewritten: bool
    other_settings: bool

    def agrees(self, stored: Decision) -> bool:
        """Returns whether the decision came out the same, whatever the settings' hash."""
        return replace(self.again, settings=stored.settings) == stored


def explain(store: Store, session: Session, settings: Settings) -> Explanation:
    """Recomputes a session's decision from the policy version and the eligible actions that the session names.

    The settings are those of today: a decision made under other settings need not agree. Raises VersionError when the
    version cannot be rebuilt.
    """
    stored, row = session.decision, session.decision.state.row
    rng = learner.generator(session.key, stored.policy_version)
    policy = policy_at(store, session.segment, stored.policy_version)
    read = None if stored.fallback else policy
    personal = not stored.impersonal
    again = learner.decide(read, stored.state, stored.eligible, settings, rng, stored.facts, personal=personal)
    later = store.records(session.segment, stored.policy_version)
    rewritten = any(r.rewritten is not None and r.rewritten <= stored.policy_version for r in later)
    others = stored.settings not in (b"", again.settings)
    estimates, visits = learner.estimates(policy, stored.facts)[row], learner.visits(policy)[row]
    return Explanation(estimates, visits, again, rewritten, others)
