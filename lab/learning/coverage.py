"""`python -m lab.learning.coverage`: does the learner know how sure it is?

The learner tells for each state s and action a how much more a brings there than the eligible actions do on average,
and how sure it is. This counts how often its 95 % interval holds the truth: discount 0, cells of `VISITS` visits or
more, all six actions eligible.

The truth is a contrast of means E[reward | s, a], the mean being over the sessions that are learned from in state s
while a was eligible, had a been served in each of them. So it is about the visits as they came: who came in this state,
in what mood, and how the visit ended. On some visits that are learned from, half of the plan is done or none (6 % of a
usual person's), and of `LOST` of the others nothing is ever heard; so every contrast is some 7 % smaller than on a
visit that is done in full. A visit that nobody saw is not learned from and does not count. What is left open is whose
mean it is, and all three are told:

    met      the people who came, each as often as they came, as worn as they came
    rested   the same people, having had nothing lately: for a learner that knows of wear, which tells it apart
    average  a person without deviations and disposition, having had nothing lately: the people that are still to come

A learner without persons and wear can only know the first. One that takes the people it met for a sample of the
segment's speaks of the last, and its intervals hold the others more often than they should.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from lab.learning.cells import PROCESSES
from lab.learning.methods import Fettle, Former
from lab.learning.page import replace_section, table
from lab.learning.runs import FETTLE, FORMER, settings
from lab.world.crowd import LOST, Caller, Crowd, plan_size
from lab.world.people import Ending, Person, expected_reward, person
from lab.world.tastes import SEGMENTS, USUAL, Tastes, World, draw_tastes
from rl_core.learner import QTable
from rl_core.learner.posterior import Posterior
from rl_core.learner.posterior_1 import Posterior1
from rl_core.models import ACTIONS, NO_FACTS, STATES, Action, Segment, State

WORLDS = (World.BASE, World.STATES, World.PERSONS, World.ALIKE, World.HABITUATION)
IN_NINE, IN_ONE = (150, 500, 2000), (6000, 20_000)  # sessions learned in a segment, where there are nine and where one
FIRST_SEED, SEEDS = 300, 6
VISITS, WIDTH = 5, 1.96
MET, RESTED, AVERAGE = "met", "rested", "average"
TRUTHS = (MET, RESTED, AVERAGE)
METHODS: Mapping[str, Callable[[], Fettle]] = {
    FETTLE: lambda: Fettle(settings(discount=0.0)),
    FORMER: lambda: Former(discount=0.0),
}


class Hits(NamedTuple):
    """How many of the cells' intervals held the truth."""

    held: int
    cells: int


@dataclass
class Truth:
    """Sums over the sessions that a segment learned from, by truth, row and action, and by row and action how many."""

    sums: dict[tuple[str, int, Action], float] = field(default_factory=lambda: defaultdict(float))
    numbers: dict[tuple[int, Action], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, caller: Caller, average: Person) -> None:
        rested = caller.visit._replace(moment=caller.visit.moment._replace(recent=(), used=USUAL.used))
        for a in caller.eligible:
            self.numbers[caller.state.row, a] += 1
            for truth, who, visit in (
                (MET, caller.life.person, caller.visit),
                (RESTED, caller.life.person, rested),
                (AVERAGE, average, rested),
            ):
                self.sums[truth, caller.state.row, a] += (1.0 - LOST) * expected_reward(who, visit, a, plan_size(a))

    def contrasts(self, truth: str, row: int) -> list[float] | None:
        """Returns the actions' means less their mean; None if an action was never eligible in this state."""
        if not all(self.numbers[row, a] for a in ACTIONS):
            return None
        means = [self.sums[truth, row, a] / self.numbers[row, a] for a in ACTIONS]
        return [mean - sum(means) / len(means) for mean in means]


def interval(its: QTable, state: State, eligible: Sequence[Action]) -> tuple[Sequence[float], Sequence[float]]:
    """Returns mean and standard deviation of Q less its mean over m eligible actions, for a person who had nothing yet.

    The actions are taken for independent: var(Q(a) - mean Q) = (1 - 1/m)^2 var(a) + sum of the others' var(b) / m^2.
    """
    assert isinstance(its, Posterior | Posterior1)
    values, spread, m = its.estimates(state, NO_FACTS), list(its.spread(state, 1.0)), len(eligible)
    if isinstance(its, Posterior):
        spread = [u + its.noise * its.wear_variance * x * x for u, x in zip(spread, its.usual_wear, strict=True)]
    mean, every = sum(values[a] for a in eligible) / m, sum(spread[a] for a in eligible)
    variances = [(1 - 1 / m) ** 2 * spread[a] + (every - spread[a]) / m**2 for a in eligible]
    return [values[a] - mean for a in eligible], [variance**0.5 for variance in variances]


