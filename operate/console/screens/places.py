"""Links from what is wrong to where it can be seen and put right."""

from collections.abc import Callable, Mapping

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from rl_core.days import RULE, Light
from rl_core.models import Segment

_PAGES = "pages"


def pages(shows: Mapping[str, tuple[str, Callable[[], None]]], first: str) -> list[StreamlitPage]:
    """Returns a page for each title, given its icon and what shows it, and keeps them for the links of this run."""
    its = {
        title: st.Page(show, title=title, url_path=title.lower(), icon=f":material/{icon}:", default=title == first)
        for title, (icon, show) in shows.items()
    }
    st.session_state[_PAGES] = its
    return list(its.values())


def page(title: str) -> StreamlitPage:
    """Returns the page of that title."""
    found: StreamlitPage = st.session_state[_PAGES][title]
    return found


def link(light: Light, segment: Segment) -> None:
    """Shows a link to the page of a segment that a light names, with the segment's value."""
    value = light.values.get(segment)
    st.page_link(
        page("Segment"),
        label=segment.value if value is None else f"{segment.value}: {RULE[light.name].told(value)}",
        icon=":material/arrow_forward:",
        query_params={"segment": segment.name, "why": light.name},
    )
