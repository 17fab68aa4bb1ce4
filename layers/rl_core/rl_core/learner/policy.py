"""Draws from a policy, folds sessions into it and reads its estimates, whichever algorithm it has.

Only the algorithm's own file knows how. The rest of the service hands policies to these functions and never looks into
`Policy.table`.
"""

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from rl_core.config import FEWEST_ACTIONS, LearnerSettings, Settings
from rl_core.errors import PolicyUnreadableError, UnknownFoldError
from rl_core.learner.epsilon import ID as EPSILON
from rl_core.learner.epsilon import Averages
from rl_core.learner.posterior import ID as POSTERIOR
from rl_core.learner.posterior import Posterior
from rl_core.learner.posterior_1 import ID as POSTERIOR_1
from rl_core.learner.posterior_1 import Posterior1
from rl_core.models import (
    ACTIONS,
    PERSON,
    STATES,
    Action,
    ActivityStats,
    Decision,
    Facts,
    Fold,
    Policy,
    Result,
    State,
    Transition,
)


class QTable(Protocol):
    """Defines what the table of one segment offers in every algorithm.

    `update` changes the table in place; `estimates` Q and `visits` n of a state have shape (6,). With the `facts` of a
    person estimates are that person's; without, those of somebody of whom nothing is known. `probabilities` takes the
    estimates as `values`.
    CONSTANTS is a NamedTuple of the settings that a version record keeps, DRAWS_BY names the other settings that decide
    a draw.
    """

    CONSTANTS: ClassVar[Any]
    DRAWS_BY: ClassVar[tuple[str, ...]]

    @classmethod
    def start(cls, constants: Mapping[str, float]) -> Self: ...
    @classmethod
    def adopt(
        cls, estimates: Sequence[Sequence[float]], visits: Sequence[Sequence[int]], constants: Mapping[str, float]
    ) -> Self: ...
    @classmethod
    def decode(cls, data: bytes) -> Self: ...
    def encode(self) -> bytes: ...
    def update(self, t: Transition, episodes: int, constants: Mapping[str, float]) -> None: ...
    def probabilities(
        self, state: State, eligible: Sequence[Action], episodes: int, settings: Settings, values: Sequence[float]
    ) -> tuple[float, ...]: ...
    def even_share(self, episodes: int, settings: Settings, options: int) -> float: ...
    def estimates(self, state: State, facts: Facts | None = None) -> tuple[float, ...]: ...
    def visits(self, state: State) -> tuple[int, ...]: ...


# Every form that was ever stored stays here, so that its policies and records stay readable.
ALGORITHMS: Mapping[str, type[QTable]] = {
    EPSILON: Averages,
    POSTERIOR_1: Posterior1,
    POSTERIOR: Posterior,
}
PRESENT = {"epsilon": EPSILON, "posterior": POSTERIOR}


class Chances(NamedTuple):
    """Holds the probability of drawing each eligible action, in the order of `eligible`.

    `best` holds the eligible actions with the greatest estimate. It is empty when nothing tells the eligible actions
    apart: all estimates are equal, or no policy was read.
    """

    eligible: tuple[Action, ...]
    probabilities: tuple[float, ...]
    best: tuple[Action, ...]

    @property
    def exploration_rate(self) -> float:
        """Returns 1 - the probability of drawing one of the `best` actions."""
        return 1 - sum(p for a, p in zip(self.eligible, self.probabilities, strict=True) if a in self.best)


# Learning.


def fold_of(settings: LearnerSettings) -> Fold:
    """Returns how a version is folded under these settings: the learner in its present form, and its constants."""
    name = PRESENT[settings.exploration]
    return Fold(name, {constant: float(getattr(settings, constant)) for constant in ALGORITHMS[name].CONSTANTS._fields})


@lru_cache(maxsize=8)
def settings_hash(settings: Settings) -> bytes:
    """Returns four bytes that tell the settings of a draw from others: the learner's, the bounds', the cool-down."""
    how = fold_of(settings)
    names = ("action_cooldown", *ALGORITHMS[how.learner].DRAWS_BY)
    drawing = {name: float(getattr(settings, name)) for name in names}
    told = json.dumps({"learner": how.learner, **how.constants, **drawing}, sort_keys=True)
    return hashlib.sha256(told.encode()).digest()[:4]


