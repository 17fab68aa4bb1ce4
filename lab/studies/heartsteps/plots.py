"""Draws the three pictures of docs/learning-heartsteps.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.studies.heartsteps.learning import Replay
from operate.ope.judge import Estimate, Verdict

matplotlib.rcParams.update({"svg.hashsalt": "fettle", "font.size": 10, "axes.titlesize": 10})

FOLDER = Path(__file__).parents[3] / "docs" / "figures"
INK, COLOURS = "#1d2733", ("#1f4e9c", "#1b7f5c", "#7a5195", "#a6611a")
LOG_STEPS = "log of steps in the 30 minutes after"


def save(figure: Figure, name: str, folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(folder / f"{name}.svg", format="svg", metadata=metadata)


def values(logged: Estimate, verdicts: Sequence[Verdict], replays: Mapping[str, Replay]) -> Figure:
    """Draws each policy's value with its interval: doubly robust, and for the learner also by replay."""
    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(logged.low, logged.high, color=INK, alpha=0.08, lw=0, label="As randomised, 95 % interval")
    axes.axvline(logged.value, color=INK, lw=1.0, ls=(0, (4, 3)), label="As randomised, mean")
    rows = [(v.name, v.value["DR"], 0) for v in verdicts]
    rows += [(f"learner, state {name}, replayed", r.value, 1) for name, r in replays.items()]
    for kind, label in enumerate(("Doubly robust, 95 % interval", "Replay with rejection, 95 % interval")):
        _intervals(axes, [(at, e) for at, (_, e, k) in enumerate(rows) if k == kind], COLOURS[kind], "Ds"[kind], label)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set(xlabel=f"Value: mean {LOG_STEPS}", ylabel="Policy", ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.25)
    return _finished(figure, axes)


def _intervals(axes: Axes, rows: Sequence[tuple[float, Estimate]], colour: str, marker: str, label: str) -> None:
    """Draws intervals along x, at their places on y."""
    places = [at for at, _ in rows]
    axes.hlines(places, [e.low for _, e in rows], [e.high for _, e in rows], color=colour, lw=1.8)
    axes.plot([e.value for _, e in rows], places, marker, ms=6, color=colour, label=label)


def effects(by_week: Mapping[str, Estimate], by_dose: Mapping[str, Estimate]) -> Figure:
    """Draws the trial's own effect of sending by week, and by recent dose."""
    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(6, 3))
    for axes, found in ((left, by_week), (right, by_dose)):
        axes.axhline(0.0, color=INK, lw=1.0)
        low, high = [e.low for e in found.values()], [e.high for e in found.values()]
        axes.vlines(range(len(found)), low, high, color=COLOURS[0], lw=1.8)
        means = [e.value for e in found.values()]
        axes.plot(range(len(found)), means, "D", ms=6, color=COLOURS[0], label="Difference of means, 95 % interval")
        axes.set_xticks(range(len(found)), list(found))
        axes.set_xlim(-0.5, len(found) - 0.5)
        axes.grid(axis="y", alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    left.set(xlabel="Week of the study", ylabel="Effect of sending\n(difference in log of steps)")
    right.set_xlabel("Sent, of the latest five decisions")
    return _finished(figure, left)


def fading(gains: Mapping[str, Mapping[str, Estimate]], rules: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draws what the learner gains in each world with each state, and what the best possible rule would gain."""
    figure = Figure(figsize=(8.6, 5.4), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0.0, color=INK, lw=1.0)
    for place, know in enumerate(next(iter(gains.values()))):
        rows = [(at + 0.16 * (place - 1.5), row[know]) for at, row in enumerate(gains.values())]
        _intervals(axes, rows, COLOURS[place], "sD^o"[place], f"Learner, {know}; 95 % interval")
    for looks, rule in zip(("*", "x"), next(iter(rules.values())), strict=False):
        marks = [(rules[world][rule], at) for at, world in enumerate(gains) if world in rules]
        axes.plot([x for x, _ in marks], [y + 0.4 for _, y in marks], looks, ms=8, color=INK, label=rule.capitalize())
    axes.set_yticks(range(len(gains)), list(gains))
    axes.set(xlabel="Gain over never sending, per decision (log of steps)", ylabel="World")
    axes.set_ylim(len(gains) - 0.4, -0.5)
    axes.grid(axis="x", alpha=0.25)
    return _finished(figure, axes)


def _finished(figure: Figure, axes: Axes) -> Figure:
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure
