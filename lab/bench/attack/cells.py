"""Runs all courses of one segment of one seed: new and old, without an attacker and with each of them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from multiprocessing import get_context

from lab.bench.attack.attackers import Case
from lab.bench.attack.course import Course, Outcome
from lab.bench.attack.service import Chosen, Play
from rl_core.config import Settings
from rl_core.models import Segment

UNCAPPED = "uncapped"
UNCAPPED_PER_DAY, UNCAPPED_PEOPLE, UNCAPPED_SEEDS = 100, 20, 2


class Age(StrEnum):
    NEW = "new"
    OLD = "old"


@dataclass(frozen=True)
class Plan:
    """Says what is run. `before` is how many honest sessions an old segment has behind it."""

    seeds: int
    days: int
    before: int
    people: tuple[int, ...]
    cases: tuple[Case, ...]
    settings: Settings


@dataclass(frozen=True)
class Cell:
    """Holds the outcomes of one segment of one seed, by age and by who plays or attacks."""

    people: int
    seed: int
    segment: Segment
    outcomes: dict[tuple[Age, str], Outcome]


def cells(plan: Plan, processes: int) -> Iterator[Cell]:
    """Yields the cells of a plan as they are made, the long ones first; their order depends on the machine."""
    wanted = list(product(sorted(plan.people, reverse=True), range(plan.seeds), Segment))
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        made = [pool.submit(cell, plan, *its) for its in wanted]
        yield from (done.result() for done in as_completed(made))


def in_order(found: Sequence[Cell]) -> list[Cell]:
    """Returns the cells in an order that depends on nothing but what they are."""
    places = {segment: place for place, segment in enumerate(Segment)}
    return sorted(found, key=lambda cell: (cell.people, cell.seed, places[cell.segment]))


def cell(plan: Plan, people: int, seed: int, segment: Segment) -> Cell:
    """Returns the outcomes of one segment; what all courses of an age share is lived once."""
    course = Course(seed, segment, people, plan.settings)
    began = {Age.NEW: course.kept()}
    course.until(plan.before)
    began[Age.OLD] = course.kept()
    outcomes: dict[tuple[Age, str], Outcome] = {}
    for age, kept in began.items():
        for play in Play:
            outcomes[age, play] = _honest(kept, play, plan.days)
        for case in plan.cases:
            outcomes[age, case] = _attacked(kept, case, plan)
        if Case.PUSH in plan.cases and people == UNCAPPED_PEOPLE and seed < UNCAPPED_SEEDS:
            outcomes[age, UNCAPPED] = _uncapped(kept, plan)
    return Cell(people, seed, segment, outcomes)


def _taken_up(kept: bytes) -> Course:
    course = pickle.loads(kept)  # noqa: S301, this process wrote it
    assert isinstance(course, Course)
    return course


def _honest(kept: bytes, play: Play, days: int) -> Outcome:
    course = _taken_up(kept)
    if play is not Play.LEARNED:
        course.service = Chosen(course.service.policy.segment, course.service.settings, play)
    return course.outcome(days)


def _attacked(kept: bytes, case: Case, plan: Plan) -> Outcome:
    course = _taken_up(kept)
    course.attacked(case, plan.days, plan.settings.sessions_per_day)
    return course.outcome(plan.days)


def _uncapped(kept: bytes, plan: Plan) -> Outcome:
    """Returns the outcome of a push that takes, and teaches by, as many sessions as it likes."""
    course = _taken_up(kept)
    given = {"sessions_per_day": UNCAPPED_PER_DAY, "learned_per_day": UNCAPPED_PER_DAY}
    course.service.settings = plan.settings.model_copy(update=given)
    course.attacked(Case.PUSH, plan.days, UNCAPPED_PER_DAY)
    return course.outcome(plan.days)
