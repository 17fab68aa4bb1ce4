"""Reads from the table what it holds of each person: profile, sessions, and what version records have of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from lab.demo.consent import Held, Row
from lab.demo.log import Log
from rl_core.models import PERSON, Segment, person_of
from rl_core.store import ReadBudget, Store

ENOUGH = 10**6  # read units for the sessions of one person


def held(store: Store, logs: Sequence[Log]) -> dict[str, Held]:
    """Returns what the table holds of each person of these logs."""
    on_record: dict[bytes, list[bytes]] = defaultdict(list)
    for record in (record for segment in Segment for record in store.records(segment)):
        for transition in record.transitions:
            on_record[transition.key[:PERSON]].append(transition.key)
    return {log.user: _held_of(store, log.user, on_record) for log in logs}


def _held_of(store: Store, user: str, on_record: Mapping[bytes, list[bytes]]) -> Held:
    profile, sessions = store.profile(user), store.newest_sessions(user, ReadBudget(ENOUGH))
    if profile is None:
        return Held(sessions={}, taught=(), unlearning="none")
    return Held(
        sessions={its.number: Row(its.key, its.status, its.why) for its in sessions},
        taught=on_record.get(person_of(profile.key), ()),
        unlearning=profile.unlearning,
    )
