"""The methods of the comparison: each chooses what it may, and learns something."""

from collections.abc import Callable
from statistics import fmean

import pytest

from lab.learning.methods import Fettle, Fixed, Former, Method, NormalThompson, TextbookQ, Uniform, best_order
from lab.learning.oracles import Myopic, Planner, solve
from lab.learning.packages import MabLinear, MabWiser, VowpalWabbit, person, recent
from lab.learning.runs import run, settings
from lab.world.crowd import Crowd, Feedback
from lab.world.tastes import SEGMENTS, Moment, Tastes, World, draw_tastes
from rl_core.models import ACTIONS, NO_FACTS, Action, Segment

CONFIG = settings()
TASTES = draw_tastes(World.BASE, 1)
CLEAR = {segment: Tastes((0.2, 0.2, 0.9, 0.2, 0.8, 0.2)) for segment in TASTES}
MAKERS: dict[str, Callable[[], Method]] = {
    "fettle": lambda: Fettle(CONFIG),
    "former": Former,
    "by epsilon-greedy": lambda: Fettle(settings(exploration="epsilon")),
    "textbook": lambda: TextbookQ(CONFIG, 1),
    "normal thompson": lambda: NormalThompson(1),
    "uniform": lambda: Uniform(1),
    "fixed": lambda: Fixed(ACTIONS),
    "squarecb": lambda: VowpalWabbit("--squarecb", 1),
    "epsilon": lambda: VowpalWabbit("--epsilon 0.05", 1),
    "per segment": lambda: MabWiser("segment", 0.3, 1),
    "per state": lambda: MabWiser("state", 0.3, 1),
    "lints": lambda: MabLinear("ts", 1),
    "linucb": lambda: MabLinear("ucb", 1),
    "myopic": Myopic,
    "planner": lambda: Planner(CLEAR, 1),
}
LEARNERS = ["fettle", "former", "by epsilon-greedy", "normal thompson", "squarecb", "epsilon", "per segment",
            "per state", "lints", "linucb"]  # fmt: skip


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


@pytest.mark.parametrize("later", ["people tire", "actions are used up"])
def test_the_planner_gains_on_the_myopic_oracle_where_what_is_done_has_its_price_later(later: str) -> None:
    tire, used = draw_tastes(World.WORN_OUT, 301), Tastes((0.9, 0.85, 0.5, 0.5, 0.45, 0.45), fades=0.95)
    tastes = {segment: tire[segment] if later == "people tire" else used for segment in SEGMENTS[:2]}
    uniform, myopic, planner = (
        fmean(run(tastes, 1, method, 2500, CONFIG)[0].curve) for method in (Uniform(1), Myopic(), Planner(tastes, 1))
    )
    assert uniform + 0.03 < myopic < planner - 0.003


def test_the_planner_knows_each_person_where_persons_differ() -> None:
    tastes = draw_tastes(World.PERSONS, 1)
    planner, crowd = Planner(tastes, 1), Crowd(tastes, 1, CONFIG)
    callers = []
    for _ in range(40):
        callers.append(caller := crowd.call())
        crowd.serve(caller, planner.decide(caller))
    assert len(planner._values) == len({caller.life.user for caller in callers})


def test_the_planner_changes_its_mind_when_tastes_are_swapped() -> None:
    tastes = {
        Segment.LOW_LOW.value: Tastes((0.9, 0.5, 0.5, 0.5, 0.5, 0.1), later=(0.1, 0.5, 0.5, 0.5, 0.5, 0.9), swapped=30)
    }
    crowd, planner, served = Crowd(tastes, 1, CONFIG), Planner(tastes, 0), []
    for _ in range(60):
        caller = crowd.call()
        if caller.visit.tries(6):
            served.append((caller.visit.moment.session, planner.decide(caller).action))
        crowd.serve(caller, Uniform(1).decide(caller))
    free = [(session, action) for session, action in served if action in (Action.MAINTAIN, Action.LIGHTEN)]
    assert {action for session, action in free if session < 30} == {Action.MAINTAIN}
    assert {action for session, action in free if session >= 30} == {Action.LIGHTEN}


def test_the_former_learner_has_its_own_constants_and_floor() -> None:
    method, crowd = Former(), Crowd(CLEAR, 1, CONFIG, per_segment=2)
    for _ in range(1500):
        caller = crowd.call()
        decision = method.decide(caller)
        assert min(decision.chances) >= 0.002 / len(decision.eligible) - 1e-12
        crowd.serve(caller, decision)
        for feedback in crowd.heard():
            method.learn(feedback)
    assert min(decision.chances) == pytest.approx(0.002 / 5, abs=2e-4)


def test_normal_thompsons_posterior_is_the_textbooks() -> None:
    method, crowd = NormalThompson(1), Crowd(TASTES, 1, CONFIG, per_segment=1)
    heard: list[Feedback] = []
    while not heard:
        caller = crowd.call()
        crowd.serve(caller, Uniform(1).decide(caller))
        heard = crowd.heard()
    for _ in range(3):
        method.learn(heard[0])
    at = (heard[0].segment, heard[0].transition.action)
    precision = 1 / 0.2**2 + 3 / 0.2**2
    assert method._mean[at] == pytest.approx((0.3 / 0.2**2 + 3 * heard[0].transition.reward / 0.2**2) / precision)
    assert method.NOISE / method._weight[at] ** 0.5 == pytest.approx(precision**-0.5)


def test_packages_see_what_was_had_lately_and_what_the_person_had_of_an_action() -> None:
    facts = NO_FACTS.learned(Action.PHYSICAL, 0.6).learned(Action.PHYSICAL, 0.2).had(Action.PHYSICAL)
    facts = facts.had(Action.LIGHTEN)
    assert sum(recent(facts)) == pytest.approx((1 + 0.7) / 2.8)
    assert recent(facts)[Action.LIGHTEN] == pytest.approx(1 / 2.8)
    assert person(facts, Action.PHYSICAL) == pytest.approx((0.4 * 2 / 7, 2 / 7))
    assert person(facts, Action.LIGHTEN) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["squarecb", "lints", "linucb"])
def test_packages_that_take_features_learn_that_an_action_wears_off(name: str) -> None:
    worn = {s: Tastes((0.7, 0.65, 0.6, 0.2, 0.2, 0.2), wear=0.9) for s in SEGMENTS[:1]}
    blind = run(worn, 1, MabWiser("segment", 0.2, 1), 1000, CONFIG)[0]
    assert run(worn, 1, MAKERS[name](), 1000, CONFIG)[0].curve[-1] > blind.curve[-1] + 0.01
