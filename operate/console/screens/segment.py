"""The page segment."""

import streamlit as st


def show() -> None:
    """Shows the page."""
    st.title("segment")
