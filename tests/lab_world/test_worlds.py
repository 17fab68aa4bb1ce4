"""What sets the worlds apart, each for itself."""

from dataclasses import replace
from random import Random
from statistics import fmean, pstdev

import pytest

from lab.world.crowd import Caller, Crowd, first_slate, leaving, offered
from lab.world.people import Ending, Offered, Person, Visit, answers, next_visit, person, session_rating, willingness
from lab.world.tastes import USUAL, Moment, World, draw_tastes, rested, swapped, tired, used_up
from rl_core import learner
from rl_core.config import Settings
from rl_core.models import ACTIONS, Segment

SETTINGS = Settings(table_name="none")
LOW = Segment.LOW_LOW


def callers(world: World, visits: int, seed: int = 3) -> list[Caller]:
    """Everybody who comes in a crowd that is served at random."""
    crowd, rng, met = Crowd(draw_tastes(world, seed), seed, SETTINGS), Random(3), []
    for _ in range(visits):
        caller = crowd.call()
        crowd.serve(caller, learner.decide(None, caller.state, caller.eligible, SETTINGS, rng))
        met.append(caller)
    return met


def somebody(world: World, place: int = 0) -> Person:
    return person(1, LOW, place, 30, draw_tastes(world, 1)[LOW])


@pytest.mark.parametrize(("world", "spread"), [(World.BASE, 0.05), (World.PERSONS, 0.12), (World.ALIKE, 0.02)])
def test_people_differ_as_much_as_their_world_has_it(world: World, spread: float) -> None:
    deviations = [its for place in range(200) for its in somebody(world, place).deviation]
    assert pstdev(deviations) == pytest.approx(spread, rel=0.1)


def test_a_person_deviates_in_the_same_direction_in_every_world() -> None:
    base, persons = somebody(World.BASE), somebody(World.PERSONS)
    assert persons.deviation == pytest.approx([its * 0.12 / 0.05 for its in base.deviation])
    assert (persons.hour, persons.disposition) == (base.hour, base.disposition)


def test_old_is_one_segment_of_twenty_whose_best_and_worst_are_swapped_in_time() -> None:
    tastes = draw_tastes(World.OLD, 5)
    assert list(tastes) == [LOW]
    assert len(Crowd(tastes, 5, SETTINGS)._due) == 20
    assert {caller.life.segment for caller in callers(World.OLD, 50)} == {LOW}
    its = tastes[LOW]
    best, worst = its.appetites.index(max(its.appetites)), its.appetites.index(min(its.appetites))
    before, then = Moment(session=19_999), Moment(session=20_000)
    assert [its.shift(a, before) for a in ACTIONS] == [0.0] * 6
    after = [its.appetites[a] + its.shift(a, then) for a in ACTIONS]
    assert after == pytest.approx(swapped(its.appetites))
    assert (after[best], after[worst]) == pytest.approx((min(its.appetites), max(its.appetites)))
    assert sum(its.shift(a, then) != 0 for a in ACTIONS) == 2


def test_a_crowd_counts_the_sessions_of_each_segment() -> None:
    met = [c.visit.moment.session for c in callers(World.BASE, 400) if c.life.segment is LOW]
    assert met == list(range(len(met)))


def test_three_visits_of_five_only_look_where_it_is_quiet() -> None:
    known, looked = set[str](), []
    for caller in callers(World.QUIET, 4000):
        if caller.life.user in known:
            looked.append(caller.visit.ending is Ending.LOOKED)
        known.add(caller.life.user)
    assert fmean(looked) == pytest.approx(0.61, abs=0.03)


def plan() -> list[Offered]:
    return offered(first_slate(LOW, ACTIONS[0]))


def done_visit(someone: Person, day: float = 0.0) -> Visit:
    moment = next_visit(someone, newcomer=True, moment=Moment(day)).moment
    return Visit(Ending.BATCH, 0.0, moment)


