"""One world, one seed, every method: each lives its own course of the same people, and what it served is scored.

The score of an episode is the exact mean reward of the served action on that visit, so that luck in the answers does
not blur the comparison; what the methods learn from are the answers, luck, gaps and all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from lab.learning.methods import Fettle, Fixed, Method, TextbookQ, Uniform, best_order
from lab.learning.oracles import Myopic, Planner
from lab.learning.packages import MabWiser, VowpalWabbit
from lab.world.crowd import Crowd
from lab.world.tastes import Tastes, World, draw_tastes
from rl_core.config import Settings
from rl_core.models import ACTIONS, Action

BIN = 500
UNIFORM, FIXED, TEXTBOOK = "uniform", "best fixed", "textbook Q"
FETTLE, EPSILON = "fettle", "fettle epsilon"
VW_SQUARECB, VW_EPSILON = "vw squarecb", "vw epsilon"
MAB_SEGMENT, MAB_STATE = "mabwiser segment", "mabwiser state"
MYOPIC, PLANNING = "oracle myopic", "oracle planning"
METHODS = (
    FETTLE, EPSILON, UNIFORM, FIXED, TEXTBOOK, VW_SQUARECB, VW_EPSILON, MAB_SEGMENT, MAB_STATE, MYOPIC, PLANNING,
)  # fmt: skip
PACKAGES = (VW_SQUARECB, VW_EPSILON, MAB_SEGMENT, MAB_STATE)


@dataclass(frozen=True)
class Course:
    """What one method came to: the mean score of each full `BIN` of episodes."""

    curve: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.curve)


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
    for _ in range(episodes):
        caller = crowd.call()
        made = method.decide(caller)
        crowd.serve(caller, made)
        scores.append(caller.expected(made.action))
        for feedback in crowd.heard():
            method.learn(feedback)
            log.rewards[feedback.transition.action].append(feedback.transition.reward)
    return Course(tuple(fmean(scores[i : i + BIN]) for i in range(0, episodes - BIN + 1, BIN))), log


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
        EPSILON: lambda: Fettle(settings(exploration="epsilon")),
        FIXED: lambda: Fixed(order),
        TEXTBOOK: lambda: TextbookQ(config, seed),
        VW_SQUARECB: lambda: VowpalWabbit("--squarecb", seed),
        VW_EPSILON: lambda: VowpalWabbit("--epsilon 0.05", seed),
        MAB_SEGMENT: lambda: MabWiser("segment", cut, seed, batch),
        MAB_STATE: lambda: MabWiser("state", cut, seed, batch),
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
