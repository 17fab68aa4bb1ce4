"""The comparison as a command, small; and its arithmetic."""

import json
from pathlib import Path

import numpy as np
import pytest

from lab.learning import sweep
from lab.learning.__main__ import main
from lab.learning.cells import Cell, wanted_cells
from lab.learning.methods import Uniform
from lab.learning.page import comparison, replace_section
from lab.learning.runs import (
    METHODS,
    SEGMENT_FIRST,
    SEGMENT_NEXT,
    USER_LATER,
    Course,
    length_of,
    run,
    seeds_of,
    settings,
)
from lab.learning.summary import AFTER, Interval, after, against, interval, last_line, reached, summarise, verdict
from lab.learning.times import Times, ratios
from lab.world.crowd import Caller
from lab.world.tastes import Tastes, World, draw_tastes
from rl_core.config import Settings


def test_the_reduced_command_writes_its_page_plots_and_figures_and_ends_with_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--seeds", "1", "--episodes", "500", "--rounds", "2", "--docs", str(tmp_path / "docs"),
               "--runs", str(tmp_path / "runs"), "--worlds", "base", "old"]  # fmt: skip
    assert main(command) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(last) == {"base", "old"}
    assert set(last["base"]["fettle"]) == {"share_of_gain", "low", "high", "us"}
    assert all(set(methods) == set(METHODS) for methods in last.values())
    assert last["base"]["uniform"]["share_of_gain"] == 0
    assert last["base"]["oracle planning"]["share_of_gain"] == 1
    for figures in last["base"].values():
        assert figures["low"] <= figures["share_of_gain"] <= figures["high"]
        assert figures["us"] > 0
    page = (tmp_path / "docs" / "learning.md").read_text(encoding="utf-8")
    assert "1 seeds of 500 episodes in base" in page
    assert "1 seeds of 750 episodes in old" in page
    for plot in ("shares", "regret"):
        assert f"learning/{plot}.svg" in page
        assert (tmp_path / "docs" / "learning" / f"{plot}.svg").stat().st_size > 1000
    kept = list((tmp_path / "runs").iterdir())
    before = kept[0].read_text(encoding="utf-8")
    assert main(command) == 0  # nothing is run anew
    assert kept[0].read_text(encoding="utf-8") == before
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["old"]["fettle"] | {"us": 0} == last["old"]["fettle"] | {"us": 0}


def cell(seed: int, **means: float) -> Cell:
    filled = dict.fromkeys(METHODS, 0.0) | {"oracle planning": 1.0} | {k.replace("_", " "): v for k, v in means.items()}
    return Cell(World.BASE, seed, {name: Course((mean, mean)) for name, mean in filled.items()})


def test_shares_are_of_the_gain_over_uniform_seed_by_seed() -> None:
    found = summarise([cell(0, uniform=0.5, fettle=0.75), cell(1, uniform=0.0, fettle=0.7)])
    standing = found[World.BASE]["fettle"]
    assert standing.shares == pytest.approx((0.5, 0.7))
    assert standing.share.mean == pytest.approx(0.6)
    assert standing.regret[-1].mean == pytest.approx((0.25 + 0.3) / 2 * 1000)
    times = dict.fromkeys(METHODS, Times((2.0, 3.0, 2.0), (1.0,)))
    assert last_line(found, times)["base"]["fettle"]["us"] == 2.0


def test_a_course_tells_its_spans_and_what_came_after_the_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Caller, "expected", lambda caller, _: float(caller.visit.moment.session))
    tastes = {s: Tastes(t.appetites, later=t.appetites, swapped=400) for s, t in draw_tastes(World.OLD, 1).items()}
    found = run(tastes, 1, Uniform(1), 1000, settings())[0]
    assert found.spans[SEGMENT_FIRST] == 24.5
    assert found.spans[SEGMENT_NEXT] == 74.5
    assert found.after == tuple(400 + 50 * i + 24.5 for i in range(12))
    assert 600 < found.spans[USER_LATER] < 1000  # twenty people, a session on most days


def test_a_span_that_was_not_reached_is_missing() -> None:
    found = run(draw_tastes(World.BASE, 1), 1, Uniform(1), 500, settings())[0]
    assert set(found.spans) == {SEGMENT_FIRST, SEGMENT_NEXT}
    assert found.after == ()


def old_cell(seed: int, ours: float) -> Cell:
    means = dict.fromkeys(METHODS, 0.2) | {"oracle planning": 0.6, "uniform": 0.1, "fettle": ours}
    return Cell(World.OLD, seed, {
        name: Course((mean, mean), {SEGMENT_FIRST: mean}, (mean,) * 30) for name, mean in means.items()
    })  # fmt: skip


