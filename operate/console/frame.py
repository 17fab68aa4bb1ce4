"""The frame around every screen: the menu, whose console it is, and the screen that was asked for."""

import streamlit as st

from operate.console import seat
from operate.console.screens import audit, days, decision, now, places, segment, segments

SHOWS = {
    "Now": ("traffic", now.show),
    "Segments": ("grid_view", segments.show),
    "Segment": ("insights", segment.show),
    "Decision": ("rule", decision.show),
    "Days": ("calendar_month", days.show),
    "Audit": ("history", audit.show),
}
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#0b5394"/>'
    '<path d="M4 9l3 3 5-7" stroke="#fff" stroke-width="2" fill="none"/></svg>'
)


def run(first: str = "Now") -> None:
    """Shows the console; `first` is the screen of the address without a path."""
    st.set_page_config(page_title="Fettle", page_icon=_ICON, layout="wide")
    shown = st.navigation(places.pages(SHOWS, first))
    source = seat.current()
    st.caption(f"{'Local stack' if source.local else 'AWS'}, table {source.table}")
    shown.run()
