"""What `make bench-attack` prints of its courses."""

import json
from typing import Any

import pytest

from lab.bench.attack.__main__ import main, plan_of
from lab.bench.attack.attackers import Case
from lab.bench.attack.cells import Age, Cell
from lab.bench.attack.course import Outcome
from lab.bench.attack.figures import favourite, loss, points, share
from lab.bench.attack.service import Play
from rl_core.models import Segment

SMALL = ["--seeds", "1", "--days", "4", "--before", "5", "--people", "1", "--cases", "push", "hold"]


def cell(segment: Segment, even: float, best: float, alone: float, pushed: float) -> Cell:
    worths = {Play.EVEN: even, Play.BEST: best, Play.LEARNED: alone, Case.PUSH: pushed}
    outcomes = {(Age.NEW, str(who)): Outcome(10, worth, favourite=worth) for who, worth in worths.items()}
    return Cell(20, 0, segment, outcomes)


CELLS = [cell(Segment.LOW_LOW, 0.1, 0.3, 0.3, 0.2), cell(Segment.HIGH_LOW, 0.1, 0.4, 0.25, 0.25)]


def run(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[str, dict[str, Any]]:
    assert main([*SMALL, *more]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    return "\n".join(table), json.loads(last)


def test_points_are_the_sum_of_losses_by_the_sum_of_gains() -> None:
    assert loss(CELLS, Age.NEW, "push").mean == pytest.approx(100 * 0.1 / 0.5)
    assert share(CELLS, Age.NEW, Play.LEARNED).mean == pytest.approx(100 * 0.35 / 0.5)
    assert favourite(CELLS, Age.NEW, "push") == pytest.approx(22.5)


def test_an_interval_spans_what_resampled_courses_would_give() -> None:
    found = points([1.0, 2.0, 3.0] * 20, [10.0] * 60)
    assert found.mean == pytest.approx(20)
    assert found.low < 20 < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * 8.165 / 60**0.5, rel=0.15)
    assert points([1.0, 1.0], [4.0, 4.0]) == (25, 25, 25)


def test_figures_are_the_same_for_any_number_of_processes(capsys: pytest.CaptureFixture[str]) -> None:
    table, one = run(capsys, "--processes", "1")
    _, two = run(capsys, "--processes", "2")
    assert one.pop("seconds") >= 0
    assert two.pop("seconds") >= 0
    assert one == two
    assert set(one["honest_loss_points"]) == {"push", "hold"}
    assert set(one["honest_loss_points"]["push"]["1"]) == {"new", "old"}
    assert one["settings"]["learned_per_day"] == 2
    assert [line.split("|")[1].strip() for line in table.splitlines()] == [
        "attacker",
        "---",
        "nobody",
        "push",
        "hold",
    ]


def test_a_learner_and_its_constants_can_be_set() -> None:
    plan, _ = plan_of(["--set", "exploration=epsilon", "--set", "learned_per_day=1"])
    assert (plan.settings.exploration, plan.settings.learned_per_day) == ("epsilon", 1)
    assert plan.settings.pooling_visits == 100


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--seeds", "0"], "at least 1"),
        (["--people", "20", "0"], "at least 1"),
        (["--cases", "nobody"], "nobody"),
        (["--set", "exploration=guess"], "exploration"),
        (["--set", "colour=1"], "no such setting: colour"),
    ],
)
def test_what_cannot_be_run_is_said(wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        plan_of(wrong)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
