"""Policies to be judged, as probabilities of the six actions in each logged decision, shape (n, 6)."""

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
    """Every eligible action alike."""
    even: Floats = eligible / eligible.sum(1, keepdims=True)
    return even


def fixed(eligible: Bools, action: int) -> Floats:
    """One action wherever it is eligible; where the cool-down bars it, every eligible one alike."""
    always = np.eye(eligible.shape[1])[action]
    return np.where(eligible[:, [action]], always, uniform(eligible))


def greedy(values: Floats, eligible: Bools) -> Floats:
    """The eligible actions of the greatest value alike, no others: `values` is Q of each row's state, shape (n, 6)."""
    of_eligible = np.where(eligible, values, -np.inf)
    best = of_eligible == of_eligible.max(1, keepdims=True)
    chosen: Floats = best / best.sum(1, keepdims=True)
    return chosen


def of_policy(policy: Policy, log: Log, rows: Ints, at: Settings) -> Floats:
    """What one policy would draw from in these rows under these settings; shape (rows, 6)."""
    found = np.zeros((len(rows), len(ACTIONS)))
    for place, row in enumerate(rows):
        options = tuple(a for a in ACTIONS if log.eligible[row, a])
        chances = learner.probabilities(policy, State.from_row(int(log.state[row])), options, at)
        found[place, list(options)] = chances.probabilities
    return found


def by_policies(log: Log, policies: Mapping[Segment, Policy], at: Settings, *, explores: bool = True) -> Floats:
    """One policy per segment over the whole log, exploring as the settings say, or greedy; uniform elsewhere."""
    chosen = uniform(log.eligible)
    for segment, policy in policies.items():
        rows = np.flatnonzero(log.segment == SEGMENTS.index(segment))
        values = np.array(learner.estimates(policy))[log.state[rows]]
        chosen[rows] = of_policy(policy, log, rows, at) if explores else greedy(values, log.eligible[rows])
    return chosen


def transition(log: Log, row: int) -> Transition:
    """What the session taught, without its activities."""
    return Transition(
        key=b"",
        state=State.from_row(int(log.state[row])),
        action=Action(int(log.action[row])),
        reward=float(log.reward[row]),
        next_state=State.from_row(int(log.next_state[row])),
        barred=tuple(a for a in ACTIONS if log.barred[row, a]),
        results=(),
    )


def in_learning_order(log: Log) -> Ints:
    """The rows as the policies met them: by version that learned; those not learned yet last."""
    waiting = log.learned == 0
    return np.lexsort((log.session, log.learned, waiting))


def relearned(log: Log, how: Fold, seed: int = 0) -> Floats:
    """The learner, run over all other users' decisions: for each fold of users, taught by the other folds.

    No user is judged by a policy that learned from them, so the value is what a new user would meet.
    """
    chosen, fold_of_row = uniform(log.eligible), folds_of(log.users, seed)[log.user]
    order = in_learning_order(log)
    for held_out in range(FOLDS):
        for code, segment in enumerate(SEGMENTS):
            judged = (log.segment == code) & (fold_of_row == held_out)
            taught = order[(log.segment[order] == code) & (fold_of_row[order] != held_out)]
            policy = learner.fold(Policy(segment), (transition(log, int(row)) for row in taught), how)
            values = np.array(learner.estimates(policy))
            chosen[judged] = greedy(values[log.state[judged]], log.eligible[judged])
    return chosen


def as_of_each_decision(store: Store, log: Log, settings: Settings) -> Floats:
    """What each decision's own policy version would have drawn from, under these settings.

    The policies are folded anew from their records with the settings' learner. Each knows only what came before the
    decision, so nothing is judged by its own reward; under the settings of the time the probabilities are the logged
    propensities. Raises VersionError when a record is missing.
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
    """Every version in order, folded so from nothing; a rollback goes back in the same past."""
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
