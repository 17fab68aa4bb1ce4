"""Reads and writes a user's assessments, one item for each day on which the user gave scores."""

from rl_core.models import Assessment
from rl_core.store import keys
from rl_core.store.fields import WHOLE, Field, FieldTable, Item, Put, Stored, strict, string, written

ASSESSMENT_FORM = 1

ASSESSMENT = FieldTable(
    (
        Field("gad7_score", "gad7", WHOLE, "the GAD-7 score, 0-21"),
        Field("active_minutes_per_week", "minutes", WHOLE, "active minutes a week"),
    )
)


def assessment_writes(user: str, assessment: Assessment | None) -> list[Put]:
    """Returns the write of the assessment, if there is one; it takes the place of an earlier one of the same day.

    The write has no condition: the condition of the profile's write in the same transaction guards it.
    """
    return [] if assessment is None else [Put("assessment", assessment_item(user, assessment))]


def assessment_item(user: str, assessment: Assessment) -> Item:
    """Returns the assessment's item as it will be stored."""
    place = {"pk": string(keys.user_pk(user)), "sk": string(keys.assessment_sk(assessment.day))}
    return written(ASSESSMENT_FORM, place | ASSESSMENT.write(assessment), {})


@strict
def read_assessment(item: Stored) -> Assessment:
    """Returns the assessment. Raises UnreadableItemError."""
    return Assessment(day=keys.day_of_assessment(item["sk"]["S"]), **ASSESSMENT.read(item))
