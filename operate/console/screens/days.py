"""The page days."""

import streamlit as st


def show() -> None:
    """Shows the page."""
    st.title("days")
