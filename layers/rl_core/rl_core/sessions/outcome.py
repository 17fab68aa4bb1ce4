"""Computes what one session came to, its reward, and how it moves the user's scores.

completion_rate  = completed / assigned
motivation_delta = mean(after - before, over completed activities with both ratings, 0 if none) / 5
reward           = (completion_rate + motivation_delta) / 2
difficulty_fit   = mean(1 - |difficulty - 3|, over completed activities rated for difficulty, 0 if none)
engagement'      = clip(e + 0.2 (completion_rate - e) + 0.05 difficulty_fit + 0.1 (rating - 3, 0 if unrated), 0, 1)
motivation'      = m + 0.2 (motivation_delta - m)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rl_core.models import Activity, State


@dataclass(frozen=True, slots=True)
class Outcome:
    """Holds what one session came to.

    `completion_rate` is in 0..1, `motivation_delta` in -0.8..0.8, `difficulty_fit` in -1..1; `rating` is 1-5 or None.
    """

    completed: int
    completion_rate: float
    average_lift: float
    motivation_delta: float
    difficulty_fit: float
    rating: int | None


def outcome_of(activities: Sequence[Activity], rating: int | None) -> Outcome:
    """Returns the outcome of a session's activities as they stand; one that is not answered counts as not completed."""
    done = [a for a in activities if a.completed]
    lifts = [a.lift for a in done if a.lift is not None]
    fits = [1 - abs(a.difficulty_rating - 3) for a in done if a.difficulty_rating is not None]
    average_lift = _mean(lifts)
    return Outcome(
        completed=len(done),
        completion_rate=len(done) / len(activities),
        average_lift=average_lift,
        motivation_delta=average_lift / 5,
        difficulty_fit=_mean(fits),
        rating=rating,
    )


def reward(outcome: Outcome) -> float:
    """Returns the reward, the one number that the agent learns from, in -0.4..0.9."""
    return (outcome.completion_rate + outcome.motivation_delta) / 2


def engagement_after(engagement: float, outcome: Outcome) -> float:
    rating_shift = 0 if outcome.rating is None else outcome.rating - 3
    moved = (
        engagement + 0.2 * (outcome.completion_rate - engagement) + 0.05 * outcome.difficulty_fit + 0.1 * rating_shift
    )
    return min(max(moved, 0.0), 1.0)


def motivation_after(motivation: float, outcome: Outcome) -> float:
    return motivation + 0.2 * (outcome.motivation_delta - motivation)


def state_of(engagement: float, motivation: float) -> State:
    """Returns the state that the scores fall into.

    Engagement: low < 1/3 <= moderate < 2/3 <= high. Motivation: falling < -0.1 <= steady <= 0.1 < rising.
    """
    return State(
        engagement=(engagement >= 1 / 3) + (engagement >= 2 / 3),
        motivation=(motivation >= -0.1) + (motivation > 0.1),
    )


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0
