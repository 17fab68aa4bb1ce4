"""Many users on one segment at once, and one user with two phones."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from local.phone import Answer, ids
from local.stack import Stack
from rl_core import learner
from rl_core.models import Policy, Segment
from rl_core.store import ReadBudget, Store
from tests.integration.conftest import Phone, Target, at_once, done, everything, learn_all, ok

NewUser = Callable[..., Phone]
THREADS, SESSIONS = 16, 10


def live(phone: Phone, number: int) -> list[str]:
    """Ten sessions, some answered one by one; how each was learned."""
    outcomes = []
    for turn in range(SESSIONS):
        plan = phone.plan()
        items = done(plan, (number + turn) % 8, motivation_before=2, motivation_after=3 + number % 3)
        if turn % 5 == 0:
            for item in items:
                ok(phone.complete(item.pop("activity_id"), **item))
        else:
            outcomes.append(ok(phone.batch(items, overall_session_rating=4))["training_metrics"]["learning"])
    return outcomes


def replay(table: Store, segment: Segment) -> Policy:
    policy = Policy(segment)
    for record in table.records(segment):
        policy = replace(learner.fold(policy, record.transitions, record.fold), version=record.version)
    return policy


def test_sixteen_users_at_once_are_each_learned_from_exactly_once(
    stack: Stack, table: Store, newcomer: NewUser
) -> None:
    segment = Segment.HIGH_HIGH
    phones = [newcomer(segment=segment) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        lives = [pool.submit(live, phone, number) for number, phone in enumerate(phones)]
        early = 0
        while not all(its.done() for its in lives):  # the job runs meanwhile
            early += stack.run_schedule("Learn")["learned"]
    outcomes = [outcome for its in lives for outcome in its.result()]
    late = learn_all(stack)
    policy, records = table.policy(segment), list(table.records(segment))
    sessions = [s for phone in phones for s in table.newest_sessions(phone.user, ReadBudget(1000))]
    queued = outcomes.count("queued")
    print(f"{queued} of {len(outcomes)} batches queued; the job learned {early} meanwhile, {late} after")

    assert len(sessions) == policy.episodes == THREADS * SESSIONS
    assert policy.version == len(records)
    assert set(outcomes) == {"applied", "queued"}  # else this was no race
    assert sorted(t.key for record in records for t in record.transitions) == sorted(s.key for s in sessions)
    assert {str(s.status) for s in sessions} == {"learned"}
    assert policy == replay(table, segment)


def episodes_of(phone: Phone, table: Store, segment: Segment) -> int:
    """How often the user's latest session was learned from; others may teach the segment meanwhile."""
    key = table.head(phone.user).sessions[0].key
    return sum(t.key == key for record in table.records(segment) for t in record.transitions)


def figures(answers: list[Answer]) -> list[dict[str, Any]]:
    """The distinct bodies of answers that are all 200."""
    bodies = [ok(answer) for answer in answers]
    return [body for n, body in enumerate(bodies) if body not in bodies[:n]]


def test_eight_gets_at_once_make_one_session(ana: Phone) -> None:
    assert len(figures(at_once(8, lambda: ana.recommend()))) == 1
    assert len(ana.sessions()) == 1


def test_eight_equal_batches_at_once_make_one_episode(newcomer: NewUser, table: Store) -> None:
    ana = newcomer(segment=Segment.LOW_LOW)
    items = done(ana.plan(), 3, motivation_before=1, motivation_after=3)
    assert len(figures(at_once(8, lambda: ana.batch(items, overall_session_rating=5)))) == 1
    assert episodes_of(ana, table, Segment.LOW_LOW) == 1
    assert ana.profile()["engagement_score"] == ana_moved_once(ana, completed=3, rating=5)


def ana_moved_once(ana: Phone, completed: int, rating: int) -> float:
    return round(0.2 * completed / len(ana.latest()["activities"]) + 0.1 * (rating - 3), 4)


def test_eight_last_answers_at_once_make_one_episode(newcomer: NewUser, table: Store) -> None:
    ana = newcomer(segment=Segment.LOW_MODERATE)
    *most, last = ids(ana.plan())
    for its in most:
        ok(ana.complete(its))
    assert len(figures(at_once(8, lambda: ana.complete(last, difficulty_rating=3)))) == 1
    assert episodes_of(ana, table, Segment.LOW_MODERATE) == 1
    assert ana.profile()["engagement_score"] == round(0.2 + 0.05, 4)


def test_different_answers_at_once_are_all_kept(ana: Phone) -> None:
    *most, _ = ids(ana.plan())
    with ThreadPoolExecutor(len(most)) as pool:
        for answer in pool.map(ana.complete, most):
            ok(answer)
    assert [a["completed"] for a in ana.latest()["activities"]] == [True] * len(most) + [False]


def test_different_batches_at_once_leave_one_winner(newcomer: NewUser, table: Store) -> None:
    ana = newcomer(segment=Segment.LOW_HIGH)
    plan = ana.plan()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: ana.batch(done(plan, n)), range(1, 5)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert episodes_of(ana, table, Segment.LOW_HIGH) == 1


def test_gets_at_once_at_expiry_close_once_and_issue_one(
    newcomer: NewUser, table: Store, stack: Stack, pause: Callable[..., None]
) -> None:
    ana = newcomer(segment=Segment.MODERATE_LOW)
    ok(ana.complete(ids(ana.plan())[0]))
    pause(hours=48)
    assert len(figures(at_once(8, lambda: ana.recommend()))) == 1
    assert [s["status"] for s in ana.sessions()] == ["open", "closed"]
    learn_all(stack)
    assert table.policy(Segment.MODERATE_LOW).episodes == 1


def test_runs_of_the_job_that_overlap_learn_each_session_once(
    newcomer: NewUser, table: Store, stack: Stack, pause: Callable[..., None]
) -> None:
    for _ in range(30):
        newcomer(segment=Segment.MODERATE_HIGH).plan()
    pause(hours=48)
    at_once(6, lambda: stack.run_schedule("Learn"))
    learn_all(stack)
    keys = [t.key for record in table.records(Segment.MODERATE_HIGH) for t in record.transitions]
    assert table.policy(Segment.MODERATE_HIGH).episodes == len(keys) == len(set(keys)) == 30


def test_first_profiles_at_once_are_one_profile(stranger: Callable[[], Phone], target: Target) -> None:
    ana = stranger()
    assert len(figures(at_once(8, lambda: ana.put_profile(segment=Segment.HIGH_MODERATE)))) == 1
    assert len([i for i in everything(target) if i["pk"]["S"] == f"USER#{ana.user}"]) == 1


def test_whoever_is_erased_while_using_it_leaves_nothing(ana: Phone, stack: Stack, later: Callable[..., None]) -> None:
    plan = ana.plan()
    with ThreadPoolExecutor(8) as pool:
        lives = [pool.submit(ana.batch, done(plan)) for _ in range(3)]
        lives += [pool.submit(ana.recommend) for _ in range(3)]
        lives += [pool.submit(ana.delete_profile) for _ in range(2)]
    assert {its.result().status for its in lives} <= {200, 204, 409}
    later(minutes=1)
    assert not [item for item in everything(stack) if ana.user in str(item)]
