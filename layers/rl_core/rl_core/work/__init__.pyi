from .consent import last_statement, state_consent
from .exclusion import Preview, exclude, include, preview, weights
from .explanation import READ_UNITS, Because, Recomputed, recompute
from .looking import UNITS, Look, glance, look
from .refold import ERASURE, Change, Turn, go_on, take_hold, under_way, unlearn
from .retry import attempts, pause
from .roll_up import Dispatched, dispatch, final_segments, keep_courses, merge, run_shard
from .train import (
    Closed,
    TrainingFigures,
    close_and_learn,
    close_expired,
    exploration_rate,
    learn_due,
    next_version,
    training_figures,
)
from .versions import Damage, Explanation, damage_of, explain, mend, policy_at, roll_back, step

__all__ = [
    "ERASURE",
    "READ_UNITS",
    "UNITS",
    "Because",
    "Change",
    "Closed",
    "Damage",
    "Dispatched",
    "Explanation",
    "Look",
    "Preview",
    "Recomputed",
    "TrainingFigures",
    "Turn",
    "attempts",
    "close_and_learn",
    "close_expired",
    "damage_of",
    "dispatch",
    "exclude",
    "explain",
    "exploration_rate",
    "final_segments",
    "glance",
    "go_on",
    "include",
    "keep_courses",
    "last_statement",
    "learn_due",
    "look",
    "mend",
    "merge",
    "next_version",
    "pause",
    "policy_at",
    "preview",
    "recompute",
    "roll_back",
    "run_shard",
    "state_consent",
    "step",
    "take_hold",
    "training_figures",
    "under_way",
    "unlearn",
    "weights",
]
