"""What a segment's people like, hidden from the service, and the worlds that differ in it.

Shares are chances that an activity of a plan gets done. Every world has the same everyday troubles (missing ratings,
late and lost feedback, people who leave); beyond that each but the first has one thing that a learner may miss:

    base         what people like depends on their segment alone
    states       and on their engagement and motivation as well
    habituation  and wears off when the same plan was had lately
    drift        and turns, over twenty weeks, into other tastes
    delayed      and grows with engagement, which the plans that are least done raise most, by how people rate them
    persons      and on the person, more than twice as much as elsewhere
    alike        and hardly on the person
    old          one segment only, whose best and worst action are swapped when it has had 20,000 sessions
    worn out     and grows with engagement. What was done of a demanding plan leaves fatigue behind: the tired do a
                 little less, find it harder and rate it lower, so that engagement falls, and they leave for good.
                 The plans that are done most are the more demanding ones, and people do more than elsewhere
    quiet        and most visits come to nothing, whatever the plan: people look at it and do none of it
    recovering   and is multiplied by how rested the person is from this action, which days away restore

The demo's segments have tastes that are written down here instead of drawn. What was had lately wears off there, less
than in habituation, and people differ as much as in persons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import NamedTuple

ACTIONS, STATES = 6, 9
CENTRE, SPREAD = 0.5, 0.12  # of a segment's appetites for the six actions
STATE_SPREAD = 0.08  # of what a state adds to each of them
WEAR, DEMO_WEAR = 0.3, 0.2  # what an action loses that was had in all of the sessions that are remembered
REMEMBERED = (0.0, 0.5, 0.3, 0.2)  # the weight of the latest session, the one before, and so on
DRIFT_DAYS, DRIFT = 140, 0.6  # within these days, tastes go this far towards others
CARRY = 0.6  # what full engagement adds over none
ALIKE = 0.5  # what is left there of the differences between appetites
REGARD = -4.0  # rating points that an action gains for each share that it is liked less
REGARD_SPREAD = 1.2
DEVIATION, DEVIATION_MORE, DEVIATION_LESS = 0.05, 0.12, 0.02  # of a person's appetites from the segment's
SWAPPED_AFTER = 20_000  # sessions of the segment
DEMAND = 1.5  # how much more demanding a plan is for each share that it is liked more
DEMAND_SPREAD = 0.3
EAGER, ALIKE_WORN = 0.1, 0.6  # what people do more where they tire; what is left there of the differences
PILES_UP, PASSES = 0.6, 0.5  # fatigue that a demanding plan leaves when all of it is done; what passes by each session
TIRES, TIRED_LEAVE = 0.15, 0.05  # what full fatigue takes from appetites, and adds to the chance to leave after a visit
LOOKS = 0.6  # of the visits
FADES = 0.6  # the share of an appetite that is lost to an action that is wholly used up
USED, RESTED = 0.7, 0.15  # of what is left of an action a session uses up this much; a day away gives back this much
RATES, RATES_ALWAYS = 0.35, 0.9  # sessions that are rated: usually, and where ratings matter

# The demo's tastes by action id 0-5.
APPETITES: Mapping[str, tuple[float, ...]] = {
    "Low Anxiety, Low Activity": (0.86, 0.62, 0.34, 0.44, 0.25, 0.56),
    "Low Anxiety, Moderate Activity": (0.58, 0.86, 0.30, 0.36, 0.64, 0.25),
    "Low Anxiety, High Activity": (0.46, 0.64, 0.25, 0.34, 0.87, 0.28),
    "Moderate Anxiety, Low Activity": (0.48, 0.30, 0.86, 0.56, 0.25, 0.64),
    "Moderate Anxiety, Moderate Activity": (0.62, 0.44, 0.56, 0.87, 0.25, 0.36),
    "Moderate Anxiety, High Activity": (0.58, 0.86, 0.40, 0.25, 0.64, 0.28),
    "High Anxiety, Low Activity": (0.46, 0.28, 0.64, 0.52, 0.23, 0.87),
    "High Anxiety, Moderate Activity": (0.38, 0.44, 0.87, 0.62, 0.25, 0.54),
    "High Anxiety, High Activity": (0.50, 0.60, 0.40, 0.86, 0.25, 0.34),
}
SEGMENTS = tuple(APPETITES)


class World(StrEnum):
    BASE = "base"
    STATES = "states"
    HABITUATION = "habituation"
    DRIFT = "drift"
    DELAYED = "delayed"
    PERSONS = "persons"
    ALIKE = "alike"
    OLD = "old"
    WORN_OUT = "worn out"
    QUIET = "quiet"
    RECOVERING = "recovering"


@dataclass(frozen=True)
class Tastes:
    """One segment's tastes. Shapes: `appetites`, `later`, `regard` and `demand` (6,), `by_state` (9, 6) by state row.

    `later` is what tastes drift towards or, from the segment's session `swapped` on, what they are. `demand` is 0 to 1.
    """

    appetites: tuple[float, ...]
    by_state: tuple[tuple[float, ...], ...] | None = None
    later: tuple[float, ...] | None = None
    wear: float = 0.0
    carry: float = 0.0
    regard: tuple[float, ...] = (0.0,) * ACTIONS
    rates: float = RATES
    deviation: float = DEVIATION
    swapped: int | None = None
    demand: tuple[float, ...] | None = None
    looks: float = 0.0
    fades: float = 0.0

    def shift(self, action: int, when: Moment) -> float:
        """What this moment adds to the appetite for an action."""
        added = self.carry * (when.engagement - USUAL.engagement)
        if self.by_state is not None:
            added += self.by_state[when.row][action]
        if self.wear:
            added -= self.wear * worn(action, when.recent)
        if self.later is not None:
            added += self._turned(when) * (self.later[action] - self.appetites[action])
        if self.demand is not None:
            added -= TIRES * when.fatigue
        return added

    def left(self, action: int, when: Moment) -> float:
        """The share of the appetite for an action that its use has left."""
        return 1.0 - self.fades * when.used[action]

    def _turned(self, when: Moment) -> float:
        if self.swapped is not None:
            return float(when.session >= self.swapped)
        return DRIFT * min(when.day / DRIFT_DAYS, 1.0)


class Moment(NamedTuple):
    """What a taste may depend on.

    In this order: days since the start, engagement, the state's row, actions had (newest last), the number of sessions
    that the segment had, the person's fatigue, and how far each action is used up, shape (6,); the last two 0 to 1.
    """

    day: float = 0.0
    engagement: float = 0.4
    row: int = 4
    recent: tuple[int, ...] = ()
    session: int = 0
    fatigue: float = 0.0
    used: tuple[float, ...] = (0.0,) * ACTIONS


USUAL = Moment()


def worn(action: int, recent: Sequence[int]) -> float:
    """How worn an action is, 0 to 1, by the sessions that are remembered."""
    return sum(weight for weight, had in zip(REMEMBERED, reversed(recent), strict=False) if had == action)


def tired(fatigue: float, demand: float, done: float) -> float:
    """The fatigue after a session of which the share `done` was done."""
    return min((1.0 - PASSES) * fatigue + PILES_UP * demand * done, 1.0)


def rested(used: Sequence[float], days: float) -> tuple[float, ...]:
    """How far each action is used up after so many days away."""
    return tuple([its * (1.0 - RESTED) ** days for its in used])


def used_up(used: Sequence[float], action: int) -> tuple[float, ...]:
    """How far each action is used up after a session of this one."""
    return tuple([its + USED * (1.0 - its) * (a == action) for a, its in enumerate(used)])


def demo_tastes() -> Mapping[str, Tastes]:
    return {s: Tastes(appetites, wear=DEMO_WEAR, deviation=DEVIATION_MORE) for s, appetites in APPETITES.items()}


def draw_tastes(world: World, seed: int) -> Mapping[str, Tastes]:
    """The tastes of a world's segments; the appetites of one seed are the same in all worlds."""
    segments = SEGMENTS[:1] if world is World.OLD else SEGMENTS
    return {segment: _draw(world, Random(f"{seed}/{segment}/tastes")) for segment in segments}


