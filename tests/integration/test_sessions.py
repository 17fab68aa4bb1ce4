"""One session's life over HTTP, as section 6 of the specification has it."""

from collections.abc import Callable
from typing import Any

import pytest

from local.phone import ids
from local.stack import Stack
from rl_core.models import Segment
from rl_core.store import ReadBudget, Store
from tests.integration.conftest import SEGMENT, Phone, done, learn_all, ok, problem

NewUser = Callable[..., Phone]
Later = Callable[..., None]


def lessons(table: Store, phone: Phone) -> int:
    """How many times a session of this user was learned from."""
    keys = {session.key for session in table.newest_sessions(phone.user, ReadBudget(1000))}
    return sum(t.key in keys for record in table.records(Segment(SEGMENT)) for t in record.transitions)


def scores(phone: Phone) -> tuple[float, float]:
    profile = phone.profile()
    return profile["engagement_score"], profile["motivation_score"]


def percent(part: int, whole: int) -> str:
    return f"{(200 * part + whole) // (2 * whole)}%"


def answer_all(phone: Phone, plan: dict[str, Any], **answer: Any) -> dict[str, Any]:
    """The answer to the last of a session's activities, all completed alike."""
    return [ok(phone.complete(its, **answer)) for its in ids(plan)][-1]


# Being issued.


def test_without_a_profile_there_is_no_plan(stranger: Callable[[], Phone]) -> None:
    assert problem(stranger().recommend(), 409) == "profile-required"


def test_an_open_session_comes_back(ana: Phone, later: Later) -> None:
    plan = ana.plan()
    later(hours=47)
    assert ana.plan() == plan


def test_the_plan_shows_what_was_completed(ana: Phone) -> None:
    first = ids(ana.plan())[0]
    ok(ana.complete(first))
    assert [a["completed"] for a in ana.plan()["activities"]][:2] == [True, False]


def test_what_was_only_prefetched_expires_unseen(ana: Phone, table: Store, later: Later, stack: Stack) -> None:
    plan = ana.plan(prefetch=True)
    assert ana.plan(prefetch=True) == plan
    later(hours=48)
    learn_all(stack)
    assert (ana.latest()["status"], ana.latest()["reward"]) == ("unseen", None)
    assert (scores(ana), lessons(table, ana)) == ((0, 0), 0)
    assert problem(ana.batch(done(plan)), 409) == "session-closed"
    assert ana.plan()["rl_action_id"] != plan["rl_action_id"]


@pytest.mark.parametrize("prefetch", [None, False])
def test_what_was_prefetched_and_then_shown_is_learned_from(
    ana: Phone, table: Store, later: Later, prefetch: bool | None
) -> None:
    plan = ana.plan(prefetch=True)
    assert ana.plan(prefetch) == plan
    later(hours=48)
    assert (ana.latest()["status"], ana.latest()["reward"]) == ("learned", 0)
    assert lessons(table, ana) == 1


def test_what_was_prefetched_and_answered_is_learned_from(ana: Phone, later: Later) -> None:
    ok(ana.complete(ids(ana.plan(prefetch=True))[0], completed=False))
    later(hours=48)
    assert ana.latest()["status"] == "learned"


# Expiring.


def test_at_its_time_a_session_takes_no_answers(ana: Phone, pause: Later) -> None:
    plan = ana.plan()
    pause(hours=48, seconds=-1)
    ok(ana.complete(ids(plan)[0]))
    pause(seconds=1)
    assert problem(ana.complete(ids(plan)[1]), 409) == "session-closed"
    assert problem(ana.batch(done(plan)), 409) == "session-closed"
    assert ana.latest()["status"] == "open"


def test_a_get_closes_the_expired_session_and_issues_the_next(
    ana: Phone, table: Store, pause: Later, stack: Stack
) -> None:
    plan = ana.plan()
    ok(ana.complete(ids(plan)[0], motivation_before=1, motivation_after=5))
    pause(hours=48)
    assert ana.plan()["session_id"] == plan["session_id"] + 1
    fresh, old = ana.sessions()
    assert (fresh["status"], old["status"]) == ("open", "closed")
    assert old["closed_at"] == fresh["issued_at"]
    assert old["reward"] == round((1 / len(ids(plan)) + 0.8) / 2, 4)
    assert scores(ana) == (round(0.8 * 0.2 / len(ids(plan)), 4), 0.16)  # less a fifth for the day between
    learn_all(stack)
    assert (ana.sessions()[1]["status"], lessons(table, ana)) == ("learned", 1)


