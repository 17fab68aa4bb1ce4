"""Two who know the people: what there is to gain, looking at this session alone, or ahead.

The planner adds to a session's exact mean what the segment's future is worth after it: the value function of the
segment's average person, found by value iteration over a grid of engagement, motivation or fatigue, and the latest
actions, each moved by its mean. Where persons differ much, each has a value function of their own. Where the tired
leave, the newcomer who takes the place is counted. Where actions are used up, it tries out what may come instead
(`lab.learning.lookahead`). It is not told how a visit will end, nor the person's mood to come, nor of days away to
come; a little is left above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lab.learning import lookahead
from lab.learning.methods import decision
from lab.world.crowd import Caller, Feedback, leaving, plan_size
from lab.world.people import SOUR, clip, mean_reward, usual_lift, willingness
from lab.world.tastes import DEVIATION, DRIFT_DAYS, REMEMBERED, Moment, Tastes, tired
from rl_core.models import ACTIONS, Action, Decision
from rl_core.sessions.outcome import state_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AHEAD = 0.95  # the planner's discount: about twenty sessions ahead
SWEEPS = 120
FIT, UNFIT = 0.02, 0.05  # what difficulty adds to engagement, and what full fatigue takes from that
DONE = 0.9  # plans not left behind
WEEK = 7


class Myopic:
    """The eligible action that brings most in this session."""

    def decide(self, caller: Caller) -> Decision:
        return decision(caller, max(caller.eligible, key=caller.expected), 1.0)

    def learn(self, feedback: Feedback) -> None:
        """Knows already."""


class Planner:
    """The eligible action with the greatest sum of this session's mean and the discounted value of what follows."""

    def __init__(self, tastes: Mapping[str, Tastes], cooldown: int) -> None:
        self._tastes, self._cooldown = tastes, cooldown
        self._values: dict[tuple[str, int], Values] = {}

    def decide(self, caller: Caller) -> Decision:
        if self._tastes[caller.life.person.segment].fades:
            return decision(caller, lookahead.best(caller, self._cooldown), 1.0)
        values = self._value(caller)
        return decision(caller, max(caller.eligible, key=lambda a: caller.expected(a) + after(values, caller, a)), 1.0)

    def learn(self, feedback: Feedback) -> None:
        """Knows already."""

    def _value(self, caller: Caller) -> Values:
        """The values of the caller's segment, or of the caller, with the tastes of this week."""
        someone = caller.life.person
        tastes, who = self._tastes[someone.segment], someone.segment
        if tastes.deviation > DEVIATION:
            own = tuple(clip(a + more) for a, more in zip(tastes.appetites, someone.deviation, strict=True))
            tastes, who = replace(tastes, appetites=own), someone.name
        if tastes.swapped is not None:
            time, when = int(caller.visit.moment.session >= tastes.swapped), caller.visit.moment
        else:
            time = int(min(caller.day, DRIFT_DAYS) // WEEK) if tastes.later is not None else 0
            when = Moment(time * WEEK)
        if (who, time) not in self._values:
            self._values[who, time] = solve(tastes, when, self._cooldown)
        return self._values[who, time]


def after(values: Values, caller: Caller, action: Action) -> float:
    """The discounted value of where this action leads the caller, on average."""
    life, tastes = caller.life, caller.life.person.tastes
    willing = willingness(life.person, caller.visit, action)
    second = life.motivation if tastes.demand is None else life.person.fatigue
    e, m = step(tastes, action, life.engagement, second, willing)
    stays = values.at(e, m, (*life.recent, action))
    if tastes.demand is None:
        return AHEAD * stays
    leaves = leaving(e, m)
    return AHEAD * (stays + leaves * (values.newcomers - stays))


def step(tastes: Tastes, action: Action, e: float, m: float, willing: float) -> tuple[float, float]:
    """Both scores after a session at its mean, by the service's formulas (`rl_core.sessions.outcome`).

    Where plans are demanding, `m` is fatigue instead of motivation.
    """
    fatigue = tired(m, tastes.demand[action], DONE * willing) if tastes.demand is not None else 0.0
    rating = min(max(1.5 + 2.5 * willing + tastes.regard[action] - SOUR * fatigue, 1.0), 5.0)
    moved = e + 0.2 * (DONE * willing - e) + FIT - UNFIT * fatigue + 0.1 * tastes.rates * DONE * (rating - 3)
    after = m + 0.2 * (DONE * usual_lift(willing) / 5 - m) if tastes.demand is None else fatigue
    return min(max(moved, 0.0), 1.0), after


@dataclass(frozen=True)
class Values:
    """A value for each point of a grid of engagement, motivation or fatigue, and the latest actions, oldest first."""

    engagement: list[float]
    motivation: list[float]
    memory: int
    table: list[list[list[float]]]  # shape (engagements, motivations, 6 ** memory)

    @property
    def newcomers(self) -> float:
        """The value of somebody without engagement and fatigue who may be given any action."""
        return max(self.table[0][0])

    def at(self, engagement: float, motivation: float, recent: tuple[int, ...]) -> float:
        """The value by linear interpolation; a newcomer's missing actions are taken for the latest one."""
        latest = recent[-self.memory :]
        place = 0
        for action in (latest[0],) * (self.memory - len(latest)) + latest:
            place = place * len(ACTIONS) + action
        i, x = _between(self.engagement, engagement)
        j, y = _between(self.motivation, motivation)
        low = self._along(self.table[i], j, y, place)
        return low if x == 0 else low * (1 - x) + self._along(self.table[i + 1], j, y, place) * x

    @staticmethod
    def _along(row: list[list[float]], j: int, y: float, place: int) -> float:
        return row[j][place] if y == 0 else row[j][place] * (1 - y) + row[j + 1][place] * y


def _between(grid: list[float], value: float) -> tuple[int, float]:
    """The place below the value and how far it is to the next; a grid of one point is everywhere."""
    if len(grid) == 1:
        return 0, 0.0
    scaled = (min(max(value, grid[0]), grid[-1]) - grid[0]) / (grid[1] - grid[0])
    place = min(int(scaled), len(grid) - 2)
    return place, scaled - place


def solve(tastes: Tastes, when: Moment, cooldown: int) -> Values:
    """Value iteration for the average person with tastes as of then, on a grid no finer than these tastes need."""
    es = np.linspace(0, 1, 25) if tastes.carry or tastes.by_state else np.array([0.4])
    ms = np.linspace(-0.4, 0.4, 25) if tastes.by_state else np.array([0.0])
    if tastes.demand is not None:
        ms = np.linspace(0, 1, 21)
    memory = max(cooldown, len(REMEMBERED) if tastes.wear else 1)
    recents = list(product(ACTIONS, repeat=memory))
    reward, next_e, next_m = _model(tastes, when, es, ms, recents, cooldown)
    place = {recent: i for i, recent in enumerate(recents)}
    follow = np.array([[place[*h[1:], a] for a in ACTIONS] for h in recents])
    values = np.zeros((len(es), len(ms), len(recents)))
    lookup = _Lookup(es, ms, next_e, next_m, follow)
    leaves = np.vectorize(leaving)(next_e, next_m) if tastes.demand is not None else np.zeros(1)
    for _ in range(SWEEPS):
        stays = lookup.of(values)
        values = (reward + AHEAD * (stays + leaves * (values[0, 0].max() - stays))).max(axis=-1)
    return Values(es.tolist(), ms.tolist(), memory, values.tolist())


def _model(
    tastes: Tastes, when: Moment, es: Floats, ms: Floats, recents: list[tuple[Action, ...]], cooldown: int
) -> tuple[Floats, Floats, Floats]:
    """Mean reward (minus infinity where barred) and next scores, each of shape (es, ms, recents, 6)."""
    shape = (len(es), len(ms), len(recents), len(ACTIONS))
    reward, next_e, next_m = np.empty(shape), np.empty(shape), np.empty(shape)
    for (i, e), (j, m), (h, recent) in product(enumerate(es), enumerate(ms), enumerate(recents)):
        row, fatigue = state_of(float(e), float(m)).row, 0.0 if tastes.demand is None else float(m)
        moment = Moment(when.day, float(e), row, recent, when.session, fatigue)
        for a in ACTIONS:
            at, size = (i, j, h, a), plan_size(a)
            willing = clip(tastes.appetites[a] + tastes.shift(a, moment))
            next_e[at], next_m[at] = step(tastes, a, float(e), float(m), willing)
            allowed = a not in recent[len(recent) - cooldown :]
            reward[at] = DONE * mean_reward(willing, usual_lift(willing), size, size) if allowed else -np.inf
    return reward, next_e, next_m


class _Lookup:
    """Where each state and action lead, as places in the grid and weights, found once."""

    def __init__(self, es: Floats, ms: Floats, next_e: Floats, next_m: Floats, follow: Ints) -> None:
        self._follow = np.broadcast_to(follow, next_e.shape)
        self._i, self._x = _places(es, next_e)
        self._j, self._y = _places(ms, next_m)

    def of(self, values: Floats) -> Floats:
        i, j, h = self._i, self._j, self._follow
        above, right = np.minimum(i + 1, values.shape[0] - 1), np.minimum(j + 1, values.shape[1] - 1)
        low = values[i, j, h] * (1 - self._y) + values[i, right, h] * self._y
        high = values[above, j, h] * (1 - self._y) + values[above, right, h] * self._y
        mixed: Floats = low * (1 - self._x) + high * self._x
        return mixed


def _places(grid: Floats, values: Floats) -> tuple[Ints, Floats]:
    if len(grid) == 1:
        return np.zeros(values.shape, dtype=np.int64), np.zeros(values.shape)
    scaled = (np.clip(values, grid[0], grid[-1]) - grid[0]) / (grid[1] - grid[0])
    places = np.minimum(scaled.astype(np.int64), len(grid) - 2)
    return places, scaled - places
