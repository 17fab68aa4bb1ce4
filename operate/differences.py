"""Says in which states another action is the best by one policy than by another."""

from typing import NamedTuple

from rl_core import learner
from rl_core.models import ACTIONS, STATES, Policy, State


class Changed(NamedTuple):
    """Holds a state and its best action, in words, by the one policy and by the other."""

    state: State
    before: str
    after: str


def changed_states(before: Policy, after: Policy) -> list[Changed]:
    """Returns the states whose best action is not the same by both policies."""
    rows = [Changed(State.from_row(row), best(before, row), best(after, row)) for row in range(STATES)]
    return [its for its in rows if its.before != its.after]


def best(policy: Policy, row: int) -> str:
    """Returns the title of the action with the greatest estimate in a row of the Q-table."""
    values = learner.estimates(policy)[row]
    found = [action.title for action in ACTIONS if values[action] == max(values)]
    return found[0] if len(found) == 1 else "nothing tells them apart"