def fold(policy: Policy, transitions: Iterable[Transition], how: Fold) -> Policy:
    """Returns the policy after all transitions, in order; without any, the same policy.

    API, job and replay all fold with this function. Leaves `version` unchanged; set it before writing. Adopts a policy
    of another learner or form first, and leaves out the sessions of excluded persons. Raises UnknownFoldError when this
    code does not have the learner and the constants of `how`, or the action of a transition.
    """
    constants = _constants(how)
    table: QTable | None = None
    episodes, activities = policy.episodes, dict(policy.activities)
    for t in transitions:
        if t.key[:PERSON] in policy.excluded:
            continue
        if t.action not in ACTIONS:
            raise UnknownFoldError(f"a session was given action {int(t.action)}, which this code does not have")
        table = table or _table(policy, how.learner, constants)
        table.update(t, episodes, constants)
        episodes += 1
        _count(activities, t.results)
    if table is None:
        return policy
    return replace(policy, learner=how.learner, table=table.encode(), episodes=episodes, activities=activities)


def adopted_by(policy: Policy, how: Fold) -> str | None:
    """Returns the learner and form whose table this fold adopts; None when it adopts none.

    A fold that goes on with a table of its own learner, or starts with an empty one, adopts none.
    """
    return policy.learner if policy.learner not in ("", how.learner) else None


def check(policy: Policy) -> None:
    """Raises PolicyUnreadableError when this code cannot read the policy's table."""
    if policy.table and not policy.learner:
        raise PolicyUnreadableError("there is a table, but not whose it is")
    if policy.learner:
        if policy.learner not in ALGORITHMS:
            raise PolicyUnreadableError(f"the policy is of learner {policy.learner!r}, which this code does not have")
        try:
            ALGORITHMS[policy.learner].decode(policy.table)
        except (ValueError, struct.error) as error:
            raise PolicyUnreadableError(f"the table is not one of {policy.learner}: {error}") from error


def _constants(how: Fold) -> dict[str, float]:
    if how.learner not in ALGORITHMS:
        raise UnknownFoldError(f"folded by learner {how.learner!r}, which this code does not have")
    try:
        constants: dict[str, float] = ALGORITHMS[how.learner].CONSTANTS(**how.constants)._asdict()
    except TypeError as error:
        names = ", ".join(sorted(how.constants))
        raise UnknownFoldError(
            f"folded by {how.learner} with constants that this code does not have: {names}"
        ) from error
    return constants


def _table(policy: Policy, learner: str, constants: Mapping[str, float]) -> QTable:
    """Returns the policy's table in this learner's form: decoded, adopted from another learner's table, or empty."""
    kind = ALGORITHMS[learner]
    if policy.learner == learner:
        return kind.decode(policy.table)
    if policy.learner == "":
        return kind.start(constants)
    return kind.adopt(estimates(policy), visits(policy), constants)


def _count(activities: dict[int, ActivityStats], results: Iterable[Result]) -> None:
    """Adds one session's results to the statistics, in place."""
    for r in results:
        old = activities.get(r.entry, ActivityStats())
        activities[r.entry] = ActivityStats(
            assigned=old.assigned + 1,
            completed=old.completed + r.completed,
            rated=old.rated + (r.lift is not None),
            lift_points=old.lift_points + (r.lift or 0),
        )


# Telling.


def estimates(policy: Policy, facts: Facts | None = None) -> tuple[tuple[float, ...], ...]:
    """Returns Q, shape (9, 6): row by state, column by action; for the person of these facts."""
    return estimates_of(policy, [(State.from_row(row), facts) for row in range(STATES)])


def estimates_of(policy: Policy, cases: Sequence[tuple[State, Facts | None]]) -> tuple[tuple[float, ...], ...]:
    """Returns Q of each state for the person of these facts, shape (cases, 6)."""
    if policy.learner == "":
        return ((0.0,) * len(ACTIONS),) * len(cases)
    table = ALGORITHMS[policy.learner].decode(policy.table)
    return tuple([table.estimates(state, facts) for state, facts in cases])


def visits(policy: Policy) -> tuple[tuple[int, ...], ...]:
    """Returns n, shape (9, 6): how many sessions each state and action was learned from."""
    if policy.learner == "":
        return ((0,) * len(ACTIONS),) * STATES
    table = ALGORITHMS[policy.learner].decode(policy.table)
    return tuple([table.visits(State.from_row(row)) for row in range(STATES)])


# Drawing.


