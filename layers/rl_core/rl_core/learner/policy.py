"""A policy from the outside: what it draws, what it learns, what it says. How, only its algorithm's file knows.

The rest of the service hands policies to these functions and never looks into `Policy.table`.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from rl_core.config import LearnerSettings, Settings
from rl_core.errors import HistoryError, PolicyUnreadableError
from rl_core.learner.epsilon import ID as EPSILON
from rl_core.learner.epsilon import Averages
from rl_core.learner.posterior import ID as POSTERIOR
from rl_core.learner.posterior import Posterior
from rl_core.models import (
    ACTIONS,
    PERSON,
    STATES,
    Action,
    ActivityStats,
    Decision,
    Fold,
    Policy,
    Result,
    State,
    Transition,
)


class QTable(Protocol):
    """What every algorithm offers: the table of one segment, which `update` changes in place. Q and n: shape (6,).

    CONSTANTS names what a version record keeps of the settings: a NamedTuple.
    """

    CONSTANTS: ClassVar[Any]

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
        self, state: State, eligible: Sequence[Action], episodes: int, settings: Settings
    ) -> tuple[float, ...]: ...
    def even_share(self, episodes: int, settings: Settings) -> float: ...
    def estimates(self, state: State) -> tuple[float, ...]: ...
    def visits(self, state: State) -> tuple[int, ...]: ...


# Every form that was ever stored stays here, so that its policies and records stay readable.
ALGORITHMS: Mapping[str, type[QTable]] = {
    EPSILON: Averages,
    POSTERIOR: Posterior,
}
PRESENT = {"epsilon": EPSILON, "posterior": POSTERIOR}


class Chances(NamedTuple):
    """The probability with which each eligible action is drawn, in their order, and which of them are held for best.

    `best` is empty where nothing tells the eligible actions apart: all are held alike, or no policy was read.
    """

    eligible: tuple[Action, ...]
    probabilities: tuple[float, ...]
    best: tuple[Action, ...]

    @property
    def exploration_rate(self) -> float:
        """1 - the probability of the actions held for best."""
        return 1 - sum(p for a, p in zip(self.eligible, self.probabilities, strict=True) if a in self.best)


# Learning.


def fold_of(settings: LearnerSettings) -> Fold:
    """Returns how a version is folded under these settings: by which learner, in its present form, and constants."""
    name = PRESENT[settings.exploration]
    return Fold(name, {constant: float(getattr(settings, constant)) for constant in ALGORITHMS[name].CONSTANTS._fields})


def fold(policy: Policy, transitions: Iterable[Transition], how: Fold) -> Policy:
    """Returns the policy after all transitions, in order; without any, the same policy.

    The one fold behind API, job and replay. Leaves `version` unchanged; set it before writing. A policy of another
    learner or form is adopted first; sessions of excluded persons are left out. Raises HistoryError when this code
    does not have the fold, or an action of it.
    """
    constants = _constants(how)
    table: QTable | None = None
    episodes, activities = policy.episodes, dict(policy.activities)
    for t in transitions:
        if t.key[:PERSON] in policy.excluded:
            continue
        if t.action not in ACTIONS:
            raise HistoryError(f"a session was given action {int(t.action)}, which this code does not have")
        table = table or _table(policy, how.learner, constants)
        table.update(t, episodes, constants)
        episodes += 1
        _count(activities, t.results)
    if table is None:
        return policy
    return replace(policy, learner=how.learner, table=table.encode(), episodes=episodes, activities=activities)


def adopted_by(policy: Policy, how: Fold) -> str | None:
    """Returns the learner and form that this fold's adopts from; None where it goes on with its own, or starts."""
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
        raise HistoryError(f"folded by learner {how.learner!r}, which this code does not have")
    try:
        constants: dict[str, float] = ALGORITHMS[how.learner].CONSTANTS(**how.constants)._asdict()
    except TypeError as error:
        names = ", ".join(sorted(how.constants))
        raise HistoryError(f"folded by {how.learner} with constants that this code does not have: {names}") from error
    return constants


def _table(policy: Policy, learner: str, constants: Mapping[str, float]) -> QTable:
    """Returns the policy's table as this learner has it: decoded, adopted from another learner's, or an empty one."""
    kind = ALGORITHMS[learner]
    if policy.learner == learner:
        return kind.decode(policy.table)
    if policy.learner == "":
        return kind.start(constants)
    return kind.adopt(estimates(policy), visits(policy), constants)


