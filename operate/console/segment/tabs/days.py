"""The tab `By day`: the learning curve, and how the sessions were drawn."""

from collections.abc import Sequence

import streamlit as st

from operate.console.reading import View
from operate.console.segment import charts, course
from operate.console.segment.found import ACTS, Found, acts
from operate.console.segment.tabs.frame import frame
from operate.console.signs import moment
from rl_core.days import Course


def show(its: View, found: Found) -> None:
    """Shows the learning curve, how the sessions were drawn, and where an operator acted."""
    if found.course is None:
        st.info(found.no_course, icon=":material/help:")
        return
    points, done = course.curve(found.course), acts(its, found.segment)
    if points:
        _curve(points, charts.learning_curve(points, done[0]), found.course)
    elif found.course.rows:
        st.info("Fewer than five users were here on each day, so no day is shown.", icon=":material/group:")
    else:
        st.info(f"Nothing was done here in the days up to {found.course.upto}.")
    if hidden := course.withheld_of(found.course):
        weeks = "1 week is" if hidden == 1 else f"{hidden} weeks are"
        st.caption(f"{weeks} not shown: fewer than five users were here on each of the days.")
    mine, why = done
    for act in mine:
        st.markdown(f"- {moment(act.at)}: **{act.what}**, {act.before or '?'} → {act.after or '?'}")
    st.caption(f"{len(mine)} of the latest {ACTS} acts of operators were on this segment. {why}")


def _curve(points: Sequence[course.Point], curve: charts.Chart, kept: Course) -> None:
    st.markdown("**Mean reward** of the sessions of each day, or each week where a day has fewer than five users")
    st.altair_chart(curve.drawn, alt=curve.alt)
    st.caption(f"The band is the 95 % interval of the mean. Final days up to {kept.upto}.")
    if any(point.tries is not None for point in points):
        drawn = charts.draws(points)
        st.markdown("**How sure the draws were**")
        st.altair_chart(drawn.drawn, alt=drawn.alt)
        st.caption(
            "Tries: the share of sessions that were not given the best known action. Entropy: 100 % if each action was "
            "as likely as the others, 0 % if one was certain."
        )
    with st.expander("The same in figures"):
        frame([_point(point) for point in reversed(points)], "Figures of the learning curve")


def _point(point: course.Point) -> dict[str, object]:
    its = point.reward
    return {
        "Days": point.days,
        "Mean reward": its.value,
        "95 % from": its.low,
        "to": its.high,
        "Rewards": its.n,
        "Sessions": point.sessions,
        "Tries": None if point.tries is None else f"{point.tries:.1%}",
        "Entropy": None if point.entropy is None else f"{point.entropy:.1%}",
    }
