"""The page decision."""

import streamlit as st


def show() -> None:
    """Shows the page."""
    st.title("decision")
