"""The user's days over HTTP: marks, decay as it is read, GET /stats/, the daily job on the stack's own queue."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from local.phone import ids
from local.stack import Stack
from operate.__main__ import main
from rl_core.store import DayTable, Store
from tests.integration.conftest import Phone, at_once, done, everything, ok, problem

NewUser = Callable[..., Phone]
Later = Callable[..., None]


@pytest.fixture
def days(table: Store) -> DayTable:
    return DayTable(table.name, table.client)


def stats(phone: Phone, days: int | None = None) -> Any:
    return ok(phone.stats(days))


def marks(stack: Stack, phone: Phone) -> list[str]:
    mine = [item for item in everything(stack) if item["pk"]["S"] == f"USER#{phone.user}"]
    return [item["sk"]["S"] for item in mine if item["sk"]["S"].startswith("DAY#")]


def today(stack: Stack) -> date:
    return stack.clock.now().date()


def test_eight_looks_at_once_on_a_new_day_leave_one_mark(ana: Phone, stack: Stack, later: Later) -> None:
    plan = ana.plan()
    later(days=1)
    assert [found["session_id"] for found in at_once(8, ana.plan)] == [plan["session_id"]] * 8
    assert marks(stack, ana) == [f"DAY#{today(stack) - timedelta(days=1)}", f"DAY#{today(stack)}"]


def test_looking_again_on_the_same_day_writes_nothing(ana: Phone, stack: Stack) -> None:
    ana.plan()
    before = everything(stack)
    ana.plan()
    assert everything(stack) == before


def test_prefetching_is_no_activity(ana: Phone, stack: Stack) -> None:
    ana.plan(prefetch=True)
    assert marks(stack, ana) == []
    assert stats(ana)["totals"]["active_days"] == 0


def test_an_answer_repeated_after_midnight_marks_no_day(ana: Phone, stack: Stack, later: Later) -> None:
    plan = ana.plan()
    ok(ana.complete(ids(plan)[0], motivation_before=2))
    later(days=1)
    ok(ana.complete(ids(plan)[0], motivation_before=2))
    assert len(marks(stack, ana)) == 1
    ok(ana.complete(ids(plan)[1]))
    assert len(marks(stack, ana)) == 2


def test_engagement_decays_by_a_fifth_for_each_day_away(ana: Phone, later: Later) -> None:
    ok(ana.batch(done(ana.plan())))
    told = []
    for _ in range(4):
        told.append(ana.profile()["engagement_score"])
        later(days=1)
    assert told == [0.2, 0.2, 0.16, 0.128]
    assert stats(ana)["engagement_score"] == ana.profile()["engagement_score"] == 0.1024


def test_the_next_session_starts_from_the_decayed_score(ana: Phone, table: Store, later: Later) -> None:
    ok(ana.batch(done(ana.plan())))
    later(days=3)
    session = table.session(ana.user, ana.plan()["session_id"])
    assert session is not None
    assert session.engagement == pytest.approx(0.2 * 0.8 * 0.8)
    assert ana.profile()["engagement_score"] == 0.128


def test_changing_the_profile_neither_marks_a_day_nor_stops_the_decay(ana: Phone, stack: Stack, later: Later) -> None:
    ok(ana.batch(done(ana.plan())))
    later(days=2)
    ok(ana.put_profile(avoid=["floor"]))
    later(days=1)
    assert ana.profile()["engagement_score"] == 0.128
    assert len(marks(stack, ana)) == 1


def test_flying_back_over_the_date_line_breaks_nothing(newcomer: NewUser, stack: Stack) -> None:
    phone = newcomer(timezone="Pacific/Kiritimati")
    ok(phone.batch(done(phone.plan())))
    before = marks(stack, phone)
    ok(phone.put_profile(timezone="Pacific/Honolulu"))
    ok(phone.batch(done(phone.plan())))
    assert marks(stack, phone) == before
    assert phone.profile()["streak_days"] == 1
    assert stats(phone)["totals"]["sessions"] == 2


def test_today_is_in_the_stats_at_once(ana: Phone, stack: Stack) -> None:
    plan = ana.plan()
    ok(ana.complete(ids(plan)[0], motivation_before=2, motivation_after=4))
    told = stats(ana)
    day = told["daily"][-1]
    minutes = plan["activities"][0]["duration_minutes"]
    assert (day["date"], day["active"], day["assigned"], day["completed"]) == (
        str(today(stack)),
        True,
        len(ids(plan)),
        1,
    )
    assert (day["minutes"], day["avg_motivation_increase"], day["streak_days"]) == (minutes, 2.0, 1)
    assert told["totals"]["completion_rate"] == f"{int(100 / len(ids(plan)) + 0.5)}%"
    assert {kind["type"]: kind["minutes"] for kind in told["by_type"]}[plan["activities"][0]["type"]] == minutes
    assert len(told["daily"]) == told["period"]["days"] == 7


def test_stats_are_the_same_before_and_after_the_days_are_rolled_up(ana: Phone, stack: Stack, later: Later) -> None:
    for _ in range(2):
        ok(ana.batch(done(ana.plan(), 3, motivation_before=2, motivation_after=4)))
        later(days=1)
    told = stats(ana, days=30)
    stack.run_schedule("DailyDispatch")
    stack.drain()
    assert stats(ana, days=30) == told
    assert told["totals"]["active_days"] == 2
    assert told["motivation_trend"]["change"] == told["motivation_score"]


@pytest.mark.parametrize("path", ["/stats", "/stats/"])
@pytest.mark.parametrize(("query", "status"), [("7", 200), ("30", 200), ("90", 200), ("8", 422), ("x", 422), ("", 422)])
def test_a_period_is_7_30_or_90_days(ana: Phone, path: str, query: str, status: int) -> None:
    assert ana.ask("GET", f"{path}?days={query}").status == status


def test_stats_need_a_profile_that_is_not_being_erased(stranger: NewUser, ana: Phone) -> None:
    assert problem(stranger().stats(), 409) == "profile-required"
    ana.delete_profile()
    assert problem(ana.stats(), 409) == "erasing"


def test_an_erased_users_days_are_removed_and_a_new_life_starts_without_them(
    ana: Phone, stack: Stack, later: Later
) -> None:
    ana.plan()
    ana.delete_profile()
    later(minutes=1)
    assert marks(stack, ana) == []
    ok(ana.put_profile(segment="High Anxiety, Low Activity"))
    assert stats(ana)["totals"]["active_days"] == 0


def test_the_stack_runs_the_daily_job_by_its_schedule(ana: Phone, stack: Stack, days: DayTable, later: Later) -> None:
    ok(ana.batch(done(ana.plan())))
    day = today(stack)
    for _ in range(2):
        later(days=1)
    (found,) = days.days_of(ana.user, day, day)
    assert found.figures is not None
    assert (found.figures.completed, found.figures.settled) == (found.figures.assigned, True)


def test_an_operator_computes_a_day_by_hand(
    ana: Phone, newcomer: NewUser, stack: Stack, days: DayTable, capsys: pytest.CaptureFixture[str]
) -> None:
    for phone in (ana, *(newcomer() for _ in range(4))):
        ok(phone.batch(done(phone.plan(), 2, motivation_before=2, motivation_after=4)))
    at = datetime.combine(today(stack), datetime.min.time()) + timedelta(days=5)
    told = ["--endpoint-url", stack.data_url, "daily", str(today(stack)), "--now", f"{at.isoformat()}Z", "--activities"]
    assert main(told) == 0
    printed = capsys.readouterr().out
    (found,) = days.days_of(ana.user, today(stack), today(stack))
    assert found.figures is not None
    assert "High Anxiety, Low Activity: " in printed
    assert "+2.000 (" in printed
    assert " n=" in printed
