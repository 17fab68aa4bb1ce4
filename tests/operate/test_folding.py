"""How far a fold of a segment's past is: counted, and told by the command line while it is under way."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from operate import persons
from operate.__main__ import main
from operate.folding import progress_of
from rl_core.models import Policy, Refold, Segment
from rl_core.work import refold as refolds
from tests.acting import exclude
from tests.conftest import TEMPLATE
from tests.functions.conftest import NOW, SEGMENT, World, turn, world
from tests.functions.test_erasure import LATER, CutOffError, cut_off, erasure, live, often
from tests.functions.test_learning_job import spoil

__all__ = ["often", "world"]

UNDER_WAY = "The past is folded anew since 2026-11-23T09:01:00+00:00: 0 of 5 versions are folded (excluded)."
AT_REST = "No run works on it now: the erasure's job, which runs each minute, goes on with it."
Run = Callable[..., list[str]]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command as of a time at which nobody's turn is over; it folds nothing itself."""
    monkeypatch.setattr("operate.source.client_of", lambda _: world.store.client)
    monkeypatch.setattr(persons, "_LEASE_SECONDS", 0.0)

    def call(*arguments: str) -> list[str]:
        assert main(["--table", TEMPLATE.table.name, *arguments, "--now", NOW.isoformat()]) == 0
        return capsys.readouterr().out.splitlines()

    return call


def bot(world: World) -> str:
    """Somebody who taught the segment, as `exclude` names them."""
    return world.store.head("person-4").sessions[0].person.hex()


def refold(first: int, folded: int, minutes: int | None) -> Refold:
    until = None if minutes is None else NOW + timedelta(minutes=minutes)
    return Refold(9, first, {}, "excluded", Policy(Segment.LOW_LOW, version=folded), NOW, "a run", until)


@pytest.mark.parametrize(
    ("first", "folded", "version", "done", "of"),
    [(3, 2, 9, 0, 7), (3, 5, 9, 3, 7), (3, 9, 9, 7, 7), (3, 0, 9, 0, 7), (1, 0, 1, 0, 1)],
    ids=["begun", "under way", "before it is published", "from a snapshot before", "one version"],
)
def test_a_fold_counts_the_versions_from_the_first_that_it_rewrites(
    first: int, folded: int, version: int, done: int, of: int
) -> None:
    assert progress_of(refold(first, folded, 1), version, NOW)[:2] == (done, of)


@pytest.mark.parametrize(("minutes", "works"), [(1, True), (0, False), (None, False)])
def test_a_run_works_on_a_fold_until_its_lease_is_over(minutes: int | None, works: bool) -> None:
    assert progress_of(refold(3, 5, minutes), 9, NOW).works is works


def test_an_exclusion_that_is_left_to_the_job_says_how_far_it_is_and_so_does_its_list(world: World, run: Run) -> None:
    live(world)
    person = bot(world)
    done, progress, _ = run("exclude", "HIGH_LOW", person)
    assert done == f"{person} is excluded; the erasure's job goes on to fold the past anew"
    assert progress == f"{UNDER_WAY} {AT_REST}"
    assert run("exclude", "HIGH_LOW") == [person, progress]
    assert run("versions", "HIGH_LOW")[1] == progress


def test_a_fold_that_is_done_is_not_spoken_of(world: World, run: Run) -> None:
    live(world)
    run("exclude", "HIGH_LOW", bot(world))
    erasure.run(world.store, turn(LATER))
    assert run("exclude", "HIGH_LOW") == [bot(world)]
    assert "folded anew" not in "".join(run("versions", "HIGH_LOW", "--last", "0"))


def test_a_run_that_works_on_the_fold_is_told(world: World, run: Run) -> None:
    live(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refolds, "_advance", cut_off)
        with pytest.raises(CutOffError):
            exclude(world.store, SEGMENT, bytes.fromhex(bot(world)), "a test", turn(NOW))
    assert run("exclude", "HIGH_LOW")[1] == f"{UNDER_WAY} A run works on it now."


def test_a_fold_of_which_the_progress_is_lost_is_told_as_such(world: World, run: Run) -> None:
    live(world)
    run("exclude", "HIGH_LOW", bot(world))
    spoil("SEGMENT#HIGH_LOW", "REFOLD", folded={"S": "rubbish"})
    lost = "The progress of the fold is lost. The erasure's job begins it anew, within a minute."
    assert run("versions", "HIGH_LOW")[1] == lost
