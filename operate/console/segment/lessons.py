"""Weighs who taught the latest sessions of a segment, and sets one person's rewards beside the others'."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rl_core.days import LESSONS, RULE, Colour
from rl_core.models import ACTIONS, PERSON, Action, State, Transition, VersionRecord

OTHERS = 5  # persons beside one, for that one's share to say anything


class Lesson(NamedTuple):
    """Holds one session that was learned: in which version, from whom, and what. No time is kept of it."""

    version: int
    person: bytes
    state: State
    action: Action
    reward: float


@dataclass(frozen=True, slots=True)
class Teacher:
    """Holds what one person taught: the share is of the lessons of those who are not excluded, None for who is.

    `others` is the mean reward of everybody else's lessons, None where there are none.
    """

    person: bytes
    sessions: int
    share: float | None
    mean: float
    others: float | None


class ByAction(NamedTuple):
    """Holds how one person's rewards for an action compare: sessions and mean reward, theirs and the others'."""

    action: Action
    sessions: int
    mean: float
    others: int
    others_mean: float | None


def latest(records: Iterable[VersionRecord], most: int = LESSONS) -> tuple[Lesson, ...]:
    """Returns the latest lessons of records that come newest first, newest first, at most so many."""
    found: list[Lesson] = []
    for record in records:
        found += [_lesson(record, t) for t in record.transitions[::-1]][: most - len(found)]
        if len(found) == most:
            break
    return tuple(found)


def _lesson(record: VersionRecord, t: Transition) -> Lesson:
    return Lesson(record.version, t.key[:PERSON], t.state, t.action, t.reward)


def teachers(lessons: Sequence[Lesson], excluded: Iterable[bytes] = ()) -> tuple[Teacher, ...]:
    """Returns who taught these lessons, the greatest share first, those who are excluded last."""
    out = set(excluded)
    rewards: dict[bytes, list[float]] = {}
    for lesson in lessons:
        rewards.setdefault(lesson.person, []).append(lesson.reward)
    counted = sum(len(its) for person, its in rewards.items() if person not in out)
    total = sum(sum(its) for its in rewards.values())
    found = [
        Teacher(
            person,
            len(its),
            None if person in out else len(its) / counted,
            sum(its) / len(its),
            _mean(total - sum(its), len(lessons) - len(its)),
        )
        for person, its in rewards.items()
    ]
    return tuple(sorted(found, key=lambda its: (its.share is None, -its.sessions, its.person)))


def _mean(total: float, n: int) -> float | None:
    return total / n if n else None


def weight(found: Sequence[Teacher]) -> tuple[Colour, Teacher | None]:
    """Returns the colour of the light `weight` for this segment alone, and who has the greatest share.

    It is grey where fewer than five others teach, as in the light.
    """
    counted = [its for its in found if its.share is not None]
    if not counted:
        return Colour.GREY, None
    if len(counted) - 1 < OTHERS:
        return Colour.GREY, counted[0]
    return RULE["weight"].colour(counted[0].share), counted[0]


def by_action(lessons: Sequence[Lesson], person: bytes) -> tuple[ByAction, ...]:
    """Returns a row for each action that the person was given."""
    rows = []
    for action in (*ACTIONS, *sorted({its.action for its in lessons} - set(ACTIONS))):
        own = [its.reward for its in lessons if its.action == action and its.person == person]
        others = [its.reward for its in lessons if its.action == action and its.person != person]
        if own:
            rows.append(ByAction(action, len(own), sum(own) / len(own), len(others), _mean(sum(others), len(others))))
    return tuple(rows)


def person_of_text(text: str) -> bytes | None:
    """Returns the person of 16 hexadecimal digits; None for anything else."""
    try:
        person = bytes.fromhex(text.strip())
    except ValueError:
        return None
    return person if len(person) == PERSON else None
