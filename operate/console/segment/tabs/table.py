"""The tab `Q-table`: what the policy believes."""

import streamlit as st

from operate.console.reading import View
from operate.console.segment import beliefs, charts
from operate.console.segment.tabs.frame import frame
from rl_core.models import Policy


def show(its: View, policy: Policy) -> None:
    """Shows the Q-table as a heat map and as a table, and what is known of wear and persons."""
    known = beliefs.beliefs(policy, its.settings)
    if known is None:
        st.info("Nothing was learned yet, so every action is as good as the others.")
        return
    st.markdown("**What it expects of each action** in each state (engagement, motivation)")
    heat = charts.heat_map(known)
    st.altair_chart(heat.drawn, alt=heat.alt)
    st.caption(
        "The number is Q: the reward that is expected, and what follows it. Below it, how many sessions taught it. "
        "Blue is better and orange worse than the state's other actions; a black frame is the best. "
        f"Learner: {policy.learner}."
    )
    _people(known.people)
    with st.expander("The same in figures, with uncertainty and chances"):
        rows = [_cell(cell) for cell in known.cells]
        frame(rows, "The Q-table: a row for each state and action")
        st.caption(
            "Uncertainty: standard deviation of what the action gives beyond its state; none is kept by the learner "
            "epsilon. Chance: that of a draw among all six actions for somebody new, by this console's settings."
        )


def _cell(cell: beliefs.Cell) -> dict[str, object]:
    return {
        "Engagement, motivation": beliefs.in_words(cell.state),
        "Action": cell.action.title,
        "Q": cell.value,
        "Visits": cell.visits,
        "Uncertainty": cell.deviation,
        "Chance": f"{cell.chance:.1%}",
        "Best": "yes" if cell.best else "",
    }


def _people(its: beliefs.People | None) -> None:
    if its is None:
        st.markdown("This form of the learner knows neither wear nor persons.")
        return
    st.markdown(
        f"- **Wear {-its.wear:+.3f}** (± {1.96 * its.wear_deviation:.3f}): what an action's reward changes by if all "
        "of the latest five sessions were of it.\n"
        f"- **Persons ± {its.persons:.3f}**: how far persons lie apart in what one action gives them (standard "
        f"deviation); a single reward varies by ± {its.noise:.3f}."
    )
