"""Weighs what each person taught a segment, and excludes a person from its policy or includes them again.

An exclusion deletes nothing: the person's transitions stay on record, and no fold counts them. Excluding and including
fold the past anew, as an erasure does; a run that is cut off is gone on with by the next one, or by the erasure's job.
"""

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from rl_core.config import Settings
from rl_core.errors import RefoldPendingError, VersionError
from rl_core.models import PERSON, Policy, Segment
from rl_core.store import Store
from rl_core.work.refold import Change, Turn, go_on, take_hold, under_way
from rl_core.work.versions import step


class Preview(NamedTuple):
    """Holds a policy as it is and as it would be, and how many transitions the person has on record."""

    before: Policy
    after: Policy
    transitions: int


def weights(store: Store, segment: Segment, last: int) -> Counter[bytes]:
    """Returns how many sessions of each person the latest `last` versions learned."""
    version = store.policy(segment).version
    records = store.records(segment, max(0, version - last), version)
    return Counter(t.key[:PERSON] for record in records for t in record.transitions)


def exclude(store: Store, segment: Segment, person: bytes, reason: str, settings: Settings, turn: Turn) -> bool:
    """Excludes the person, and folds the segment's past anew without what they taught.

    Returns whether the past is folded; False says that the person is excluded from now on, and that the erasure's job
    does the rest. Raises VersionError when the person taught nothing here or too many are excluded, RefoldPendingError
    when another refold is under way and cannot be finished first.
    """
    return _change(store, segment, _excluding(store, segment, person, reason), settings, turn)


def include(store: Store, segment: Segment, person: bytes, reason: str, settings: Settings, turn: Turn) -> bool:
    """Takes the person off the list, and folds the segment's past anew with what they had taught.

    Returns and raises as `exclude` does; VersionError also when the person is not excluded.
    """
    return _change(store, segment, _including(store, segment, person, reason), settings, turn)


def preview(store: Store, segment: Segment, person: bytes, *, excluded: bool) -> Preview:
    """Returns what excluding the person, or including them again, would come to. Writes nothing."""
    change = (_excluding if excluded else _including)(store, segment, person, "")
    before = store.policy(segment)
    base = store.snapshot(segment, change.first - 1)
    after, count = replace(base, excluded=change.excluded(before.excluded)), 0
    for record in store.records(segment, base.version, before.version):
        after = step(store, after, record, from_start=True)
        count += sum(t.key[:PERSON] == person for t in record.transitions)
    return Preview(before, after, count)


def _excluding(store: Store, segment: Segment, person: bytes, reason: str) -> Change:
    return Change(_first_named(store, segment, person), f"excluded: {reason}", exclude=frozenset({person}))


def _including(store: Store, segment: Segment, person: bytes, reason: str) -> Change:
    if person not in store.policy(segment).excluded:
        raise VersionError("this person is not excluded")
    return Change(_first_named(store, segment, person), f"included: {reason}", include=frozenset({person}))


def _first_named(store: Store, segment: Segment, person: bytes) -> int:
    """Returns the first version that learned from the person or, if all of that was unlearned, that excludes them."""
    for record in store.records(segment):
        if person in (record.excluded or ()) or any(t.key[:PERSON] == person for t in record.transitions):
            return record.version
    raise VersionError("nothing was learned here from this person")


def _change(store: Store, segment: Segment, change: Change, settings: Settings, turn: Turn) -> bool:
    hold = under_way(store, segment, settings)
    if hold is not None and not go_on(hold, store, settings, turn):
        raise RefoldPendingError("the segment is being folded anew; try again when that is done")
    now = store.policy(segment).excluded
    if change.excluded(now) == now:
        return True
    return go_on(take_hold(store, segment, change, settings, turn), store, settings, turn)
