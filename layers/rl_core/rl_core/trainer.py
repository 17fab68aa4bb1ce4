"""The loop that joins learning and store: read the policy, fold sessions into it, commit, retry.

The same commit serves one session for the API and ninety for the job: the sessions marked learned (each only as it
was read), the policy replaced only at the version that was read, one record of what the new version learned, and
every hundred versions a snapshot.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rl_core import lifecycle
from rl_core.config import Settings
from rl_core.errors import ConflictError, OversizeError, PolicyUnreadableError, UnavailableError
from rl_core.learning import fold
from rl_core.models import Policy, Profile, Session, Status
from rl_core.policy import epsilon
from rl_core.retry import pause
from rl_core.store import Put, Store, policy_write, profile_write, session_write, snapshot_writes, version_write

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
    """The policy's figures for a session; None where the policy could not be read."""

    episodes: int | None
    epsilon: float | None
    version: int | None
    learning: Learning


def close_and_learn(
    store: Store, session: Session, profile: Profile, settings: Settings, *more: Put
) -> tuple[Session, Metrics]:
    """Closes a session and learns from it in one transaction; after lost policy races, or when the policy cannot be
    read or written, it closes alone, queued.

    `session` and `profile` are as `lifecycle.close` made them; `more` goes through with them or not at all. Raises
    ConflictError when either has changed since it was read; then nothing was written.
    """
    if lifecycle.is_due(session):
        for attempt in range(settings.learn_attempts):
            try:
                policy = _commit(store, [session], [profile], settings, *more)
            except (PolicyUnreadableError, UnavailableError, OversizeError):
                store.write(session_write(session), profile_write(profile), *more)
                return session, Metrics(None, None, None, Learning.QUEUED)
            except ConflictError as error:
                if error.lost & {0, 1}:
                    raise
                pause(attempt)
            else:
                return lifecycle.learned([session], policy)[0], _metrics(policy, settings, Learning.APPLIED)
    store.write(session_write(session), profile_write(profile), *more)
    return session, metrics_of(store, session, settings)


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
    transitions = [lifecycle.transition_of(s) for s in sessions]
    after = replace(fold(before, transitions, settings), version=before.version + 1)
    store.write(
        *[session_write(s) for s in lifecycle.learned(sessions, after)],
        *[profile_write(p) for p in profiles],
        policy_write(after),
        version_write(after, transitions, settings),
        *snapshot_writes(after),
        *more,
    )
    return after


def learn_due(store: Store, sessions: Sequence[Session], settings: Settings) -> Counter[str]:
    """Learns from closed sessions of one segment, `learn_batch` in one transaction.

    A transaction that is refused loses the sessions whose condition failed (somebody else moved them), or is halved;
    a session that fails alone is parked with its reason. Counts what was learned, dropped and parked, and the lost
    races over the policy. Raises PolicyUnreadableError, or UnavailableError after too many races; what is left then
    stays due.
    """
    due = [s for s in sessions if lifecycle.is_due(s)]  # the index may lag behind the items
    report = Counter(learned=0, dropped=len(sessions) - len(due), parked=0, conflicts=0)
    todo = [list(chunk) for chunk in _chunks(due, settings.learn_batch)][::-1]
    while todo:
        batch = todo.pop()
        races = 0
        while batch:
            try:
                _commit(store, batch, [], settings)
            except ConflictError as error:
                lost = {i for i in error.lost if i < len(batch)}
                report["dropped"] += len(lost)
                report["conflicts"] += not lost
                batch = [s for i, s in enumerate(batch) if i not in lost]
                if not lost and (races := races + 1) > _JOB_RACES:
                    raise UnavailableError from error
                pause(races)
            except OversizeError as error:
                if len(batch) == 1:
                    report["parked"] += _park(store, batch[0], str(error))
                else:
                    todo += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
                break
            else:
                report["learned"] += len(batch)
                break
    return report


def _park(store: Store, session: Session, reason: str) -> int:
    try:
        store.write(session_write(replace(session, parked=reason)))
    except ConflictError:
        return 0
    return 1


def _chunks(sessions: Sequence[Session], size: int) -> Iterator[Sequence[Session]]:
    for start in range(0, len(sessions), size):
        yield sessions[start : start + size]


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
