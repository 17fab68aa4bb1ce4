"""docs/learning/comparison.json: holds what the page claims, and is of the learner that is shipped."""

import json

import pytest

from lab.learning.cells import ROOT
from lab.learning.methods import Fettle
from lab.learning.runs import BIN, EPSILON, FETTLE, FIXED, PACKAGES, TEXTBOOK, UNIFORM, run, settings
from lab.learning.summary import FIRST, interval, verdict
from lab.world.tastes import World, draw_tastes

Record = dict[str, dict[str, dict[str, list[float]]]]


@pytest.fixture(scope="module")
def record() -> Record:
    """The comparison's figures as they were last written."""
    found: Record = json.loads((ROOT / "docs" / "learning" / "comparison.json").read_text(encoding="utf-8"))
    return found


def test_the_figures_on_record_hold_what_the_page_claims(record: Record) -> None:
    shares = {world: {name: its["shares"] for name, its in methods.items()} for world, methods in record.items()}
    verdicts = {
        world: [
            verdict(interval([a - b for a, b in zip(of[FETTLE], of[theirs], strict=True)]))
            for theirs in (*PACKAGES, UNIFORM, FIXED, TEXTBOOK, EPSILON)
        ]
        for world, of in shares.items()
    }
    assert set(shares) == set(World)
    assert all(len(of[FETTLE]) >= 24 for of in shares.values())
    assert not any("behind" in found for found in verdicts.values())
    ahead = {world for world, found in verdicts.items() if set(found[: len(PACKAGES)]) == {"ahead"}}
    assert ahead == {World.HABITUATION, World.DRIFT, World.DELAYED}


def begun(world: World, bins: int, **changed: object) -> tuple[float, ...]:
    """How the comparison's first course of Fettle begins, with some settings changed."""
    return run(draw_tastes(world, 0), 0, Fettle(settings(**changed)), bins * BIN, settings())[0].curve


@pytest.mark.parametrize("world", World)
@pytest.mark.parametrize(("name", "exploration"), [(FETTLE, "posterior"), (EPSILON, "epsilon")])
def test_the_figures_on_record_are_this_learners(record: Record, world: World, name: str, exploration: str) -> None:
    first = record[world][name]["first"]
    assert len(first) == FIRST
    assert begun(world, FIRST, exploration=exploration) == pytest.approx(first, abs=1e-6), "run make bench-learning"


@pytest.mark.parametrize("changed", [{"drift": 0.0}, {"discount": 0.4}, {"posterior_scale": 0.7}])
def test_another_learner_begins_otherwise(record: Record, changed: dict[str, object]) -> None:
    assert begun(World.BASE, FIRST, **changed) != pytest.approx(record[World.BASE][FETTLE]["first"], abs=1e-6)
