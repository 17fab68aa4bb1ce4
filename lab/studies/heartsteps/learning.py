"""Runs Fettle's own learner over the trial: the real fold and the real choice, with two of its six actions eligible.

Two ways of asking what it would have earned, with other merits:

Replay with rejection (Li, Chu, Langford & Wang, WSDM 2011) runs the learner as if live: it chooses at every decision
point, learns only from those where the trial did the same, and its value is their mean reward. The trial drew its arms
unevenly, so a match is kept with probability p_min / p(arm): each point is then kept with probability p_min whatever
the choice. It is unbiased for a learner that meets points like these in any order, and uses two fifths of them.

Doubly robust, as the log goes by: at each point the learner, taught by all points before it, states with which
probabilities it would choose; that sequence of policies is judged on all points (Dudik, Erhan, Langford & Li,
Statistical Science 29, 2014). No policy is judged by a point that it learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from lab.studies.heartsteps.trial import NONE, SEND, SENDING, Trial, Walk, segments
from operate.log import Bools, Floats
from operate.ope.judge import Estimate
from operate.ope.totals import resampled
from rl_core import learner
from rl_core.config import Settings
from rl_core.models import ACTIONS, Policy, State, Transition

OPTIONS = (NONE, SEND)
NEVER = tuple(action for action in ACTIONS if action not in OPTIONS)
LEAST = min(SENDING, 1.0 - SENDING)


def transition(trial: Trial, walked: Walk, row: int) -> Transition:
    """Returns the decision point as a transition."""
    return Transition(
        key=b"",
        state=State.from_row(int(walked.state[row])),
        action=SEND if trial.sent[row] else NONE,
        reward=float(trial.reward[row]),
        next_state=State.from_row(int(walked.next_state[row])),
        barred=NEVER,
        results=(),
    )


def as_the_log_goes_by(trial: Trial, walked: Walk, settings: Settings) -> Floats:
    """Returns the learner's probabilities of (none, send) at each point, shape (n, 2).

    At each point the learner has learned from all points before it.
    """
    policies = [Policy(segment) for segment in segments()]
    chosen, how = np.zeros((len(trial), 2)), learner.fold_of(settings)
    for row, code in enumerate(trial.segment):
        seen = transition(trial, walked, row)
        chosen[row] = learner.probabilities(policies[code], seen.state, OPTIONS, settings).probabilities
        policies[code] = learner.fold(policies[code], [seen], how)
    return chosen


def replayed(trial: Trial, walked: Walk, settings: Settings, seed: int) -> Bools:
    """Returns a mask of the decision points that one run of the learner kept, shape (n,)."""
    rng, kept, how = Random(seed), np.zeros(len(trial), bool), learner.fold_of(settings)
    policies = [Policy(segment) for segment in segments()]
    for row, code in enumerate(trial.segment):
        policy, seen = policies[code], transition(trial, walked, row)
        drawn_with = SENDING if trial.sent[row] else 1.0 - SENDING
        action = learner.draw(learner.probabilities(policy, seen.state, OPTIONS, settings), rng)
        if action is seen.action and rng.random() < LEAST / drawn_with:
            policies[code] = learner.fold(policy, [seen], how)
            kept[row] = True
    return kept


@dataclass(frozen=True)
class Replay:
    """Holds the mean reward over the runs, its gain over three policies, and the mean number of points kept.

    The policies are: always send, never send, and as randomised.

    The interval draws users anew, and with each draw one of the runs: the people's chance and the learner's.
    """

    value: Estimate
    gain: dict[str, Estimate]
    kept: float


def replay(trial: Trial, walked: Walk, settings: Settings, runs: int, replicates: int = 1000, seed: int = 0) -> Replay:
    kept = np.array([replayed(trial, walked, settings, seed + run) for run in range(runs)])
    users = int(trial.user.max()) + 1
    draws = resampled(users, replicates, seed)
    run_of = np.random.default_rng(seed).integers(0, runs, replicates)
    sums, n = _per_user(trial, kept * trial.reward, users), _per_user(trial, kept.astype(float), users)
    value = float(sums.sum() / n.sum())
    spread = (draws * sums[run_of]).sum(1) / (draws * n[run_of]).sum(1)
    gain = {}
    for name, mask in {"always": trial.sent, "never": ~trial.sent, "as randomised": np.ones(len(trial), bool)}.items():
        other = _per_user(trial, (mask * trial.reward)[None], users)[0], _per_user(trial, mask[None] * 1.0, users)[0]
        difference = spread - (draws @ other[0]) / (draws @ other[1])
        gain[name] = _estimate(value - float(other[0].sum() / other[1].sum()), difference)
    return Replay(_estimate(value, spread), gain, float(kept.sum(1).mean()))


def _per_user(trial: Trial, columns: Floats, users: int) -> Floats:
    """Returns the sums by user of each row of columns, shape (rows, users)."""
    return np.array([np.bincount(trial.user, column, users) for column in columns])


def _estimate(value: float, spread: Floats) -> Estimate:
    low, high = np.percentile(spread, [2.5, 97.5])
    return Estimate(value, float(low), float(high))
