"""What a day of a user and of a segment came to. Pure: values in, values out."""

from rl_core.days.figures import (
    ONE_DAY,
    TYPES,
    Figures,
    TypeFigures,
    closed_day,
    ended_at,
    figures_of,
    final_day,
)
from rl_core.days.tally import ActionSums, EntrySums, SegmentDay, Tally, merged

__all__ = [
    "ONE_DAY",
    "TYPES",
    "ActionSums",
    "EntrySums",
    "Figures",
    "SegmentDay",
    "Tally",
    "TypeFigures",
    "closed_day",
    "ended_at",
    "figures_of",
    "final_day",
    "merged",
]