def _count(activities: dict[int, ActivityStats], results: Iterable[Result]) -> None:
    """Counts one session's results into the statistics."""
    for r in results:
        old = activities.get(r.entry, ActivityStats())
        activities[r.entry] = ActivityStats(
            assigned=old.assigned + 1,
            completed=old.completed + r.completed,
            rated=old.rated + (r.lift is not None),
            lift_points=old.lift_points + (r.lift or 0),
        )


# Telling.


def estimates(policy: Policy) -> tuple[tuple[float, ...], ...]:
    """Returns Q, shape (9, 6): row by state, column by action."""
    if policy.learner == "":
        return ((0.0,) * len(ACTIONS),) * STATES
    table = ALGORITHMS[policy.learner].decode(policy.table)
    return tuple([table.estimates(State.from_row(row)) for row in range(STATES)])


def visits(policy: Policy) -> tuple[tuple[int, ...], ...]:
    """Returns n, shape (9, 6): how many sessions each state and action was learned from."""
    if policy.learner == "":
        return ((0,) * len(ACTIONS),) * STATES
    table = ALGORITHMS[policy.learner].decode(policy.table)
    return tuple([table.visits(State.from_row(row)) for row in range(STATES)])


# Drawing.


def barred(recent: Sequence[Action], cooldown: int) -> tuple[Action, ...]:
    """Returns the actions of the latest sessions that the cool-down keeps from coming back, oldest first."""
    return tuple(recent[-cooldown:]) if cooldown else ()


def eligible(recent: Sequence[Action], cooldown: int) -> tuple[Action, ...]:
    """Returns the actions that may be drawn, by id: the action mask."""
    out = barred(recent, cooldown)
    return tuple(a for a in ACTIONS if a not in out)


def generator(key: bytes, version: int) -> Random:
    """Returns the generator of a session's draws, from its key and the policy version that was read (0: none).

    Only `random()` may be drawn from it: that is the same on every Python.
    """
    return Random(int.from_bytes(hashlib.sha256(b"%d:%b" % (version, key)).digest(), "big"))


def probabilities(policy: Policy, state: State, options: tuple[Action, ...], settings: Settings) -> Chances:
    """Returns with which probability each option is drawn: the only place where a draw's chances are made."""
    how = fold_of(settings)
    return chances_of(_table(policy, how.learner, how.constants), state, options, policy.episodes, settings)


def chances_of(table: QTable, state: State, options: tuple[Action, ...], episodes: int, settings: Settings) -> Chances:
    """Returns the chances of a table's draw."""
    values = table.estimates(state)
    top = max(values[a] for a in options)
    best = tuple(a for a in options if values[a] == top)
    drawn = table.probabilities(state, options, episodes, settings)
    return Chances(options, drawn, best if len(best) < len(options) else ())


def even(options: tuple[Action, ...]) -> Chances:
    """Returns the chances of a draw without a policy."""
    return Chances(options, (1 / len(options),) * len(options), ())


def draw(chances: Chances, rng: Random) -> Action:
    """Returns one of the eligible actions, by one draw of the generator."""
    left = rng.random()
    for action, probability in zip(chances.eligible, chances.probabilities, strict=True):
        if left < probability:
            return action
        left -= probability
    return chances.eligible[-1]


def decide(
    policy: Policy | None, state: State, options: tuple[Action, ...], settings: Settings, rng: Random
) -> Decision:
    """Returns the decision among these options; without a policy an even one, marked as a fallback."""
    if policy is None:
        chances = even(options)
        return decision(chances, state, draw(chances, rng), rate=1.0, version=0, fallback=True)
    how = fold_of(settings)
    table = _table(policy, how.learner, how.constants)
    chances = chances_of(table, state, options, policy.episodes, settings)
    rate = table.even_share(policy.episodes, settings)
    return decision(chances, state, draw(chances, rng), rate=rate, version=policy.version)


def decision(
    chances: Chances, state: State, action: Action, *, rate: float, version: int, fallback: bool = False
) -> Decision:
    """Returns what a session stores of this draw."""
    return Decision(
        state=state,
        eligible=chances.eligible,
        chances=chances.probabilities,
        action=action,
        epsilon=rate,
        policy_version=version,
        explored=action not in chances.best,
        fallback=fallback,
    )