def test_the_job_closes_what_expired_and_learns_from_it(ana: Phone, table: Store, later: Later) -> None:
    ok(ana.complete(ids(ana.plan())[0]))
    later(hours=47, minutes=59)
    assert ana.latest()["status"] == "open"
    later(minutes=1)
    assert (ana.latest()["status"], lessons(table, ana)) == ("learned", 1)


# Answers while it is open.


def test_answers_may_change_while_the_session_is_open(ana: Phone) -> None:
    first = ids(ana.plan())[0]
    ok(ana.complete(first, motivation_before=2, motivation_after=4, notes="good"))
    changed = ok(ana.complete(first, completed=False, motivation_after=1))
    assert changed["activity"]["completion_date"] is None
    assert changed["activity"].items() >= {"completed": False, "motivation_before": 2, "motivation_after": 1}.items()
    assert changed["stats"] == {
        "total_completed_today": 0,
        "completion_rate": "0%",
        "avg_motivation_increase": 0,
        "engagement_delta": 0,
    }


def test_a_field_left_out_stays_and_null_clears(ana: Phone) -> None:
    first = ids(ana.plan())[0]
    rated = {"motivation_before": 2, "motivation_after": 4, "difficulty_rating": 3, "notes": "good"}
    ok(ana.complete(first, **rated))
    assert ok(ana.complete(first))["activity"].items() >= rated.items()
    cleared = ok(ana.complete(first, **dict.fromkeys(rated)))["activity"]
    assert cleared.items() >= {**dict.fromkeys(rated), "notes": ""}.items()


def test_the_same_answer_again_changes_nothing(ana: Phone, later: Later, table: Store) -> None:
    first = ids(ana.plan())[0]
    answer = ok(ana.complete(first, motivation_before=2, motivation_after=4))
    stored = table.head(ana.user)
    later(hours=1)
    assert ok(ana.complete(first, motivation_before=2, motivation_after=4)) == answer
    assert table.head(ana.user) == stored


def test_the_figures_follow_the_formulas(ana: Phone) -> None:
    plan = ana.plan()
    one, two, *rest = ids(plan)
    count = len(rest) + 2
    stats = ok(ana.complete(one, motivation_before=2, motivation_after=4))["stats"]
    assert stats["completion_rate"] == percent(1, count)
    assert (stats["avg_motivation_increase"], stats["engagement_delta"]) == (2, round(0.2 / count, 4))
    stats = ok(ana.complete(two, motivation_before=3, motivation_after=2, difficulty_rating=3))["stats"]
    assert stats["completion_rate"] == percent(2, count)
    assert (stats["avg_motivation_increase"], stats["engagement_delta"]) == (0.5, round(0.4 / count + 0.05, 4))
    answer = ok(ana.batch([{"activity_id": rest[0], "completed": False}], overall_session_rating=4))
    assert answer["activities_updated"] == 1
    assert answer["engagement_delta"] == round(0.4 / count + 0.05 + 0.1, 4)
    assert answer["rl_reward_signal"] == round((2 / count + 0.1) / 2, 4)
    assert scores(ana) == (answer["engagement_delta"], 0.02)


def test_the_next_session_starts_from_the_moved_scores(ana: Phone) -> None:
    ok(ana.batch(done(ana.plan(), motivation_before=1, motivation_after=5)))
    assert scores(ana) == (0.2, 0.16)
    plan = ana.plan()
    assert "rising" in plan["reason"]
    ok(ana.batch(done(plan, 0)))
    assert scores(ana) == (0.16, 0.128)


def test_completions_of_the_day_count_over_sessions_in_the_users_own_day(newcomer: NewUser, later: Later) -> None:
    ana = newcomer(timezone="Pacific/Kiritimati")  # fourteen hours ahead: the day ends at ten in the morning, UTC
    plan = ana.plan()
    ends = (10 - ana_hour(ana)) % 24 or 24
    later(hours=ends, minutes=-2)
    count = ok(answer_last(ana, plan))["stats"]["total_completed_today"]
    assert count == len(ids(plan))
    first, second, *_ = ids(ana.plan())
    assert ok(ana.complete(first))["stats"]["total_completed_today"] == count + 1
    later(minutes=2)
    assert ok(ana.complete(first))["stats"]["total_completed_today"] == 0
    assert ok(ana.complete(second))["stats"]["total_completed_today"] == 1
    assert ana.profile()["streak_days"] == 2


