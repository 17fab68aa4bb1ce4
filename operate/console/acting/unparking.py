"""Puts sessions back that were set aside."""

from itertools import islice
from typing import NamedTuple

import streamlit as st

from operate.console.acting.deed import Deed, confirm, keep, kept, tell
from operate.console.acting.showing import before_and_after
from operate.console.reading import View, view
from operate.console.signs import ago, moment
from operate.parking import SetAside, put_back, set_aside
from rl_core.config import Settings
from rl_core.models import Act
from rl_core.store import Store

_LISTED, _WISHED = "set aside", "set aside, wished"
_MOST = 10  # shown at a time


class _Listing(NamedTuple):
    """Holds the sessions that were read, oldest first, and whether there are more."""

    sessions: tuple[SetAside, ...]
    more: bool


@st.fragment
def offer_unparking() -> None:
    """Shows the sessions that are set aside, each with the form that puts it back; no user's id."""
    listing = _kept() or (_look() if st.session_state.pop(_WISHED, False) else None)
    if listing is not None:
        _show(listing)
        return
    st.button(
        "Show the sessions that are set aside",
        key="show set aside",
        icon=":material/list:",
        help=f"Reads up to {_MOST} sessions, the oldest first, within the read units of a view. Shows no user.",
        on_click=_wish,
    )


def _wish() -> None:
    st.session_state[_WISHED] = True


def show_unparked() -> None:
    """Shows what became of the sessions that were put back from this page; nothing if none was."""
    listing = _kept()
    if listing is not None and any(_is_begun(its) for its in listing.sessions):
        offer_unparking()


def _kept() -> _Listing | None:
    found: _Listing | None = st.session_state.get(_LISTED)
    return found


def _look() -> _Listing | None:
    """Reads the sessions, and keeps them as they are shown."""
    with view(users=True) as its:
        listing = _read(its)
        st.session_state[_LISTED] = listing
        return listing
    return None


def _read(its: View) -> _Listing:
    found: list[SetAside] = []
    places = its.watch.parked()
    for place in islice(places, _MOST):
        if not its.watch.budget.sessions(1):
            return _Listing(tuple(found), more=True)
        if one := set_aside(its.watch, place):
            found.append(one)
    return _Listing(tuple(found), more=next(places, None) is not None)


def _show(listing: _Listing) -> None:
    if not listing.sessions:
        st.markdown("No session is set aside any more.")
    for its in listing.sessions:
        with st.container(border=True):
            _session(its)
    if listing.more:
        st.markdown("There are more. Look again when you have put these back.")
    if st.button("Look again", key="look again at set aside", icon=":material/refresh:"):
        for its in listing.sessions:
            st.session_state.pop(f"deed {_key(its)}", None)
        st.session_state.pop(_LISTED, None)
        _wish()
        st.rerun()


def _key(its: SetAside) -> str:
    return f"unpark {its.place.pk} {its.place.sk}"


def _is_begun(its: SetAside) -> bool:
    deed = kept(_key(its))
    return deed is not None and deed.begun


def _session(its: SetAside) -> None:
    """Shows a session without its user, and the form that puts it back."""
    deed: Deed[SetAside] = kept(_key(its)) or keep(_key(its), its)
    where = its.segment.value if its.segment else "of no segment that this release knows"
    st.markdown(f"**A session, {where}**")
    if deed.begun:
        tell(deed, closes=False)  # a list that is read anew has no session that was put back
        return
    st.markdown(f"Waits since {moment(its.since)} ({ago(deed.at - its.since)}).")
    before_and_after((("Session", f"set aside: {its.reason}", "waits again, for the jobs to try it"),))
    st.markdown("Remove the cause first: else it is set aside again.")

    def does(store: Store, act: Act, settings: Settings) -> tuple[str, ...]:
        session = put_back(store, its, act, settings)
        return (f"The session is {session.status} and waits again; the learning job tries it within a minute.",)

    confirm(deed, "Put it back", does, person=its.person)
