"""Chooses a session's activities: fills the plan of an action from the segment's entries.

Within each type of the plan, entries that fit the action come first; then entries rank by a sample from the posterior
of how they did in the segment, so that new ones get tried. At most half of a session's activities were also
in the previous session.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import NamedTuple

from rl_core.models import LEVELS, Action, ActivityStats, Level, Segment
from rl_core.sessions.catalogue import Entry

_PLANS: Mapping[Action, Mapping[str, int]] = {
    Action.MAINTAIN: {"exercise": 3, "meditation": 2, "journaling": 1},
    Action.PHYSICAL: {"exercise": 4, "meditation": 1, "journaling": 1},
    Action.MEDITATION: {"meditation": 4, "exercise": 1, "journaling": 1},
    Action.JOURNALING: {"journaling": 4, "exercise": 1, "meditation": 1},
    Action.INTENSITY: {"exercise": 4, "meditation": 1, "journaling": 1},
    Action.LIGHTEN: {"exercise": 2, "meditation": 2, "journaling": 1},
}
_USUAL = {Level.LOW: Level.LOW, Level.MODERATE: Level.MODERATE, Level.HIGH: Level.MODERATE}

# The posterior of an activity's value (completed, plus its lift / 5): normal, with this prior and known variance.
_PRIOR_MEAN, _PRIOR_WEIGHT, _VARIANCE = 0.5, 2.0, 0.25
_UNKNOWN = ActivityStats()


class Candidate(NamedTuple):
    entry: Entry
    score: float


def usual_intensity(segment: Segment) -> Level:
    return _USUAL[segment.activity]


def top_intensity(entries: Collection[Entry]) -> Level:
    """Returns the highest intensity of exercise among these entries; Low when no entry is an exercise."""
    return max((e.intensity for e in entries if e.type == "exercise"), key=LEVELS.index, default=Level.LOW)


def normal(rng: Random) -> float:
    """Returns a standard normal draw in -6..6.

    The draw is the sum of twelve uniform ones (Irwin-Hall), which has the same bits on every platform.
    """
    u = rng.random  # written out, the sum takes half of a loop's time
    return -6.0 + u() + u() + u() + u() + u() + u() + u() + u() + u() + u() + u() + u()


def sample_value(stats: ActivityStats, rng: Random) -> float:
    """Returns one draw from the posterior of an activity's value."""
    weight = _PRIOR_WEIGHT + stats.assigned
    mean = (_PRIOR_WEIGHT * _PRIOR_MEAN + stats.completed + stats.lift_points / 5) / weight
    return mean + normal(rng) * math.sqrt(_VARIANCE / weight)


def assign(
    segment: Segment,
    entries: Sequence[Entry],
    action: Action,
    avoid: Collection[str],
    previous: Collection[str],
    stats: Mapping[int, ActivityStats],
    rng: Random,
) -> tuple[Entry, ...]:
    """Returns the session's activities in the order of the action's plan: the types that it leans to come first.

    `entries` are the segment's, `previous` the names in the user's previous session, `stats` is keyed by entry code.
    Where a type has too few entries, the best of the other types fill in.
    """
    scored = [Candidate(e, sample_value(stats.get(e.code, _UNKNOWN), rng)) for e in entries]
    pool = [c for c in scored if c.entry.tags.isdisjoint(avoid)]
    top = top_intensity(entries)
    plan = _PLANS[action]
    size = sum(plan.values())
    chosen: dict[str, Entry] = {}
    for kind, count in [*plan.items(), (None, size)]:
        wanted = [c for c in pool if kind in (None, c.entry.type) and c.entry.slug not in chosen]
        first = _fitting(wanted, action, top if action is Action.INTENSITY else usual_intensity(segment), count)
        ranked = sorted(wanted, key=lambda c: (c.entry.slug not in first, -c.score))
        _take(chosen, ranked, min(count, size - len(chosen)), previous, size // 2)
    return tuple(chosen.values())


def _fitting(wanted: Sequence[Candidate], action: Action, level: Level, count: int) -> set[str]:
    """Returns the slugs that suit the action.

    For LIGHTEN these are the gentlest and shortest entries, for other actions all but exercise of another intensity
    than `level`.
    """
    if action is Action.LIGHTEN:
        gentlest = sorted(wanted, key=lambda c: (LEVELS.index(c.entry.intensity), c.entry.duration_minutes))
        return {c.entry.slug for c in gentlest[: 3 * count]}
    return {c.entry.slug for c in wanted if c.entry.type != "exercise" or c.entry.intensity == level}


def _take(
    chosen: dict[str, Entry], ranked: Sequence[Candidate], count: int, previous: Collection[str], repeats: int
) -> None:
    """Adds up to `count` of the ranked to `chosen`; of all chosen, at most `repeats` were in the previous session."""
    left = repeats - sum(e.name in previous for e in chosen.values())
    for entry, _ in ranked:
        if count <= 0:
            return
        if entry.name in previous:
            if left <= 0:
                continue
            left -= 1
        chosen[entry.slug] = entry
        count -= 1
