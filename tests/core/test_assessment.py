"""The cut-offs of section 4; and what a user's assessments come to, day after day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rl_core.config import Settings
from rl_core.models import Assessment, Level, Profile, Segment
from rl_core.sessions import assessed, course_of
from rl_core.sessions.assessment import segment_of

MONDAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


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


def given(profile: Profile, constants: Settings, *scores: tuple[int, int]) -> Profile:
    """The profile after these GAD-7 scores, each given so many days after Monday noon."""
    for days, score in scores:
        profile = assessed(profile, score, 30, constants, NOON + days * DAY).profile
    return profile


def test_the_first_assessment_is_kept_with_the_users_day(profile: Profile, constants: Settings) -> None:
    there = replace(profile, timezone="Pacific/Kiritimati")
    found = assessed(there, 16, 30, constants, NOON)
    assert found.assessment == Assessment(MONDAY + DAY, 16, 30)
    assert found.profile == replace(there, assessments=(found.assessment,))


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([(0, 16), (0, 12)], [(0, 12)]),
        ([(0, 16), (1, 12)], [(0, 16), (1, 12)]),
        ([(0, 16), (1, 12), (1, 3)], [(0, 16), (1, 3)]),
        ([(0, 16), (1, 12), (9, 3)], [(0, 16), (9, 3)]),
    ],
)
def test_the_profile_has_the_first_and_the_latest_day(
    profile: Profile, constants: Settings, scores: list[tuple[int, int]], kept: list[tuple[int, int]]
) -> None:
    found = given(profile, constants, *scores).assessments
    assert found == tuple(Assessment(MONDAY + days * DAY, score, 30) for days, score in kept)


@pytest.mark.parametrize("scores", [[(0, 16)], [(0, 16), (3, 16)]])
def test_the_same_scores_on_the_same_day_change_nothing(
    profile: Profile, constants: Settings, scores: list[tuple[int, int]]
) -> None:
    before = given(profile, constants, *scores)
    found = assessed(before, 16, 30, constants, NOON + scores[-1][0] * DAY)
    assert found.profile is before
    assert found.assessment is None


def test_the_same_scores_on_a_later_day_are_an_assessment_of_that_day(profile: Profile, constants: Settings) -> None:
    assert len(given(profile, constants, (0, 16), (1, 16)).assessments) == 2


def test_no_assessment_comes_before_the_latest_one(profile: Profile, constants: Settings) -> None:
    """Of a user who gave scores in Kiritimati, and then in Honolulu, where it is still the day before."""
    before = given(replace(profile, timezone="Pacific/Kiritimati"), constants, (0, 16))
    found = assessed(replace(before, timezone="Pacific/Honolulu"), 9, 30, constants, NOON + timedelta(hours=1))
    assert found.assessment == Assessment(MONDAY + DAY, 9, 30)
    assert found.profile.assessments == (found.assessment,)


def test_no_assessment_comes_before_the_latest_active_day(profile: Profile, constants: Settings) -> None:
    found = assessed(replace(profile, seen=MONDAY + DAY), 16, 30, constants, NOON)
    assert found.assessment == Assessment(MONDAY + DAY, 16, 30)


def test_where_no_assessments_are_kept_nothing_changes_and_those_that_are_there_stay(
    profile: Profile, constants: Settings
) -> None:
    keeping_none = constants.model_copy(update={"keep_assessments": False})
    before = given(profile, constants, (0, 16))
    for its in (profile, before):
        assert assessed(its, 3, 300, keeping_none, NOON + DAY) == (its, None)


def test_a_course_is_from_the_first_to_the_latest_of_two_days(profile: Profile, constants: Settings) -> None:
    course = course_of(given(profile, constants, (0, 16), (1, 12), (9, 3)).assessments)
    assert course is not None
    assert (course.first.day, course.latest.day) == (MONDAY, MONDAY + 9 * DAY)
    assert (course.gad7_change, course.minutes_change) == (-13, 0)
    assert course_of(given(profile, constants, (0, 16), (0, 3)).assessments) is None
    assert course_of(()) is None
