"""The activity definitions: data in catalogue.json, validated when it is loaded.

Entries are immutable: a changed text is a new slug; a retired entry stays loadable for the sessions that name it.
"""

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rl_core.models import Level, Segment, entry_code

ActivityType = Literal["exercise", "meditation", "journaling"]
CATEGORIES = {"exercise": "physical", "meditation": "mental", "journaling": "mental"}
OTHER = "other"  # type and category of an entry that only a newer release has
_PATH = Path(__file__).with_name("catalogue.json")


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=24)
    name: str = Field(min_length=1, max_length=80)
    type: ActivityType
    category: Literal["physical", "mental"]
    duration_minutes: int = Field(ge=1, le=60)
    intensity: Level
    description: str = Field(min_length=1, max_length=200)
    instructions: tuple[str, ...] = Field(min_length=3, max_length=6)
    tags: frozenset[str]
    segments: frozenset[Segment] = Field(min_length=1)
    retired: bool = False

    @cached_property
    def code(self) -> int:
        """Names the entry in packed statistics."""
        return entry_code(self.slug)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if CATEGORIES[self.type] != self.category:
            raise ValueError(f"{self.slug}: {self.type} is not {self.category}")
        if any(not step.startswith(f"{i}. ") for i, step in enumerate(self.instructions, 1)):
            raise ValueError(f"{self.slug}: steps are not numbered from 1")
        return self


class Catalogue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    tags: dict[str, str]
    entries: tuple[Entry, ...]

    @cached_property
    def by_slug(self) -> dict[str, Entry]:
        return {e.slug: e for e in self.entries}

    def entry(self, slug: str) -> Entry:
        """Returns the entry of this slug; for one that only a newer release has, a placeholder."""
        return self.by_slug.get(slug) or _placeholder(slug)

    @cached_property
    def by_segment(self) -> dict[Segment, tuple[Entry, ...]]:
        """The entries that may be assigned, in the file's order."""
        return {s: tuple(e for e in self.entries if s in e.segments and not e.retired) for s in Segment}

    @model_validator(mode="after")
    def _check(self) -> Self:
        current = [e.name for e in self.entries if not e.retired]
        for what, values in (
            ("slug", [e.slug for e in self.entries]),
            ("code", [e.code for e in self.entries]),
            ("name", current),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"a {what} stands twice in the catalogue")
        if unknown := {t for e in self.entries for t in e.tags} - self.tags.keys():
            raise ValueError(f"tags without a meaning: {sorted(unknown)}")
        return self


_PLACEHOLDER: dict[str, Any] = {
    "name": "New Activity",
    "type": OTHER,
    "category": OTHER,
    "duration_minutes": 0,
    "intensity": Level.LOW,
    "description": "This activity is new and cannot be described at the moment.",
    "instructions": ("1. Open your plan again in a few minutes to see the steps.",),
    "tags": frozenset(),
    "segments": frozenset(),
    "retired": True,
}


def _placeholder(slug: str) -> Entry:
    """Returns what is shown in place of an entry that this release does not have; it can be answered and counts."""
    return Entry.model_construct(slug=slug, **_PLACEHOLDER)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The shipped catalogue. Raises pydantic's ValidationError when the data breaks a rule."""
    return Catalogue.model_validate_json(_PATH.read_bytes())