def test_what_was_used_up_comes_back_by_days_away_and_nothing_else_was_touched() -> None:
    someone = somebody(World.RECOVERING)
    fresh = [willingness(someone, done_visit(someone), a) for a in ACTIONS]
    answers(someone, done_visit(someone), 2, plan())
    after = [[willingness(someone, done_visit(someone, day), a) for a in ACTIONS] for day in (1.0, 4.0, 60.0)]
    assert after[0][2] < after[1][2] < after[2][2]
    assert after[0][2] == pytest.approx(fresh[2] * (1 - 0.6 * 0.7 * 0.85))
    assert after[2][2] == pytest.approx(fresh[2], abs=1e-4)
    assert all(now[a] == fresh[a] for now in after for a in ACTIONS if a != 2)


def test_a_plan_that_is_looked_at_uses_nothing_up() -> None:
    someone = somebody(World.RECOVERING)
    answers(someone, Visit(Ending.LOOKED, 0.0), 2, plan())
    assert someone.used == USUAL.used


def test_use_and_rest_add_up() -> None:
    assert used_up(USUAL.used, 1)[1] == 0.7
    assert used_up(used_up(USUAL.used, 1), 1)[1] == pytest.approx(0.91)
    assert rested((0.8,) * 6, 2)[0] == pytest.approx(0.8 * 0.85**2)


def test_demanding_plans_tire_and_the_tired_do_less_find_it_harder_and_leave() -> None:
    tastes = replace(draw_tastes(World.WORN_OUT, 1)[LOW], demand=(1.0, 0.0, 0.5, 0.5, 0.5, 0.5))
    someone = person(1, LOW, 0, 30, tastes)
    calm = [willingness(someone, done_visit(someone), a) for a in ACTIONS]
    for _ in range(10):
        answers(someone, done_visit(someone), 1, plan())
    assert someone.fatigue == 0
    for _ in range(10):
        answers(someone, done_visit(someone), 0, plan())
    assert 0.3 < someone.fatigue <= 1
    worn = [willingness(someone, done_visit(someone), a) for a in ACTIONS]
    assert worn == pytest.approx([its - 0.15 * someone.fatigue for its in calm])
    assert leaving(0.5, someone.fatigue) > leaving(0.5, 0.0) == 0.02


def mean_rating(someone: Person, fatigue: float) -> float:
    someone.fatigue = fatigue
    reported = answers(person(2, LOW, 1, 30, draw_tastes(World.BASE, 1)[LOW]), done_visit(someone), 0, plan())
    ratings = [session_rating(someone, 0, reported) for _ in range(2000)]
    return fmean(rating for rating in ratings if rating is not None)


def test_the_tired_rate_a_session_lower() -> None:
    someone = somebody(World.WORN_OUT)
    assert mean_rating(someone, 0.0) - mean_rating(someone, 0.6) > 0.9


def test_fatigue_piles_up_and_passes() -> None:
    assert tired(0.0, 1.0, 1.0) == 0.6
    assert tired(0.5, 0.0, 1.0) == pytest.approx(0.25)
    assert tired(1.0, 1.0, 1.0) == 1.0


def test_plans_that_are_liked_are_demanding_where_people_tire() -> None:
    pairs = [pair for seed in range(20) for its in draw_tastes(World.WORN_OUT, seed).values()
             for pair in zip(its.appetites, its.demand or (), strict=True)]  # fmt: skip
    liked = fmean(demand for appetite, demand in pairs if appetite > 0.6)
    assert liked > fmean(demand for appetite, demand in pairs if appetite < 0.6) + 0.1


@pytest.mark.parametrize("world", [World.BASE, World.DRIFT, World.PERSONS])
def test_elsewhere_nobody_tires_and_nothing_is_used_up(world: World) -> None:
    for caller in callers(world, 300):
        assert caller.life.person.fatigue == 0
        assert caller.visit.moment.used == USUAL.used
