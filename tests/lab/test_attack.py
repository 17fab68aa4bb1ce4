"""The attackers of `make bench-attack`, and the honest people beside them."""

import pickle
from collections.abc import Iterator
from datetime import timedelta

import pytest

from lab.bench.attack.account import Account, best, middling, worst
from lab.bench.attack.attackers import Actor, Case, Push, attacker, truth_of
from lab.bench.attack.course import Course
from lab.bench.attack.honest import DAY, START, Home
from lab.bench.attack.service import Chosen, Play, Service
from lab.world.tastes import World, draw_tastes
from rl_core.config import Settings
from rl_core.learner import fold
from rl_core.models import Action, EndedBy, Policy, Profile, Segment, Session, Why
from rl_core.sessions import Ending, record, transition_of

SEGMENT = Segment.HIGH_LOW
SETTINGS = Settings(table_name="none")
TASTES = draw_tastes(World.BASE, 1)[SEGMENT]
TRUTH = truth_of(TASTES)
CAP = SETTINGS.learned_per_day


@pytest.fixture
def service() -> Service:
    return Service(SEGMENT, SETTINGS)


class Closed(Service):
    """A service that keeps what was closed in it."""

    def __init__(self) -> None:
        super().__init__(SEGMENT, SETTINGS)
        self.sessions: list[Session] = []

    def learn(self, session: Session) -> None:
        self.sessions.append(session)
        super().learn(session)

    def taught(self) -> list[Session]:
        return [session for session in self.sessions if session.why is None]


def attacked(case: Case, days: int, service: Service, until: int | None = None) -> Actor:
    """An attacker alone in a segment, for so many days of a course of that length or of `until` days."""
    actor, now = attacker(case, 1, service, TASTES, START, until or days, SETTINGS.sessions_per_day), START
    while now < START + DAY * days:
        now = actor.act(service, now)
    return actor


def course(people: int = 3, settings: Settings = SETTINGS) -> Course:
    return Course(1, SEGMENT, people, settings)


def closed(profile: Profile, said: str, service: Service) -> tuple[Profile, float]:
    issued = service.issue(profile, None, START, float, shown=True)
    answers = {"best": best, "worst": worst, "middling": middling}[said](issued.session)
    ended = record(issued.session, issued.profile, answers, SETTINGS, START, Ending(EndedBy.BATCH))
    assert ended.session.closing is not None
    return ended.profile, ended.session.closing.reward


# What they say and how often it counts.


@pytest.mark.parametrize(
    ("said", "least", "most"), [("best", 0.9, 0.9), ("worst", -0.32, -0.3), ("middling", 0.2, 0.3)]
)
def test_answers_bring_the_reward_that_they_are_named_for(
    said: str, least: float, most: float, service: Service
) -> None:
    _, reward = closed(Profile("u", b"k", SEGMENT, START), said, service)
    assert least <= reward <= most


def test_a_day_of_the_attacker_is_twelve_sessions_of_which_two_are_learned_from() -> None:
    service = Closed()
    attacked(Case.PUSH, 3, service)
    assert len(service.sessions) == 36
    assert service.policy.episodes == len(service.taught()) == 3 * CAP
    assert {session.why for session in service.sessions} == {None, Why.OVER_WEIGHT}


def test_a_push_praises_the_worst_action_alone() -> None:
    service = Closed()
    attacked(Case.PUSH, 5, service)
    praised = {s.decision.action for s in service.sessions if s.closing and s.closing.reward > 0}
    assert praised == {TRUTH.worst}


def test_a_displacement_praises_the_second_and_runs_down_the_best() -> None:
    service = Closed()
    attacked(Case.DISPLACE, 10, service)
    rewards = {s.decision.action: round(s.closing.reward, 1) for s in service.sessions if s.closing}
    assert rewards[TRUTH.second] == 0.9
    assert rewards[TRUTH.best] == -0.3
    assert {rewards[a] for a in set(Action) - {TRUTH.best, TRUTH.second}} <= {0.2, 0.3}


def test_a_change_of_segment_and_back_changes_nothing_yet() -> None:
    push, reset = Closed(), Closed()
    attacked(Case.PUSH, 3, push)
    attacked(Case.RESET, 3, reset)
    assert push.sessions == reset.sessions


def test_a_session_held_over_night_teaches_on_the_next_day() -> None:
    service = Closed()
    attacked(Case.HOLD, 20, service)
    held = [s for s in service.sessions if s.closed_at and s.closed_at.date() > s.issued_at.date()]
    assert held
    assert {s.decision.action for s in held} == {TRUTH.worst}
    assert {s.why for s in held} == {None}


