"""One world, one seed, every method: each lives its own course of the same people, and what it served is scored.

The score of an episode is the exact mean reward of the served action on that visit, so that luck in the answers does
not blur the comparison; what the methods learn from are the answers, luck, gaps and all.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from lab.learning.methods import Fettle, Fixed, Method, TextbookQ, Uniform, best_order
from lab.learning.oracles import Myopic, Planner
from lab.learning.packages import MabWiser, VowpalWabbit
from lab.world.crowd import Crowd
from lab.world.tastes import Tastes, World, draw_tastes
from rl_core.config import Settings
from rl_core.models import Action

BIN = 500
UNIFORM, FIXED, TEXTBOOK = "uniform", "best fixed", "textbook Q"
FETTLE, POSTERIOR = "fettle", "fettle posterior"
VW_SQUARECB, VW_EPSILON = "vw squarecb", "vw epsilon"
MAB_SEGMENT, MAB_STATE = "mabwiser segment", "mabwiser state"
MYOPIC, PLANNING = "oracle myopic", "oracle planning"
METHODS = (
    FETTLE, POSTERIOR, UNIFORM, FIXED, TEXTBOOK, VW_SQUARECB, VW_EPSILON, MAB_SEGMENT, MAB_STATE, MYOPIC, PLANNING,
)  # fmt: skip
PACKAGES = (VW_SQUARECB, VW_EPSILON, MAB_SEGMENT, MAB_STATE)


@dataclass(frozen=True)
class Course:
    """What one method came to: mean score of each full `BIN` of episodes, CPU microseconds of a decision, an update."""

    curve: tuple[float, ...]
    decide_us: float
    update_us: float

    @property
    def mean(self) -> float:
        return fmean(self.curve)


@dataclass
class Clock:
    """Time spent and how often."""

    seconds: float = 0.0
    calls: int = 0

    @property
    def microseconds(self) -> float:
        return self.seconds / max(self.calls, 1) * 1e6


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


def run(tastes: Mapping[str, Tastes], seed: int, method: Method, episodes: int, config: Settings) -> tuple[Course, Log]:
    """The method's course over so many episodes, cut to full bins."""
    crowd, log, scores = Crowd(tastes, seed, config), Log(), []
    deciding, learning = Clock(), Clock()
    for _ in range(episodes):
        caller = crowd.call()
        began = time.thread_time()
        made = method.decide(caller)
        deciding.seconds += time.thread_time() - began
        crowd.serve(caller, made)
        scores.append(caller.expected(made.action))
        heard = crowd.heard()
        began = time.thread_time()
        for feedback in heard:
            method.learn(feedback)
        learning.seconds += time.thread_time() - began
        learning.calls += len(heard)
        for feedback in heard:
            log.rewards[feedback.transition.action].append(feedback.transition.reward)
    deciding.calls = episodes
    curve = tuple(fmean(scores[i : i + BIN]) for i in range(0, episodes - BIN + 1, BIN))
    return Course(curve, deciding.microseconds, learning.microseconds), log


def compare(world: World, seed: int, episodes: int) -> dict[str, Course]:
    """Every method's course in this world. The uniform one comes first: it says what is best in hindsight."""
    tastes, config = draw_tastes(world, seed), settings()
    uniform, log = run(tastes, seed, Uniform(seed), episodes, config)
    cut = log.mean
    makers: dict[str, Callable[[], Method]] = {
        FETTLE: lambda: Fettle(config),
        POSTERIOR: lambda: Fettle(settings(exploration="posterior")),
        FIXED: lambda: Fixed(best_order(log.rewards)),
        TEXTBOOK: lambda: TextbookQ(config, seed),
        VW_SQUARECB: lambda: VowpalWabbit("--squarecb", seed),
        VW_EPSILON: lambda: VowpalWabbit("--epsilon 0.05", seed),
        MAB_SEGMENT: lambda: MabWiser("segment", cut, seed),
        MAB_STATE: lambda: MabWiser("state", cut, seed),
        MYOPIC: Myopic,
        PLANNING: lambda: Planner(tastes, config.action_cooldown),
    }
    courses = {name: run(tastes, seed, make(), episodes, config)[0] for name, make in makers.items()}
    assert set(courses) | {UNIFORM} == set(METHODS)
    return {UNIFORM: uniform, **courses}
