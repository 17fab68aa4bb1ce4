"""Draws the charts of the page Segment, each with the text that says the same to whoever cannot see it."""

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt

from operate.console.segment.beliefs import Beliefs, Cell, in_words
from operate.console.segment.course import Point
from operate.console.signs import BLUE, ORANGE, RED
from rl_core.models import STATES, Act, State

_TEXT = "#1a1a1a"
_DRAWN = ["entropy", "tries"]


class Chart(NamedTuple):
    """Holds a chart and its text."""

    drawn: alt.LayerChart | alt.FacetChart
    alt: str


def learning_curve(points: Sequence[Point], acts: Sequence[Act]) -> Chart:
    """Returns the mean reward of each day or week with its 95 % interval, and a mark where an operator acted."""
    data = alt.InlineData(values=[_reward_row(point) for point in points])
    base = alt.Chart(data).encode(x=alt.X("day:T", title=None, axis=alt.Axis(format="%b %d", labelOverlap=True)))
    tips = ["days:N", "reward:Q", "low:Q", "high:Q", "n:Q"]
    scale = alt.Scale(zero=False)
    layers: list[alt.Chart] = [
        base.mark_area(opacity=0.2, color=BLUE).encode(y=alt.Y("low:Q", title="mean reward", scale=scale), y2="high:Q"),
        base.mark_rule(color=BLUE, opacity=0.3).encode(y="low:Q", y2="high:Q"),
        base.mark_line(color=BLUE).encode(y="reward:Q"),
        base.mark_circle(color=BLUE, size=40, opacity=1).encode(y="reward:Q", tooltip=tips),
    ]
    marks = [act for act in acts if points and act.at.date() >= points[0].first]
    if marks:
        layers += _marks(marks)
    return Chart(alt.layer(*layers).properties(height=260), _curve_in_words(points, marks))


def _reward_row(point: Point) -> dict[str, object]:
    its = point.reward
    figures = {"reward": round(its.value, 4), "low": round(its.low, 4), "high": round(its.high, 4)}
    return {"day": _middle(point), "days": point.days, "n": its.n, **figures}


def _middle(point: Point) -> str:
    return (point.first + (point.last - point.first) / 2).isoformat()


def _marks(acts: Sequence[Act]) -> list[alt.Chart]:
    rows = [{"day": act.at.date().isoformat(), "what": act.what} for act in acts]
    base = alt.Chart(alt.InlineData(values=rows)).encode(x="day:T", tooltip=["day:N", "what:N"])
    rule = base.mark_rule(color=RED, strokeDash=[4, 3], size=2)
    return [rule, base.mark_text(color=_TEXT, align="left", dx=4, baseline="top").encode(y=alt.value(0), text="what:N")]


def _curve_in_words(points: Sequence[Point], marks: Sequence[Act]) -> str:
    first, last = points[0], points[-1]
    low, high = min(points, key=lambda p: p.reward.value), max(points, key=lambda p: p.reward.value)
    acted = "".join(f" {act.what} on {act.at.date()}." for act in marks)
    return (
        f"Line of the mean reward by day or week with its 95 % interval, from {first.reward.value:.3f} ({first.days}) "
        f"to {last.reward.value:.3f} ({last.days}); lowest {low.reward.value:.3f} ({low.days}), "
        f"highest {high.reward.value:.3f} ({high.days}).{acted}"
    )


def draws(points: Sequence[Point]) -> Chart:
    """Returns the share of tries, and the entropy of the draws, of each day or week."""
    known = [point for point in points if point.tries is not None and point.entropy is not None]
    rows = [
        {"day": _middle(point), "days": point.days, "what": what, "share": round(value, 4)}
        for point in known
        for what, value in (("tries", point.tries), ("entropy", point.entropy))
        if value is not None
    ]
    scale = alt.Scale(domain=_DRAWN, range=[BLUE, ORANGE])
    colour = alt.Color("what:N", title=None, scale=scale, legend=alt.Legend(orient="top", symbolType="stroke"))
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%b %d", labelOverlap=True)),
        y=alt.Y("share:Q", title="share", axis=alt.Axis(format="%"), scale=alt.Scale(domainMin=0)),
        color=colour,
        strokeDash=alt.StrokeDash("what:N", title=None, scale=alt.Scale(domain=_DRAWN, range=[[4, 2], [1, 0]])),
        tooltip=["days:N", "what:N", alt.Tooltip("share:Q", format=".1%")],
    )
    drawn = alt.layer(base.mark_line(), base.mark_circle(size=20, opacity=1)).properties(height=180)
    last = known[-1]
    said = f"Lines of tries and entropy by day or week; at last ({last.days}) {last.tries:.1%} and {last.entropy:.1%}."
    return Chart(drawn, said)


def heat_map(its: Beliefs) -> Chart:
    """Returns nine states by six actions: Q in each cell, coloured by how it stands against the state's others."""
    data = alt.InlineData(values=[_cell_row(cell) for cell in its.cells])
    most = max((abs(cell.apart) for cell in its.cells), default=0.0) or 1.0
    states = [in_words(State.from_row(row)) for row in range(STATES)]
    base = alt.Chart(data).encode(
        x=alt.X(
            "action:N",
            title=None,
            sort=None,
            axis=alt.Axis(orient="top", labelAngle=-45, labelOverlap=False),
        ),
        y=alt.Y("state:N", title=None, sort=states, axis=alt.Axis(labelLimit=110)),
        tooltip=["state:N", "title:N", "value:Q", "apart:Q", "visits:Q", "deviation:N", "chance:N"],
    )
    scale = alt.Scale(domain=[-most, 0, most], range=["#e9b872", "#ffffff", "#7fb8dc"], interpolate="rgb")
    cells = base.mark_rect(stroke="#d5d9e0").encode(color=alt.Color("apart:Q", scale=scale, legend=None))
    best = base.transform_filter("datum.best").mark_rect(filled=False, stroke=_TEXT, strokeWidth=2)
    value = base.mark_text(dy=-6, fontSize=11, color=_TEXT).encode(text=alt.Text("value:Q", format=".2f"))
    visits = base.mark_text(dy=8, fontSize=10, color="#4b5563").encode(text="seen:N")
    drawn = alt.layer(cells, best, value, visits).properties(height=9 * 38 + 60)
    return Chart(drawn, _map_in_words(its, states))


def _cell_row(cell: Cell) -> dict[str, object]:
    return {
        "state": in_words(cell.state),
        "action": cell.action.name.capitalize(),
        "title": cell.action.title,
        "value": round(cell.value, 4),
        "apart": round(cell.apart, 4),
        "visits": cell.visits,
        "seen": f"{cell.visits}x",
        "deviation": "-" if cell.deviation is None else f"{cell.deviation:.3f}",
        "chance": f"{cell.chance:.1%}",
        "best": cell.best,
    }


def _map_in_words(its: Beliefs, states: Sequence[str]) -> str:
    said = []
    for row, words in enumerate(states):
        best = [cell for cell in its.of(State.from_row(row)) if cell.best]
        said.append(f"{words}: {best[0].action.title if best else 'nothing tells the actions apart'}")
    return f"Heat map of nine states by six actions; the best action by state. {'; '.join(said)}."