def barred(recent: Sequence[Action], cooldown: int, without: Sequence[Action] = ()) -> tuple[Action, ...]:
    """Returns the actions that may not be drawn: those `without`, then those that the cool-down bars, oldest first.

    The cool-down bars the actions of the latest `cooldown` sessions. It yields, oldest first, until two are left.
    """
    lately = [a for a in recent[-cooldown:] if a not in without] if cooldown else []
    while len(set(ACTIONS).difference(without, lately)) < FEWEST_ACTIONS:
        lately.pop(0)
    return (*without, *dict.fromkeys(lately))


def eligible(recent: Sequence[Action], cooldown: int, without: Sequence[Action] = ()) -> tuple[Action, ...]:
    """Returns the action mask: the actions that may be drawn, in the order of their ids."""
    out = barred(recent, cooldown, without)
    return tuple(a for a in ACTIONS if a not in out)


def generator(key: bytes, version: int) -> Random:
    """Returns the generator of a session's draws, seeded by the session's key and the policy version read (0: none).

    Call nothing but its `random()`, whose numbers are the same on every Python.
    """
    return Random(int.from_bytes(hashlib.sha256(b"%d:%b" % (version, key)).digest(), "big"))


def probabilities(
    policy: Policy, state: State, options: tuple[Action, ...], settings: Settings, facts: Facts | None = None
) -> Chances:
    """Returns the chances of a draw from this policy among these options, for the person of these facts."""
    how = fold_of(settings)
    return chances_of(_table(policy, how.learner, how.constants), state, options, policy.episodes, settings, facts)


def chances_of(
    table: QTable,
    state: State,
    options: tuple[Action, ...],
    episodes: int,
    settings: Settings,
    facts: Facts | None = None,
) -> Chances:
    """Returns the chances of a draw from this table; every draw that reads a policy gets its chances here."""
    values = table.estimates(state, facts)
    return Chances(options, table.probabilities(state, options, episodes, settings, values), _best(values, options))


def _is_own(table: QTable, state: State, chances: Chances, action: Action, facts: Facts | None) -> bool:
    """Returns whether the action is among the best, and would not be without the person's own rewards."""
    if action not in chances.best or facts is None or not any(facts.counts):
        return False
    return action not in _best(table.estimates(state, facts.unanswered()), chances.eligible)


def _best(values: Sequence[float], options: tuple[Action, ...]) -> tuple[Action, ...]:
    """Returns the options of the greatest value, or none when all are of equal value."""
    top = max(values[a] for a in options)
    best = tuple(a for a in options if values[a] == top)
    return best if len(best) < len(options) else ()


def even(options: tuple[Action, ...]) -> Chances:
    """Returns the chances of a draw without a policy: every option is equally probable."""
    return Chances(options, (1 / len(options),) * len(options), ())


def draw(chances: Chances, rng: Random) -> Action:
    """Returns one of the eligible actions; takes one number from the generator."""
    left = rng.random()
    for action, probability in zip(chances.eligible, chances.probabilities, strict=True):
        if left < probability:
            return action
        left -= probability
    return chances.eligible[-1]


def decide(
    policy: Policy | None,
    state: State,
    options: tuple[Action, ...],
    settings: Settings,
    rng: Random,
    facts: Facts | None = None,
    *,
    personal: bool = True,
) -> Decision:
    """Returns the decision among these options for the person of these facts.

    Without a policy it is drawn evenly and marked as a fallback. If it is not to be `personal` it is drawn evenly too,
    whatever the policy says, and marked as impersonal.
    """
    under = settings_hash(settings)
    if policy is None or not personal:
        chances = even(options)
        made = decision(chances, state, draw(chances, rng), rate=1.0, version=0, facts=facts, settings=under)
        return replace(made, fallback=personal, impersonal=not personal)
    how = fold_of(settings)
    table = _table(policy, how.learner, how.constants)
    chances = chances_of(table, state, options, policy.episodes, settings, facts)
    rate = table.even_share(policy.episodes, settings, len(options))
    action = draw(chances, rng)
    made = decision(chances, state, action, rate=rate, version=policy.version, facts=facts, settings=under)
    return replace(made, own=_is_own(table, state, chances, action, facts))


def decision(
    chances: Chances,
    state: State,
    action: Action,
    *,
    rate: float,
    version: int,
    facts: Facts | None = None,
    settings: bytes = b"",
) -> Decision:
    """Returns the decision that a session stores of this draw."""
    return Decision(
        state=state,
        eligible=chances.eligible,
        chances=chances.probabilities,
        action=action,
        epsilon=rate,
        policy_version=version,
        explored=action not in chances.best,
        facts=facts,
        settings=settings,
    )
