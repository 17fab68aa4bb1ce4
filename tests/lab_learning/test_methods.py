"""The methods of the comparison: each chooses what it may, and learns something."""

from collections.abc import Callable
from statistics import fmean

import pytest

from lab.learning.methods import Fettle, Fixed, Method, TextbookQ, Uniform, best_order
from lab.learning.oracles import Myopic, Planner, solve
from lab.learning.packages import MabWiser, VowpalWabbit
from lab.learning.runs import run, settings
from lab.world.crowd import Crowd, Feedback
from lab.world.tastes import Moment, Tastes, World, draw_tastes
from rl_core.models import ACTIONS, Action

CONFIG = settings()
TASTES = draw_tastes(World.BASE, 1)
CLEAR = {segment: Tastes((0.2, 0.2, 0.9, 0.2, 0.8, 0.2)) for segment in TASTES}
MAKERS: dict[str, Callable[[], Method]] = {
    "fettle": lambda: Fettle(CONFIG),
    "by epsilon-greedy": lambda: Fettle(settings(exploration="epsilon")),
    "textbook": lambda: TextbookQ(CONFIG, 1),
    "uniform": lambda: Uniform(1),
    "fixed": lambda: Fixed(ACTIONS),
    "squarecb": lambda: VowpalWabbit("--squarecb", 1),
    "epsilon": lambda: VowpalWabbit("--epsilon 0.05", 1),
    "per segment": lambda: MabWiser("segment", 0.3, 1),
    "per state": lambda: MabWiser("state", 0.3, 1),
    "myopic": Myopic,
    "planner": lambda: Planner(CLEAR, 1),
}
LEARNERS = ["fettle", "by epsilon-greedy", "squarecb", "epsilon", "per segment", "per state"]


@pytest.mark.parametrize("name", MAKERS)
def test_only_eligible_actions_are_chosen_with_a_propensity_in_reach(name: str) -> None:
    method, crowd = MAKERS[name](), Crowd(CLEAR, 1, CONFIG, per_segment=2)
    for _ in range(150):
        caller = crowd.call()
        decision = method.decide(caller)
        assert decision.action in caller.eligible
        assert decision.eligible == caller.eligible
        assert not decision.propensity > 1 + 1e-9
        crowd.serve(caller, decision)
        for feedback in crowd.heard():
            method.learn(feedback)


@pytest.mark.parametrize("name", LEARNERS)
def test_where_tastes_are_clear_every_learner_beats_uniform_play(name: str) -> None:
    uniform, _ = run(CLEAR, 1, Uniform(1), 2500, CONFIG)
    course, _ = run(CLEAR, 1, MAKERS[name](), 2500, CONFIG)
    assert fmean(course.curve[-2:]) > fmean(uniform.curve[-2:]) + 0.05


def test_no_learner_beats_the_planner_where_tastes_are_clear() -> None:
    planner, _ = run(CLEAR, 1, Planner(CLEAR, 1), 1500, CONFIG)
    for name in ("fettle", "by epsilon-greedy", "per segment"):
        assert run(CLEAR, 1, MAKERS[name](), 1500, CONFIG)[0].mean < planner.mean


def test_the_planner_gives_up_a_session_for_what_comes_after() -> None:
    tastes = {s: Tastes((0.6, 0.6, 0.6, 0.45, 0.45, 0.45), carry=0.8, regard=(-2.0,) * 3 + (2.0,) * 3, rates=1.0)
              for s in TASTES}  # fmt: skip
    courses = {
        name: run(tastes, 1, method, 2500, CONFIG)[0].mean
        for name, method in (("planner", Planner(tastes, 1)), ("myopic", Myopic()))
    }
    assert courses["planner"] > courses["myopic"] + 0.1


def test_the_planners_value_of_alternating_two_plans_is_their_mean_discounted() -> None:
    values = solve(Tastes((0.9, 0.8, 0.05, 0.05, 0.05, 0.05)), Moment(), cooldown=1)
    after_best, after_second = values.at(0.4, 0.0, (0,)), values.at(0.4, 0.0, (1,))
    crowd = Crowd({s: Tastes((0.9, 0.8, 0.05, 0.05, 0.05, 0.05)) for s in TASTES}, 1, CONFIG)
    assert crowd.call().eligible == ACTIONS
    assert after_second > after_best  # the better of the two comes next
    assert after_best == pytest.approx(values.at(0.4, 0.0, (3, 0)), abs=1e-12)


def test_the_textbook_update_is_the_textbooks() -> None:
    method, crowd = TextbookQ(CONFIG, 1), Crowd(TASTES, 1, CONFIG, per_segment=1)
    while True:
        caller = crowd.call()
        crowd.serve(caller, Uniform(1).decide(caller))
        if heard := crowd.heard():
            break
    t = heard[0].transition
    method.learn(heard[0])
    assert method._q[heard[0].segment][t.state.row][t.action] == pytest.approx(0.1 * t.reward)


def test_the_best_order_puts_the_greatest_mean_first() -> None:
    rewards = {a: [0.1 * a, 0.1] for a in ACTIONS}
    assert best_order(rewards)[0] is Action.LIGHTEN
    assert best_order(rewards)[-1] is Action.MAINTAIN


def test_mabwiser_hears_of_nothing_until_five_rewards_are_there() -> None:
    method, crowd = MabWiser("segment", -1.0, 1), Crowd(TASTES, 1, CONFIG, per_segment=1)
    heard: list[Feedback] = []
    rng = Uniform(2)
    while len(heard) < 5:
        caller = crowd.call()
        crowd.serve(caller, rng.decide(caller))
        heard += [f for f in crowd.heard() if f.segment is caller.life.segment]
    which = method._which(heard[0].segment, heard[0].transition.state)
    same = [f for f in heard * 5 if f.segment is heard[0].segment][:5]
    for feedback in same[:4]:
        method.learn(feedback)
    assert sum(method._bandits[which]._imp.arm_to_success_count.values()) == 12
    method.learn(same[4])
    assert sum(method._bandits[which]._imp.arm_to_success_count.values()) == 17


def test_vowpal_wabbits_propensities_are_of_its_draw() -> None:
    method, crowd = VowpalWabbit("--epsilon 0.5", 1), Crowd(TASTES, 1, CONFIG, per_segment=1)
    decisions = [method.decide(crowd.call()) for _ in range(5)]
    assert all(0.5 / 6 - 1e-6 <= d.propensity <= 1 for d in decisions)


def test_uniform_play_is_even() -> None:
    rng, crowd = Uniform(4), Crowd(TASTES, 1, CONFIG, per_segment=1)
    caller = crowd.call()
    drawn = [rng.decide(caller).action for _ in range(6000)]
    assert all(abs(drawn.count(a) / 6000 - 1 / 6) < 0.03 for a in ACTIONS)
