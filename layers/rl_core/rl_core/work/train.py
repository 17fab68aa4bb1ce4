"""Joins learning and store in a loop: reads the policy, folds sessions into it, commits, tries again.

One transaction serves one session for the API and up to ninety for the job. It marks the sessions as learned (each only
as it was read), replaces the policy only at the version that was read, writes one record of what the new version
learned, and a snapshot where one is due.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import (
    ConflictError,
    OversizeError,
    PolicyUnreadableError,
    UnavailableError,
)
from rl_core.models import ACTIONS, Learning, Policy, Profile, Session, Status, Transition, VersionRecord, Why
from rl_core.sessions import can_learn, excluded, expire, is_due, learned, learning_of, queued, transition_of, why_not
from rl_core.store import Due, Put, Store, parked_write, profile_write, publish_writes, session_write
from rl_core.work.retry import attempts

_USERS = frozenset({"session", "profile"})  # after a lost race over these the caller reads the user anew


@dataclass(frozen=True, slots=True)
class Closed:
    """Holds a session as it was closed.

    `policy` is the policy that learned from the session, if one did; `conflicts` counts the races lost over the policy.
    """

    session: Session
    policy: Policy | None = None
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class TrainingFigures:
    """Holds the policy's figures for a closed session; a figure is None when the policy could not be read."""

    episodes: int | None
    epsilon: float | None
    version: int | None
    exploration_rate: float | None
    learning: Learning
    why: Why | None


def close_and_learn(store: Store, session: Session, profile: Profile, settings: Settings, *more: Put) -> Closed:
    """Closes a session and learns from it in one transaction, or closes it alone and leaves it to the job.

    It closes alone when too many policy races are lost, or when the policy cannot be read or written; when the policy
    excludes the person, it closes as excluded. `session` and `profile` are as they were closed; `more` is written with
    them or not at all. Raises ConflictError when session or profile has changed since it was read; then nothing was
    written.
    """
    conflicts = 0
    for attempt in attempts(settings.learn_attempts if is_due(session) and can_learn(session) else 0, but=_USERS):
        with attempt:
            try:
                before = store.policy(session.segment)
                if session.person in before.excluded:
                    session, profile = excluded(session, profile)
                    break
                after, record = next_version(before, [transition_of(session)], settings)
                done = learned(session, after)
                publish = publish_writes(after, record)
                store.write(session_write(done, settings.index_shards), profile_write(profile), *publish, *more)
            except (PolicyUnreadableError, UnavailableError, OversizeError):
                break
            return Closed(done, after, attempt.number)
        conflicts += 1
    profile = queued(profile, session) if is_due(session) else profile
    store.write(session_write(session, settings.index_shards), profile_write(profile), *more)
    return Closed(session, None, conflicts)


def next_version(before: Policy, transitions: Sequence[Transition], settings: Settings) -> tuple[Policy, VersionRecord]:
    """Returns the policy after these transitions, as the next version, and that version's record."""
    how = learner.fold_of(settings)
    after = replace(learner.fold(before, transitions, how), version=before.version + 1)
    adopted = learner.adopted_by(before, how) if after.learner != before.learner else None
    return after, VersionRecord(after.version, how, tuple(transitions), adopted=adopted)


def training_figures(store: Store, closed: Closed, settings: Settings) -> TrainingFigures:
    """Returns the figures of a closed session.

    Episodes, epsilon and version are those of the version that learned the session, else those of the policy as last
    read. The exploration rate is that of the policy as it now stands.
    """
    session, policy = closed.session, closed.policy
    learning, why = learning_of(session), why_not(session)
    try:
        policy = policy or store.policy(session.segment, consistent=False)
    except PolicyUnreadableError:
        policy = None
    rate = None if policy is None else exploration_rate(policy, session, settings)
    episodes, version = session.learned_episodes, session.learned_version
    if episodes is None and policy is not None:
        episodes, version = policy.episodes, policy.version
    epsilon = None if episodes is None else learner.epsilon(episodes, settings)
    return TrainingFigures(episodes, epsilon, version, rate, learning, why)


def exploration_rate(policy: Policy, session: Session, settings: Settings) -> float | None:
    """Returns the policy's exploration rate for the session's state and eligible actions.

    Returns 1 for a session that was drawn without a policy, None when only a newer release has one of the actions.
    """
    decision = session.decision
    if decision.fallback or decision.impersonal:
        return 1.0
    if not set(decision.eligible) <= set(ACTIONS):
        return None
    chances = learner.probabilities(policy, decision.state, decision.eligible, settings, decision.facts)
    return chances.exploration_rate


