"""Shows the parts of the page Segment below its answer, one tab each; only the tab that is open reads and runs."""

from collections.abc import Sequence
from itertools import chain
from typing import Literal

import streamlit as st

from operate.console import acting
from operate.console.reading import View
from operate.console.screens.places import page
from operate.console.segment import beliefs, charts, course, lessons, past
from operate.console.segment.found import ACTS, Found, acts
from operate.console.segment.found import page as versions_page
from operate.console.signs import moment
from rl_core.days import LESSONS, Colour, Course
from rl_core.models import Policy

DAYS, TABLE, VERSIONS, PERSONS = "By day", "Q-table", "Versions", "Persons"
NAMES = (DAYS, TABLE, VERSIONS, PERSONS)
_FIGURES = ("Mean reward", "95 % from", "to", "Q", "Uncertainty", "Others' mean", "Reward")
_FORMATS = {name: st.column_config.NumberColumn(format="%.3f") for name in _FIGURES}
OF_LIGHT = {"weight": PERSONS, "replay": VERSIONS}  # the tab that shows most of what a light is about


def days(its: View, found: Found) -> None:
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
        st.caption(f"{hidden} week{'s' * (hidden > 1)} of fewer than five users a day are not shown.")
    mine, why = done
    for act in mine:
        st.markdown(f"- {moment(act.at)}: **{act.what}**, {act.before or '?'} → {act.after or '?'}")
    st.caption(f"{len(mine)} of the latest {ACTS} acts of operators were on this segment. {why}")


def _frame(rows: Sequence[dict[str, object]], alt: str, *, whole: bool = False) -> None:
    height: Literal["content", "auto"] = "content" if whole else "auto"
    st.dataframe(rows, hide_index=True, column_config=_FORMATS, alt=alt, height=height)


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
        st.dataframe(
            [_point(point) for point in reversed(points)], hide_index=True, alt="Figures of the learning curve"
        )


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


def table(its: View, policy: Policy) -> None:
    """Shows the Q-table as a heat map and as a table, and what is known of wear and persons."""
    known = beliefs.beliefs(policy, its.settings)
    if known is None:
        st.info("Nothing was learned yet, so every action is as good as the others.")
        return
    st.markdown("**What it expects of each action** in each state (engagement, motivation)")
    heat = charts.heat_map(known)
    st.altair_chart(heat.drawn, alt=heat.alt)
    st.caption(
        "The number is Q: the reward that is expected, and what follows it. Below it, how many sessions taught it. "
        "Blue is better and orange worse than the state's other actions; a black frame is the best. "
        f"Learner: {policy.learner}."
    )
    _people(known.people)
    with st.expander("The same in figures, with uncertainty and chances"):
        rows = [_cell(cell) for cell in known.cells]
        _frame(rows, "The Q-table: a row for each state and action")
        st.caption(
            "Uncertainty: standard deviation of what the action gives beyond its state; none is kept by the learner "
            "epsilon. Chance: that of a draw among all six actions for somebody new, by this console's settings."
        )


def _cell(cell: beliefs.Cell) -> dict[str, object]:
    return {
        "Engagement, motivation": beliefs.in_words(cell.state),
        "Action": cell.action.title,
        "Q": cell.value,
        "Visits": cell.visits,
        "Uncertainty": None if cell.deviation is None else cell.deviation,
        "Chance": f"{cell.chance:.1%}",
        "Best": "yes" if cell.best else "",
    }


def _people(its: beliefs.People | None) -> None:
    if its is None:
        st.markdown("This form of the learner knows neither wear nor persons.")
        return
    st.markdown(
        f"- **Wear {-its.wear:+.3f}** (± {1.96 * its.wear_deviation:.3f}): what an action's reward changes by if all "
        "of the latest five sessions were of it.\n"
        f"- **Persons ± {its.persons:.3f}**: how far persons lie apart in what one action gives them (standard "
        f"deviation); a single reward varies by ± {its.noise:.3f}."
    )