def test_a_spans_share_is_of_the_mean_gain_over_the_seeds() -> None:
    found = summarise([old_cell(0, 0.5), old_cell(1, 0.6)])[World.OLD]
    assert found["fettle"].spans[SEGMENT_FIRST] == pytest.approx((0.8, 1.0))
    assert found["fettle"].spans[AFTER] == pytest.approx((0.8, 1.0))
    assert SEGMENT_NEXT not in found["fettle"].spans
    assert against(found["fettle"], found["normal thompson"], AFTER).mean == pytest.approx(0.7)


def test_after_a_swap_the_gain_is_there_again_when_the_latest_500_have_it() -> None:
    uniform, oracle = np.zeros(40), np.ones(40)
    own = np.array([0.0] * 15 + [1.0] * 25)
    assert reached(own, uniform, oracle, 10, 50) == 1150  # eight of the latest ten bins
    assert after(own, uniform, oracle) == (0.0, 0.5, 1.0, 1.0)
    assert reached(np.array([]), np.array([]), np.array([]), 10, 50) is None


def test_long_worlds_have_fewer_seeds_and_none_is_wanted_twice() -> None:
    wanted = wanted_cells(24)
    assert len(wanted) == len(set(wanted)) == sum(len(seeds_of(world)) for world in World)
    assert seeds_of(World.BASE) == range(200, 224)
    assert len(seeds_of(World.OLD)) == 12
    assert [seed for world, seed in wanted_cells(2) if world is World.OLD] == [200, 201]
    assert (length_of(World.BASE), length_of(World.OLD)) == (20_000, 30_000)


def test_the_page_tells_spans_only_of_worlds_that_have_them() -> None:
    standings = summarise([old_cell(0, 0.5), old_cell(1, 0.6), cell(0, fettle=0.7), cell(1, fettle=0.8)])
    times = dict.fromkeys(METHODS, Times((2.0, 3.0, 2.0), (1.0, 1.0, 1.0)))
    told = comparison(standings, times, 1000, "learning")
    assert "2 seeds of 1,000 episodes in base; 2 seeds of 1,500 episodes in old" in told
    first = told.split("first fifty sessions")[1].split("###")[0]
    assert "|  | old |" in first
    assert "| fettle | 90 (" in first
    assert "| old: fettle | 500 | 90 | 90 | 90 |" in told
    assert "| old: normal thompson | - | 20 | 20 | 20 |" in told


def test_a_ratio_is_of_the_same_round() -> None:
    times = {"fettle": Times((1.0, 10.0, 2.0), (1.0, 10.0, 2.0)), "vw": Times((5.0, 50.0, 10.0), (1.0, 10.0, 2.0))}
    decision, both = ratios(times, "vw")
    assert (decision.low, decision.middle, decision.high) == (5.0, 5.0, 5.0)
    assert both.middle == 3.0


def test_the_interval_is_students_over_the_seeds() -> None:
    found = interval([1.0, 2.0, 3.0])
    assert (found.low, found.high) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-3)
    assert interval([5.0]) == Interval(5.0, 5.0, 5.0)


@pytest.mark.parametrize(("low", "high", "word"), [(0.1, 0.2, "ahead"), (-0.2, -0.1, "behind"), (-0.1, 0.1, "level")])
def test_ahead_and_behind_need_an_interval_without_zero(low: float, high: float, word: str) -> None:
    assert verdict(Interval((low + high) / 2, low, high)) == word


def test_the_gain_is_reached_by_the_mean_of_the_latest_bins() -> None:
    uniform, oracle = np.zeros(10), np.ones(10)
    assert reached(np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1.0]), uniform, oracle) == 3500
    assert reached(np.full(10, 0.7), uniform, oracle) is None


def test_a_section_is_replaced_and_the_rest_of_the_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "learning.md"
    page.write_text("# Title\n\nby hand\n", encoding="utf-8")
    for text in ("first", "second"):
        replace_section(page, "comparison", text)
    page.write_text(page.read_text(encoding="utf-8") + "\nafter\n", encoding="utf-8")
    replace_section(page, "comparison", "third")
    told = page.read_text(encoding="utf-8")
    assert told.startswith("# Title\n\nby hand\n")
    assert "third" in told
    assert "second" not in told
    assert told.endswith("\nafter\n")


def test_the_sweep_writes_its_section_with_a_row_for_each_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "CHANGES", dict(list(sweep.CHANGES.items())[:2]))
    command = ["--seeds", "1", "--episodes", "500", "--docs", str(tmp_path), "--worlds", "base", "old"]
    assert sweep.main(command) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(last) == ["as it is", "k = 30"]
    assert set(last["k = 30"]) == {"base", "old"}
    assert "| k = 30 |" in (tmp_path / "learning.md").read_text(encoding="utf-8")


def test_every_change_of_the_sweep_is_a_setting() -> None:
    for change in sweep.CHANGES.values():
        assert set(change) <= set(Settings.model_fields)
        assert settings(**change)
