"""Simulates a world in which suggestions wear off, and what the learner gains there with and without the recent dose.

The effect of a suggestion on the log of steps is FRESH at first, as the trial found, and wears off with the dose d:

    effect(d) = FRESH - SLOPE d          d' = d + (sent - d) / memory          dose: a person's recent share of sends

SLOPE is such that the effect is gone after 27 days of the trial's sending (0.6, at 4 of 5 points available) with a
memory of MEMORIES[-1] decisions; the trial cannot say how fast people recover, so the memory is varied. In the world
"falls by the day" the effect falls by 0.0185 a day whatever is sent, and never comes back. In the last world nothing
wears off and the effect depends on the motivation level alone: the price of a state that no longer holds it.

Steps are drawn around a person's own level with the trial's spread. What is reported is the mean of the true effect of
what was sent: the gain over never sending, without the spread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np

from lab.studies.heartsteps.learning import NEVER, OPTIONS
from lab.studies.heartsteps.trial import SEND, Scores, shipped, with_dose
from operate.ope.judge import Estimate
from rl_core import learner
from rl_core.config import Settings
from rl_core.learner.posterior import Posterior
from rl_core.models import State, Transition

FRESH, SLOPE, A_DAY = 0.51, 0.94, 0.0185
MEMORIES = (5, 15, 45)
PEOPLE, POINTS, A_DAYS_POINTS = 100, 200, 5
LEVEL, BETWEEN, WITHIN = 3.0, 0.7, 2.9
ACTIVE = float(np.log(100.5))
T_95 = {3: 3.182, 11: 2.201, 19: 2.093}  # Student's t, by degrees of freedom


@dataclass(frozen=True)
class World:
    """Says what a suggestion does, by the person's dose and the number of points before it."""

    name: str
    memory: int = 1
    slope: float = 0.0
    a_day: float = 0.0
    by_motivation: tuple[float, float, float] = (FRESH,) * 3

    def effect(self, dose: float, point: int, motivation: int = 1) -> float:
        return self.by_motivation[motivation] - self.slope * dose - self.a_day * (point // A_DAYS_POINTS)

    def after(self, dose: float, sent: bool) -> float:
        return dose + (sent - dose) / self.memory


FADING = (
    *(World(f"wears off, memory of {memory} decisions", memory, slope=SLOPE) for memory in MEMORIES),
    World("falls by the day", a_day=A_DAY),
)
WORLDS = (*FADING, World("lasts, but depends on motivation", by_motivation=(-FRESH, 0.0, FRESH)))


@dataclass
class Person:
    """A simulated participant; the dose is hidden, the scores are what the service knows."""

    level: float
    scores: Scores
    dose: float = 0.0
    point: int = 0
    steps: float = LEVEL


class Known(NamedTuple):
    """What the learner knows before a decision: a state, and the number of the table that the state belongs to."""

    state: State
    table: int = 0


def with_days(person: Person) -> Known:
    """Returns the state with days in the programme in place of motivation: until day 8, until day 26, later."""
    day = person.point // A_DAYS_POINTS
    return Known(State(shipped(person.scores).engagement, (day > 8) + (day > 26)))


def with_all(person: Person) -> Known:
    """Returns the shipped state, with a table for each level of the recent dose: 27 rows in all."""
    return Known(shipped(person.scores), with_dose(person.scores).motivation)


KNOWING: Mapping[str, Callable[[Person], Known]] = {
    "shipped: engagement, motivation": lambda person: Known(shipped(person.scores)),
    "engagement, recent dose": lambda person: Known(with_dose(person.scores)),
    "engagement, motivation, recent dose": with_all,
    "engagement, days": with_days,
}
TABLES = 3
SHARED = ("reference", "noise", "k", "distance", "wear", "wear_variance", "alike", "between")


def learned(world: World, know: Callable[[Person], Known], settings: Settings, seed: int) -> list[float]:
    """Returns the true effect of each decision of one run of the learner, in order.

    The tables are parts of one policy: they count episodes together, and share what the filter keeps once for a policy.
    """
    rng, how, gained = Random(seed), learner.fold_of(settings), list[float]()
    kind = learner.ALGORITHMS[how.learner]
    tables = [kind.start(how.constants) for _ in range(TABLES)]
    people, last = [Person(rng.gauss(LEVEL, BETWEEN), Scores()) for _ in range(PEOPLE)], tables[0]
    for _ in range(POINTS):
        for person in people:
            state, table = know(person)
            own, episodes = tables[table], len(gained)
            if isinstance(own, Posterior) and isinstance(last, Posterior):
                _share(last, own)
            action = learner.draw(learner.chances_of(own, state, OPTIONS, episodes, settings), rng)
            gain, reward = live(world, person, action is SEND, rng)
            gained.append(gain)
            after = know(person)
            seen = Transition(b"", state, action, reward, after.state, NEVER, ())
            own.update(_told(own, tables[after.table], seen, settings), episodes, how.constants)
            last = own
    return gained


def _share(last: Posterior, own: Posterior) -> None:
    """Gives a table what the filter keeps once for a policy, as the table that learned last has it."""
    for name in SHARED:
        setattr(own, name, deepcopy(getattr(last, name)))


def _told(own: learner.QTable, other: learner.QTable, seen: Transition, at: Settings) -> Transition:
    """Returns the transition as the table `own` learns it.

    If the next state belongs to another table, that table's best value has to count. `own` adds its own best value of
    the state, so the reward is changed by the difference of the two. The filter adds nothing for a state that `own` has
    never seen, so then the reward is left as it is.
    """
    if own is other or (at.exploration == "posterior" and not any(own.visits(seen.next_state))):
        return seen
    apart = _best(other, seen.next_state) - _best(own, seen.next_state)
    return replace(seen, reward=seen.reward + at.discount * apart)


def _best(table: learner.QTable, state: State) -> float:
    return max(table.estimates(state)[action] for action in OPTIONS)


def live(world: World, person: Person, sent: bool, rng: Random) -> tuple[float, float]:
    """Lives one decision point; returns the true effect of what was sent, and the log of steps after it."""
    gain = world.effect(person.dose, person.point, shipped(person.scores).motivation) if sent else 0.0
    before, reward = person.steps, person.level + gain + rng.gauss(0.0, WITHIN)
    person.scores.move(reward >= ACTIVE, min(max((reward - before) / 5.0, -1.0), 1.0), sent)
    person.dose, person.steps = world.after(person.dose, sent), rng.gauss(person.level, WITHIN)
    person.point += 1
    return gain, reward


def by_rule(world: World, rule: Callable[[float, int], float]) -> float:
    """Returns the mean gain of a rule that knows dose and point and returns the probability of sending."""
    rng, gains = Random(0), list[float]()
    for _ in range(PEOPLE):
        dose = 0.0
        for point in range(POINTS):
            sent = rng.random() < rule(dose, point)
            gains.append(world.effect(dose, point) if sent else 0.0)
            dose = world.after(dose, sent)
    return fmean(gains)


def planned(world: World) -> Callable[[float, int], float]:
    """Returns the best rule over all later points, found by backward induction over the dose, on a grid."""
    grid, ahead, sending = np.linspace(0.0, 1.0, 401), np.zeros(401), np.zeros((POINTS, 401), bool)
    for point in reversed(range(POINTS)):
        send, rest = (
            np.array([world.effect(d, point) if sent else 0.0 for d in grid])
            + np.interp([world.after(d, sent) for d in grid], grid, ahead)
            for sent in (True, False)
        )
        sending[point], ahead = send > rest, np.maximum(send, rest)
    return lambda dose, point: float(sending[point, round(dose * 400)])


RULES: Mapping[str, Callable[[World], Callable[[float, int], float]]] = {
    "best possible (knows the dose, plans)": planned,
    "as randomised (0.6)": lambda _: lambda *_: 0.6,
    "always": lambda _: lambda *_: 1.0,
}


def mean_over(runs: Sequence[float]) -> Estimate:
    """Returns the mean of independent runs and its 95 % interval (Student's t)."""
    half = T_95[len(runs) - 1] * stdev(runs) / len(runs) ** 0.5
    return Estimate(fmean(runs), fmean(runs) - half, fmean(runs) + half)


def gain_of(world: World, knowing: str, settings: Settings, seed: int) -> float:
    """Returns the mean gain per decision of one whole run, the time of learning included."""
    return fmean(learned(world, KNOWING[knowing], settings, seed))