def versions(its: View, found: Found, before: int | None) -> None:
    """Shows twenty versions, newest first, and the form that rolls back to one of them."""
    read = versions_page(its, found, before)
    rows = [past.version_of(record) for record in read.records]
    if rows:
        st.markdown(f"**Versions {rows[-1].number} to {rows[0].number}**, newest first")
        _frame([_version(row) for row in rows], "Versions: what each learned or did", whole=True)
        st.caption("Mean reward: of the sessions that the version learned. Persons: how many gave them.")
    else:
        st.info("No version is on record here.")
    if read.why:
        st.warning(read.why)
    with st.container(horizontal=True):
        if rows and rows[-1].number > 1:
            _older(found, rows[-1].number)
        if before is not None:
            st.page_link(page("Segment"), label="Newest versions", query_params=_place(found))
    if found.policy is not None:
        _rollback(found.policy, [row for row in rows if row.number < found.policy.version])


def _place(found: Found) -> dict[str, str]:
    return {"segment": found.segment.name, "tab": VERSIONS}


def _older(found: Found, before: int) -> None:
    place = _place(found) | {"before": str(before)}
    st.page_link(page("Segment"), label="Older versions", icon=":material/arrow_forward:", query_params=place)


def _version(row: past.Version) -> dict[str, object]:
    mean = None if row.mean is None else row.mean
    return {"Version": row.number, "What": row.what, "Mean reward": mean, "Persons": row.persons or None}


def _rollback(policy: Policy, rows: Sequence[past.Version]) -> None:
    what = {row.number: row.what for row in rows}
    chosen = st.selectbox(
        "Roll back to",
        list(what),
        index=None,
        format_func=lambda number: f"version {number}: {what[number]}",
        placeholder="Choose a version of this page",
        key=f"rollback-{policy.segment.name}",
    )
    if chosen is not None:
        acting.offer_rollback(policy, chosen)


def persons(found: Found) -> None:
    """Shows who taught the latest sessions, and what one person taught."""
    excluded = found.policy.excluded if found.policy else ()
    taught = lessons.teachers(found.lessons, excluded)
    if taught:
        n = len(found.lessons)
        st.markdown(f"**Who taught the latest {n} sessions**, the greatest share first")
        _frame([_teacher(its) for its in taught], "Persons by their share of the lessons")
        st.caption(
            "A person is one life of an account, and leads back to none. Share: of the sessions of all who are not "
            "excluded. Others' mean: the mean reward of everybody else's sessions."
        )
    else:
        st.info("Nobody taught this segment yet.")
    if found.read.why and len(found.lessons) < LESSONS:
        st.warning(found.read.why)
    listed = dict.fromkeys(chain((its.person.hex() for its in taught), (person.hex() for person in excluded)))
    colour, _ = lessons.weight(taught)
    typed = st.selectbox(
        "Person",
        list(listed),
        index=0 if colour in {Colour.RED, Colour.YELLOW} else None,
        accept_new_options=True,
        placeholder="Choose from the list, or type 16 hexadecimal digits",
        key=f"person-{found.segment.name}",
    )
    if typed:
        _person(found, typed)


def _teacher(its: lessons.Teacher) -> dict[str, object]:
    return {
        "Person": its.person.hex(),
        "Share": "excluded" if its.share is None else f"{its.share:.1%}",
        "Sessions": its.sessions,
        "Mean reward": its.mean,
        "Others' mean": None if its.others is None else its.others,
    }


def _person(found: Found, typed: str) -> None:
    person = lessons.person_of_text(typed)
    if person is None:
        st.warning("A person is 16 hexadecimal digits, as the list above has them.")
        return
    own = [lesson for lesson in found.lessons if lesson.person == person]
    if own:
        st.markdown(f"**What `{person.hex()}` taught** of these: {len(own)} sessions")
        rows = [_by_action(row) for row in lessons.by_action(found.lessons, person)]
        _frame(rows, "The person's sessions and mean reward by action, beside the others'")
        with st.expander("Session by session"):
            _frame([_lesson(its) for its in own], "The person's sessions, newest first")
    else:
        st.markdown(f"`{person.hex()}` taught none of the latest {len(found.lessons)} sessions here.")
    if found.policy is not None:
        acting.offer_exclusion(found.policy, person)


def _by_action(row: lessons.ByAction) -> dict[str, object]:
    return {
        "Action": row.action.title,
        "Sessions": row.sessions,
        "Mean reward": row.mean,
        "Others' mean": None if row.others_mean is None else row.others_mean,
        "Others' sessions": row.others,
    }


def _lesson(its: lessons.Lesson) -> dict[str, object]:
    return {
        "Version": its.version,
        "Engagement, motivation": beliefs.in_words(its.state),
        "Action": its.action.title,
        "Reward": its.reward,
    }
