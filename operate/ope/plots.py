"""Draws the values of several policies."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from operate.ope.judge import Estimate, Verdict
from operate.ope.totals import ESTIMATORS

matplotlib.rcParams.update({"svg.hashsalt": "fettle", "font.size": 10})

LOOKS = {"IPS": ("o", "#a6611a"), "SNIPS": ("s", "#1f4e9c"), "DM": ("^", "#7a5195"), "DR": ("D", "#1b7f5c")}
INK = "#1d2733"
CAPTION = "Read DR first: what lies right of the band is likely better than what was served; the gain column decides."


def forest(logged: Estimate, verdicts: Sequence[Verdict], unit: str = "reward per session") -> Figure:
    """Draws a row for each policy with an interval for each estimator, and the served value as a band.

    Refused policies are left out.
    """
    shown = [verdict for verdict in verdicts if not verdict.refused]
    figure = Figure(figsize=(8.6, 1.6 + 0.62 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(logged.low, logged.high, color=INK, alpha=0.08, lw=0, label="As logged, 95 % interval")
    axes.axvline(logged.value, color=INK, lw=1.0, ls=(0, (4, 3)), label="As logged, mean")
    for place, name in enumerate(ESTIMATORS):
        marker, colour = LOOKS[name]
        estimates = [verdict.value[name] for verdict in shown]
        rows = [row + 0.18 * (place - 1.5) for row in range(len(shown))]
        axes.hlines(rows, [e.low for e in estimates], [e.high for e in estimates], color=colour, lw=1.4)
        axes.plot([e.value for e in estimates], rows, marker, ms=5, color=colour, label=f"{name}, 95 % interval")
    axes.set_yticks(range(len(shown)), [verdict.name for verdict in shown])
    axes.set(xlabel=f"Value: mean {unit}\n{CAPTION}", ylabel="Policy")
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    return figure
