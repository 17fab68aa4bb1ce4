"""The page Decision: what the plan of one session was drawn from, for a user's id that is typed in and kept nowhere."""

import altair as alt
import streamlit as st

from operate.console.explained import Row, became, forms, how_drawn, rows, verdict
from operate.console.reading import View, view
from operate.console.screens.places import page
from operate.console.signs import GREY, ORANGE, moment
from rl_core.days import Colour
from rl_core.errors import ErasingError
from rl_core.models import Session
from rl_core.sessions import PRODUCT, case_of, catalogue, languages, standing_of
from rl_core.store import FrugalStore
from rl_core.work import recompute

_LONGEST = 255  # characters of a user's id
_LAST = 99_999_999  # the number of a session
_BAR = 40  # pixels
_SIGNS = {
    Colour.GREEN: ":green-badge[:material/check_circle: the same]",
    Colour.GREY: ":gray-badge[:material/help: not known]",
    Colour.RED: ":red-badge[:material/dangerous: differs]",
}
NO_USER = "No such user: nobody with this id has a profile. Somebody who was erased has none either."
ERASING = "This user was erased, or is being erased: nothing is shown of them."
NO_SESSION = "No such session: this user has no session of this number."


def show() -> None:
    """Shows the form, and for what was typed in, the decision."""
    st.title("Decision")
    st.markdown("Why did this person get this plan? Type in whose plan it was, and which session.")
    with st.form("whose"):
        user = st.text_input(
            "User", max_chars=_LONGEST, autocomplete="off", help="The id that the app's tokens have as subject."
        )
        number = st.number_input("Session", 1, _LAST, 1, help="Sessions of a user are numbered from 1.")
        asked = st.form_submit_button("Explain", icon=":material/rule:")
    st.caption("The id stays in this form: it is put into no address, no log and no file.")
    if not asked:
        return
    if not user.strip():
        st.warning("Type in whose plan it was.", icon=":material/edit:")
        return
    with view(users=True) as its:
        _explain(its, user.strip(), int(number))


def _explain(its: View, user: str, number: int) -> None:
    store = FrugalStore(its.watch, its.watch.budget)
    try:
        profile = store.profile(user)
    except ErasingError:
        st.info(ERASING, icon=":material/person_off:")
        return
    session = store.session(user, number) if profile else None
    if profile is None or session is None:
        st.info(NO_SESSION if profile else NO_USER, icon=":material/search_off:")
        return
    found = recompute(store, session, its.settings)
    drawn = rows(session, profile, found, its.settings.action_cooldown)
    _head(session)
    said = verdict(session, found)
    st.markdown(f"{_SIGNS[said.colour]} {said.text}")
    for sentence in forms(session):
        st.info(sentence, icon=":material/history:")
    _chances(drawn)
    _person(session, drawn)
    _came_to(session)


def _head(session: Session) -> None:
    """Shows what was drawn, how, from which state and which version, and what the user is told of it."""
    its = session.decision
    standing = standing_of(its.state)
    st.subheader(f"{its.action.title}, with a chance of {its.propensity:.1%}")
    st.markdown(f"{how_drawn(session)} Engagement was {standing.engagement}, motivation {standing.motivation}.")
    version = "no policy" if its.fallback or its.impersonal else f"policy version {its.policy_version}"
    st.markdown(f"Session {session.number}, issued {moment(session.issued_at)}, drawn from {version}.")
    st.page_link(
        page("Segment"),
        label=session.segment.value,
        icon=":material/arrow_forward:",
        query_params={"segment": session.segment.name},
    )
    st.markdown(f"The user is told: *{languages()[PRODUCT].sentence(case_of(its), standing)}*")


def _chances(drawn: list[Row]) -> None:
    """Shows each action's chance as a bar, and below the same as a table with estimates and visits."""
    st.subheader("What could be drawn")
    st.altair_chart(_bars(drawn), alt=_in_words(drawn))
    for row in drawn:
        if row.masked:
            st.markdown(f"{row.action.title} was masked by {row.masked}.")
    st.dataframe(
        [_cells(row) for row in drawn],
        hide_index=True,
        alt=f"The same as a table, with estimates and visits. {_in_words(drawn)}",
        column_config={
            "Chance": st.column_config.NumberColumn(format="percent", help="The chance with which it could be drawn."),
            "Estimate": st.column_config.NumberColumn(
                format="%+.3f", help="How good it was held to be for this person, in units of the reward."
            ),
            "Visits": st.column_config.NumberColumn(
                help="From how many sessions of the segment with this state and action it was estimated; 0: untried."
            ),
        },
    )


