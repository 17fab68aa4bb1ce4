"""The page segments."""

import streamlit as st


def show() -> None:
    """Shows the page."""
    st.title("segments")
