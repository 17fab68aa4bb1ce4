"""Adds up a segment's day in counts and sums that lead back to no person.

Sums of squares and products are kept too, so that a reader can say how sure a mean is. Sums over floats are exactly
rounded (`fsum`), so that they do not depend on the order in which users are read.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from math import fsum

from rl_core.models import ACTIONS, Action, Segment, Session

NONE = (0,) * len(ACTIONS)


@dataclass(frozen=True, slots=True)
class ActionSums:
    """Holds sums over the sessions in which one action was served.

    Each session has a assigned and c completed activities and, once it is closed, the reward r.
    """

    sessions: int = 0
    assigned: int = 0  # sum of a
    completed: int = 0  # sum of c
    assigned_squares: int = 0  # sum of a^2
    completed_squares: int = 0  # sum of c^2
    products: int = 0  # sum of a c
    rewarded: int = 0  # sessions with a reward
    rewards: float = 0.0  # sum of r
    reward_squares: float = 0.0  # sum of r^2

    def plus(self, other: "ActionSums") -> "ActionSums":
        return ActionSums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class EntrySums:
    """Counts how often an entry was assigned and completed; sums its lift in points over the `rated` completions."""

    assigned: int = 0
    completed: int = 0
    rated: int = 0
    lift: int = 0
    lift_squares: int = 0

    def plus(self, other: "EntrySums") -> "EntrySums":
        return EntrySums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class SegmentDay:
    """Holds a segment's day, or one shard's part of it.

    `users` were active, `new_users` of them for the first time; `dropouts` counts users who were last active exactly
    seven days before, by their last action. `actions` is by action id, `entries` by entry code. A session counts in the
    segment in which it was issued, a user in the segment that they were in at their day's first moment.
    """

    users: int = 0
    new_users: int = 0
    dropouts: tuple[int, ...] = NONE
    actions: tuple[ActionSums, ...] = (ActionSums(),) * len(ACTIONS)
    entries: dict[int, EntrySums] = field(default_factory=dict)

    def total(self) -> ActionSums:
        """Returns the sums over all actions."""
        total = ActionSums()
        for sums in self.actions:
            total = total.plus(sums)
        return total

    def lifts(self) -> EntrySums:
        """Returns the sums over all entries."""
        total = EntrySums()
        for sums in self.entries.values():
            total = total.plus(sums)
        return total

    def plus(self, other: "SegmentDay") -> "SegmentDay":
        none = EntrySums()
        return SegmentDay(
            users=self.users + other.users,
            new_users=self.new_users + other.new_users,
            dropouts=tuple(a + b for a, b in zip(self.dropouts, other.dropouts, strict=True)),
            actions=tuple(a.plus(b) for a, b in zip(self.actions, other.actions, strict=True)),
            entries={
                entry: self.entries.get(entry, none).plus(other.entries.get(entry, none))
                for entry in sorted(self.entries.keys() | other.entries.keys())
            },
        )


def merged(parts: Iterable[SegmentDay]) -> SegmentDay:
    """Returns the sum of these parts, added in the order given."""
    whole = SegmentDay()
    for part in parts:
        whole = whole.plus(part)
    return whole


class _Served:
    """Collects the counts and rewards of one action while sessions are still being added."""

    def __init__(self) -> None:
        self.counts: list[tuple[int, int]] = []  # assigned, completed
        self.rewards: list[float] = []

    def sums(self) -> ActionSums:
        return ActionSums(
            sessions=len(self.counts),
            assigned=sum(a for a, _ in self.counts),
            completed=sum(c for _, c in self.counts),
            assigned_squares=sum(a * a for a, _ in self.counts),
            completed_squares=sum(c * c for _, c in self.counts),
            products=sum(a * c for a, c in self.counts),
            rewarded=len(self.rewards),
            rewards=fsum(self.rewards),
            reward_squares=fsum(r * r for r in self.rewards),
        )


class Tally:
    """Adds up one shard of a day, segment by segment."""

    def __init__(self) -> None:
        self._users: dict[Segment, int] = defaultdict(int)
        self._new: dict[Segment, int] = defaultdict(int)
        self._dropouts: dict[tuple[Segment, Action], int] = defaultdict(int)
        self._served: dict[tuple[Segment, Action], _Served] = defaultdict(_Served)
        self._entries: dict[Segment, dict[int, EntrySums]] = defaultdict(dict)

    def user(self, segment: Segment, first_ever: bool) -> None:
        """Counts a user who was active on the day."""
        self._users[segment] += 1
        self._new[segment] += first_ever

    def dropout(self, segment: Segment, last: Action) -> None:
        """Counts a user who was last active seven days before, with this action."""
        self._dropouts[segment, last] += 1

    def session(self, session: Session) -> None:
        """Counts a session of the day."""
        served = self._served[session.segment, session.decision.action]
        served.counts.append((len(session.activities), sum(bool(a.completed) for a in session.activities)))
        if session.closing is not None:
            served.rewards.append(session.closing.reward)
        entries = self._entries[session.segment]
        for a in session.activities:
            lift = a.lift
            one = EntrySums(1, bool(a.completed), lift is not None, lift or 0, (lift or 0) ** 2)
            entries[a.entry] = entries.get(a.entry, EntrySums()).plus(one)

    def segments(self) -> dict[Segment, SegmentDay]:
        """Returns the sums of each segment for which something was counted."""
        seen = {*self._users, *self._entries, *(s for s, _ in self._dropouts), *(s for s, _ in self._served)}
        return {segment: self._of(segment) for segment in Segment if segment in seen}

    def _of(self, segment: Segment) -> SegmentDay:
        return SegmentDay(
            users=self._users[segment],
            new_users=self._new[segment],
            dropouts=tuple(self._dropouts[segment, a] for a in ACTIONS),
            actions=tuple(self._served[segment, a].sums() for a in ACTIONS),
            entries=dict(sorted(self._entries[segment].items())),
        )
