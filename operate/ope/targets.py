"""Computes the policies to be judged as probabilities of the six actions in each logged decision, shape (n, 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from operate.log import SEGMENTS, Bools, Floats, Ints, Log
from operate.ope.model import FOLDS, folds_of
from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import VersionError
from rl_core.models import ACTIONS, Action, Fold, Policy, Segment, State, Transition
from rl_core.store import Store


def uniform(eligible: Bools) -> Floats:
    """Returns equal probabilities for the eligible actions, shape (n, 6)."""
    even: Floats = eligible / eligible.sum(1, keepdims=True)
    return even


def fixed(eligible: Bools, action: int) -> Floats:
    """Returns probability 1 for the action where it is eligible; where the cool-down bars it, those of `uniform`."""
    always = np.eye(eligible.shape[1])[action]
    return np.where(eligible[:, [action]], always, uniform(eligible))


def greedy(values: Floats, eligible: Bools) -> Floats:
    """Returns equal probabilities for the eligible actions of the greatest value, and 0 for all others.

    `values` is Q of each row's state, shape (n, 6).
    """
    of_eligible = np.where(eligible, values, -np.inf)
    best = of_eligible == of_eligible.max(1, keepdims=True)
    chosen: Floats = best / best.sum(1, keepdims=True)
    return chosen


def of_policy(policy: Policy, log: Log, rows: Ints, at: Settings) -> Floats:
    """Returns the probabilities with which the policy draws in these rows under these settings, shape (rows, 6).

    The policy knows of each person what the logged draw knew.
    """
    found = np.zeros((len(rows), len(ACTIONS)))
    for place, row in enumerate(rows):
        options = tuple(a for a in ACTIONS if log.eligible[row, a])
        state = State.from_row(int(log.state[row]))
        chances = learner.probabilities(policy, state, options, at, log.facts[row])
        found[place, list(options)] = chances.probabilities
    return found


def values_of(policy: Policy, log: Log, rows: Ints) -> Floats:
    """Returns Q of each row's state, for a person of whom the row's facts are known, shape (rows, 6)."""
    cases = [(State.from_row(int(log.state[row])), log.facts[row]) for row in rows]
    return np.array(learner.estimates_of(policy, cases)).reshape(-1, len(ACTIONS))


def by_policies(log: Log, policies: Mapping[Segment, Policy], at: Settings, *, explores: bool = True) -> Floats:
    """Returns the probabilities of one policy per segment over the whole log, shape (n, 6).

    With `explores` each policy explores as the settings say, otherwise it is greedy; segments without a policy are
    uniform.
    """
    chosen = uniform(log.eligible)
    for segment, policy in policies.items():
        rows = np.flatnonzero(log.segment == SEGMENTS.index(segment))
        if explores:
            chosen[rows] = of_policy(policy, log, rows, at)
        else:
            chosen[rows] = greedy(values_of(policy, log, rows), log.eligible[rows])
    return chosen


def transition(log: Log, row: int) -> Transition:
    """Returns the row as a transition, without the results of its activities."""
    return Transition(
        key=b"",
        state=State.from_row(int(log.state[row])),
        action=Action(int(log.action[row])),
        reward=float(log.reward[row]),
        next_state=State.from_row(int(log.next_state[row])),
        barred=tuple(a for a in ACTIONS if log.barred[row, a]),
        results=(),
        facts=log.facts[row],
    )


def in_learning_order(log: Log) -> Ints:
    """Returns the rows' order by the version that learned from each; those not learned from yet come last."""
    waiting = log.learned == 0
    return np.lexsort((log.session, log.learned, waiting))


def relearned(log: Log, how: Fold, seed: int = 0) -> Floats:
    """Returns the greedy choice of a learner that was taught by other users only: for each fold, by the other folds.

    It knows of the user what the logged draw knew. No user is judged by a policy that learned from that user, so the
    value is what somebody new to the policy would meet.
    """
    chosen, fold_of_row = uniform(log.eligible), folds_of(log.users, seed)[log.user]
    order = in_learning_order(log)
    for held_out in range(FOLDS):
        for code, segment in enumerate(SEGMENTS):
            judged = np.flatnonzero((log.segment == code) & (fold_of_row == held_out))
            taught = order[(log.segment[order] == code) & (fold_of_row[order] != held_out)]
            policy = learner.fold(Policy(segment), (transition(log, int(row)) for row in taught), how)
            chosen[judged] = greedy(values_of(policy, log, judged), log.eligible[judged])
    return chosen


def as_of_each_decision(store: Store, log: Log, settings: Settings) -> Floats:
    """Returns the probabilities with which each decision's own policy version would draw under these settings.

    The policies are folded anew from their records with the learner of the settings. Each version knows only what came
    before the decision, so no decision is judged by its own reward; under the settings of the time the probabilities
    equal the logged propensities. Raises VersionError when a record is missing.
    """
    chosen = uniform(log.eligible)
    for code, segment in enumerate(SEGMENTS):
        rows = np.flatnonzero(log.segment == code)
        rows = rows[np.argsort(log.version[rows], kind="stable")]
        policies = _past(store, segment, learner.fold_of(settings))
        policy = Policy(segment)
        for row in rows:
            while policy.version < log.version[row]:
                policy = next(policies)
            chosen[row] = of_policy(policy, log, np.array([row]), settings)[0]
    return chosen


def _past(store: Store, segment: Segment, how: Fold) -> Iterator[Policy]:
    """Yields every version in order, folded anew by `how`; a rollback restores an earlier version of this same past.

    Raises VersionError where a record is missing.
    """
    kept = [Policy(segment)]
    for record in store.records(segment, 0, store.policy(segment).version):
        now = kept[-1]
        if record.version != now.version + 1:
            break
        if record.restored is None:
            taught = (replace(t, results=()) for t in record.transitions)
            after = replace(learner.fold(now, taught, how), version=record.version)
        else:
            after = replace(kept[record.restored], version=record.version, episodes=now.episodes)
        kept.append(after)
        yield after
    raise VersionError(f"{segment.name}: the record of version {len(kept)} is missing")