def test_a_mimic_is_an_honest_person_until_it_turns() -> None:
    service = Closed()
    attacked(Case.MIMIC, 8, service, until=12)
    names = {s.user for s in service.sessions}
    before = [s for s in service.sessions if s.issued_at < START + DAY * 6]
    assert len(names) == 1
    assert len(before) <= 6
    assert len(service.sessions) - len(before) >= 2 * (SETTINGS.sessions_per_day - 1)


# Deleting the account.


def test_an_erasure_leaves_what_the_others_sessions_fold_to() -> None:
    service, home = Closed(), Home(1, SEGMENT, TASTES, range(1))
    actor, now = attacker(Case.RETURN, 1, service, TASTES, START, 30, 12), home.begins
    for _ in range(10):
        actor.act(service, now)
        now = home.act(service, now)
    others = [transition_of(session) for session in service.taught() if session.user != "attacker"]
    assert service.policy.episodes > service.without.episodes == len(others)
    assert service.without == fold(Policy(SEGMENT), others, service.how)
    service.erase()
    assert service.policy == service.without


def test_who_used_up_a_cap_is_not_back_before_the_day_is_over(service: Service) -> None:
    account = Account(1, SEGMENT, START)
    service.watch(account.person)
    for _ in range(CAP):
        account.answer(service, START, worst(account.draw(service, START)))
    assert service.policy.episodes == CAP
    assert not account.start_anew(service, START + timedelta(hours=23))
    account.draw(service, START + DAY)
    assert account.start_anew(service, START + DAY * 2)
    assert service.policy.episodes == 0


def test_who_has_taught_nothing_comes_back_until_the_worst_action_is_drawn() -> None:
    service = Closed()
    actor = attacked(Case.RETURN, 1, service)
    assert isinstance(actor, Push)
    assert actor.account.lives > 1
    assert service.sessions[0].decision.action is TRUTH.worst


# The honest.


def test_a_course_is_the_same_again_and_another_with_another_seed() -> None:
    assert course().outcome(5) == pickle.loads(course().kept()).outcome(5)
    assert course().outcome(5) != Course(2, SEGMENT, 3, SETTINGS).outcome(5)


@pytest.mark.parametrize("case", Case)
def test_an_attacker_is_felt_through_what_is_learned_alone(case: Case) -> None:
    nobody_teaches = Settings(table_name="none", learned_per_day=0)
    beside = course(settings=nobody_teaches)
    beside.attacked(case, 6, 12)
    assert beside.outcome(6) == course(settings=nobody_teaches).outcome(6)


def test_a_push_costs_honest_people() -> None:
    lost = 0.0
    for seed in range(4):
        alone, beside = (Course(seed, SEGMENT, 3, SETTINGS) for _ in range(2))
        beside.attacked(Case.PUSH, 30, 12)
        lost += alone.outcome(30).worth - beside.outcome(30).worth
    assert lost > 0


def test_who_knows_what_people_like_serves_them_better_than_the_learner_and_that_better_than_chance() -> None:
    worths = dict(zip(Play, (played(play) for play in Play), strict=True))
    assert worths[Play.BEST] > worths[Play.LEARNED] > worths[Play.EVEN]


def played(play: Play) -> float:
    its = course(people=10)
    if play is not Play.LEARNED:
        its.service = Chosen(SEGMENT, SETTINGS, play)
    return its.outcome(30).worth


def test_an_old_segment_has_its_sessions_behind_it_and_counts_none_of_them() -> None:
    its = course()
    its.until(30)
    assert its.visits >= 30
    assert its.now > START
    assert its.outcome(2).visits <= 2 * 3


def test_honest_people_leave_some_sessions_to_expire_and_answer_most() -> None:
    service = Closed()
    for home in homes(20):
        now = home.begins
        while now < START + DAY * 20:
            now = home.act(service, now)
    ended = [s.ended_by for s in service.sessions]
    assert 0.02 < ended.count(EndedBy.EXPIRY) / len(ended) < 0.25
    assert {s.why for s in service.sessions} == {None}
    assert {s.activities[0].completed for s in service.sessions if s.closing} == {True, False}


def homes(count: int) -> Iterator[Home]:
    return (Home(1, SEGMENT, TASTES, range(at, 1000, count)) for at in range(count))
