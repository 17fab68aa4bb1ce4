"""Draws the comparison's two plots: shares of the gain with their intervals, and regret over the episodes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.learning.runs import (
    BIN,
    EPSILON,
    FETTLE,
    FIXED,
    FORMER,
    MAB_LINTS,
    MAB_LINUCB,
    MAB_SEGMENT,
    MAB_STATE,
    METHODS,
    MYOPIC,
    NORMAL,
    TEXTBOOK,
    UNIFORM,
    VW_SQUARECB,
)
from lab.learning.summary import Standing, Standings

mpl.rcParams.update({"svg.hashsalt": "fettle", "svg.fonttype": "none", "font.size": 10, "axes.titlesize": 11})

COLOURS = {
    FETTLE: "#1f4e9c", EPSILON: "#1b7f5c", UNIFORM: "#8a94a3", TEXTBOOK: "#a6611a", VW_SQUARECB: "#b3365f",
    "vw epsilon": "#e08ba6",
    FORMER: "#7ea3d9", NORMAL: "#444444", MAB_LINTS: "#008b9a", MAB_LINUCB: "#66c2cc",
    MAB_SEGMENT: "#6a3d9a", MAB_STATE: "#b79ad6", FIXED: "#8a94a3", MYOPIC: "#1d2733",
}  # fmt: skip
DASHES = {UNIFORM: "--", TEXTBOOK: ":", MAB_STATE: "-."}
DRAWN = (FETTLE, FORMER, VW_SQUARECB, MAB_SEGMENT, MAB_LINTS, TEXTBOOK, UNIFORM)
COLUMNS = 4
INK = "#1d2733"
SHOWN = (-70, 125)  # percent; a method that loses more against random play is cut off here


def shares(standings: Standings) -> Figure:
    """Draws a panel for each world: each method's share of the oracle's gain, in percent, with its interval."""
    names = [
        name for name in METHODS if name in next(iter(standings.values())) and not name.startswith("oracle planning")
    ]
    figure, panels = _panels(len(standings), 3.6)
    for panel, (world, methods) in zip(panels, standings.items(), strict=False):
        for place, name in enumerate(names):
            _interval(panel, place, name, methods[name])
        panel.set_xlim(*SHOWN)
        panel.axvline(0, color=INK, lw=0.8)
        panel.axvline(100, color=INK, lw=0.8, ls="--")
        panel.set_title(world.value)
        panel.set_yticks(range(len(names)), names)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.label_outer()
        panel.tick_params(labelbottom=True)
        panel.grid(axis="x", alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(
        "Share of the planning oracle's gain over uniform play, % (bar: 95 % interval over seeds)", fontsize=10
    )
    return figure


def _panels(worlds: int, height: float) -> tuple[Figure, list[Axes]]:
    """Makes a panel for each world, in rows, and at least one empty panel at the end, for a legend."""
    rows = worlds // COLUMNS + 1
    figure = Figure(figsize=(11.5, height * rows), layout="constrained")
    panels: list[Axes] = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for spare in panels[worlds:]:
        spare.set_axis_off()
    return figure, panels


def _interval(axes: Axes, place: int, name: str, standing: Standing) -> None:
    share = standing.share
    colour = COLOURS.get(name, INK)
    axes.plot([100 * share.low, 100 * share.high], [place, place], color=colour, lw=2.2, solid_capstyle="butt")
    axes.plot(100 * share.mean, place, "o", color=colour, ms=5)


def regret(standings: Standings) -> Figure:
    """Draws a panel for each world: each method's regret against the planning oracle, with a 95 % band."""
    figure, grid = _panels(len(standings), 2.8)
    for panel, (world, methods) in zip(grid, standings.items(), strict=False):
        for name in DRAWN:
            _curve(panel, name, methods[name])
        panel.set_title(world.value)
        panel.set_xlim(left=0)
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    handles, labels = grid[0].get_legend_handles_labels()
    grid[-1].legend(handles, labels, frameon=False, loc="center", title="mean and 95 % band over seeds")
    figure.supxlabel("Episodes (sessions), thousands", fontsize=10)
    figure.supylabel("Cumulative regret, units of reward", fontsize=10)
    return figure


def _curve(axes: Axes, name: str, standing: Standing) -> None:
    every = list(enumerate(standing.regret, 1))[1::2] or list(enumerate(standing.regret, 1))
    x, points = [i * BIN / 1000 for i, _ in every], [point for _, point in every]
    colour = COLOURS[name]
    axes.plot(x, [r.mean for r in points], color=colour, ls=DASHES.get(name, "-"), lw=1.6, label=name)
    low, high = [r.low for r in points], [r.high for r in points]
    axes.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)


def save(figure: Figure, path: Path) -> None:
    """Writes an SVG that is the same for the same figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
