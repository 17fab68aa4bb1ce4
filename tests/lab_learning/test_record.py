"""docs/learning/comparison.json: holds what the page claims, and is of the learner that is shipped."""

import json
from typing import Any

import pytest

from lab.learning.cells import ROOT
from lab.learning.methods import Fettle, Former, Method
from lab.learning.runs import BIN, EPSILON, FETTLE, FIXED, FORMER, PACKAGES, TEXTBOOK, UNIFORM, run, settings
from lab.learning.summary import FIRST, interval, verdict
from lab.world.tastes import World, draw_tastes

Record = dict[str, dict[str, dict[str, Any]]]

# The comparison's figures as they were last written, for the worlds and methods that it had then.
RECORD: Record = json.loads((ROOT / "docs" / "learning" / "comparison.json").read_text(encoding="utf-8"))
WORLDS = [World(world) for world in RECORD]
ONES_BEFORE = FORMER not in RECORD[World.BASE]  # the record is of the learner that is now the former one
LEARNERS = [(EPSILON, "epsilon"), *([] if ONES_BEFORE else [(FETTLE, "posterior")])]


def test_the_figures_on_record_hold_what_the_page_claims() -> None:
    shares = {world: {name: its["shares"] for name, its in methods.items()} for world, methods in RECORD.items()}
    verdicts = {
        world: {
            theirs: verdict(interval([a - b for a, b in zip(of[FETTLE], of[theirs], strict=True)]))
            for theirs in (*PACKAGES, UNIFORM, FIXED, TEXTBOOK, EPSILON)
            if theirs in of
        }
        for world, of in shares.items()
    }
    assert all(len(of[FETTLE]) >= 12 for of in shares.values())
    assert not any("behind" in found.values() for found in verdicts.values())
    ahead = {world for world, found in verdicts.items() if {found[p] for p in PACKAGES if p in found} == {"ahead"}}
    assert ahead >= {World.HABITUATION, World.DRIFT, World.DELAYED}


def begun(world: World, bins: int, method: Method) -> tuple[float, ...]:
    """How the comparison's first course of a method begins."""
    seed = RECORD[world][FETTLE].get("seed", 0)
    return run(draw_tastes(world, seed), seed, method, bins * BIN, settings())[0].curve


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("name", "exploration"), LEARNERS)
def test_the_figures_on_record_are_this_learners(world: World, name: str, exploration: str) -> None:
    first = RECORD[world][name]["first"]
    assert len(first) == FIRST
    found = begun(world, FIRST, Fettle(settings(exploration=exploration)))
    assert found == pytest.approx(first, abs=1e-6), "run make bench-learning"


@pytest.mark.parametrize("world", WORLDS)
def test_the_former_learner_is_what_it_was(world: World) -> None:
    first = RECORD[world][FETTLE if ONES_BEFORE else FORMER]["first"]
    assert begun(world, FIRST, Former()) == pytest.approx(first, abs=1e-6)


@pytest.mark.parametrize("changed", [{"drift": 0.0}, {"discount": 0.4}, {"posterior_scale": 0.7}])
def test_another_learner_begins_otherwise(changed: dict[str, object]) -> None:
    first = RECORD[World.BASE][FETTLE]["first"]
    assert begun(World.BASE, FIRST, Fettle(settings(**changed))) != pytest.approx(first, abs=1e-6)
