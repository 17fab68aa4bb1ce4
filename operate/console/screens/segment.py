"""The page Segment: did it get worse, and why; below, its days, its Q-table, its versions and who teaches it."""

import streamlit as st

from operate.console import acting
from operate.console.reading import View, view
from operate.console.segment.answer import answer
from operate.console.segment.found import Found, find
from operate.console.segment.tabs import days, persons, table, versions
from operate.console.signs import ORDER, badge
from rl_core.days import Colour
from rl_core.models import Segment

_KEY = "segment"
_DAYS, _TABLE, _PERSONS = "By day", "Q-table", "Persons"
_TABS = (_DAYS, _TABLE, versions.NAME, _PERSONS)
_OF_LIGHT = {"weight": _PERSONS, "replay": versions.NAME}  # the tab that shows most of what a light is about


def show() -> None:
    """Shows the segment of the address."""
    st.title("Segment")
    segment = _chosen()
    if segment is None:
        st.info("Choose a segment. The page Segments shows all nine beside each other.")
        return
    with view() as its:
        acting.show_progress(segment, its.watch)
        found = find(its, segment)
        _answer(its, found)
        if found.policy is None:
            acting.offer_mending(segment)
        _tabs(its, found)


def _chosen() -> Segment | None:
    """Returns the segment of the address, which the select box follows and moves."""
    given = st.query_params.get(_KEY)
    if given is not None and given not in Segment.__members__:
        st.warning(f"There is no segment {given!r}.")
        given = None
    st.session_state[_KEY] = given
    st.selectbox(
        "Which one",
        list(Segment.__members__),
        index=None,
        format_func=lambda name: Segment[name].value,
        placeholder="Choose a segment",
        key=_KEY,
        on_change=_move,
    )
    return Segment[given] if given else None


def _move() -> None:
    """Lets the address name the segment that was chosen, and nothing of the one before."""
    chosen = st.session_state[_KEY]
    kept = {} if chosen is None else {_KEY: chosen}
    st.query_params.from_dict(kept)


def _answer(its: View, found: Found) -> None:
    said = answer(found, its.now)
    st.subheader(f"{badge(said.colour)} {said.headline}")
    why = st.query_params.get("why")
    signs = sorted(said.signs, key=lambda sign: (ORDER.index(sign.colour), sign.name != why))
    for sign in signs:
        st.markdown(f"{badge(sign.colour)} **{sign.name}:** {sign.says}")
    if said.last:
        st.markdown(f":material/history: **last act:** {said.last}")
    for sign in signs:
        if sign.do and sign.colour in {Colour.RED, Colour.YELLOW}:
            st.markdown(f"**What to do ({sign.name}):** {sign.do}.")


def _tabs(its: View, found: Found) -> None:
    """Shows the tab that is open; those that are not neither read nor run."""
    default = _OF_LIGHT.get(st.query_params.get("why", ""), _DAYS)
    opened = st.tabs(_TABS, key="tab", bind="query-params", default=default)
    name = next((name for name, tab in zip(_TABS, opened, strict=True) if tab.open), default)
    with opened[_TABS.index(name)]:
        if name == _DAYS:
            days.show(its, found)
        elif name == versions.NAME:
            versions.show(its, found, _before())
        elif name == _PERSONS:
            persons.show(found)
        elif found.policy is not None:
            table.show(its, found.policy)
        else:
            st.info("The policy cannot be read, so its table is not known.", icon=":material/help:")


def _before() -> int | None:
    given = st.query_params.get(versions.BEFORE, "")
    return int(given) if given.isdecimal() else None
