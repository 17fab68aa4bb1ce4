"""Runs the loops that join rules and store: read, decide, commit, try again."""

from rl_core.work.forget import forget
from rl_core.work.retry import attempts, pause
from rl_core.work.roll_up import Dispatched, dispatch, final_segments, merge, run_shard
from rl_core.work.train import (
    Closed,
    TrainingFigures,
    close_and_learn,
    close_expired,
    exploration_rate,
    learn_due,
    next_version,
    training_figures,
)
from rl_core.work.versions import UNDER_WAY, Explanation, explain, mend, policy_at, roll_back, step

__all__ = [
    "UNDER_WAY",
    "Closed",
    "Dispatched",
    "Explanation",
    "TrainingFigures",
    "attempts",
    "close_and_learn",
    "close_expired",
    "dispatch",
    "explain",
    "exploration_rate",
    "final_segments",
    "forget",
    "learn_due",
    "mend",
    "merge",
    "next_version",
    "pause",
    "policy_at",
    "roll_back",
    "run_shard",
    "step",
    "training_figures",
]
