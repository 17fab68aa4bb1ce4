"""docs/learning/comparison.json: holds what the page claims, and is of the learner that is shipped."""

import json
from typing import Any

import pytest

from lab.learning.cells import ROOT
from lab.learning.methods import Fettle, Former, Method
from lab.learning.runs import (
    BIN,
    EPSILON,
    FETTLE,
    FIXED,
    FORMER,
    NORMAL,
    PACKAGES,
    TEXTBOOK,
    UNIFORM,
    run,
    seeds_of,
    settings,
)
from lab.learning.summary import FIRST, interval, verdict
from lab.world.tastes import World, draw_tastes

Record = dict[str, dict[str, dict[str, Any]]]

RECORD: Record = json.loads((ROOT / "docs" / "learning" / "comparison.json").read_text(encoding="utf-8"))
LEARNERS = [(FETTLE, "posterior"), (EPSILON, "epsilon")]
AHEAD_OF_EVERY_PACKAGE = {
    World.HABITUATION,
    World.DRIFT,
    World.DELAYED,
    World.PERSONS,
    World.WORN_OUT,
    World.QUIET,
    World.RECOVERING,
}


BEHIND = {World.QUIET: {FORMER, EPSILON, NORMAL}}


def verdicts(world: World) -> dict[str, str]:
    """Whether the learner is ahead of, level with or behind each other in that world."""
    shares = {name: its["shares"] for name, its in RECORD[world].items()}
    others = (*PACKAGES, UNIFORM, FIXED, TEXTBOOK, EPSILON, FORMER, NORMAL)
    return {o: verdict(interval([a - b for a, b in zip(shares[FETTLE], shares[o], strict=True)])) for o in others}


@pytest.mark.parametrize("world", World)
def test_the_figures_on_record_hold_what_the_page_claims(world: World) -> None:
    found = verdicts(world)
    assert len(RECORD[world][FETTLE]["shares"]) == len(seeds_of(world))
    assert {other for other, its in found.items() if its == "behind"} == BEHIND.get(world, set())
    assert ({found[package] for package in PACKAGES} == {"ahead"}) is (world in AHEAD_OF_EVERY_PACKAGE)


def begun(world: World, bins: int, method: Method) -> tuple[float, ...]:
    """How the comparison's first course of a method begins."""
    seed = RECORD[world][FETTLE]["seed"]
    return run(draw_tastes(world, seed), seed, method, bins * BIN, settings())[0].curve


@pytest.mark.parametrize("world", World)
@pytest.mark.parametrize(("name", "exploration"), LEARNERS)
def test_the_figures_on_record_are_this_learners(world: World, name: str, exploration: str) -> None:
    first = RECORD[world][name]["first"]
    assert len(first) == FIRST
    found = begun(world, FIRST, Fettle(settings(exploration=exploration)))
    assert found == pytest.approx(first, abs=1e-6), "run make bench-learning"


@pytest.mark.parametrize("world", World)
def test_the_former_learner_is_what_it_was(world: World) -> None:
    first = RECORD[world][FORMER]["first"]
    assert begun(world, FIRST, Former()) == pytest.approx(first, abs=1e-6)


@pytest.mark.parametrize("changed", [{"drift": 0.0}, {"discount": 0.4}, {"posterior_scale": 0.7}])
def test_another_learner_begins_otherwise(changed: dict[str, object]) -> None:
    first = RECORD[World.BASE][FETTLE]["first"]
    assert begun(World.BASE, FIRST, Fettle(settings(**changed))) != pytest.approx(first, abs=1e-6)
