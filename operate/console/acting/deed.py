"""Keeps what an operator saw when a form was first shown, and does what they confirm: once, as of what they saw."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Generic, TypeVar

import streamlit as st

from operate.audit import LONGEST
from operate.console import seat
from operate.console.acting.outcome import Outcome, outcome_of
from operate.console.screens import places
from operate.console.signs import moment
from rl_core.config import Settings
from rl_core.errors import FettleError
from rl_core.models import Act, Policy
from rl_core.store import Store, latest_acts

NO_NAMES = "Stays on record with your name. Name nobody in it: neither a user nor anybody else."
_LATEST = 20  # acts among which one that was just done is looked for
_HELP = f"Why you do it, in at most {LONGEST} characters."

T = TypeVar("T")
Does = Callable[[Store, Act, Settings], tuple[str, ...]]


@dataclass(slots=True)
class Deed(Generic[T]):
    """Holds what a form showed and when, and what became of it. It is begun once, however often it is confirmed.

    `id` becomes the act's id.
    """

    key: str
    shown: T
    at: datetime
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    clicks: int = 0
    outcome: Outcome | None = None
    _begun: Lock = field(default_factory=Lock)

    def click(self) -> None:
        """Counts a confirmation."""
        self.clicks += 1

    def begin(self) -> bool:
        """Returns whether this is the first call."""
        return self._begun.acquire(blocking=False)

    @property
    def begun(self) -> bool:
        """Returns whether it was begun."""
        return self._begun.locked()


def kept(key: str) -> Deed[Any] | None:
    """Returns the deed whose form was shown under this key; None if none was, or it was closed."""
    found: Deed[Any] | None = st.session_state.get(_place(key))
    return found


def keep(key: str, shown: T) -> Deed[T]:
    """Keeps what a form shows from now on, also when the page is run again."""
    deed = Deed(key, shown, seat.current().now())
    st.session_state[_place(key)] = deed
    return deed


def forget(key: str) -> None:
    """Lets the form be shown anew, as of what stands then."""
    st.session_state.pop(_place(key), None)


def _place(key: str) -> str:
    return f"deed {key}"


def confirm(deed: Deed[Any], label: str, does: Does, *, person: bytes = b"") -> None:
    """Asks for a reason, and does the deed when it is confirmed. `does` does it, and returns what it came to."""
    given = st.text_input("Reason", key=f"{deed.id} reason", max_chars=LONGEST, live=True, required=True, help=_HELP)
    st.caption(f"{NO_NAMES} You look at this as of {moment(deed.at)}.")
    reason = (given or "").strip()[:LONGEST]
    clicked = st.button(
        label,
        key=f"{deed.id} do",
        type="primary",
        disabled=not reason,
        help=None if reason else "Give a reason first.",
        on_click=deed.click,
    )
    if not clicked:  # as no button is that is disabled
        return
    with st.spinner("Being done. Do not close this page.", show_time=True):
        if deed.begin():  # from here on nothing may ask Streamlit, which ends a run when the next one is wanted
            deed.outcome = _done(deed, reason, person, does)
    st.rerun()


def _done(deed: Deed[Any], reason: str, person: bytes, does: Does) -> Outcome:
    source, act = seat.current(), None
    store = source.store()
    try:
        act = Act(deed.id, source.now(), seat.who(), reason=reason, person=person)
        return Outcome(True, does(store, act, source.settings()))
    except FettleError as error:
        return outcome_of(error, on_record=_is_on_record(store, act))


def _is_on_record(store: Store, act: Act | None) -> bool | None:
    """Returns whether the act is on record; None if the table does not say."""
    try:
        return act is not None and any(its.id == act.id for its in latest_acts(store, _LATEST))
    except FettleError:
        return None


def tell(deed: Deed[Any], *, closes: bool = True) -> None:
    """Shows what became of a deed that was begun, and where it is on record; with `closes` also how to look again."""
    outcome = deed.outcome or Outcome(None, ("What became of this is not known. Look in Audit before you try again.",))
    show, icon = (st.success, ":material/check_circle:") if outcome.done else (st.error, ":material/block:")
    show("\n\n".join(outcome.says), icon=icon)
    if deed.clicks > 1:
        st.info("It was confirmed more than once. It was begun once: what came later did nothing.")
    if outcome.done is not False:
        st.page_link(places.page("Audit"), label="See it on record in Audit", icon=":material/history:")
    if closes:
        _again(deed, "Close" if outcome.done else "Look again")


def is_stale(deed: Deed[Any], policy: Policy) -> bool:
    """Returns whether the policy was acted on after the form was shown; says so if that is the case."""
    if deed.shown.policy.acted == policy.acted:
        return False
    st.warning(
        f"This segment was acted on, in version {policy.acted}, after this form was shown. Look again before you act.",
        icon=":material/sync_problem:",
    )
    _again(deed, "Look again")
    return True


def _again(deed: Deed[Any], label: str) -> None:
    if st.button(label, key=f"{deed.id} again"):
        forget(deed.key)
        st.rerun()
