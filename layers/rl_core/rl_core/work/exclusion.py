"""Weighs what each person taught a segment, and excludes a person from its policy or includes them again.

An exclusion deletes nothing: the person's transitions stay on record, and no fold counts them. Excluding and including
fold the past anew, as an erasure does; a run that is cut off is gone on with by the next one, or by the erasure's job.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from rl_core.config import Settings
from rl_core.errors import ActedError, RefoldPendingError, VersionError
from rl_core.models import PERSON, Act, Policy, Segment
from rl_core.store import Store
from rl_core.work.refold import Asked, Change, Turn, go_on, take_hold, under_way
from rl_core.work.versions import as_shown, step


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


def exclude(store: Store, segment: Segment, act: Act, acted: int, settings: Settings, turn: Turn) -> bool:
    """Excludes the act's person, and folds the segment's past anew without what they taught.

    Stores the act. Learning may go on meanwhile; `acted` is the policy's as the operator saw it. Returns whether the
    past is folded; False says that the person is excluded from now on, and that the erasure's job does the rest. Raises
    VersionError when the person taught nothing here or too many are excluded, ActedError when somebody acted on the
    policy after the operator had looked, RefoldPendingError when another refold is under way and cannot be finished
    first.
    """
    asked = Asked(replace(act, what="exclude"), acted)
    return _change(store, segment, lambda: _excluding(store, segment, act.person), asked, settings, turn)


def include(store: Store, segment: Segment, act: Act, acted: int, settings: Settings, turn: Turn) -> bool:
    """Takes the act's person off the list, and folds the segment's past anew with what they had taught.

    Returns and raises as `exclude` does; VersionError also when the person is not excluded.
    """
    asked = Asked(replace(act, what="include"), acted)
    return _change(store, segment, lambda: _including(store, segment, act.person), asked, settings, turn)


def preview(store: Store, segment: Segment, person: bytes, *, excluded: bool) -> Preview:
    """Returns what excluding the person, or including them again, would come to. Writes nothing."""
    change = (_excluding if excluded else _including)(store, segment, person)
    before = store.policy(segment)
    base = store.snapshot(segment, change.first - 1)
    after, count = replace(base, excluded=change.excluded(before.excluded)), 0
    for record in store.records(segment, base.version, before.version):
        after = step(store, after, record, from_start=True)
        count += sum(t.key[:PERSON] == person for t in record.transitions)
    return Preview(before, after, count)


def _excluding(store: Store, segment: Segment, person: bytes) -> Change:
    """Returns the change. Its reason has no words of the operator: an erasure takes those out of the audit alone."""
    return Change(_first_named(store, segment, person), "excluded", exclude=frozenset({person}))


def _including(store: Store, segment: Segment, person: bytes) -> Change:
    if person not in store.policy(segment).excluded:
        raise VersionError("this person is not excluded")
    return Change(_first_named(store, segment, person), "included", include=frozenset({person}))


def _first_named(store: Store, segment: Segment, person: bytes) -> int:
    """Returns the first version that learned from the person or, if all of that was unlearned, that excludes them."""
    for record in store.records(segment):
        if person in (record.excluded or ()) or any(t.key[:PERSON] == person for t in record.transitions):
            return record.version
    raise VersionError("nothing was learned here from this person")


def _change(
    store: Store, segment: Segment, of: Callable[[], Change], asked: Asked, settings: Settings, turn: Turn
) -> bool:
    """Makes the change, after the refold that was under way when the operator looked, if there was one."""
    as_shown(store, segment, asked.acted)
    hold = under_way(store, segment, settings)
    if hold is not None:
        if hold.refold.hold > asked.acted:
            raise ActedError(hold.refold.hold)
        ended = go_on(hold, store, settings, turn)
        if ended is None:
            raise RefoldPendingError("the segment is being folded anew; try again when that is done")
        asked = replace(asked, acted=ended)
    change = of()  # not before: that refold may have been an erasure of this person
    now = store.policy(segment).excluded
    if change.excluded(now) == now:
        return True
    hold = take_hold(store, segment, change, settings, turn, asked)
    return go_on(hold, store, settings, turn) is not None
