"""Computes the figures of a user's day and of a segment's day. Pure: values in, values out."""

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
from rl_core.days.showing import publishable, shown
from rl_core.days.stats import Direction, PeriodDay, Totals, Trend, day_by_day, totals_of, trend_of
from rl_core.days.tally import ActionSums, EntrySums, SegmentDay, Tally, merged

__all__ = [
    "ONE_DAY",
    "TYPES",
    "ActionSums",
    "Direction",
    "EntrySums",
    "Figures",
    "PeriodDay",
    "SegmentDay",
    "Tally",
    "Totals",
    "Trend",
    "TypeFigures",
    "closed_day",
    "day_by_day",
    "ended_at",
    "figures_of",
    "final_day",
    "merged",
    "publishable",
    "shown",
    "totals_of",
    "trend_of",
]
