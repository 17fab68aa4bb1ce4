"""A stack that runs says where it is, and one whose clock was stepped can run on by itself."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local import known
from local.clock import SteppedClock, event_time
from local.stack import Stack
from operate.source import NoStackError, Source, client_of, local_stack
from tests.local.conftest import SMALL_TEMPLATE, START

HOUR = START + timedelta(hours=1)


@pytest.fixture
def running_on(tmp_path: Path) -> Iterator[Stack]:
    """A small project whose clock was stepped to just before its schedule's hour, and runs since."""
    with Stack(template=SMALL_TEMPLATE, clock=SteppedClock(START), folder=tmp_path) as stack:
        stack.advance_to(HOUR - timedelta(seconds=0.5))
        stack.run_on()
        yield stack


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a stack says where it is."""
    monkeypatch.setattr(known, "KNOWN", tmp_path / "stack.json")
    return tmp_path / "stack.json"


def test_tools_find_a_stack_that_runs_with_its_table_and_its_time(running_on: Stack, place: Path) -> None:
    with known.known(running_on):
        found = local_stack(place)
        assert abs(found.now() - running_on.clock.now()) < timedelta(seconds=1)
        assert (found.table, found.local) == (running_on.table_name, True)
        assert found.variables["GREETING"] == "hello"
        assert found.client.describe_table(TableName=found.table)["Table"]["TableStatus"] == "ACTIVE"


def test_tools_find_no_stack_once_it_has_stopped(running_on: Stack, place: Path) -> None:
    with known.known(running_on):
        pass
    with pytest.raises(NoStackError, match="make run"):
        local_stack(place)


def test_a_clock_that_runs_on_goes_with_the_machines_and_is_stepped_no_more(running_on: Stack) -> None:
    first = running_on.clock.now()
    time.sleep(0.05)
    assert running_on.clock.now() > first >= HOUR - timedelta(seconds=0.5)
    with pytest.raises(ValueError, match="runs by itself"):
        running_on.advance_to(datetime.now(UTC))


def test_the_schedules_of_a_clock_that_runs_on_fire(running_on: Stack) -> None:
    deadline, key = time.monotonic() + 20, {"pk": {"S": event_time(HOUR)}}
    while not (found := running_on.dynamodb.get_item(TableName=running_on.table_name, Key=key).get("Item")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found == key


def test_only_a_stepped_clock_can_run_on(tmp_path: Path) -> None:
    with Stack(template=SMALL_TEMPLATE, folder=tmp_path) as stack, pytest.raises(TypeError):
        stack.run_on()


def test_tools_have_the_settings_of_the_stack_not_of_their_own_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNED_PER_DAY", "4")
    client = client_of("http://127.0.0.1:1")
    assert Source("Table", client).settings().learned_per_day == 4
    assert Source("Table", client, variables={"LEARNED_PER_DAY": "9"}).settings().learned_per_day == 9
