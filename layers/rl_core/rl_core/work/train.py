"""The loop that joins learning and store: read the policy, fold sessions into it, commit, retry.

The same commit serves one session for the API and ninety for the job: the sessions marked learned (each only as it
was read), the policy replaced only at the version that was read, one record of what the new version learned, and
every hundred versions a snapshot.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rl_core.config import Settings
from rl_core.errors import (
    ConflictError,
    OversizeError,
    PolicyUnreadableError,
    RefoldPendingError,
    UnavailableError,
)
from rl_core.learner.choosing import epsilon
from rl_core.learner.folding import fold
from rl_core.models import Policy, Profile, Session, Status, VersionRecord
from rl_core.sessions import lifecycle
from rl_core.store import Put, Store, policy_write, profile_write, record_write, session_write, snapshot_writes
from rl_core.work.retry import pause

_JOB_RACES = 10


class Learning(StrEnum):
    APPLIED = "applied"
    QUEUED = "queued"
    NONE = "none"

    @property
    def metric(self) -> str:
        """What to count when a session closes so."""
        return {"applied": "SessionsLearned", "queued": "SessionsQueued", "none": "FallbackSessionsClosed"}[self]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The policy's figures for a session; None where the policy could not be read. `conflicts`: races lost over it."""

    episodes: int | None
    epsilon: float | None
    version: int | None
    learning: Learning
    conflicts: int = 0


def close_and_learn(
    store: Store, session: Session, profile: Profile, settings: Settings, *more: Put
) -> tuple[Session, Metrics]:
    """Closes a session and learns from it in one transaction; after lost policy races, or when the policy cannot be
    read or written or is being refolded, it closes alone, queued.

    `session` and `profile` are as `lifecycle.close` made them; `more` goes through with them or not at all. Raises
    ConflictError when either has changed since it was read; then nothing was written.
    """
    conflicts = 0
    while lifecycle.is_due(session) and conflicts < settings.learn_attempts:
        try:
            policy = _commit(store, [session], [profile], settings, *more)
        except RefoldPendingError:
            break
        except (PolicyUnreadableError, UnavailableError, OversizeError):
            store.write(session_write(session), profile_write(profile), *more)
            return session, Metrics(None, None, None, Learning.QUEUED, conflicts)
        except ConflictError as error:
            if error.lost & {0, 1}:
                raise
            conflicts += 1
            if conflicts < settings.learn_attempts:
                pause(conflicts - 1)
        else:
            metrics = _metrics(policy, settings, Learning.APPLIED)
            return lifecycle.learned([session], policy)[0], replace(metrics, conflicts=conflicts)
    store.write(session_write(session), profile_write(profile), *more)
    return session, replace(metrics_of(store, session, settings), conflicts=conflicts)


def metrics_of(store: Store, session: Session, settings: Settings) -> Metrics:
    """The figures of a closed session: those of the version that learned it, else the policy's as last read."""
    if session.learned_episodes is not None:
        rate = epsilon(session.learned_episodes, settings)
        return Metrics(session.learned_episodes, rate, session.learned_version, Learning.APPLIED)
    learning = Learning.QUEUED if lifecycle.is_due(session) or session.parked else Learning.NONE
    try:
        return _metrics(store.policy(session.segment), settings, learning)
    except PolicyUnreadableError:
        return Metrics(None, None, None, learning)


def _metrics(policy: Policy, settings: Settings, learning: Learning) -> Metrics:
    return Metrics(policy.episodes, epsilon(policy.episodes, settings), policy.version, learning)


def _commit(
    store: Store, sessions: Sequence[Session], profiles: Sequence[Profile], settings: Settings, *more: Put
) -> Policy:
    """One learning transaction. Positions of its writes: the sessions, the profiles, the policy, the record, more."""
    before = store.policy(sessions[0].segment)
    if before.refolding is not None:
        raise RefoldPendingError
    transitions = tuple(lifecycle.transition_of(s) for s in sessions)
    after = replace(fold(before, transitions, settings), version=before.version + 1)
    store.write(
        *[session_write(s) for s in lifecycle.learned(sessions, after)],
        *[profile_write(p) for p in profiles],
        policy_write(after),
        record_write(after.segment, VersionRecord(after.version, settings, transitions)),
        *snapshot_writes(after),
        *more,
    )
    return after


def learn_due(store: Store, sessions: Sequence[Session], settings: Settings, report: Counter[str]) -> None:
    """Learns from closed sessions of one segment, `learn_batch` in one transaction.

    A transaction that is refused loses the sessions whose condition failed (somebody else moved them). Otherwise it is
    halved: what is too large may fit, and what is smaller is sooner done and wins a race more easily. A session that
    is too large alone is parked with its reason. Counts into `report` what was learned, dropped and parked, and the
    lost races over the policy. Raises PolicyUnreadableError and RefoldPendingError, or UnavailableError after too many
    races in a row; what is left then stays due.
    """
    due = [s for s in sessions if lifecycle.is_due(s)]  # the index may lag behind the items
    report["dropped"] += len(sessions) - len(due)
    todo = [due[i : i + settings.learn_batch] for i in range(0, len(due), settings.learn_batch)][::-1]
    races = 0
    while todo:
        batch = todo.pop()
        try:
            _commit(store, batch, [], settings)
            report["learned"] += len(batch)
            races = 0
        except ConflictError as error:
            lost = {i for i in error.lost if i < len(batch)}
            report["dropped"] += len(lost)
            if not lost:
                report["conflicts"] += 1
                races = _paused(races + 1)
            todo += _halves([s for i, s in enumerate(batch) if i not in lost], whole=bool(lost))
        except OversizeError as error:
            if len(batch) == 1:
                report["parked"] += _park(store, batch[0], str(error))
            else:
                todo += _halves(batch)


def _paused(races: int) -> int:
    """Waits before the next attempt. Raises UnavailableError after too many races in a row."""
    if races > _JOB_RACES:
        raise UnavailableError
    pause(races)
    return races


def _halves(batch: list[Session], whole: bool = False) -> list[list[Session]]:
    """What is to be done next, the last of it first."""
    middle = 0 if whole else len(batch) // 2
    return [part for part in (batch[middle:], batch[:middle]) if part]


def _park(store: Store, session: Session, reason: str) -> int:
    try:
        store.write(session_write(replace(session, parked=reason)))
    except ConflictError:
        return 0
    return 1


def close_expired(store: Store, user: str, number: int, settings: Settings, now: datetime) -> Session | None:
    """The session closed as it stands, if it is the user's latest and still open past its time; else None.

    Raises ConflictError when somebody else moves it at the same time.
    """
    head = store.head(user)
    session = next((s for s in head.sessions if s.number == number), None)
    if head.profile is None or head.profile.erasing or session is None:
        return None
    if session.status is not Status.OPEN or now < session.expires_at:
        return None
    closed, profile = lifecycle.expire(session, head.profile, settings, now)
    moved = [profile_write(profile)] if closed.closing else []
    store.write(session_write(closed), *moved)
    return replace(closed, revision=closed.revision + 1)
