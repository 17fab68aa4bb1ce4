"""The shipped catalogue, and what the loader refuses."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from rl_core.models import Activity, Segment
from rl_core.sessions.catalogue import Catalogue, Entry, catalogue

HIGH_LOW, MODERATE_MODERATE = Segment.HIGH_LOW, Segment.MODERATE_MODERATE
GIVEN = [
    (HIGH_LOW, "physical", "5-Min Gentle Stretching", "exercise", 5, "Low", "10 15 10 30"),
    (HIGH_LOW, "physical", "Child's Pose Breathing", "exercise", 3, "Low", "10"),
    (HIGH_LOW, "physical", "Walking: 10 Minutes", "exercise", 10, "Low", "4 6"),
    (HIGH_LOW, "mental", "4-7-8 Breathing Technique", "meditation", 5, "Low", "4 7 8 4"),
    (HIGH_LOW, "mental", "Body Scan Meditation", "meditation", 10, "Low", "3 10"),
    (MODERATE_MODERATE, "physical", "Brisk Walking: 20 Minutes", "exercise", 20, "Moderate", "2 15 3"),
    (
        MODERATE_MODERATE,
        "physical",
        "Bodyweight Circuit: Push-ups, Squats, Planks",
        "exercise",
        15,
        "Moderate",
        "8 10 15 30 60 3",
    ),
    (
        MODERATE_MODERATE,
        "mental",
        "Guided Gratitude Journaling: 10 Minutes",
        "journaling",
        10,
        "Low",
        "5 7 1 2",
    ),
    (MODERATE_MODERATE, "mental", "Mindfulness Meditation: 10 Minutes", "meditation", 10, "Moderate", "1 10 1 10"),
]
WORDS = {
    "5-Min Gentle Stretching": "roll shrug wrist hamstring",
    "Child's Pose Breathing": "kneel heels forward forehead exhale",
    "Walking: 10 Minutes": "safe familiar comfortable",
    "4-7-8 Breathing Technique": "sit in hold out rounds",
    "Body Scan Meditation": "lie eyes toes release upward head hurry",
    "Brisk Walking: 20 Minutes": "slow talking",
    "Bodyweight Circuit: Push-ups, Squats, Planks": "push-ups wall incline squats plank rest sets",
    "Guided Gratitude Journaling: 10 Minutes": "quiet grateful specific why feel",
    "Mindfulness Meditation: 10 Minutes": "sit eyes breath exhale wander",
}
CLAIMS = re.compile(r"\b(proven|cur(e|es|ed|ing)|treat(s|ed|ment)?|heal(s|ed|ing)?|guarantee[sd]?)\b", re.IGNORECASE)


def steps_of(name: str) -> list[str]:
    """The steps without the number each begins with."""
    entry = next(e for e in catalogue().entries if e.name == name)
    return [step.split(". ", 1)[1] for step in entry.instructions]


@pytest.mark.parametrize(("segment", "category", "name", "kind", "minutes", "intensity", "figures"), GIVEN)
def test_the_given_entry_is_there_with_its_facts(
    segment: Segment, category: str, name: str, kind: str, minutes: int, intensity: str, figures: str
) -> None:
    (entry,) = (e for e in catalogue().by_segment[segment] if e.name == name)
    facts = (entry.category, entry.type, entry.duration_minutes, entry.intensity.value)
    assert facts == (category, kind, minutes, intensity)


@pytest.mark.parametrize(("name", "figures"), [(given[2], given[6]) for given in GIVEN])
def test_the_given_entrys_steps_keep_its_figures_in_order(name: str, figures: str) -> None:
    found = iter(re.findall(r"\d+", " ".join(steps_of(name))))
    assert all(figure in found for figure in figures.split())


@pytest.mark.parametrize(("name", "words"), WORDS.items())
def test_the_given_entrys_steps_say_what_they_must(name: str, words: str) -> None:
    text = " ".join(steps_of(name)).lower()
    assert [word for word in words.split() if word not in text] == []


def test_holding_the_breath_can_be_avoided() -> None:
    entry = next(e for e in catalogue().entries if e.name == "4-7-8 Breathing Technique")
    assert "breath_hold" in entry.tags
    assert {"floor", "high_impact", "breath_hold", "upper_body", "outdoors"} <= catalogue().tags.keys()


def test_nothing_in_the_catalogue_claims_an_effect() -> None:
    texts = {e.slug: " ".join((e.name, e.description, *e.instructions)) for e in catalogue().entries}
    assert {slug: CLAIMS.findall(text) for slug, text in texts.items() if CLAIMS.search(text)} == {}


def test_every_tag_is_worn_by_an_entry() -> None:
    assert {tag for e in catalogue().entries for tag in e.tags} == set(catalogue().tags)


@pytest.mark.parametrize("segment", Segment)
def test_every_segment_has_each_type_with_variety(segment: Segment) -> None:
    kinds = [e.type for e in catalogue().by_segment[segment]]
    assert min(kinds.count("exercise"), kinds.count("meditation"), kinds.count("journaling")) >= 8


def test_a_retired_entry_stays_loadable_but_is_no_longer_assigned() -> None:
    book = book_of(entry(slug="old", retired=True), entry(slug="new"))
    assert book.by_slug["old"].retired
    assert [e.slug for e in book.by_segment[HIGH_LOW]] == ["new"]


def test_a_definition_cannot_be_changed_once_loaded() -> None:
    definition = catalogue().entries[0]
    with pytest.raises(ValidationError, match="frozen"):
        definition.name = "Another"  # type: ignore[misc]


def entry(**changes: Any) -> dict[str, Any]:
    """A valid entry with some fields changed."""
    return {
        "slug": "humming-2",
        "name": "Humming",
        "type": "meditation",
        "category": "mental",
        "duration_minutes": 2,
        "intensity": "Low",
        "description": "Two minutes of humming.",
        "instructions": ["1. Sit.", "2. Hum for 2 minutes.", "3. Stop."],
        "tags": ["floor"],
        "segments": [HIGH_LOW.value],
    } | changes


def book_of(*entries: dict[str, Any]) -> Catalogue:
    return Catalogue.model_validate({"tags": {"floor": "On the floor."}, "entries": entries})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"category": "physical"}, "meditation is not physical"),
        ({"type": "exercise"}, "exercise is not mental"),
        ({"type": "dance"}, "exercise"),
        ({"intensity": "Medium"}, "Moderate"),
        ({"tags": ["flor"]}, "flor"),
        ({"segments": ["High Anxiety"]}, "High Anxiety"),
        ({"segments": []}, "at least 1"),
        ({"instructions": ["Sit.", "Hum.", "Stop."]}, "not numbered"),
        ({"instructions": ["1. Sit.", "3. Hum.", "2. Stop."]}, "not numbered"),
        ({"instructions": ["1. Sit.", "2. Hum."]}, "at least 3"),
        ({"instructions": [f"{n}. Hum." for n in range(1, 8)]}, "at most 6"),
        ({"slug": "Humming 2"}, "pattern"),
        ({"duration_minutes": 0}, "greater than or equal to 1"),
        ({"mood": "good"}, "Extra inputs"),
    ],
)
def test_the_loader_refuses(changes: dict[str, Any], reason: str) -> None:
    assert book_of(entry()).entries
    with pytest.raises(ValidationError, match=reason):
        book_of(entry(**changes))


@pytest.mark.parametrize(
    ("second", "what"),
    [
        ({"name": "Humming Again"}, "a slug stands twice"),
        ({"slug": "humming-again-2"}, "a name stands twice"),
        ({"slug": "humming-7620704", "name": "Humming Again"}, "a code stands twice"),
    ],
)
def test_the_loader_refuses_a_doubled_slug_or_name_and_slugs_of_one_code(second: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        book_of(entry(), entry(**second))


def test_a_retired_entrys_name_may_be_used_again() -> None:
    assert len(book_of(entry(retired=True), entry(slug="humming-again-2")).entries) == 2


def test_an_entrys_code_is_the_low_24_bits_of_its_slugs_crc() -> None:
    assert Entry.model_validate(entry(slug="123456789")).code == 0xF43926
    assert Activity("123456789").entry == 0xF43926