def _draw(world: World, rng: Random) -> Tastes:
    first = _appetites(rng)
    if world is World.STATES:
        rows = tuple(tuple(rng.gauss(0.0, STATE_SPREAD) for _ in range(ACTIONS)) for _ in range(STATES))
        return Tastes(first, by_state=rows)
    if world is World.HABITUATION:
        return Tastes(first, wear=WEAR)
    if world is World.DRIFT:
        return Tastes(first, later=_appetites(rng))
    if world is World.DELAYED:
        regard = tuple(REGARD * (a - CENTRE) + rng.gauss(0.0, REGARD_SPREAD) for a in first)
        return Tastes(_less_apart(first, ALIKE), carry=CARRY, regard=regard, rates=RATES_ALWAYS)
    if world is World.OLD:
        return Tastes(first, later=swapped(first), swapped=SWAPPED_AFTER)
    if world is World.WORN_OUT:
        eager = tuple(EAGER + a for a in _less_apart(first, ALIKE_WORN))
        return Tastes(eager, carry=CARRY, demand=tuple(_demand(a, rng) for a in first))
    return Tastes(
        first,
        deviation={World.PERSONS: DEVIATION_MORE, World.ALIKE: DEVIATION_LESS}.get(world, DEVIATION),
        looks=LOOKS if world is World.QUIET else 0.0,
        fades=FADES if world is World.RECOVERING else 0.0,
    )


def swapped(appetites: tuple[float, ...]) -> tuple[float, ...]:
    """The same with the best and the worst in each other's place."""
    best, worst = max(appetites), min(appetites)
    return tuple({best: worst, worst: best}.get(its, its) for its in appetites)


def _less_apart(appetites: Sequence[float], left: float) -> tuple[float, ...]:
    return tuple(CENTRE + left * (a - CENTRE) for a in appetites)


def _demand(appetite: float, rng: Random) -> float:
    return min(max(0.5 + DEMAND * (appetite - CENTRE) + rng.gauss(0.0, DEMAND_SPREAD), 0.0), 1.0)


def _appetites(rng: Random) -> tuple[float, ...]:
    return tuple(rng.gauss(CENTRE, SPREAD) for _ in range(ACTIONS))
