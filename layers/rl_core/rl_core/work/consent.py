"""Stores what a user says of consent, together with what follows for the sessions that wait to be learned from."""

from dataclasses import replace
from datetime import datetime

from rl_core.config import Settings
from rl_core.errors import ProfileRequiredError, WithdrawalError
from rl_core.models import Profile, Statement
from rl_core.sessions import Wish, allowed, say
from rl_core.store import (
    Put,
    ReadBudget,
    Store,
    dropped_write,
    profile_write,
    request_write,
    session_number,
    statement_write,
    waits,
)

_DROPS = 90  # sessions in one transaction
_READS = 50  # units that one request may read to find the sessions that wait
_AGAIN = 1  # seconds until an unfinished withdrawal should be repeated


def state_consent(store: Store, user: str, wish: Wish, settings: Settings, now: datetime, *more: Put) -> Profile:
    """Stores a statement of consent and `more`, and returns the user's profile as it then stands.

    Stores nothing when the wish changes nothing.

    Whoever no longer lets the policies learn has every session dropped that waits to be learned from: in the same
    transaction, or, where too many wait, in transactions before it, each of which also stores how far it came. The
    revisions of the sessions decide between a drop and the learner. Raises ProfileRequiredError without a profile,
    ErasingError while the user is being erased, WithdrawalError when more sessions wait than one request may read (what
    was dropped stays dropped, and a repeat goes on), ConflictError when another writer came between, and what `say`
    raises.
    """
    profile = store.profile(user)  # alone, because a session that cannot be read keeps nobody from withdrawing
    if profile is None:
        raise ProfileRequiredError
    said = say(profile, last_statement(store, profile), wish, settings, now)
    if said is None:
        return profile
    after, drops = said.profile, list[Put]()
    if not allowed(after, settings, now).learn:
        latest = max(1, profile.sessions - 1)  # the two latest are looked at anyway: an older release notes none
        read, drops = _dropped(store, profile, profile.queued_from or latest)
        after = replace(after, queued_from=0, revision=read.revision)
    writes = [statement_write(said.statement), profile_write(after), *drops]
    if said.request is not None:
        before = store.request(user)
        request = replace(said.request, revision=before.revision if before else 0)
        writes.append(request_write(request, settings.index_shards))
    store.write(*writes, *more)
    return replace(after, revision=after.revision + 1)


def last_statement(store: Store, profile: Profile) -> Statement | None:
    """Returns what the user said last of consent; None if they never said anything."""
    return next(iter(store.statements(profile.user, 1)), None) if profile.statements else None


def _dropped(store: Store, profile: Profile, first: int) -> tuple[Profile, list[Put]]:
    """Returns the drops of the sessions from this number on that wait, at most ninety, and the profile as stored.

    Where more wait, drops the first of them at once.
    """
    drops, number, budget = list[Put](), first, ReadBudget(_READS)
    for item in store.stored_sessions(profile.user, first, profile.sessions, budget):
        number = session_number(item)
        if waits(item):
            if len(drops) == _DROPS:
                profile, drops = _kept(store, profile, number, drops), []
            drops.append(dropped_write(item))
        number += 1
    if not budget.sessions(1) and number <= profile.sessions:
        _kept(store, profile, number, drops)
        raise WithdrawalError(_AGAIN)
    return profile, drops


def _kept(store: Store, profile: Profile, number: int, drops: list[Put]) -> Profile:
    """Drops these sessions, notes that the next one to look at has this number, and returns the profile as stored."""
    moved = replace(profile, queued_from=number)
    store.write(profile_write(moved), *drops)
    return replace(moved, revision=moved.revision + 1)
