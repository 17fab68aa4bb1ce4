"""The page Audit: what operators did, newest first, twenty acts a page."""

import streamlit as st

from operate.console.acts import NEWER, UNREADABLE, chosen, kinds, lines_of, plain
from operate.console.reading import View, view
from operate.console.signs import moment
from rl_core.errors import UnreadableItemError
from rl_core.models import Segment
from rl_core.store import OnRecord, acts_before

_MOST = 20  # acts of a page
_NOTHING = (
    "No operator has done anything yet. Each rollback, exclusion, inclusion, mending and unparking leaves an act."
)


def show() -> None:
    """Shows the latest acts, or those before the one that the address names."""
    st.title("Audit")
    st.markdown("What operators did, newest first, from the console and from the command line.")
    with view() as its:
        before = st.query_params.get("before")
        found = _read(its, before)
        if found is None:
            st.warning("The address names no act, so this page has none.", icon=":material/help:")
        else:
            _page(found[:_MOST], older=len(found) > _MOST, latest=before is None)
        if before is not None:
            st.button("Latest acts", icon=":material/first_page:", on_click=st.query_params.clear)


def _read(its: View, before: str | None) -> list[OnRecord] | None:
    """Returns a page of acts, and one more if there are older ones; None if the place is none of an act."""
    try:
        return acts_before(its.watch, _MOST + 1, before)
    except UnreadableItemError:
        return None


def _page(found: list[OnRecord], *, older: bool, latest: bool) -> None:
    if not found:
        st.info(_NOTHING if latest else "There is no older act.", icon=":material/history:")
        return
    seen = _filtered(found)
    for its in seen:
        with st.container(border=True):
            _act(its)
    if not seen:
        st.markdown("No act of this page is of that kind and segment.")
    if older:
        where = {"before": found[-1].place}
        st.button("Older", icon=":material/arrow_forward:", on_click=st.query_params.from_dict, args=(where,))


def _filtered(found: list[OnRecord]) -> list[OnRecord]:
    """Shows two choices, and returns the acts of this page that they leave; nothing more is read for that."""
    segments = [segment for segment in Segment if any(its.act and its.act.segment is segment for its in found)]
    if len(found) == 1:
        return found
    left, right = st.columns(2)
    kind = left.selectbox("What", [None, *kinds(found)], format_func=lambda its: its or "Everything")
    segment = right.selectbox("Where", [None, *segments], format_func=lambda its: its.value if its else "Everywhere")
    seen = chosen(found, kind, segment)
    if len(seen) < len(found):
        st.caption(f"{len(seen)} of the {len(found)} acts of this page.")
    return seen


def _act(its: OnRecord) -> None:
    if its.act is None:
        st.markdown(f"**{plain(its.place.partition('#')[0])}**")
        st.warning(UNREADABLE, icon=":material/help:")
        return
    where = f" · {its.act.segment.value}" if its.act.segment else ""
    st.markdown(f"**{moment(its.act.at)} · {plain(its.act.what)}**{where}")
    st.text("\n".join(lines_of(its.act)))
    if its.newer:
        st.info(NEWER, icon=":material/history:")