def held(its: QTable, truth: Truth) -> dict[str, Hits]:
    """Returns by truth how many intervals of this table hold it."""
    found = {}
    for name in TRUTHS:
        hits = [hit for row in range(STATES) for hit in _hits(its, State.from_row(row), truth.contrasts(name, row))]
        found[name] = Hits(sum(hits), len(hits))
    return found


def _hits(its: QTable, state: State, true: list[float] | None) -> Iterator[bool]:
    if true is None:
        return
    visits, (means, sds) = its.visits(state), interval(its, state, ACTIONS)
    for a in ACTIONS:
        if visits[a] >= VISITS:
            yield abs(means[a] - true[a]) <= WIDTH * sds[a]


def course(name: str, world: World, seed: int, segments: int) -> dict[int, dict[str, Hits]]:
    """Returns, by how much a segment has learned and by truth, the hits in one course with so many segments."""
    marks = IN_NINE if segments > 1 else IN_ONE
    tastes = {segment: its for segment, its in draw_tastes(world, seed).items() if segment in SEGMENTS[:segments]}
    crowd, method = Crowd(tastes, seed, settings()), METHODS[name]()
    truths = {Segment(segment): Truth() for segment in tastes}
    average = {Segment(segment): _average(segment, its) for segment, its in tastes.items()}
    found: dict[int, dict[str, Hits]] = {mark: dict.fromkeys(TRUTHS, Hits(0, 0)) for mark in marks}
    while min(method.episodes[segment] for segment in truths) < marks[-1]:
        caller = crowd.call()
        crowd.serve(caller, method.decide(caller))
        if caller.visit.ending is not Ending.UNSEEN:
            truths[caller.life.segment].add(caller, average[caller.life.segment])
        for feedback in crowd.heard():
            method.learn(feedback)
            if (mark := method.episodes[feedback.segment]) in found:
                found[mark] = _sum([found[mark], held(method.tables[feedback.segment], truths[feedback.segment])])
    return found


def _average(segment: str, tastes: Tastes) -> Person:
    return replace(person(0, segment, 0, 4, tastes), deviation=(0.0,) * len(ACTIONS), disposition=0.0)


def _sum(every: Sequence[Mapping[str, Hits]]) -> dict[str, Hits]:
    return {t: Hits(sum(h[t].held for h in every), sum(h[t].cells for h in every)) for t in TRUTHS}


def section(found: Mapping[tuple[str, World, int], Mapping[str, Hits]], seeds: int) -> str:
    """Returns the page's section."""
    rows = [
        [f"{name}: {world.value}", f"{mark:,}", str(hits[MET].cells), *(f"{_percent(hits[t]):.0f}" for t in TRUTHS)]
        for (name, world, mark), hits in found.items()
    ]
    return (
        "## Does it know how sure it is?\n\n"
        f"{seeds} seeds from {FIRST_SEED} on, discount 0. How many of the 95 % intervals of E[reward given s, a], less "
        f"its mean over the actions, hold the truth, in %, in cells of {VISITS} visits or more: over the people met, "
        "over the same people rested, and for the average person (`lab/learning/coverage.py` says what that means). "
        f"{', '.join(f'{n:,}' for n in IN_NINE)} sessions a segment are in nine segments, "
        f"{' and '.join(f'{n:,}' for n in IN_ONE)} in a crowd of one.\n\n"
        + table(["", "sessions", "cells", *TRUTHS], rows)
    )


def _percent(hits: Hits) -> float:
    return 100 * hits.held / max(hits.cells, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.learning.coverage", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where learning.md is")
    options = parser.parse_args(arguments)
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    jobs = list(product(options.methods, WORLDS, seeds, (9, 1)))
    every: dict[tuple[str, World, int], list[Mapping[str, Hits]]] = defaultdict(list)
    with ProcessPoolExecutor(PROCESSES) as pool:
        for (name, world, seed, _), by_mark in zip(jobs, pool.map(course, *zip(*jobs, strict=True)), strict=True):
            for mark, hits in by_mark.items():
                every[name, world, mark].append(hits)
            print(f"{name}, {world.value}, seed {seed}", file=sys.stderr)
    found = {key: _sum(hits) for key, hits in every.items()}
    text = section(found, options.seeds)
    replace_section(options.docs / "learning.md", "coverage", text)
    print(text)
    print(
        json.dumps({" ".join(map(str, key)): {t: round(_percent(h[t]), 1) for t in TRUTHS} for key, h in found.items()})
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
