"""The page Days: how much was done on the latest final days, by segment, and how GAD-7 moved."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import altair as alt
import streamlit as st

from operate.console.engagement import ALL, Figure, Line, lines, missing, told
from operate.console.reading import View, view
from operate.console.signs import BLUE, ORANGE
from operate.daily import anxiety
from operate.intervals import Estimate
from rl_core.days import KEPT, SegmentDay
from rl_core.models import Segment

_PERIODS = (7, 30, 90, KEPT)
_NUMBERS = ("Figure", "Low", "High")
_ROW = 30  # pixels of a segment
_SEGMENT, _ALL = "segment", "all"  # in the address
_LISTED = {_ALL: ALL} | {segment.name: segment.value for segment in Segment}
_NO_DAY = (
    "No day is final yet. A day becomes final three or four days after it, when its last sessions have expired, "
    "and the daily job has counted it."
)
_FEW = (
    "Figures of fewer than five users are withheld: a week with such a day is shown as a whole, or not at all if none "
    "of its days has five. All segments together sum what is shown, and nothing of what is withheld."
)

Chart = alt.LayerChart | alt.FacetChart


def show() -> None:
    """Shows the choices, and what they ask for, as of the last final day."""
    st.title("Days")
    days = st.segmented_control(
        "Latest final days", _PERIODS, default=30, required=True, key="days", bind="query-params"
    )
    figure = Figure(
        st.segmented_control(
            "Figure",
            [its.value for its in Figure],
            default=Figure.REWARD.value,
            required=True,
            key="figure",
            bind="query-params",
        )
        or Figure.REWARD
    )
    name = _chosen_segment()
    st.caption(figure.means)
    with view() as its:
        _days(its, days or 30, figure, name)


def _chosen_segment() -> str:
    """Shows the choice of the segment that is shown day by day, keeps it in the address, and returns its name."""
    names, asked = list(_LISTED), st.query_params.get(_SEGMENT, _ALL)
    place = names.index(asked) if asked in names else 0
    chosen = st.selectbox("Day by day of", names, index=place, format_func=_LISTED.__getitem__)
    if chosen != asked:
        st.query_params[_SEGMENT] = chosen
    return _LISTED[chosen]


def _days(its: View, days: int, figure: Figure, name: str) -> None:
    watermark = its.watch.watermark()
    if watermark is None:
        st.info(_NO_DAY, icon=":material/hourglass_empty:")
        return
    final, courses = watermark.day, its.watch.lately()
    st.markdown(f"As of the last final day, **{final}**.")
    for sentence in missing(courses, final):
        st.warning(sentence, icon=":material/help:")
    found = lines({s: course for s, course in courses.items() if course is not None}, final, days, figure)
    _by_segment(found, days, figure)
    st.caption(_FEW)
    _day_by_day(next((line for line in found if line.name == name), None), figure)
    _gad7(its.watch.segments_on(final), final)


def _by_segment(found: list[Line], days: int, figure: Figure) -> None:
    """Shows the figure of each segment over the whole time: points with intervals, and a table."""
    st.subheader(f"By segment, over {days} days")
    words = "; ".join(f"{line.name} {told(line.whole, share=figure.is_share)}" for line in found)
    seen = [line for line in found if line.whole and line.whole.n]
    if not seen:
        st.markdown("Nothing that may be shown happened in this time.")
        return
    cells = [_cells(line.name, line.whole) | {"Withheld": _weeks(line.withheld)} for line in found]
    st.altair_chart(_points(cells, figure), alt=f"{figure.value}: {words}.")
    _table(cells, figure, f"{figure.value} by segment: {words}.")


def _weeks(count: int) -> str:
    return f"{count} week{'s' if count > 1 else ''}" if count else ""


def _cells(name: str, its: Estimate | None) -> dict[str, Any]:
    """Returns a row of a table; what is not a number is left out."""
    known = its if its and its.n else None
    numbers = {"Figure": known and known.value, "Low": known and known.low, "High": known and known.high}
    return {"Name": name, **{k: None if v != v else v for k, v in numbers.items()}, "n": its and its.n}


def _table(cells: list[dict[str, Any]], figure: Figure, words: str) -> None:
    form = "%.1f %%" if figure.is_share else "%.1f" if figure.is_count else "%.3f"
    times = 100 if figure.is_share else 1
    st.dataframe(
        [
            {"": row["Name"]}
            | {name: its if its is None else times * its for name in _NUMBERS for its in [row[name]]}
            | {"n": row["n"], "Withheld": row["Withheld"]}
            for row in cells
        ],
        hide_index=True,
        alt=words,
        column_config={
            "Figure": st.column_config.NumberColumn(figure.value, format=form, help=figure.means),
            "Low": st.column_config.NumberColumn(format=form, help="The lower end of the 95 % interval."),
            "High": st.column_config.NumberColumn(format=form, help="The upper end of the 95 % interval."),
            "Withheld": st.column_config.TextColumn(help="Weeks of which nothing may be shown."),
        },
    )


def _value(figure: Figure) -> alt.X:
    axis = alt.Axis(format="%") if figure.is_share else alt.Axis()
    return alt.X("Figure:Q", title=figure.value, scale=alt.Scale(zero=figure.is_count), axis=axis)


def _points(cells: list[dict[str, Any]], figure: Figure) -> Chart:
    base = alt.Chart(alt.InlineData(values=cells)).encode(
        y=alt.Y("Name:N", sort=None, title=None, axis=alt.Axis(labelLimit=230, labelOverlap=False))
    )
    ends = (
        base.transform_filter("isValid(datum.Low)").mark_rule(color=BLUE, strokeWidth=2).encode(x="Low:Q", x2="High:Q")
    )
    seen = base.transform_filter("isValid(datum.Figure)")
    points = seen.mark_point(filled=True, size=70, color=BLUE, opacity=1).encode(
        x=_value(figure), tooltip=["Name:N", "Figure:Q", "Low:Q", "High:Q", "n:Q"]
    )
    return alt.layer(ends, points).properties(height=_ROW * len(cells))


def _day_by_day(line: Line | None, figure: Figure) -> None:
    """Shows one segment, or all: a line over time with intervals, and a table."""
    name = line.name if line else "This segment"
    st.subheader(f"{name}, day by day")
    if line is None or not line.days:
        st.markdown("Nothing happened there in this time.")
        return
    cells = [
        _cells(str(its.first), its.estimate)
        | {"Week": "a week" if its.is_week else "a day", "Withheld": "withheld" if its.estimate is None else ""}
        for its in line.days
    ]
    words = "; ".join(
        f"{'week from ' * its.is_week}{its.first} {told(its.estimate, share=figure.is_share)}" for its in line.days
    )
    st.altair_chart(_course(cells, figure), alt=f"{figure.value} of {name}: {words}.")
    st.caption("A circle is a day, a square is a week from its Monday on; the upright line is the 95 % interval.")
    for cell, its in zip(cells, line.days, strict=True):
        cell["Name"] = f"week from {its.first}" if its.is_week else str(its.first)
    with st.expander("As a table"):
        _table(cells, figure, f"{figure.value} of {name}: {words}.")


def _course(cells: list[dict[str, Any]], figure: Figure) -> Chart:
    time = alt.X("yearmonthdate(Name):T", title=None, axis=alt.Axis(format="%d %b", labelOverlap=True))
    base = alt.Chart(alt.InlineData(values=[dict(cell) for cell in cells])).encode(x=time)
    value = alt.Y("Figure:Q", title=figure.value, scale=alt.Scale(zero=figure.is_count))
    if figure.is_share:
        value = value.axis(format="%")
    ends = base.transform_filter("isValid(datum.Low)").mark_rule(color=BLUE).encode(y="Low:Q", y2="High:Q")
    seen = base.transform_filter("isValid(datum.Figure)")
    shape = alt.Shape("Week:N", legend=None, scale=alt.Scale(domain=["a day", "a week"], range=["circle", "square"]))
    colour = alt.Color("Week:N", legend=None, scale=alt.Scale(domain=["a day", "a week"], range=[BLUE, ORANGE]))
    points = seen.mark_point(filled=True, size=60, opacity=1).encode(
        y=value, shape=shape, color=colour, tooltip=["Name:N", "Figure:Q", "Low:Q", "High:Q", "n:Q"]
    )
    return alt.layer(seen.mark_line(color=BLUE, opacity=0.4).encode(y=value), ends, points).properties(height=260)


def _gad7(segments: Mapping[Segment, SegmentDay | None], final: date) -> None:
    """Shows how GAD-7 moved from first to latest assessment of the users who were active on the last final day."""
    st.subheader("GAD-7, latest assessment less the first")
    st.caption(
        f"Of the users who were active on {final} and have assessments of two days. Less than 0 is less anxiety. "
        "It compares nobody with anybody: who gives a second score may be who got better."
    )
    if unread := [segment.value for segment, day in segments.items() if day is None]:
        st.warning(f"{'; '.join(unread)}: the day cannot be read, so it is left out.", icon=":material/help:")
    found = anxiety({segment: day for segment, day in segments.items() if day is not None})
    if not found:
        st.markdown("None of them has two.")
        return
    words = "; ".join(f"{name} {told(change)}" for name, change in found.items())
    st.dataframe(
        [{**_cells(name, change), "Withheld": "" if change else "withheld"} for name, change in found.items()],
        hide_index=True,
        alt=f"Change of GAD-7: {words}.",
        column_config={
            "Name": "",
            "Figure": st.column_config.NumberColumn(
                "Points", format="%+.2f", help="Mean change, in points of 0 to 21."
            ),
            "Low": st.column_config.NumberColumn(format="%+.2f", help="The lower end of the 95 % interval."),
            "High": st.column_config.NumberColumn(format="%+.2f", help="The upper end of the 95 % interval."),
            "n": st.column_config.NumberColumn(help="Users."),
            "Withheld": st.column_config.TextColumn(help="Fewer than five users, or they could be told from the rest."),
        },
    )
