"""Shows before and after of an act."""

from collections import defaultdict
from collections.abc import Iterable

import streamlit as st

from operate.differences import Changed, changed_states
from rl_core.models import STATES, Policy
from rl_core.sessions import standing_of


def before_and_after(rows: Iterable[tuple[str, str, str]]) -> None:
    """Shows a table: what it is, now, after."""
    lines = [f"| {name} | {now} | {after} |" for name, now, after in rows]
    st.markdown("\n".join(["| | Now | After |", "|---|---|---|", *lines]))


def best_actions(before: Policy, after: Policy) -> None:
    """Shows the states whose best action changes."""
    changed = changed_states(before, after)
    if not changed:
        st.markdown(f"The best action changes in none of the {STATES} states.")
        return
    st.markdown(f"The best action changes in **{len(changed)} of the {STATES} states**:")
    st.markdown("\n".join(f"- {line}" for line in told(changed)))


def told(changed: Iterable[Changed]) -> list[str]:
    """Returns the changes in words, one line for all states in which the same action gives way to the same one."""
    states = defaultdict[tuple[str, str], list[str]](list)
    for its in changed:
        engagement, motivation = standing_of(its.state)
        states[its.before, its.after].append(f"engagement {engagement}, motivation {motivation}")
    return [
        f"{before} → {after}: in every state"
        if len(found) == STATES
        else f"{before} → {after}: where {'; '.join(found)}"
        for (before, after), found in states.items()
    ]
