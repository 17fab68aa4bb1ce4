"""Policies by name, as an operator asks for them:

    uniform               every eligible action alike
    fixed:2               action 2 wherever it is eligible; where the cool-down bars it, every eligible one alike
    relearned             the learner taught by all other users' decisions, five folds of users, greedy
    relearned:name=value  the same with other constants, such as pooling_visits=50,discount=0
    greedy                the present policies of the table, without exploration
    version:HIGH_LOW:120  the policy of that segment and version, exploring as it did, on what it had not learned from
    setting:name=value    each decision by its own policy version under other settings, such as min_probability=0.01
                          or exploration=posterior;
                          settings of the learner (pooling_visits, discount, value_window) fold the records anew

The last three need a table or an export of it.
"""

from __future__ import annotations

from pydantic import ValidationError

from operate.log import SEGMENTS, Log
from operate.ope.judge import Target
from operate.ope.targets import as_of_each_decision, by_policies, fixed, relearned, uniform
from rl_core import learner
from rl_core.config import Settings
from rl_core.models import ACTIONS, Segment
from rl_core.store import Store
from rl_core.work import policy_at

OWN_DATA = "learned from these very decisions: flattered; relearned is the fair figure"


class SpecError(Exception):
    """Raised when no policy has that name here; the message says which names exist."""


def target_of(spec: str, log: Log, store: Store | None, settings: Settings) -> Target:
    """Returns the policy of that name on this log.

    Raises SpecError for an unknown name, and VersionError when a version cannot be rebuilt.
    """
    kind, _, rest = spec.partition(":")
    if kind == "uniform":
        return Target(spec, uniform(log.eligible))
    if kind == "fixed":
        return Target(spec, fixed(log.eligible, _action(rest)))
    if kind == "relearned":
        return Target(spec, relearned(log, learner.fold_of(_changed(settings, rest))))
    if store is None:
        raise SpecError(f"{spec!r}: it needs a table or an export of it, or there is no such policy")
    return _of_the_table(spec, log, store, settings)


def _of_the_table(spec: str, log: Log, store: Store, settings: Settings) -> Target:
    kind, _, rest = spec.partition(":")
    if kind == "greedy":
        policies = {segment: store.policy(segment) for segment in SEGMENTS}
        return Target(spec, by_policies(log, policies, settings, explores=False), caution=OWN_DATA)
    if kind == "version":
        segment, version = _version(rest)
        policies = {segment: policy_at(store, segment, version)}
        unseen = (log.segment == SEGMENTS.index(segment)) & ((log.learned > version) | (log.learned == 0))
        return Target(spec, by_policies(log, policies, settings), judged=unseen)
    if kind == "setting":
        return Target(spec, as_of_each_decision(store, log, _changed(settings, rest)))
    raise SpecError(f"{spec!r}: no such policy")


def _action(text: str) -> int:
    if text not in {str(int(action)) for action in ACTIONS}:
        raise SpecError(f"fixed:{text}: an action is 0-{len(ACTIONS) - 1}")
    return int(text)


def _version(text: str) -> tuple[Segment, int]:
    name, _, number = text.partition(":")
    if name not in Segment.__members__ or not number.isdecimal():
        raise SpecError(f"version:{text}: such as version:HIGH_LOW:120, with one of {', '.join(Segment.__members__)}")
    return Segment[name], int(number)


def _changed(settings: Settings, text: str) -> Settings:
    """Returns the settings with the name=value pairs, separated by commas, in place of theirs."""
    pairs = [pair.split("=", 1) for pair in text.split(",")] if text else []
    unknown = [pair[0] for pair in pairs if len(pair) != 2 or pair[0] not in Settings.model_fields]
    if unknown:
        raise SpecError(f"no setting {', '.join(unknown)}; such as min_probability=0.01,discount=0.3")
    try:
        return Settings.model_validate(settings.model_dump(exclude_unset=True) | dict(pairs))
    except ValidationError as error:
        raise SpecError(f"{text}: {error.errors()[0]['msg']}") from error
