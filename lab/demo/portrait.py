"""Chooses one person for the report and says how well their plans suited them; all functions are pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from lab.demo.results import SegmentRow, Served, first_quarter, last_quarter, rested_values

MANY = 0.75  # of the sessions of whoever has most


@dataclass(frozen=True)
class Portrait:
    """One person's sessions in order, and what their segment likes best; `ranking` is the person's own, best first."""

    sessions: Sequence[Served]
    segments_best: int

    @property
    def user(self) -> str:
        return self.sessions[0].user

    @property
    def ranking(self) -> list[int]:
        values = rested_values(self.sessions)
        return sorted(range(6), key=lambda action: -values[action])

    @property
    def own_best(self) -> int:
        return self.ranking[0]


def portrait(rows: Sequence[SegmentRow], sessions: Sequence[Served]) -> Portrait:
    """Returns the person with many sessions who would lose most if given their segment's best instead of their own."""
    best = {row.segment: row.truly_best for row in rows}
    people = by_user(sessions)
    enough = MANY * max(map(len, people.values()))
    candidates = [Portrait(its, best[its[0].segment]) for its in people.values() if len(its) >= enough]
    return max(candidates, key=loss)


def by_user(sessions: Sequence[Served]) -> Mapping[str, list[Served]]:
    """Returns each person's sessions in order; people are in the order of their first session."""
    people: dict[str, list[Served]] = defaultdict(list)
    for session in sessions:
        people[session.user].append(session)
    return people


def loss(person: Portrait) -> float:
    """Returns what the person loses with their segment's best: 0 if that is their own, too."""
    values = rested_values(person.sessions)
    return max(values) - values[person.segments_best]


def was_own_best(session: Served) -> bool:
    """Returns whether no eligible action was liked better by this person on this visit."""
    return session.liking[session.action] == max(session.liking[action] for action in session.eligible)


def own_share(sessions: Sequence[Served]) -> float:
    """Returns the share of the sessions whose plan was the one that its person liked best of the eligible ones."""
    return fmean(map(was_own_best, sessions))


def told(person: Portrait, sessions: Sequence[Served]) -> str:
    """Returns how often the person was given what they liked best, early and late, and everybody beside it."""
    early, late = halves(person.sessions)
    everybody = moved(own_share(first_quarter(sessions)), own_share(last_quarter(sessions)))
    return (
        f"The share of sessions with the plan that this person liked best among the eligible ones "
        f"{moved(own_share(early), own_share(late))} from the first half of their {len(person.sessions)} sessions to "
        f"the second. Over everybody's sessions, from the first quarter to the last, this share {everybody}."
    )


def halves(sessions: Sequence[Served]) -> tuple[Sequence[Served], Sequence[Served]]:
    """Returns the first and the last half of the sessions; at least one session each."""
    half = max(len(sessions) // 2, 1)
    return sessions[:half], sessions[-half:]


def moved(early: float, late: float) -> str:
    """Returns in words how a share moved, in whole per cent."""
    was, became = f"{early:.0%}", f"{late:.0%}"
    if was == became:
        return f"stayed at {was}"
    return f"{'rose' if late > early else 'fell'} from {was} to {became}"
