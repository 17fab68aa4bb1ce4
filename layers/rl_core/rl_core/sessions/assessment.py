"""Segments from an assessment: GAD-7 (Spitzer 2006; 10 is the validated cut) and active minutes a week (WHO 2020)."""

from rl_core.models import Level, Segment


def segment_of(gad7_score: int, active_minutes_per_week: int) -> Segment:
    """`gad7_score` 0-21, minutes moderate-equivalent."""
    anxiety = Level.LOW if gad7_score < 10 else Level.MODERATE if gad7_score < 15 else Level.HIGH
    minutes = active_minutes_per_week
    activity = Level.LOW if minutes < 60 else Level.MODERATE if minutes < 150 else Level.HIGH
    return Segment.of(anxiety, activity)
