"""One world, one seed, every method: each lives its own course of the same people, and what it served is scored.

The score of an episode is the exact mean reward of the served action on that visit, so that luck in the answers does
not blur the comparison; what the methods learn from are the answers, luck, gaps and all.

The seeds are the comparison's own; constants were chosen on others (100-131).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Self

from lab.learning.methods import Fettle, Fixed, Former, Method, NormalThompson, TextbookQ, Uniform, best_order
from lab.learning.oracles import Myopic, Planner
from lab.learning.packages import MabLinear, MabWiser, VowpalWabbit
from lab.world.crowd import Caller, Crowd
from lab.world.tastes import Tastes, World, draw_tastes
from rl_core.config import Settings
from rl_core.models import ACTIONS, Action

BIN = 500
FINE = 50  # sessions of a bin after the swap of tastes
UNIFORM, FIXED, TEXTBOOK, NORMAL = "uniform", "best fixed", "textbook Q", "normal thompson"
FETTLE, FORMER, EPSILON = "fettle", "former", "fettle epsilon"
VW_SQUARECB, VW_EPSILON = "vw squarecb", "vw epsilon"
MAB_SEGMENT, MAB_STATE = "mabwiser segment", "mabwiser state"
MAB_LINTS, MAB_LINUCB = "mabwiser lints", "mabwiser linucb"
MYOPIC, PLANNING = "oracle myopic", "oracle planning"
PACKAGES = (VW_SQUARECB, VW_EPSILON, MAB_SEGMENT, MAB_STATE, MAB_LINTS, MAB_LINUCB)
METHODS = (FETTLE, FORMER, EPSILON, UNIFORM, FIXED, TEXTBOOK, NORMAL, *PACKAGES, MYOPIC, PLANNING)

FIRST_SEED, SEEDS, EPISODES = 200, 24, 20_000
FEWER_SEEDS: Mapping[World, int] = {World.OLD: 12, World.ALIKE: 12}
LONGER: Mapping[World, float] = {World.OLD: 1.5}  # times the episodes of the others

# Spans of a course beside the whole of it, and which of its sessions each holds.
SEGMENT_FIRST, SEGMENT_NEXT, USER_LATER = "segment's 1-50", "segment's 51-100", "user's 41-60"


@dataclass(frozen=True)
class Course:
    """What one method came to: the mean score of each full `BIN` of episodes.

    `spans` has the mean scores of parts of the course by name; a part that the course did not reach is missing.
    `after` has the mean of each full `FINE` of episodes after the tastes of the first segment were swapped.
    """

    curve: tuple[float, ...]
    spans: Mapping[str, float] = field(default_factory=dict)
    after: tuple[float, ...] = ()

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """Returns the course from what JSON made of its fields."""
        return cls(tuple(kept["curve"]), kept["spans"], tuple(kept["after"]))

    @property
    def mean(self) -> float:
        return fmean(self.curve)


@dataclass
class Scores:
    """The scores of a course so far, those of its spans and those after the swap."""

    every: list[float] = field(default_factory=list)
    spans: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    after: list[float] = field(default_factory=list)

    def add(self, caller: Caller, score: float) -> None:
        """Adds the score of a session that the caller was given; it is counted already among the caller's."""
        self.every.append(score)
        before, swapped = caller.visit.moment.session, caller.life.person.tastes.swapped
        if before < 100:
            self.spans[SEGMENT_FIRST if before < 50 else SEGMENT_NEXT].append(score)
        if 41 <= caller.life.sessions <= 60:
            self.spans[USER_LATER].append(score)
        if swapped is not None and before >= swapped:
            self.after.append(score)

    def course(self) -> Course:
        spans = {name: fmean(scores) for name, scores in self.spans.items()}
        return Course(_bins(self.every, BIN), spans, _bins(self.after, FINE))


def _bins(scores: Sequence[float], size: int) -> tuple[float, ...]:
    """Returns the mean of each full bin."""
    return tuple(fmean(scores[i : i + size]) for i in range(0, len(scores) - size + 1, size))


@dataclass
class Log:
    """The rewards that a run heard of, by action."""

    rewards: dict[Action, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def mean(self) -> float:
        return fmean(reward for rewards in self.rewards.values() for reward in rewards)


def settings(**given: object) -> Settings:
    """The service's defaults; it has no table here."""
    return Settings.model_validate({"table_name": "none", **given})


def seeds_of(world: World, most: int = SEEDS) -> range:
    """Returns the comparison's seeds of a world, at most so many."""
    return range(FIRST_SEED, FIRST_SEED + min(most, FEWER_SEEDS.get(world, SEEDS)))


def length_of(world: World, episodes: int = EPISODES) -> int:
    """Returns the episodes of a course in this world, where most worlds have this many."""
    return int(episodes * LONGER.get(world, 1))


def run(tastes: Mapping[str, Tastes], seed: int, method: Method, episodes: int, config: Settings) -> tuple[Course, Log]:
    """The method's course over so many episodes, cut to full bins."""
    crowd, log, scores = Crowd(tastes, seed, config), Log(), Scores()
    for _ in range(episodes):
        caller = crowd.call()
        made = method.decide(caller)
        crowd.serve(caller, made)
        scores.add(caller, caller.expected(made.action))
        for feedback in crowd.heard():
            method.learn(feedback)
            log.rewards[feedback.transition.action].append(feedback.transition.reward)
    return scores.course(), log


def makers(
    tastes: Mapping[str, Tastes], seed: int, cut: float, order: Sequence[Action] = ACTIONS, at_once: bool = False
) -> Mapping[str, Callable[[], Method]]:
    """How to make every method but the uniform one, new each time.

    `cut` is where a reward counts as won, `order` the actions from the best on, both known in hindsight; `at_once`:
    MABWiser learns from each reward as it comes.
    """
    config, batch = settings(), 1 if at_once else MabWiser.BATCH
    return {
        FETTLE: lambda: Fettle(config),
        FORMER: Former,
        EPSILON: lambda: Fettle(settings(exploration="epsilon")),
        FIXED: lambda: Fixed(order),
        TEXTBOOK: lambda: TextbookQ(config, seed),
        NORMAL: lambda: NormalThompson(seed),
        VW_SQUARECB: lambda: VowpalWabbit("--squarecb", seed),
        VW_EPSILON: lambda: VowpalWabbit("--epsilon 0.05", seed),
        MAB_SEGMENT: lambda: MabWiser("segment", cut, seed, batch),
        MAB_STATE: lambda: MabWiser("state", cut, seed, batch),
        MAB_LINTS: lambda: MabLinear("ts", seed, batch),
        MAB_LINUCB: lambda: MabLinear("ucb", seed, batch),
        MYOPIC: Myopic,
        PLANNING: lambda: Planner(tastes, config.action_cooldown),
    }


def compare(world: World, seed: int, episodes: int) -> dict[str, Course]:
    """Every method's course in this world. The uniform one comes first: it says what is best in hindsight."""
    tastes, config = draw_tastes(world, seed), settings()
    uniform, log = run(tastes, seed, Uniform(seed), episodes, config)
    made = makers(tastes, seed, log.mean, best_order(log.rewards))
    courses = {name: run(tastes, seed, make(), episodes, config)[0] for name, make in made.items()}
    assert set(courses) | {UNIFORM} == set(METHODS)
    return {UNIFORM: uniform, **courses}
