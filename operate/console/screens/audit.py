"""The page audit."""

import streamlit as st


def show() -> None:
    """Shows the page."""
    st.title("audit")
