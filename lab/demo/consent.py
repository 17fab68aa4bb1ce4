"""Counts what people said of consent, and recounts from their logs what may be learned; all functions are pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lab.demo.log import Issued, Log


class Row(NamedTuple):
    """What the table holds of a session: its key, and what became of it."""

    key: bytes
    status: str
    why: str | None


@dataclass(frozen=True)
class Held:
    """What the table holds of a person.

    `sessions` are by number, `taught` are the keys of the person's sessions that version records have, and `unlearning`
    says how far it is with taking back what was learned.
    """

    sessions: Mapping[int, Row]
    taught: Sequence[bytes]
    unlearning: str


@dataclass(frozen=True)
class Tally:
    """How many people said what, and how many of the sessions that they saw are therefore not learned from."""

    people: int
    withdrew: int
    unlearned: int
    returned: int
    impersonal: int
    refused: int
    taken_back: int


def tally(logs: Sequence[Log]) -> Tally:
    """Returns the counts of these logs; a session that closed after a no and would be taken back counts as refused."""
    seen = [(log, session) for log in logs for session in log.issued if log.counts(session)]
    return Tally(
        people=len(logs),
        withdrew=sum(log.withdrew for log in logs),
        unlearned=sum(log.unlearned > 0 for log in logs),
        returned=sum(log.returned for log in logs),
        impersonal=sum(not log.personal for log in logs),
        refused=sum(log.refused(session) for log, session in seen),
        taken_back=sum(not log.refused(session) and not log.teaches(session) for log, session in seen),
    )


def recount(logs: Sequence[Log], table: Mapping[str, Held]) -> list[str]:
    """Returns where the table holds something else than follows from what the people did; empty if nowhere."""
    return [f"{log.user}: {what}" for log in logs for what in _disagreements(log, table[log.user])]


def _disagreements(log: Log, held: Held) -> Iterator[str]:
    if log.unlearned and held.unlearning != "done":
        yield f"the wish to be unlearned is {held.unlearning}"
    if len(set(held.taught)) < len(held.taught):
        yield "a session is on record twice"
    if strange := set(held.taught) - {row.key for row in held.sessions.values()}:
        yield f"{len(strange)} sessions are on record that the person does not have"
    if sorted(held.sessions) != [session.session_id for session in log.issued]:
        yield f"there are {len(held.sessions)} sessions, {len(log.issued)} were issued"
        return
    for session in log.issued:
        row = held.sessions[session.session_id]
        if wrong := _wrong(log, session, row, on_record=row.key in held.taught):
            yield f"session {session.session_id} is {wrong}"


def _wrong(log: Log, session: Issued, row: Row, *, on_record: bool) -> str:
    """Returns what is wrong about a session in the table; empty if nothing is."""
    learned = row.status == "learned" or on_record
    if learned and log.refused(session):
        return "learned, and closed between a no and the next yes"
    if learned and session.session_id <= log.unlearned:
        return "learned, and was to be taken back"
    if session.seen and not learned and not row.why:
        return f"{row.status}, neither learned nor with a reason why not"
    if log.teaches(session) != (row.status == "learned" and on_record):
        return f"{row.status} ({row.why}), {'' if on_record else 'not '}on record"
    return ""


def what_was_said(its: Tally) -> str:
    """Returns in sentences how many people said what."""
    return (
        f"Of {its.people} people {its.withdrew} withdrew their consent to learning; {its.unlearned} of these asked for "
        f"what had been learned from them to be taken back, and {its.returned} came back and granted it again. "
        f"{its.impersonal} want no personal plans: theirs are drawn evenly."
    )


def recounted(its: Tally) -> str:
    """Returns in a sentence what the recount showed; true only of a run whose recount found nothing."""
    return (
        "Recounted from the log of what people did: learned from although it closed between a no and the next yes, "
        f"none of {its.refused} sessions; still on record although to be taken back, none of {its.taken_back} others; "
        "every session that was shown is learned or says why not."
    )
