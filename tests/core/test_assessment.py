"""The cut-offs of section 4."""

import pytest

from rl_core.models import Level, Segment
from rl_core.sessions.assessment import segment_of


@pytest.mark.parametrize(
    ("score", "anxiety"),
    [(0, "Low"), (4, "Low"), (5, "Low"), (9, "Low"), (10, "Moderate"), (14, "Moderate"), (15, "High"), (21, "High")],
)
def test_gad7_scores_fall_into_three_levels_of_anxiety(score: int, anxiety: str) -> None:
    assert segment_of(score, 0).value == f"{anxiety} Anxiety, Low Activity"


@pytest.mark.parametrize(
    ("minutes", "activity"),
    [(0, "Low"), (59, "Low"), (60, "Moderate"), (149, "Moderate"), (150, "High"), (10_000, "High")],
)
def test_active_minutes_fall_into_three_levels_of_activity(minutes: int, activity: str) -> None:
    assert segment_of(0, minutes).value == f"Low Anxiety, {activity} Activity"


def test_the_nine_segments_are_the_levels_crossed() -> None:
    crossed = {Segment.of(anxiety, activity) for anxiety in Level for activity in Level}
    assert crossed == set(Segment)
    assert {segment_of(score, minutes) for score in (0, 10, 15) for minutes in (0, 60, 150)} == set(Segment)


def test_a_segment_knows_its_activity_level() -> None:
    assert Segment.HIGH_LOW.activity is Level.LOW
    assert Segment.LOW_HIGH.activity is Level.HIGH
