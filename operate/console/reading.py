"""Reads for a screen: within 40 read units, with a sentence for whatever stands in the way; says when it was read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from operate import audit
from operate.console import seat
from operate.console.signs import moment
from rl_core.config import Settings
from rl_core.errors import (
    FettleError,
    PolicyUnreadableError,
    SpentError,
    TooMuchToReadError,
    UnavailableError,
    UnreadableItemError,
)
from rl_core.store import Watch

UNITS = 40.0  # of one view
UNREACHABLE = (
    "The table is out of reach, so nothing is known, and this page shows no figure of before. "
    "Check network and credentials, then reload."
)
SPENT = f"There is more to read than the {UNITS:.0f} units of one view, so the page ends here."


@dataclass(frozen=True, slots=True)
class View:
    """Holds what a page reads through, the time of the stack, and its settings."""

    watch: Watch
    now: datetime
    settings: Settings


@contextmanager
def view(units: float = UNITS, *, users: bool = False) -> Iterator[View]:
    """Yields a view of at most so many read units; says at the end when it was read, and what stood in the way.

    Without `users` no item of a user is read. An error of the table ends the block with a sentence; nothing is
    shown in place of what could not be read.
    """
    source = seat.current()
    its = View(Watch(source.store(), units, users=users), source.now(), source.settings())
    try:
        yield its
    except FettleError as error:
        st.error(sentence(error), icon=":material/help:")
    st.caption(f"Read at {moment(its.now)} with {units - its.watch.budget.left:g} of {units:g} read units.")


def sentence(error: FettleError) -> str:
    """Returns what an operator is told of an error."""
    if said := audit.refusal(error, "read this"):
        return f"{said}."
    if isinstance(error, UnavailableError) or isinstance(error.__cause__, UnavailableError):
        return UNREACHABLE
    if isinstance(error, PolicyUnreadableError):
        return f"The policy cannot be read: {error}. Mend it on the page Segment."
    if isinstance(error, (SpentError, TooMuchToReadError)):
        return SPENT
    if isinstance(error, UnreadableItemError):
        return f"An item cannot be read, perhaps because a newer release wrote it: {error}."
    return f"{error}."
