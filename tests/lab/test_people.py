"""The simulated people: reproducible, and as good as their word."""

from collections.abc import Iterator, Sequence
from statistics import fmean

import pytest

from lab.world.people import (
    TAGS,
    Answer,
    Ending,
    Offered,
    Person,
    Visit,
    answers,
    days_out,
    expected_reward,
    lift,
    next_visit,
    population,
    session_rating,
    willingness,
)
from lab.world.tastes import APPETITES
from rl_core.models import ACTIONS, Segment
from rl_core.sessions.assessment import segment_of
from rl_core.sessions.catalogue import catalogue

PLAN = [Offered(11 + i, "exercise", (3, 5, 10, 15, 20, 10)[i], ("Low", "High", "Moderate")[i % 3]) for i in range(6)]
CALM = Visit(Ending.BATCH, spell=0.0)


def cast() -> list[Person]:
    return population(seed=1, per_segment=4, days=30)


def somebody(segment: Segment = Segment.HIGH_LOW) -> Person:
    return next(person for person in cast() if person.segment == segment)


def simulated(person: Person, visit: Visit, action: int, sessions: int) -> Iterator[float]:
    """Rewards by the spec's formula, from the answers alone."""
    for _ in range(sessions):
        reported = answers(person, visit, action, PLAN)
        done = [answer for answer in reported if answer.completed]
        lifts = [
            a.motivation_after - a.motivation_before
            for a in done
            if a.motivation_before is not None and a.motivation_after is not None
        ]
        yield (len(done) / len(PLAN) + (fmean(lifts) / 5 if lifts else 0.0)) / 2


def test_the_nine_segments_of_the_service_are_peopled() -> None:
    assert list(APPETITES) == [segment.value for segment in Segment]
    assert {person.segment for person in cast()} == set(APPETITES)


def test_every_action_is_the_best_one_somewhere() -> None:
    assert {appetites.index(max(appetites)) for appetites in APPETITES.values()} == set(map(int, ACTIONS))


def test_the_best_action_stands_clear_of_the_second() -> None:
    for appetites in APPETITES.values():
        best, second, *_ = sorted(appetites, reverse=True)
        assert best - second > 0.2


def test_a_seed_makes_the_same_people_who_do_the_same() -> None:
    ours, theirs = cast(), cast()
    assert [list(days_out(person)) for person in ours] == [list(days_out(person)) for person in theirs]
    assert [next_visit(person) for person in ours] == [next_visit(person) for person in theirs]
    assert [answers(p, CALM, 2, PLAN) for p in ours] == [answers(p, CALM, 2, PLAN) for p in theirs]


def test_another_seed_makes_other_people() -> None:
    assert [p.deviation for p in cast()] != [p.deviation for p in population(seed=2, per_segment=4, days=30)]


def test_some_people_like_another_plan_than_their_segment_best_and_most_do_not() -> None:
    people = population(seed=1, per_segment=20, days=30)
    differ = fmean(best(own_appetites(person)) != best(person.tastes.appetites) for person in people)
    assert 0.05 < differ < 0.5


def own_appetites(person: Person) -> list[float]:
    return [a + own for a, own in zip(person.tastes.appetites, person.deviation, strict=True)]


def best(appetites: Sequence[float]) -> int:
    return appetites.index(max(appetites))


def test_a_person_does_not_depend_on_how_many_others_there_are() -> None:
    alone = population(seed=1, per_segment=1, days=30)[0]
    assert alone.deviation == cast()[0].deviation


def test_scores_land_in_the_persons_segment() -> None:
    scored = [person for person in cast() if person.scores]
    assert scored
    assert all(segment_of(*person.scores) == person.segment for person in scored if person.scores)


def test_the_tags_to_avoid_are_the_catalogues() -> None:
    assert set(TAGS) == set(catalogue().tags)


@pytest.mark.parametrize("action", [int(action) for action in ACTIONS])
@pytest.mark.parametrize("ending", [Ending.BATCH, Ending.HALF_WAY, Ending.LOOKED])
def test_the_expected_reward_is_the_mean_of_the_simulated_ones(ending: Ending, action: int) -> None:
    person, visit = somebody(), Visit(ending, spell=-0.4)
    rewards = list(simulated(person, visit, action, 4000))
    error = 4 * fmean((r - fmean(rewards)) ** 2 for r in rewards) ** 0.5 / len(rewards) ** 0.5
    assert fmean(rewards) == pytest.approx(expected_reward(person, visit, action, len(PLAN)), abs=error + 1e-12)


def test_ratings_stay_on_the_scale_and_bring_the_lift_that_was_promised() -> None:
    person = somebody()
    person.disposition = 0.8
    given: list[Answer] = [answer for _ in range(2000) for answer in answers(person, CALM, 5, PLAN)]
    pairs = [(a.motivation_before, a.motivation_after) for a in given if a.motivation_after is not None]
    assert {rating for pair in pairs for rating in pair} <= set(range(1, 6))
    mean = fmean(after - before for before, after in pairs if before is not None)
    assert mean == pytest.approx(lift(person, willingness(person, CALM, 5)), abs=0.05)


def test_some_questions_are_left_open_and_some_are_not() -> None:
    given = [answer for person in cast() for answer in answers(person, CALM, 0, PLAN)]
    for question in ("motivation_after", "difficulty_rating"):
        assert {getattr(answer, question) is None for answer in given} == {True, False}


def test_who_stops_half_way_answers_the_first_half_in_order() -> None:
    reported = answers(somebody(), Visit(Ending.HALF_WAY, 0.0), 1, PLAN)
    assert [answer.activity_id for answer in reported] == [11, 12, 13]


def test_a_bad_spell_takes_from_hard_plans_and_gives_to_light_ones() -> None:
    person, bad = somebody(Segment.MODERATE_MODERATE), Visit(Ending.BATCH, spell=-1.0)
    assert willingness(person, bad, 1) < willingness(person, CALM, 1)
    assert willingness(person, bad, 5) > willingness(person, CALM, 5)


def test_every_way_of_using_the_app_occurs() -> None:
    people = cast()
    assert {next_visit(person).ending for person in people for _ in range(200)} == set(Ending)
    assert any(person.last_day < 30 for person in people)


def test_session_ratings_are_one_to_five_or_none() -> None:
    person, reported = somebody(), [Answer(11, True)]
    ratings = {session_rating(person, 0, reported) for _ in range(500)}
    assert None in ratings
    assert ratings - {None} <= set(range(1, 6))
