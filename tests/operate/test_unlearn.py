"""`python -m operate unlearn`: the forecast, the wish, the progress."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from operate.__main__ import main
from rl_core.config import settings
from rl_core.models import Unlearning
from rl_core.store import Unlearner, policies
from rl_core.work import state_consent
from tests.conftest import TEMPLATE
from tests.functions.conftest import NOW, World, turn, world
from tests.functions.test_consent import LATER, NO, live
from tests.functions.test_erasure import erasure
from tests.functions.test_learning_job import spoil_policy

__all__ = ["world"]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot every four versions."""
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 4)


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    monkeypatch.setattr("operate.source.client_of", lambda _: world.store.client)

    def call(*arguments: str, code: int = 0) -> list[str]:
        assert main(["--table", TEMPLATE.table.name, "unlearn", *arguments]) == code
        told = capsys.readouterr()
        return (told.err if code else told.out).splitlines()

    return call


def test_a_dry_run_says_segments_versions_and_minutes_and_changes_nothing(
    world: World, run: Callable[..., list[str]]
) -> None:
    live(world)
    assert run("person-4", "--dry-run") == [
        "High Anxiety, Low Activity: 1 sessions, 4 versions to fold anew from 3 on",
        "1 segments, 4 versions, about 0.0 minutes; learning goes on meanwhile",
    ]
    profile = world.store.profile("person-4")
    assert (profile and profile.unlearning) == Unlearning.NONE


def test_it_is_refused_while_learning_is_granted_and_for_who_is_unknown(
    world: World, run: Callable[..., list[str]]
) -> None:
    live(world)
    assert "InvalidRequestError" in run("person-4", code=2)[0]
    assert run("nobody", code=2) == ["no such user"]


def test_it_asks_once_and_then_says_how_far_it_is(
    world: World, run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    live(world)
    state_consent(world.store, "person-4", NO, settings(), NOW)
    at = ("person-4", "--now", NOW.isoformat())
    assert run(*at) == ["unlearning: pending", "the job has not begun: it runs every minute"]
    monkeypatch.setattr("rl_core.work.refold._RECORDS", 2)
    times = iter([60_000] * 4)  # the run has time for so many steps
    assert erasure.run(world.store, replace(turn(LATER), time_left=partial(next, times, 0))) == 0
    at_rest = "No run works on it now: the erasure's job, which runs each minute, goes on with it."
    folded = "2 of 5 versions are folded (erasure)"
    assert run(*at) == ["unlearning: pending", f"High Anxiety, Low Activity: {folded}. {at_rest}"]
    spoil_policy(learner={"S": "posterior/99"})
    assert erasure.run(world.store, turn(LATER + timedelta(hours=1))) == 0
    profile = world.store.profile("person-4")
    assert (profile and profile.statements) == 2


def test_who_waits_for_another_refold_or_was_put_off_is_told(world: World, run: Callable[..., list[str]]) -> None:
    live(world)
    state_consent(world.store, "person-4", NO, settings(), NOW)
    run("person-4", "--now", NOW.isoformat())
    (due,) = [d for page in world.store.erasing(LATER, 90, range(16)) for d in page]
    Unlearner.among(world.store, [due])[0][due].prepare(LATER)
    world.store.put_off(due, LATER)
    assert run("person-4") == [
        "unlearning: pending",
        f"put off 1 times; tried again at {LATER.isoformat()}",
        "High Anxiety, Low Activity: done, or waits for the refold that is under way",
    ]


def test_what_is_done_is_said(world: World, run: Callable[..., list[str]]) -> None:
    live(world)
    state_consent(world.store, "person-4", NO, settings(), NOW)
    run("person-4", "--now", NOW.isoformat())
    erasure.run(world.store, turn(LATER))
    assert run("person-4") == ["unlearning: done"]
