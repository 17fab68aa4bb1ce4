"""The tab `Versions`: what each version learned or did, by page."""

from collections.abc import Sequence

import streamlit as st

from operate.console import acting
from operate.console.reading import View
from operate.console.segment import past
from operate.console.segment.found import Found
from operate.console.segment.found import page as versions_page
from operate.console.segment.tabs.frame import frame
from rl_core.models import Policy

NAME = "Versions"
BEFORE = "before"  # of the address: the page has the versions below this one


def show(its: View, found: Found, before: int | None) -> None:
    """Shows twenty versions, newest first, and the form that rolls back to one of them."""
    read = versions_page(its, found, before)
    rows = [past.version_of(record) for record in read.records]
    if rows:
        st.markdown(f"**Versions {rows[-1].number} to {rows[0].number}**, newest first")
        frame([_version(row) for row in rows], "Versions: what each learned or did", whole=True)
        st.caption("Mean reward: of the sessions that the version learned. Persons: how many gave them.")
    else:
        st.info("No version is on record here.")
    if read.why:
        st.warning(read.why)
    _turn(rows[-1].number if rows and rows[-1].number > 1 else None, before)
    if found.policy is not None:
        _rollback(found.policy, [row for row in rows if row.number < found.policy.version])


def _turn(older: int | None, before: int | None) -> None:
    """Shows the buttons that turn the page. A link would lose its `before`: the open tab writes the address anew."""
    with st.container(horizontal=True):
        if older is not None:
            st.button("Older versions", icon=":material/arrow_forward:", on_click=_go, args=(older,))
        if before is not None:
            st.button("Newest versions", icon=":material/first_page:", on_click=_go, args=(None,))


def _go(before: int | None) -> None:
    if before is None:
        st.query_params.pop(BEFORE, None)
    else:
        st.query_params[BEFORE] = str(before)


def _version(row: past.Version) -> dict[str, object]:
    return {"Version": row.number, "What": row.what, "Mean reward": row.mean, "Persons": row.persons or None}


def _rollback(policy: Policy, rows: Sequence[past.Version]) -> None:
    """Lets one version be chosen; the choice stays while learning goes on and moves the page's versions."""
    key = f"rollback-{policy.segment.name}"
    what = {row.number: f": {row.what}" for row in rows}
    if (before := st.session_state.get(key)) is not None and before < policy.version:
        what.setdefault(before, "")
    chosen = st.selectbox(
        "Roll back to",
        list(what),
        index=None,
        format_func=lambda number: f"version {number}{what[number]}",
        placeholder="Choose a version of this page",
        key=key,
    )
    if chosen is not None:
        acting.offer_rollback(policy, chosen)
