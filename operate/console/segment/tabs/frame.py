"""Shows figures as a table."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

_FIGURES = ("Mean reward", "95 % from", "to", "Q", "Uncertainty", "Others' mean", "Reward")
_FORMATS = {name: st.column_config.NumberColumn(format="%.3f") for name in _FIGURES}


def frame(rows: Sequence[dict[str, object]], alt: str, *, whole: bool = False) -> None:
    """Shows rows as a table, the `whole` of it or ten rows that scroll; `alt` says what the table is of."""
    height: Literal["content", "auto"] = "content" if whole else "auto"
    st.dataframe(rows, hide_index=True, column_config=_FORMATS, alt=alt, height=height)
