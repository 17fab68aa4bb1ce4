"""The lights over the local stack: the guard runs by its schedule, and an operator sees the same from outside."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from local.stack import Stack
from operate.__main__ import main
from rl_core.days import Colour, Guard
from rl_core.store import Store, Watch
from rl_core.work import UNITS
from tests.integration.conftest import Phone, done, everything, ok

NewUser = Callable[..., Phone]
Later = Callable[..., None]


def kept(table: Store) -> Guard:
    return Watch(table, UNITS).guard()


def operate(stack: Stack, *arguments: str) -> int:
    return main(["--endpoint-url", stack.data_url, *arguments])


def check(stack: Stack) -> int:
    return operate(stack, "check", "--now", stack.clock.now().isoformat())


def test_the_guard_runs_each_hour_by_its_schedule(ana: Phone, table: Store, later: Later) -> None:
    ok(ana.batch(done(ana.plan())))
    later(hours=1)
    first = kept(table)
    later(hours=1)
    second = kept(table)
    assert second.lights["parked"].at - first.lights["parked"].at == timedelta(hours=1)
    assert second.lights["parked"].since == first.lights["parked"].since
    assert len(second.replays) > len(first.replays)


def test_check_says_it_from_outside_and_changes_nothing(
    ana: Phone, stack: Stack, table: Store, later: Later, capsys: pytest.CaptureFixture[str]
) -> None:
    ok(ana.batch(done(ana.plan())))
    later(hours=1)
    before = everything(stack)
    assert check(stack) == 3
    said = capsys.readouterr().out
    assert "GREEN  parked     0           yellow > 0, red > 10" in said
    assert f"since {kept(table).lights['parked'].since.isoformat()}" in said
    assert "not known: fewer than 500 were drawn within 28 days" in said
    assert everything(stack) == before


def test_a_session_that_nobody_learns_turns_red_and_back(
    ana: Phone, stack: Stack, table: Store, later: Later, pause: Later, capsys: pytest.CaptureFixture[str]
) -> None:
    ana.plan()
    pause(hours=49)
    assert check(stack) == 2
    assert "RED    waiting    1 h " in capsys.readouterr().out
    later(hours=1)
    assert kept(table).lights["waiting"].colour is Colour.GREEN


def test_final_days_are_shown_by_segment_and_those_of_few_people_withheld(
    ana: Phone, newcomer: NewUser, stack: Stack, later: Later, capsys: pytest.CaptureFixture[str]
) -> None:
    later(days=7 - stack.clock.now().weekday())
    monday = stack.clock.now().date()
    people = [ana, *(newcomer() for _ in range(4))]
    for phone in people:
        ok(phone.batch(done(phone.plan(), 2)))
    for _ in range(6):
        later(days=1)
    assert operate(stack, "trend", "HIGH_LOW") == 0
    said = capsys.readouterr().out
    assert f"{monday}                    5         5 " in said
    people[0].delete_profile()
    later(minutes=2)
    assert operate(stack, "trend", "HIGH_LOW") == 0
    assert f"{monday} - {monday + timedelta(days=6)} withheld" in capsys.readouterr().out


def test_a_segment_without_a_final_day_says_so(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert operate(stack, "trend", "LOW_LOW") == 0
    assert "LOW_LOW" not in capsys.readouterr().err
