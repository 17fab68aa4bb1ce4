"""Pauses, over HTTP: what an app says and hears, and what a paused user is spared."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.phone import ids
from local.stack import Stack
from rl_core.sessions import MOST_PAUSES
from rl_core.store import Store
from tests.integration.conftest import SEGMENT, Phone, at_now, at_once, done, ok, problem

Later = Callable[..., None]


def until(user: Phone, **later: float) -> str:
    """A time so much later than now."""
    return f"{user.stack.clock.now() + timedelta(**later):%Y-%m-%dT%H:%M:%SZ}"


def test_who_never_paused_is_not_paused(ana: Phone) -> None:
    assert ok(ana.get_pause()) == {"until": None}
    assert ana.delete_pause().status == 204
    assert ok(ana.get_pause()) == {"until": None}


def test_while_paused_no_plan_is_given_and_the_refusal_says_until_when(ana: Phone) -> None:
    end = until(ana, days=3)
    assert ok(ana.put_pause(end)) == ok(ana.get_pause()) == {"until": end}
    for prefetch in (None, True):
        refused = ana.recommend(prefetch)
        assert problem(refused, 409, "until", "support") == "paused"
        assert refused.body["until"] == end
    assert ana.sessions() == []
    assert ana.delete_pause().status == 204
    assert ana.plan()["session_id"] == 1


def test_it_can_be_moved_both_ways_and_said_again(ana: Phone) -> None:
    for days in (3, 180, 1, 1):
        end = until(ana, days=days) if days < 180 else until(ana, days=180, seconds=-5)
        assert ok(ana.put_pause(end)) == {"until": end}
    assert at_now(ana.stack, ok(ana.get_pause())["until"], days=1)


@pytest.mark.parametrize(
    "spelled", ["%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dt%H:%M:%Sz", "%Y-%m-%dT%H:%M:%S-00:00"]
)
def test_a_time_may_be_spelled_as_rfc_3339_allows(ana: Phone, spelled: str) -> None:
    end = datetime.fromisoformat(until(ana, days=3))
    assert ok(ana.put_pause(end.strftime(spelled))) == {"until": f"{end:%Y-%m-%dT%H:%M:%SZ}"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"until": None},
        {"until": 1795420680},
        {"until": "1795420680"},
        {"until": True},
        {"until": "tomorrow"},
        {"until": "2026-12-24"},
        {"until": "2026-12-24T18:00:00"},
        {"until": "2026-12-24 18:00:00Z"},
        {"until": "2026-12-24T18:00Z"},
        {"until": "2026-12-24T18:00:00.5Z"},
        {"until": "2026-13-24T18:00:00Z"},
        {"until": "2026-12-24T18:00:60Z"},
        {"until": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"until": "9999-12-31T23:59:59Z"},
        {"until": "2020-01-01T00:00:00Z"},
        {"until": "\u0662\u0660\u0662\u0666-12-24T18:00:00Z"},
        {"until": ["2026-12-24T18:00:00Z"]},
        {"until": "2026-12-24T18:00:00Z", "since": "2026-12-24T18:00:00Z"},
        [],
        "no",
    ],
)
def test_what_does_not_fit_changes_nothing(ana: Phone, body: Any) -> None:
    assert problem(ana.ask("PUT", "/pause/", body), 422) == "invalid-request"
    assert ok(ana.get_pause()) == {"until": None}


@pytest.mark.parametrize("later", [{"seconds": -1}, {"days": 181}])
def test_a_pause_ends_in_the_future_and_within_180_days(ana: Phone, later: dict[str, float]) -> None:
    assert problem(ana.put_pause(until(ana, **later)), 422) == "invalid-request"


def test_before_a_profile_and_while_erasing_there_is_no_pause(stranger: Callable[[], Phone]) -> None:
    nobody = stranger()
    calls: list[Callable[[], Any]] = [
        nobody.get_pause,
        nobody.delete_pause,
        lambda: nobody.put_pause(until(nobody, days=1)),
    ]
    assert {problem(call(), 409) for call in calls} == {"profile-required"}
    ok(nobody.put_profile(segment=SEGMENT))
    assert nobody.delete_profile().status == 204
    assert {problem(call(), 409) for call in calls} == {"erasing"}


def test_another_users_pause_is_not_touched(ana: Phone, newcomer: Callable[..., Phone]) -> None:
    ok(newcomer().put_pause(until(ana, days=3)))
    assert ok(ana.get_pause()) == {"until": None}
    assert ana.plan()["session_id"] == 1


def test_pauses_that_race_become_one(ana: Phone, table: Store) -> None:
    end = until(ana, days=2)
    assert [answer.status for answer in at_once(8, lambda: ana.put_pause(end))] == [200] * 8
    profile = table.profile(ana.user)
    assert profile is not None
    assert len(profile.pauses) == 1


def test_plans_that_race_with_a_pause_are_given_before_it_or_not_at_all(ana: Phone) -> None:
    def either(n: int) -> int:
        return ana.put_pause(until(ana, days=2)).status if n == 3 else ana.recommend().status

    numbers = iter(range(8))
    assert set(at_once(8, lambda: either(next(numbers)))) <= {200, 409}
    assert problem(ana.recommend(), 409, "until", "support") == "paused"


def test_an_open_session_is_answered_and_learned_from(ana: Phone) -> None:
    plan = ana.plan()
    ok(ana.put_pause(until(ana, days=3)))
    assert ok(ana.complete(ids(plan)[0]))["stats"]["total_completed_today"] == 1
    assert ok(ana.batch(done(plan)))["training_metrics"]["learning"] == "applied"
    assert problem(ana.recommend(), 409, "until", "support") == "paused"


def test_a_ninth_pause_is_refused_until_the_day_is_over(stack: Stack, ana: Phone, pause: Later) -> None:
    for _ in range(MOST_PAUSES):
        ok(ana.put_pause(until(ana, hours=1)))
        pause(minutes=1)
        assert ana.delete_pause().status == 204
        pause(seconds=1)
    refused = ana.put_pause(until(ana, hours=1))
    assert problem(refused, 429) == "too-many-pauses"
    midnight = datetime.combine(
        stack.clock.now().date() + timedelta(days=1), datetime.min.time(), stack.clock.now().tzinfo
    )
    assert int(refused.headers["retry-after"]) == (midnight - stack.clock.now()).total_seconds()
    ana.plan()
    pause(days=1)
    ana.plan()
    assert ok(ana.put_pause(until(ana, hours=1)))["until"]


def test_a_paused_user_keeps_score_and_streak_and_is_not_learned_from(stack: Stack, ana: Phone, pause: Later) -> None:
    for _ in range(2):
        ok(ana.batch(done(ana.plan())))
        pause(days=1)
    plan, before = ana.plan(), ana.profile()
    assert before["streak_days"] == 2
    ok(ana.complete(ids(plan)[0]))
    ok(ana.batch(done(plan)))
    unanswered = ana.plan()
    before = ana.profile()
    assert before["streak_days"] == 3
    ok(ana.put_pause(until(ana, days=20)))
    pause(days=10)
    stack.run_schedule("Learn")
    assert (ana.latest()["session_id"], ana.latest()["status"]) == (unanswered["session_id"], "unseen")
    pause(days=11)
    assert ana.profile() == before
    assert ana.plan()["session_id"] == unanswered["session_id"] + 1
    assert ok(ana.batch(done(ana.plan())))["training_metrics"]["learning"] == "applied"
    assert ana.profile()["streak_days"] == 4
    assert ok(ana.stats())["streak_days"] == 4


def test_days_away_after_a_pause_count_again(ana: Phone, stack: Stack, pause: Later) -> None:
    del stack  # the clock is the local stack's
    ok(ana.batch(done(ana.plan())))
    score = ana.profile()["engagement_score"]
    ok(ana.put_pause(until(ana, days=5)))
    pause(days=6)
    assert (ana.profile()["engagement_score"], ana.profile()["streak_days"]) == (score, 1)
    pause(days=1)
    assert (ana.profile()["engagement_score"], ana.profile()["streak_days"]) == (round(0.8 * score, 4), 0)