def test_completions_of_the_day_count_over_any_number_of_sessions(ana: Phone) -> None:
    total = 0
    for _ in range(15):
        plan = ana.plan()
        ok(ana.batch(done(plan)))
        total += len(ids(plan))
    first = ids(ana.plan())[0]
    assert ok(ana.complete(first))["stats"]["total_completed_today"] == total + 1


def ana_hour(ana: Phone) -> int:
    return int(ana.latest()["issued_at"][11:13])


def answer_last(ana: Phone, plan: dict[str, Any]) -> Any:
    *most, last = ids(plan)
    for its in most:
        ok(ana.complete(its))
    return ana.complete(last)


# Its end.


def test_the_last_answer_ends_the_session_as_a_batch_would(newcomer: NewUser, table: Store) -> None:
    ana, bob = newcomer(), newcomer()
    said = {"motivation_before": 2, "motivation_after": 4, "difficulty_rating": 3}
    before = table.policy(Segment(SEGMENT)).episodes
    last = answer_all(ana, ana.plan(), **said)
    batch = ok(bob.batch(done(bob.plan(), **said)))
    assert ana.latest()["status"] == bob.latest()["status"] == "learned"
    assert ana.latest()["reward"] == bob.latest()["reward"] == batch["rl_reward_signal"] == 0.7
    assert last["stats"]["engagement_delta"] == batch["engagement_delta"] == 0.25
    assert scores(ana) == scores(bob)
    assert batch["training_metrics"]["total_episodes"] == before + 2


def test_a_learned_session_takes_the_same_answer_and_no_other(ana: Phone, later: Later, table: Store) -> None:
    plan = ana.plan()
    answer = answer_all(ana, plan, motivation_before=2)
    stored = table.head(ana.user)
    later(minutes=5)
    assert ok(ana.complete(ids(plan)[-1], motivation_before=2)) == answer
    for other in ({"completed": False}, {"motivation_before": 3}, {"motivation_before": None}, {"notes": "more"}):
        assert problem(ana.complete(ids(plan)[-1], **other), 409) == "session-closed"
    assert table.head(ana.user) == stored


