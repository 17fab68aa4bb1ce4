"""Folds a segment's past anew while learning goes on: without what some users taught, or with another list of excluded
persons.

A refold takes hold of the policy by publishing a version that carries `hold`; learning carries `hold` along. From the
snapshot before the first version that it rewrites, the refold folds up to each snapshot in turn. It rewrites what
changed, and stores how far it has come, in one transaction on condition that it still holds the policy. A run that is
cut off anywhere loses at most one such step; the next run goes on from there. When the fold has come to the version
that the policy has, the refold publishes its own policy as the next version, which ends the hold. If learning published
a version meanwhile, it folds that one too and tries again.

Two runs that work on one refold write the same, because the fold is exact. The lease only saves them the double work.
"""

from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import ActedError, ConflictError, RefoldPendingError, UnavailableError, VersionError
from rl_core.models import PERSON, Act, Policy, Refold, Segment, Transition, VersionRecord
from rl_core.store import LAST_VERSION, Hold, Put, Store, act_write
from rl_core.work.retry import attempts
from rl_core.work.versions import step

ERASURE = "erasure"
MOST_EXCLUDED = 32
_TRIES = 50  # to take hold of a policy that learns; an operator's wish should not fail for it
_RECORDS = 90  # rewritten in one transaction
_RESERVE_MS = 2_000  # enough for one step, or for the removal of a page of a user's items


@dataclass(frozen=True, slots=True)
class Turn:
    """Says which run works, since when, until when others leave its work alone, and how many milliseconds are left."""

    owner: str
    now: datetime
    until: datetime
    time_left: Callable[[], int]

    @classmethod
    def of(cls, owner: str, now: datetime, time_left: Callable[[], int]) -> "Turn":
        """Returns the turn of a run that starts now."""
        return cls(owner, now, now + timedelta(milliseconds=time_left()), time_left)

    @property
    def goes_on(self) -> bool:
        """Returns whether there is time for one more step."""
        return self.time_left() > _RESERVE_MS


@dataclass(frozen=True, slots=True)
class Asked:
    """Holds the act of the operator who asks for a refold, and the policy's `acted` as the operator saw it."""

    act: Act
    acted: int

    def writes(self, now: Policy, held: Policy, first: int) -> list[Put]:
        """Returns the write of the act. Raises ActedError when somebody has acted since the operator looked."""
        if now.acted != self.acted:
            raise ActedError(now.acted)
        before = f"version {now.version}, {now.episodes} episodes, {len(now.excluded)} persons excluded"
        after = f"version {held.version}, {len(held.excluded)} persons excluded; folded anew from version {first} on"
        return [act_write(replace(self.act, segment=now.segment, before=before, after=after))]


