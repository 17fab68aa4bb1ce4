"""A page with one form of an operator, as the console's screens show it, for tests of the forms alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from operate.console import seat
from operate.source import Source
from rl_core.models import Act
from rl_core.store import Store, latest_acts
from tests.functions.conftest import NOW, World

Offered = Callable[..., AppTest]
ROLL_BACK, EXCLUDE, INCLUDE = "Roll back to version 2", "Exclude this person", "Include this person again"
AT = NOW + timedelta(minutes=1)


def page(form: str, given: str, reads_anew: bool) -> None:
    """What Streamlit runs; its source is taken out of this file, hence the imports."""
    import streamlit as st

    from operate.console import acting, seat
    from operate.console.screens import places
    from rl_core.models import Segment
    from rl_core.store import Watch

    def show() -> None:
        segment = Segment.HIGH_LOW
        acting.show_progress(segment, Watch(seat.current().store(), 40, users=False))
        if form == "mend":
            return acting.offer_mending(segment)
        if form == "unpark":
            return acting.offer_unparking()
        if form == "nothing":
            return None
        if reads_anew or "policy" not in st.session_state:
            st.session_state["policy"] = seat.current().store().policy(segment)
        policy = st.session_state["policy"]
        if form == "rollback":
            return acting.offer_rollback(policy, int(given))
        return acting.offer_exclusion(policy, bytes.fromhex(given))

    shows = {"Segment": ("insights", show), "Audit": ("history", lambda: None)}
    st.navigation(places.pages(shows, "Segment")).run()


@pytest.fixture
def offered(store: Store) -> Offered:
    """Opens a page with a form: `offered("rollback", "2")`.

    With `reads_anew` false it keeps the policy that it read first, as it does in a browser while the form is used. A
    `client` is in place of the store's.
    """

    def open_at(form: str, given: str = "", *, reads_anew: bool = True, client: Any = None) -> AppTest:
        seat.take(Source(store.name, client or store.client, AT - datetime.now(UTC), local=True))
        return AppTest.from_function(page, args=(form, given, reads_anew), default_timeout=30).run()

    return open_at


def confirm(console: AppTest, label: str, reason: str = "a test") -> AppTest:
    """Gives a reason, and confirms."""
    console.text_input[0].input(reason).run()
    return press(console, label)


def press(console: AppTest, label: str) -> AppTest:
    """Presses the button of this label."""
    (button,) = (each for each in console.button if each.label == label)
    return button.click().run()


def labels(console: AppTest, *, enabled: bool | None = None) -> list[str]:
    """The buttons' labels; with `enabled` those that are, or are not."""
    return [each.label for each in console.button if enabled is None or each.disabled is not enabled]


def acts(store: Store) -> list[Act]:
    """What is on record, newest first."""
    return list(latest_acts(store, 99))


def person(world: World, user: str = "person-4") -> bytes:
    return world.session(user).person
