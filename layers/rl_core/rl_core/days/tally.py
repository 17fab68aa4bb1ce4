"""A segment's day in counts and sums, of which nothing leads back to a person.

Sums of squares and products come along, so that a reader can say how sure a mean is. Sums over floats are exactly
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
    """The sessions in which one action was served: c completed of a assigned in each, r its reward once closed."""

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
    """One catalogue entry: how often assigned and completed, and its lift in points over the `rated` completions."""

    assigned: int = 0
    completed: int = 0
    rated: int = 0
    lift: int = 0
    lift_squares: int = 0

    def plus(self, other: "EntrySums") -> "EntrySums":
        return EntrySums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class SegmentDay:
    """A segment's day, or one shard's part of it.

    `users` were active, `new_users` of them for the first time; `dropouts` were last active exactly seven days before,
    by their last action. `actions` by action id; `entries` by entry code. Sessions count in the segment in
    which they were issued, users in the one they were in at the day's first moment.
    """

    users: int = 0
    new_users: int = 0
    dropouts: tuple[int, ...] = NONE
    actions: tuple[ActionSums, ...] = (ActionSums(),) * len(ACTIONS)
    entries: dict[int, EntrySums] = field(default_factory=dict)

    def total(self) -> ActionSums:
        """All actions together."""
        total = ActionSums()
        for sums in self.actions:
            total = total.plus(sums)
        return total

    def lifts(self) -> EntrySums:
        """All entries together."""
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
    """The whole of these parts, added in the order given."""
    whole = SegmentDay()
    for part in parts:
        whole = whole.plus(part)
    return whole


class _Served:
    """What one action came to while sessions are still being added."""

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
        """A user was active."""
        self._users[segment] += 1
        self._new[segment] += first_ever

    def dropout(self, segment: Segment, last: Action) -> None:
        """A user was last active seven days before, with this action."""
        self._dropouts[segment, last] += 1

    def session(self, session: Session) -> None:
        """A session of the day."""
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
        """What it comes to, for the segments in which there was anything."""
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