def but_for_the_rate(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without the exploration rate, which is as of now."""
    return answer | {"training_metrics": answer["training_metrics"] | {"exploration_rate": ...}}


def test_a_batch_replayed_gives_the_same_figures(ana: Phone, later: Later, newcomer: NewUser, table: Store) -> None:
    plan = ana.plan()
    said: dict[str, Any] = {"overall_session_rating": 4, "notes": "Good workout, tired now"}
    answer = but_for_the_rate(ok(ana.batch(done(plan, 3), **said)))
    bob = newcomer()
    ok(bob.batch(done(bob.plan())))
    stored = table.head(ana.user)
    later(days=3)
    assert but_for_the_rate(ok(ana.batch(done(plan, 3), **said))) == answer
    fewer = but_for_the_rate(ok(ana.batch(done(plan, 3)[:2])))
    assert fewer == answer | {"activities_updated": 2}
    assert (table.head(ana.user), lessons(table, ana)) == (stored, 1)


def test_another_batch_on_a_closed_session_is_refused(ana: Phone, table: Store) -> None:
    plan = ana.plan()
    ok(ana.batch(done(plan, 3), overall_session_rating=4))
    stored = table.head(ana.user)
    wrong: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
        (done(plan, 2), {}),
        (done(plan, 3, notes="new"), {}),
        (done(plan, 3), {"overall_session_rating": 5}),
        (done(plan, 3), {"overall_session_rating": None}),
        (done(plan, 3), {"notes": "new"}),
    ]
    for items, more in wrong:
        assert problem(ana.batch(items, **more), 409) == "session-closed"
    assert table.head(ana.user) == stored


def test_what_a_batch_does_not_mention_keeps_its_answer_or_counts_as_not_completed(ana: Phone) -> None:
    plan = ana.plan()
    one, two, *_ = ids(plan)
    ok(ana.complete(one))
    answer = ok(ana.batch([{"activity_id": two, "completed": True}]))
    assert answer["rl_reward_signal"] == round(2 / len(ids(plan)) / 2, 4)
    assert [a["completed"] for a in ana.latest()["activities"]] == [True, True] + [False] * (len(ids(plan)) - 2)


def test_stating_afterwards_what_counts_as_not_completed_agrees(ana: Phone) -> None:
    plan = ana.plan()
    answer = ok(ana.batch(done(plan, 1)[:1]))
    assert ok(ana.batch(done(plan, 1))) == answer | {"activities_updated": len(ids(plan))}


def test_a_batch_never_mixes_sessions(ana: Phone) -> None:
    plan = ana.plan()
    ok(ana.batch(done(plan)))
    mixed = [*done(plan)[:1], *done(ana.plan())[:1]]
    assert problem(ana.batch(mixed), 422) == "invalid-request"
    assert ana.latest()["status"] == "open"


# Rating and notes after single completions.


def test_a_rating_after_completions_moves_engagement_once_and_no_reward(ana: Phone, table: Store) -> None:
    plan = ana.plan()
    answer_all(ana, plan)
    reward = ana.latest()["reward"]
    said: dict[str, Any] = {"overall_session_rating": 5, "notes": "Good"}
    answer = ok(ana.batch(done(plan), **said))
    assert (answer["engagement_delta"], answer["rl_reward_signal"]) == (0.4, reward)
    assert scores(ana)[0] == 0.4
    assert ok(ana.batch(done(plan), **said)) == answer
    assert (scores(ana)[0], lessons(table, ana), ana.latest()["reward"]) == (0.4, 1, reward)
    closing = table.head(ana.user).sessions[0].closing
    assert closing is not None
    assert (closing.rating, closing.notes) == (5, "Good")
    assert problem(ana.batch(done(plan), overall_session_rating=4), 409) == "session-closed"


def test_a_session_that_a_batch_ended_takes_no_rating_later(ana: Phone) -> None:
    plan = ana.plan()
    ok(ana.batch(done(plan)))
    assert problem(ana.batch(done(plan), overall_session_rating=4), 409) == "session-closed"
    assert scores(ana)[0] == 0.2


def test_a_session_that_expired_takes_no_rating_later(ana: Phone, later: Later) -> None:
    plan = ana.plan()
    ok(ana.complete(ids(plan)[0]))
    later(hours=48)
    assert problem(ana.batch(done(plan, 1)[:1], overall_session_rating=4), 409) == "session-closed"


def test_a_rating_after_the_next_plan_is_kept_but_moves_nothing(ana: Phone, table: Store) -> None:
    plan = ana.plan()
    answer_all(ana, plan)
    ana.plan()
    answer = ok(ana.batch(done(plan), overall_session_rating=5))
    assert answer["engagement_delta"] == scores(ana)[0] == 0.2
    closing = table.head(ana.user).sessions[1].closing
    assert closing is not None
    assert closing.rating == 5


# The policy in trouble.


def set_learner(stack: Stack, segment: Segment, learner: str) -> None:
    """Says whose the stored table is: of a learner that is not here, it cannot be read."""
    stack.dynamodb.update_item(
        TableName=stack.table_name,
        Key={"pk": {"S": f"SEGMENT#{segment.name}"}, "sk": {"S": "POLICY"}},
        UpdateExpression="SET learner = :learner",
        ExpressionAttributeValues={":learner": {"S": learner}},
    )


def test_an_unreadable_policy_queues_feedback_and_falls_back(newcomer: NewUser, stack: Stack, table: Store) -> None:
    segment = Segment.MODERATE_HIGH
    ana = newcomer(segment=segment)
    ok(ana.batch(done(ana.plan())))
    plan = ana.plan()
    set_learner(stack, segment, "posterior/99")
    assert ok(ana.batch(done(plan)))["training_metrics"] == {
        "total_episodes": None,
        "epsilon": None,
        "policy_version": None,
        "learning": "queued",
        "why": None,
        "exploration_rate": None,
    }
    fallback = ana.plan()
    assert "at random" in fallback["reason"]
    set_learner(stack, segment, "posterior/2")
    told = ok(ana.batch(done(fallback)))["training_metrics"]
    assert (told["learning"], told["why"], told["exploration_rate"]) == ("none", "fallback", 1)
    learn_all(stack)
    assert [s["status"] for s in ana.sessions()] == ["closed", "learned", "learned"]
    assert table.policy(segment).episodes == 2
    assert scores(ana)[0] == round(1 - 0.8**3, 4)
