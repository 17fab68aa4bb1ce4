"""Reads from a policy's table what the policy believes, in every form that was ever stored."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rl_core import learner
from rl_core.config import Settings
from rl_core.learner.posterior import Posterior
from rl_core.learner.posterior_1 import Posterior1
from rl_core.models import ACTIONS, STATES, Action, Policy, State
from rl_core.sessions import standing_of

_MOST_CORRELATION = 0.5  # docs/learner.md: the estimate is cut to 0 .. 0.5
_WHOLE_POSTERIOR = 1.0  # the scale at which `spread` is the posterior's own variance, not that of the draw


class Cell(NamedTuple):
    """Holds what is believed of an action in a state: the value Q, and how many sessions taught it.

    `apart` is Q less the mean over the state's six actions. `deviation` is the standard deviation of what the action
    gives beyond the state; None where the learner keeps none. `chance` is that of a draw among all six actions, for
    somebody of whom nothing is known.
    """

    state: State
    action: Action
    value: float
    apart: float
    visits: int
    deviation: float | None
    chance: float
    best: bool


@dataclass(frozen=True, slots=True)
class People:
    """Holds what the table knows beyond states and actions, in units of reward.

    `wear` is what an action loses if all of the latest five sessions were of it, with its standard deviation. `persons`
    is the standard deviation between persons of what one action gives them; `noise` that of a single reward.
    """

    wear: float
    wear_deviation: float
    persons: float
    noise: float


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Holds the cells by state and action; `people` is None for a learner that knows no persons."""

    cells: tuple[Cell, ...]
    people: People | None

    def of(self, state: State) -> tuple[Cell, ...]:
        """Returns the state's six cells."""
        return tuple(cell for cell in self.cells if cell.state == state)


class Favourite(NamedTuple):
    """Holds the action that is drawn most often, and in which share of the draws."""

    action: Action
    share: float


def in_words(state: State) -> str:
    """Returns the state in words: engagement, then motivation."""
    engagement, motivation = standing_of(state)
    return f"{engagement}, {motivation}"


def beliefs(policy: Policy, settings: Settings) -> Beliefs | None:
    """Returns what the policy believes; None while it has learned nothing."""
    if not policy.learner:
        return None
    table = learner.ALGORITHMS[policy.learner].decode(policy.table)
    states = [State.from_row(row) for row in range(STATES)]
    cells = (cell for state in states for cell in _row(policy, state, table, settings))
    return Beliefs(tuple(cells), _people(table) if isinstance(table, Posterior) else None)


def favourite(policy: Policy, settings: Settings) -> Favourite | None:
    """Returns the action that the policy would draw most often, for persons of whom nothing is known.

    The states weigh as often as sessions were learned in them. Returns None while nothing was learned.
    """
    its = beliefs(policy, settings)
    if its is None or not sum(cell.visits for cell in its.cells):
        return None
    shares = dict.fromkeys(ACTIONS, 0.0)
    whole = sum(cell.visits for cell in its.cells)
    for row in range(STATES):
        cells = its.of(State.from_row(row))
        met = sum(cell.visits for cell in cells) / whole
        for cell in cells:
            shares[cell.action] += met * cell.chance
    action = max(shares, key=shares.__getitem__)
    return Favourite(action, shares[action])


def _row(policy: Policy, state: State, table: learner.QTable, settings: Settings) -> Iterable[Cell]:
    values, visits = table.estimates(state), table.visits(state)
    mean, drawn = math.fsum(values) / len(values), learner.probabilities(policy, state, ACTIONS, settings)
    variances = table.spread(state, _WHOLE_POSTERIOR) if isinstance(table, (Posterior, Posterior1)) else None
    for action, value, n, chance in zip(ACTIONS, values, visits, drawn.probabilities, strict=True):
        deviation = math.sqrt(variances[action]) if variances else None
        yield Cell(state, action, value, value - mean, n, deviation, chance, action in drawn.best)


def _people(table: Posterior) -> People:
    product, weight = table.alike
    correlation = min(max(product / weight, 0.0), _MOST_CORRELATION)
    return People(
        table.wear,
        math.sqrt(table.noise * table.wear_variance),
        math.sqrt(table.noise * correlation),
        math.sqrt(table.noise),
    )