def learn_due(store: Store, sessions: Sequence[Session], settings: Settings, report: Counter[str]) -> None:
    """Learns from closed sessions of one segment, up to `learn_batch` in one transaction.

    When a transaction is refused, the sessions whose condition failed are dropped, because another writer moved them.
    When no condition of a session failed, the batch is halved: a smaller one may fit, is done sooner and wins a race
    more easily. A session whose own write is refused is parked with the reason; a session with an action of a newer
    release stays due. Counts into `report` the sessions learned, dropped and parked, and the races lost over the
    policy. Raises PolicyUnreadableError, OversizeError when policy or record is refused with one session alone, or
    UnavailableError after too many lost races in a row; the sessions that are left then stay due.
    """
    due = [s for s in sessions if is_due(s)]  # the index may lag behind the items
    report["dropped"] += len(sessions) - len(due)
    due = [s for s in due if can_learn(s)]
    todo = [due[i : i + settings.learn_batch] for i in range(0, len(due), settings.learn_batch)][::-1]
    while todo:
        _learn_batch(store, todo, settings, report)


def _learn_batch(store: Store, todo: list[list[Session]], settings: Settings, report: Counter[str]) -> None:
    """Learns from the last batch of `todo`, or from a part of it; puts the rest back on `todo`."""
    batch = todo.pop()
    for attempt in attempts():
        if not batch:
            return
        with attempt:
            try:
                report["learned"] += _commit(store, batch, settings)
            except OversizeError as error:
                if error.keys:
                    named = [s for s in batch if s.key in error.keys]
                    report["parked"] += sum(_park(store, s, str(error), settings) for s in named)
                    todo.append([s for s in batch if s not in named])
                elif len(batch) == 1:
                    raise
                else:
                    todo += _halves(batch)[::-1]
            return
        lost = [s for s in batch if attempt.lost and s.key in attempt.lost.keys]
        report["dropped"] += len(lost)
        if lost:
            batch = [s for s in batch if s not in lost]
        else:
            report["conflicts"] += 1
            batch, *later = _halves(batch)
            todo += later
    raise UnavailableError


def _commit(store: Store, sessions: Sequence[Session], settings: Settings) -> int:
    """Makes one learning transaction, which also takes the sessions of excluded persons off the index.

    Returns how many sessions were learned from.
    """
    before = store.policy(sessions[0].segment)
    out = [replace(s, why=Why.EXCLUDED) for s in sessions if s.person in before.excluded]
    taught = [s for s in sessions if s.person not in before.excluded]
    after, record = next_version(before, [transition_of(s) for s in taught], settings)
    publish = publish_writes(after, record) if taught else []
    moved = [session_write(s, settings.index_shards) for s in (*out, *(learned(s, after) for s in taught))]
    store.write(*moved, *publish)
    return len(taught)


def _halves(batch: list[Session]) -> list[list[Session]]:
    """Returns the first and the second half of a batch, without empty ones."""
    middle = (len(batch) + 1) // 2
    return [part for part in (batch[:middle], batch[middle:]) if part]


def _park(store: Store, session: Session, reason: str, settings: Settings) -> int:
    try:
        store.write(parked_write(replace(session, parked=reason), settings.index_shards))
    except ConflictError:
        return 0
    return 1


def close_expired(store: Store, due: Due, settings: Settings, now: datetime) -> Session | None:
    """Closes the session at this place as it stands and returns it; returns None if it is not open past its time.

    The profile is written with it in any case, so that whatever the user said meanwhile, such as a pause, is seen.
    Raises ConflictError when another writer moves the session at the same time, ErasingError when the user is being
    erased, UnreadableItemError when the session cannot be parsed, OversizeError when it cannot be written.
    """
    if (found := store.waiting(due)) is None:
        return None
    session, profile = found
    if session.status is not Status.OPEN or now < session.expires_at:
        return None
    closed, profile = expire(session, profile, settings, now)
    profile = queued(profile, closed) if is_due(closed) else profile
    store.write(session_write(closed, settings.index_shards), profile_write(profile))
    return replace(closed, revision=closed.revision + 1)