def _bars(drawn: list[Row]) -> alt.LayerChart | alt.FacetChart:
    bars = [
        {
            "Action": _name(row),
            "Chance": row.chance or 0.0,
            "Told": "masked" if row.chance is None else f"{row.chance:.1%}",
            "Drawn": "drawn" if row.drawn else "not drawn",
        }
        for row in drawn
    ]
    base = alt.Chart(alt.InlineData(values=bars)).encode(
        y=alt.Y("Action:N", sort=None, title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False)),
        x=alt.X("Chance:Q", title="Chance", axis=alt.Axis(format="%"), scale=alt.Scale(domainMin=0, nice=True)),
    )
    colour = alt.Color("Drawn:N", legend=None, scale=alt.Scale(domain=["drawn", "not drawn"], range=[ORANGE, GREY]))
    told = base.mark_text(align="left", dx=4).encode(text="Told:N")
    return alt.layer(base.mark_bar().encode(color=colour), told).properties(height=_BAR * len(bars))


def _name(row: Row) -> str:
    return f"\N{BLACK RIGHT-POINTING TRIANGLE} {row.action.title}" if row.drawn else row.action.title


def _in_words(drawn: list[Row]) -> str:
    """Returns what the bars say."""
    told = [
        f"{row.action.title} {'masked' if row.chance is None else f'{row.chance:.1%}'}{' (drawn)' * row.drawn}"
        for row in drawn
    ]
    return f"Chances: {', '.join(told)}."


def _cells(row: Row) -> dict[str, object]:
    tried = "" if row.visits is None else "tried" if row.visits else "untried"
    return {
        "Action": _name(row),
        "Chance": row.chance,
        "Estimate": row.estimate,
        "Visits": row.visits,
        "Tried": tried,
    }


def _person(session: Session, drawn: list[Row]) -> None:
    """Shows what the draw knew of the person: sessions and mean reward by action, and the latest actions."""
    facts = session.decision.facts
    if facts is None:
        return
    st.subheader("What the draw knew of the person")
    st.dataframe(
        [
            {
                "Action": row.action.title,
                "Own sessions": row.own,
                "Own mean reward": row.mean,
                "Elsewhere": facts.earlier[row.action] if row.action < len(facts.earlier) else None,
            }
            for row in drawn
        ],
        hide_index=True,
        alt=f"The person's own sessions by action: {_own(drawn)}.",
        column_config={
            "Own sessions": st.column_config.NumberColumn(help="Sessions in this segment that are learned from."),
            "Own mean reward": st.column_config.NumberColumn(format="%+.3f", help="Mean reward of these sessions."),
            "Elsewhere": st.column_config.NumberColumn(help="Sessions in a former segment that were learned from."),
        },
    )
    latest = ", ".join(action.title for action in facts.latest) or "none"
    st.markdown(f"Latest actions that the person saw, newest last: {latest}.")


def _own(drawn: list[Row]) -> str:
    told = [f"{row.action.title} {row.own} of mean reward {row.mean:+.3f}" for row in drawn if row.mean is not None]
    return "; ".join(told) or "none that is learned from"


def _came_to(session: Session) -> None:
    """Shows the plan, what was done of it, the reward, and what was learned; no words of the person's."""
    st.subheader("What became of it")
    st.markdown(became(session))
    if (closing := session.closing) is not None:
        after = standing_of(closing.next_state)
        st.markdown(
            f"**Reward {closing.reward:+.3f}**. Afterwards engagement was {after.engagement}, "
            f"motivation {after.motivation}."
        )
    entry = catalogue().entry
    done = {True: "done", False: "not done", None: "not answered"}
    plan = [f"{entry(its.slug).name} ({done[its.completed]})" for its in session.activities]
    st.markdown(f"The plan: {', '.join(plan)}.")
