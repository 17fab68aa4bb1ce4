"""A fold that takes longer than a page should wait: under way, done, lost, or cut off after it took hold."""

from datetime import timedelta

import pytest

from operate.console.acting import excluding
from rl_core.store import Hold
from rl_core.work import refold
from tests.acting import exclude
from tests.console.clients import Failing
from tests.console.conftest import words
from tests.console.forms import EXCLUDE, Offered, acts, confirm, labels, offered, person
from tests.functions.conftest import SEGMENT, World, turn
from tests.functions.test_erasure import LATER, CutOffError, cut_off, erasure, live, often
from tests.functions.test_learning_job import spoil

__all__ = ["offered", "often"]


@pytest.fixture
def in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console folds nothing itself: its time is over when it has taken hold."""
    monkeypatch.setattr(excluding, "SECONDS", 0.0)


def test_a_long_fold_is_shown_under_way_and_then_done(world: World, offered: Offered, in_steps: None) -> None:
    live(world)
    assert words(offered("nothing")) == ""
    console = offered("exclusion", person(world).hex())
    confirm(console, EXCLUDE)
    assert "the erasure's job goes on to fold the past anew." in words(console)
    assert "0 of 5 versions are folded (excluded)" in str(console.get("progress")[0].proto)
    assert "No run works on it now: the erasure's job, which runs each minute, goes on with it." in words(console)
    erasure.run(world.store, turn(LATER))
    assert Hold.of(world.store, SEGMENT, 1) is None
    console.run()
    assert "Done: the segment's past is folded anew. Now stands version 8, 10 episodes learned" in words(console)
    console.button[0].click().run()
    assert "Done:" not in words(console)


def test_a_fold_that_a_run_works_on_says_so_and_forbids_a_rollback(world: World, offered: Offered) -> None:
    live(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refold, "_advance", cut_off)
        with pytest.raises(CutOffError):
            exclude(world.store, SEGMENT, person(world), "a test", turn(LATER))
    console = offered("rollback", "2")
    assert "A run works on it now." in words(console)
    assert "Nothing can be rolled back while the segment's past is folded anew." in words(console)
    assert labels(console) == []


def test_a_refold_that_holds_nothing_is_not_shown(world: World, offered: Offered, in_steps: None) -> None:
    live(world)
    confirm(offered("exclusion", person(world).hex()), EXCLUDE)
    assert offered("nothing").get("progress")
    spoil("SEGMENT#HIGH_LOW", "POLICY", hold=None)
    assert not offered("nothing").get("progress")


def test_a_fold_whose_progress_is_lost_is_not_said_to_be_done(world: World, offered: Offered, in_steps: None) -> None:
    live(world)
    console = offered("exclusion", person(world).hex())
    confirm(console, EXCLUDE)
    spoil("SEGMENT#HIGH_LOW", "REFOLD", folded={"S": "rubbish"})
    console.run()
    assert "The progress of the fold is lost. The erasure's job begins it anew" in words(console)


def test_a_fold_that_fails_after_it_took_hold_is_not_said_to_be_undone(world: World, offered: Offered) -> None:
    live(world)
    console = offered("exclusion", person(world).hex(), client=Failing(world.store.client, after=1))
    confirm(console, EXCLUDE)
    assert "It is done and on record, but was not finished here: the table is out of reach" in words(console)
    assert len(acts(world.store)) == 1
    erasure.run(world.store, turn(LATER + timedelta(minutes=1)))
    assert world.store.policy(SEGMENT).hold is None
