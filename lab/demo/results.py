"""Computes the results of a run from its sessions and from what the service learned; all functions are pure.

Three policies are compared on the very same visits: the one that was served, a uniform draw over the eligible actions,
and the best eligible action by the people's hidden tastes, one session ahead. All three are expected rewards, so that
luck in the answers does not blur the comparison; the rewards that the service recorded stand beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class Served:
    """A session that was shown, and what was hidden on that visit, shapes (6,) by action.

    `expected` is the expected reward of each action, `rested` the same had the person had nothing lately, and `liking`
    the chance that an activity of its plan gets done.
    """

    user: str
    session_id: int
    segment: str
    action: int
    eligible: tuple[int, ...]
    expected: tuple[float, ...]
    rested: tuple[float, ...]
    liking: tuple[float, ...]
    reward: float
    completion_rate: float
    tried: bool
    learned: bool = True


@dataclass(frozen=True)
class Learned:
    """A segment's policy at the end: Q and visits by state (rows) and action (columns).

    Q is for somebody who is new: nothing is known of them, and they had nothing lately.
    """

    segment: str
    episodes: int
    q: tuple[tuple[float, ...], ...]
    visits: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Comparison:
    """Mean expected reward of three policies over the same sessions."""

    served: float
    random: float
    best: float

    @property
    def share(self) -> float:
        """Returns the share of the possible gain over random that was gained: 0 is random, 1 is the best possible."""
        return (self.served - self.random) / (self.best - self.random) if self.best > self.random else 0.0


@dataclass(frozen=True)
class SegmentRow:
    """A row of the table: the results of one segment."""

    segment: str
    sessions: int
    completion_rate: float
    reward_first: float
    reward_last: float
    tries: float
    favourite: int
    truly_best: int

    @property
    def found(self) -> bool:
        """Returns whether the service's favourite action is the truly best one."""
        return self.favourite == self.truly_best


def random_value(session: Served) -> float:
    """Returns the mean reward that a uniform draw over the eligible actions would have brought."""
    return fmean(session.expected[action] for action in session.eligible)


def best_value(session: Served) -> float:
    """Returns the mean reward that the best eligible action would have brought."""
    return max(session.expected[action] for action in session.eligible)


def served_value(session: Served) -> float:
    """Returns the mean reward of the served action; the recorded reward varies around it."""
    return session.expected[session.action]


def compare(sessions: Sequence[Served]) -> Comparison:
    """Returns the means of the three policies over the same sessions."""
    return Comparison(
        served=fmean(map(served_value, sessions)),
        random=fmean(map(random_value, sessions)),
        best=fmean(map(best_value, sessions)),
    )


def first_quarter(sessions: Sequence[Served]) -> Sequence[Served]:
    """Returns the first quarter of the sessions, in order of issue; at least one session."""
    return sessions[: max(len(sessions) // 4, 1)]


def last_quarter(sessions: Sequence[Served]) -> Sequence[Served]:
    """Returns the last quarter of the sessions, in order of issue; at least one session."""
    return sessions[-max(len(sessions) // 4, 1) :]


def favourite(learned: Learned) -> int:
    """Returns the action with the largest mean learned Q, each state weighted by its number of visits."""
    weights = [sum(row) for row in learned.visits]
    values = [sum(w * row[action] for w, row in zip(weights, learned.q, strict=True)) for action in range(6)]
    return values.index(max(values))


def truly_best(sessions: Sequence[Served]) -> int:
    """Returns the action with the largest hidden expected reward over these visits, had nothing been had lately.

    Without wear and cool-down the answer does not depend on what was served.
    """
    values = rested_values(sessions)
    return values.index(max(values))


def rested_values(sessions: Sequence[Served]) -> list[float]:
    """Returns the mean over these visits of each action's expected reward, had nothing been had lately; length 6."""
    return [fmean(session.rested[action] for session in sessions) for action in range(6)]


def segment_row(learned: Learned, sessions: Sequence[Served]) -> SegmentRow:
    """Returns the table's row for one segment, from that segment's sessions in order."""
    return SegmentRow(
        segment=learned.segment,
        sessions=len(sessions),
        completion_rate=fmean(session.completion_rate for session in sessions),
        reward_first=fmean(session.reward for session in first_quarter(sessions)),
        reward_last=fmean(session.reward for session in last_quarter(sessions)),
        tries=fmean(session.tried for session in last_quarter(sessions)),
        favourite=favourite(learned),
        truly_best=truly_best(sessions),
    )


def table(policies: Sequence[Learned], sessions: Sequence[Served]) -> list[SegmentRow]:
    """Returns a row for each segment, in the order of the policies."""
    return [segment_row(p, [session for session in sessions if session.segment == p.segment]) for p in policies]


def verdict(rows: Sequence[SegmentRow], sessions: Sequence[Served]) -> str:
    """Returns a sentence that sums up the run."""
    late = compare(last_quarter(sessions))
    return (
        f"{sum(row.found for row in rows)} of {len(rows)} segments prefer the truly best action; over the last quarter "
        f"the service gained {late.share:.0%} of what there was to gain over random "
        f"(random {late.random:.3f}, served {late.served:.3f}, best possible {late.best:.3f})."
    )
