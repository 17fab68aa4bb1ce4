"""Chooses the segment from an assessment, the GAD-7 score and active minutes a week, and keeps assessments.

The cuts are those of Spitzer 2006 for the GAD-7 (10 is the validated one) and of WHO 2020 for the minutes.
"""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from rl_core.config import Settings
from rl_core.models import Assessment, Level, Profile, Segment
from rl_core.sessions.calendar import active_day


def segment_of(gad7_score: int, active_minutes_per_week: int) -> Segment:
    """Returns the segment; `gad7_score` is 0-21, and the minutes are moderate-equivalent ones."""
    anxiety = Level.LOW if gad7_score < 10 else Level.MODERATE if gad7_score < 15 else Level.HIGH
    minutes = active_minutes_per_week
    activity = Level.LOW if minutes < 60 else Level.MODERATE if minutes < 150 else Level.HIGH
    return Segment.of(anxiety, activity)


class Assessed(NamedTuple):
    """Holds a profile after an assessment; `assessment` is what is to be stored beside it, None for nothing."""

    profile: Profile
    assessment: Assessment | None


def assessed(
    profile: Profile, gad7_score: int, active_minutes_per_week: int, settings: Settings, now: datetime
) -> Assessed:
    """Returns the profile with the first and the latest assessment after the user gave these scores.

    The assessment belongs to the user's day, which is never before the day of the latest one; a second one of a day
    takes the place of the first. The same scores on the same day change nothing, and neither does any assessment where
    the deployment keeps none.
    """
    latest = profile.assessments[-1] if profile.assessments else None
    today = active_day(profile, now)
    day = max(today, latest.day) if latest else today
    new = Assessment(day, gad7_score, active_minutes_per_week)
    if not settings.keep_assessments or new == latest:
        return Assessed(profile, None)
    earlier = tuple(its for its in profile.assessments[:1] if its.day < day)
    return Assessed(replace(profile, assessments=(*earlier, new)), new)


class Course(NamedTuple):
    """Holds a user's first and latest assessment; the latest is of a later day."""

    first: Assessment
    latest: Assessment

    @property
    def gad7_change(self) -> int:
        """Returns latest - first of the GAD-7 score; below zero for somebody who got less anxious."""
        return self.latest.gad7_score - self.first.gad7_score

    @property
    def minutes_change(self) -> int:
        """Returns latest - first of the active minutes a week."""
        return self.latest.active_minutes_per_week - self.first.active_minutes_per_week


def course_of(assessments: tuple[Assessment, ...]) -> Course | None:
    """Returns the course from the first to the latest assessment; None for fewer than two."""
    return Course(assessments[0], assessments[-1]) if len(assessments) > 1 else None
