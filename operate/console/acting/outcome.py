"""Says in a sentence what became of an act that did not go through, and what to do."""

from typing import NamedTuple

from operate import audit
from operate.policies import learned_since
from rl_core.errors import (
    ActedError,
    ConflictError,
    FettleError,
    OversizeError,
    PolicyUnreadableError,
    RefoldPendingError,
    UnavailableError,
    UnreadableItemError,
    VersionError,
)
from rl_core.models import Policy, Segment
from rl_core.store import Store

_CERTAIN = (ActedError, ConflictError, RefoldPendingError, VersionError, audit.UnknownCallerError)


class Outcome(NamedTuple):
    """Holds whether an act was done, None if that is not known, and what is said of it."""

    done: bool | None
    says: tuple[str, ...]


def outcome_of(error: FettleError, *, on_record: bool | None) -> Outcome:
    """Returns what became of an act that ended in an error; `on_record` is None where the table does not say."""
    if on_record:
        why = f"It is done and on record, but was not finished here: {_reason(error)}."
        return Outcome(True, (why, "The erasure's job goes on with it, each minute."))
    refused = audit.refusal(error, "do this")
    if on_record is None and not refused and not isinstance(error, _CERTAIN):
        unknown = "The table is out of reach, so it is not known whether this was done."
        return Outcome(None, (unknown, "When the table answers again, look in Audit before you try again."))
    return Outcome(False, (f"Nothing was done: {refused or _reason(error)}.",))


def _reason(error: FettleError) -> str:
    """Returns why, and what to do."""
    if isinstance(error, UnavailableError) or isinstance(error.__cause__, UnavailableError):
        return "the table is out of reach, or too busy; try again"
    if isinstance(error, ConflictError):
        return "what you looked at has changed since, or a newer release wrote it; look again before you act"
    if isinstance(error, PolicyUnreadableError):
        return f"the policy cannot be read ({error}); mend it first"
    if isinstance(error, UnreadableItemError):
        return f"this release cannot read the item ({error}); deploy one that can"
    if isinstance(error, OversizeError):
        return f"the table refused the write for its size ({error})"
    return str(error)


def since(store: Store, segment: Segment, version: int) -> str:
    """Returns how many sessions were learned since a version; says so where that cannot be told, as the act is done."""
    try:
        return f"{learned_since(store, segment, version)}."
    except FettleError:
        return "How many sessions were learned since you looked cannot be told: the table is out of reach."


def standing(store: Store, segment: Segment) -> str:
    """Returns what stood right after an act; says so where that cannot be told, as the act is done."""
    try:
        return f"Right after that: {summary(store.policy(segment))}."
    except FettleError:
        return "What stands now cannot be told: the table is out of reach. Reload later."


def summary(policy: Policy) -> str:
    """Returns version, episodes and number of the excluded in words."""
    return f"version {policy.version}, {policy.episodes} episodes learned, {persons(len(policy.excluded))} excluded"


def persons(n: int) -> str:
    """Returns so many persons in words."""
    return "1 person" if n == 1 else f"{n} persons"