@dataclass(frozen=True, slots=True)
class Change:
    """Says what a refold changes from the version `first` on, and who is excluded or no more.

    The transitions of `persons` go, up to the version named for each. Those who are `staying` may teach again later, so
    an exclusion of theirs stands.
    """

    first: int
    reason: str
    persons: Mapping[bytes, int] = field(default_factory=dict)
    staying: frozenset[bytes] = frozenset()
    exclude: frozenset[bytes] = frozenset()
    include: frozenset[bytes] = frozenset()

    def excluded(self, now: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Returns the new list of excluded persons. Raises VersionError when it would be too long."""
        kept = tuple(p for p in now if p not in (self.persons.keys() - self.staying) | self.include | self.exclude)
        listed = kept + tuple(sorted(self.exclude))
        if self.exclude and len(listed) > MOST_EXCLUDED:
            raise VersionError(f"a segment excludes at most {MOST_EXCLUDED} persons")
        return listed


def unlearn(
    store: Store,
    segment: Segment,
    taught: Mapping[bytes, tuple[int, int]],
    settings: Settings,
    turn: Turn,
    staying: Set[bytes] = frozenset(),
) -> Set[bytes]:
    """Folds the segment's policy anew without what these persons taught from a first to a last version.

    Those who are `staying` may teach again in later versions. Returns the persons of whose lessons up to the last
    version policy, records and snapshots hold nothing any more. The others have to wait: the time was over, another run
    is at work, or the refold under way began before they came. Raises PolicyUnreadableError or VersionError when the
    policy cannot be folded anew, UnavailableError after too many lost races.
    """
    done: Set[bytes] = frozenset()
    while turn.goes_on:
        hold, behind = _standing(store, segment, settings)
        under = _covered(hold, taught) if hold else frozenset()
        if behind is None:
            waiting = ((person, last) for person, (_, last) in taught.items() if person not in done | under)
            unrecorded = {person for person, last in waiting if not _recorded(store, segment, last, person)}
            done |= unrecorded - _listed(store, segment, unrecorded - staying)
        left = frozenset(taught.keys() - done)
        if hold is None:
            first = min((taught[person][0] for person in left), default=behind)
            if first is None:
                break
            limits = {person: taught[person][1] if person in staying else LAST_VERSION for person in left}
            change = Change(first, ERASURE, limits, left & staying)
            hold = take_hold(store, segment, change, settings, turn)
        if not go_on(hold, store, settings, turn):
            break
        done |= _covered(hold, taught)
    return done


def _covered(hold: Hold, taught: Mapping[bytes, tuple[int, int]]) -> Set[bytes]:
    """Returns the persons all of whose lessons this refold removes."""
    return {person for person, (_, last) in taught.items() if hold.refold.persons.get(person, 0) >= last}


def under_way(store: Store, segment: Segment, settings: Settings) -> Hold | None:
    """Returns the refold that holds the segment's policy; None when none does, or when its progress is lost."""
    return _standing(store, segment, settings)[0]


def _standing(store: Store, segment: Segment, settings: Settings) -> tuple[Hold | None, int | None]:
    """Returns the refold that holds the segment's policy, and removes a refold that holds nothing.

    Where the progress of a refold is lost, or an earlier release was at work, returns the first version that may have
    been rewritten: until the versions from there on are folded anew, the policy says more than its records.
    """
    hold, policy = Hold.of(store, segment, settings.index_shards), store.policy(segment)
    if hold is not None and hold.refold.hold == policy.hold:
        return hold, None
    if hold is not None:
        with suppress(ConflictError):
            hold.drop()
    if policy.hold is None:
        return None, policy.refolding
    record = next(store.records(segment, policy.hold - 1, policy.hold))
    return None, min(policy.refolding or policy.hold, record.rewritten or policy.hold)


def take_hold(
    store: Store, segment: Segment, change: Change, settings: Settings, turn: Turn, asked: Asked | None = None
) -> Hold:
    """Publishes a version by which a new refold holds the policy, and stores the act of the operator who asked for it.

    The refold also does what is left of one whose progress is lost. Raises RefoldPendingError when another refold holds
    the policy, ActedError when somebody acted after the operator had looked, VersionError when too many persons would
    be excluded, UnavailableError after too many lost races.
    """
    for attempt in attempts(_TRIES):
        with attempt:
            hold, behind = _standing(store, segment, settings)
            if hold is not None:
                raise RefoldPendingError("the segment is being folded anew; try again when that is done")
            now = store.policy(segment)
            first = min(change.first, behind or change.first)
            excluded, version = change.excluded(now.excluded), now.version + 1
            held = replace(now, version=version, hold=version, refolding=None, excluded=excluded, acted=version)
            more = asked.writes(now, held, first) if asked else []
            record = _record(held, first, f"{change.reason} under way", settings)
            if excluded != now.excluded:
                record = replace(record, excluded=excluded)
            folded = replace(store.snapshot(segment, first - 1), excluded=excluded)
            refold = Refold(version, first, change.persons, change.reason, folded, turn.now, turn.owner, turn.until)
            return Hold.take(store, refold, held, record, settings.index_shards, *more)
    raise UnavailableError


def go_on(hold: Hold, store: Store, settings: Settings, turn: Turn) -> int | None:
    """Folds on until the policy is published anew; returns the version that it is then.

    Returns None when the time is over or another run is at work or was done first. Raises PolicyUnreadableError or
    VersionError when the past cannot be folded.
    """
    try:
        hold = hold.lease(turn.owner, turn.now, turn.until)
        while turn.goes_on:
            for attempt in attempts():
                with attempt:
                    seen = store.policy(hold.refold.segment)
                    if seen.hold != hold.refold.hold:
                        return None
                    if seen.version == hold.refold.folded.version:
                        return _swap(hold, seen, settings)
                    hold = _advance(hold, store, seen.version)
        hold.release()
    except ConflictError:
        return None
    return None


def _advance(hold: Hold, store: Store, seen: int) -> Hold:
    """Folds on to the next snapshot, or to version `seen`, and writes what changed."""
    refold = hold.refold
    folded, changed = refold.folded, list[VersionRecord]()
    snapshot = store.snapshot_after(refold.segment, folded.version, seen)
    for record in store.records(refold.segment, folded.version, snapshot or seen):
        if len(changed) == _RECORDS or (changed and record.restored is not None):
            break  # what a rollback restores is read from the table, so it has to be written before
        before, rest = folded, tuple(t for t in record.transitions if not _removed(refold, record.version, t))
        folded = step(store, before, replace(record, transitions=rest))
        cleaned = _cleaned(replace(record, transitions=rest), before, folded)
        changed += [cleaned] if cleaned != record else []
    if folded.version == refold.folded.version:
        raise VersionError(f"the record of version {folded.version + 1} is missing")
    return hold.advance(folded, changed, folded.version == snapshot)


def _removed(refold: Refold, version: int, transition: Transition) -> bool:
    return version <= refold.persons.get(transition.key[:PERSON], 0)


def _cleaned(record: VersionRecord, before: Policy, after: Policy) -> VersionRecord:
    """Returns the record as a fold without the persons would have written it."""
    adopts = record.restored is None and after.learner != before.learner
    adopted = learner.adopted_by(before, record.fold) if adopts else None
    listed = record.excluded and tuple(p for p in record.excluded if p in after.excluded)
    return replace(record, adopted=adopted, excluded=listed)


def _swap(hold: Hold, seen: Policy, settings: Settings) -> int:
    version = seen.version + 1
    folded = replace(hold.refold.folded, version=version, acted=version, rest=seen.rest)
    hold.swap(folded, _record(folded, hold.refold.first, hold.refold.reason, settings))
    return version


def _record(policy: Policy, first: int, reason: str, settings: Settings) -> VersionRecord:
    return VersionRecord(policy.version, learner.fold_of(settings), rewritten=first, reason=reason)


def _listed(store: Store, segment: Segment, persons: Set[bytes]) -> Set[bytes]:
    """Returns those of these persons whom the policy excludes."""
    return persons & set(store.policy(segment).excluded) if persons else frozenset()


def _recorded(store: Store, segment: Segment, version: int, person: bytes) -> bool:
    records = store.records(segment, version - 1, version)
    return any(t.key[:PERSON] == person for record in records for t in record.transitions)
