"""Chooses the segment from an assessment: the GAD-7 score and active minutes a week.

The cuts are those of Spitzer 2006 for the GAD-7 (10 is the validated one) and of WHO 2020 for the minutes.
"""

from rl_core.models import Level, Segment


def segment_of(gad7_score: int, active_minutes_per_week: int) -> Segment:
    """Returns the segment; `gad7_score` is 0-21, and the minutes are moderate-equivalent ones."""
    anxiety = Level.LOW if gad7_score < 10 else Level.MODERATE if gad7_score < 15 else Level.HIGH
    minutes = active_minutes_per_week
    activity = Level.LOW if minutes < 60 else Level.MODERATE if minutes < 150 else Level.HIGH
    return Segment.of(anxiety, activity)
