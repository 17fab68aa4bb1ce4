"""Draws the report's plots: learning curve, what was learned, one person's plans, and the days."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from lab.demo.daily import DayRow
from lab.demo.portrait import Portrait, was_own_best
from lab.demo.results import Learned, SegmentRow, Served, best_value, random_value, served_value
from rl_core.models import ACTIONS

matplotlib.rcParams.update({"svg.hashsalt": "fettle", "font.size": 10, "axes.titlesize": 10})

SHORT = tuple(action.name.capitalize() for action in ACTIONS)
STATES = tuple(f"{e} · {m}" for e in ("low", "moderate", "high") for m in ("falling", "steady", "rising"))
WINDOW = 100
BEST, SERVED, RANDOM, INK, BLANK = "#1b7f5c", "#1f4e9c", "#a6611a", "#1d2733", "#eef0f3"

Floats = NDArray[np.float64]


def moving_mean(values: Floats, window: int) -> Floats:
    """Returns the mean of each full window, shape (n - window + 1,)."""
    return np.convolve(values, np.full(window, 1.0 / window), mode="valid").astype(np.float64)


def learning_curve(sessions: Sequence[Served], window: int = WINDOW) -> Figure:
    """Draws the mean reward by session number: served, random and best possible over the same sessions."""
    window = min(window, len(sessions))
    figure = Figure(figsize=(9.6, 4.6), layout="constrained")
    axes = figure.subplots()
    x = np.arange(len(sessions) - window + 1, dtype=np.float64) + (window + 1) / 2
    for name, colour, value in (
        ("Best possible", BEST, best_value),
        ("Served by Fettle", SERVED, served_value),
        ("Random policy", RANDOM, random_value),
    ):
        mean = moving_mean(np.array([value(session) for session in sessions]), window)
        axes.plot(x, mean, color=colour, lw=2.4 if value is served_value else 1.8, label=f"{name} (expected reward)")
    _recorded(axes, x, np.array([session.reward for session in sessions]), window)
    axes.set(xlabel=f"Session, in order of issue (centre of {window} sessions)", ylabel="Reward per session (mean)")
    axes.set(xlim=(0, len(sessions)), ylim=(0, None))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", ncols=2)
    return figure


def _recorded(axes: Axes, x: Floats, rewards: Floats, window: int) -> None:
    """Draws the rewards that the service recorded, with a 95 % band from the standard error within each window."""
    mean = moving_mean(rewards, window)
    variance = np.maximum(moving_mean(rewards**2, window) - mean**2, 0.0)
    error = 1.96 * np.sqrt(variance / window)
    axes.plot(x, mean, color=SERVED, lw=0.9, ls=(0, (4, 2)), label="Recorded reward, with 95 % band")
    axes.fill_between(x, mean - error, mean + error, color=SERVED, alpha=0.13, lw=0)


def day_chart(days: Sequence[DayRow]) -> Figure:
    """Draws active users as bars, and above them the share of activities done with its 95 % band."""
    figure = Figure(figsize=(9.6, 5.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    told = [row for row in days if row.completion.n]
    x = [row.day for row in told]
    low, high = [100 * row.completion.low for row in told], [100 * row.completion.high for row in told]
    upper.fill_between(x, low, high, color=SERVED, alpha=0.13, lw=0)
    upper.plot(x, [100 * row.completion.value for row in told], color=SERVED, lw=2)
    upper.set(ylabel="Activities done, %", ylim=(0, 100))
    lower.bar([row.day for row in days], [row.users for row in days], color=SERVED, width=0.8)
    lower.set(ylabel="Active users")
    lower.xaxis.set_major_formatter(DateFormatter("%d %b"))  # type: ignore[no-untyped-call]
    for axes in (upper, lower):
        axes.grid(alpha=0.25, axis="y")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def heat_map(policies: Sequence[Learned], rows: Sequence[SegmentRow]) -> Figure:
    """Draws learned Q by state and action, a panel per segment, on one colour scale; unvisited cells stay blank."""
    figure = Figure(figsize=(11.5, 11.6), layout=ConstrainedLayoutEngine(h_pad=0.14))
    grid = figure.subplots(3, 3, sharex=True, sharey=True)
    low, high = _colour_range(policies)
    for panel, learned, row in zip(grid.flat, policies, rows, strict=True):
        image = _panel(panel, learned, row, low, high)
    figure.colorbar(image, ax=grid, location="bottom", shrink=0.5, aspect=45, label="Learned Q (in units of reward)")
    figure.supylabel("State: engagement · motivation", fontsize=10)
    return figure


def _colour_range(policies: Sequence[Learned]) -> tuple[float, float]:
    seen = [q for p in policies for qs, ns in zip(p.q, p.visits, strict=True) for q, n in zip(qs, ns, strict=True) if n]
    return (min(seen), max(seen)) if seen else (0.0, 1.0)


def _panel(axes: Axes, learned: Learned, row: SegmentRow, low: float, high: float) -> matplotlib.image.AxesImage:
    visits = np.array(learned.visits)
    values = np.ma.masked_where(visits == 0, np.array(learned.q))
    image = axes.imshow(values, cmap="viridis", vmin=low, vmax=high, aspect="auto")
    for (state, action), count in np.ndenumerate(visits):
        if count:
            dark = learned.q[state][action] < low + 0.6 * (high - low)
            axes.text(action, state, str(count), ha="center", va="center", size=8, color="white" if dark else INK)
    axes.plot(row.truly_best, -0.95, marker="*", ms=11, color=BEST, clip_on=False)
    axes.plot(row.favourite, 8.95, marker="^", ms=7, color=SERVED, clip_on=False)
    axes.set_title(learned.segment, pad=20, weight="bold")
    axes.set_facecolor(BLANK)
    axes.set(xlim=(-0.5, 5.5), ylim=(8.5, -0.5))
    axes.set_xticks(range(6), SHORT, rotation=40, ha="right")
    axes.set_yticks(range(9), STATES)
    axes.set_xticks(np.arange(6) + 0.5, minor=True)
    axes.set_yticks(np.arange(9) + 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=1.5)
    axes.tick_params(axis="x", pad=20, length=0)  # below the triangles
    axes.tick_params(axis="y", length=0)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    return image


def plans_of(person: Portrait) -> Figure:
    """Draws the plans of one person: a column per session, a row per action, what they like best at the top.

    A cell's colour is how much the person liked that plan on that visit; cells of barred actions stay blank.
    """
    figure = Figure(figsize=(9.6, 4.3), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(_likings(person), cmap="viridis", vmin=0, vmax=100, aspect="auto")
    _mark_plans(axes, person)
    axes.set_facecolor(BLANK)
    axes.set(ylim=(5.5, -0.5), xlabel="Session of this person")
    numbers = [1, *range(5, len(person.sessions) + 1, 5)]
    axes.set_xticks([number - 1 for number in numbers], list(map(str, numbers)))
    axes.set_yticks(range(6), [_row_label(person, action) for action in person.ranking])
    axes.set_xticks(np.arange(len(person.sessions)) + 0.5, minor=True)
    axes.set_yticks(np.arange(6) + 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, pad=0.015, aspect=30, label="Liking: chance that an activity gets done, %")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def _likings(person: Portrait) -> np.ma.MaskedArray[tuple[int, ...], np.dtype[np.float64]]:
    """Returns the liking of each action in per cent, shape (6, sessions), rows by rank; masked where barred."""
    sessions = person.sessions
    liking = np.array([[100 * session.liking[action] for session in sessions] for action in person.ranking])
    barred = np.array([[action not in session.eligible for session in sessions] for action in person.ranking])
    return np.ma.masked_where(barred, liking)


def _mark_plans(axes: Axes, person: Portrait) -> None:
    """Puts a dot on the plan of each session: filled where the person liked no eligible one better."""
    dots = [
        (x, person.ranking.index(session.action), was_own_best(session)) for x, session in enumerate(person.sessions)
    ]
    for best, face, edge, label in (
        (True, INK, "white", "given, and liked best then"),
        (False, "white", INK, "given, another was liked better"),
    ):
        x, y = [dot[0] for dot in dots if dot[2] is best], [dot[1] for dot in dots if dot[2] is best]
        axes.scatter(x, y, s=52, color=face, edgecolors=edge, linewidths=1.4, label=label, zorder=3)
    axes.scatter([], [], s=90, marker="s", color=BLANK, edgecolors="#c3cad3", label="barred by the cool-down")


def _row_label(person: Portrait, action: int) -> str:
    of_person, of_segment = action == person.own_best, action == person.segments_best
    if of_person and of_segment:
        return f"{SHORT[action]}\nbest for both"
    if of_person or of_segment:
        return f"{SHORT[action]}\n{'the person' if of_person else 'the segment'}'s best"
    return SHORT[action]


def image_tag(figure: Figure, alt: str) -> str:
    """Returns an <img> element that contains the figure as SVG."""
    out = BytesIO()
    figure.savefig(out, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{b64encode(out.getvalue()).decode()}">'
