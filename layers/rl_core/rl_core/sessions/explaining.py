"""Says in words how a session's plan was drawn, in each language of which there is a file in languages/."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rl_core.models import Decision, State

PRODUCT = "en"  # the language of whoever wants none of those that there are
MOST_WORDS = 20  # of one sentence
LANGUAGES = Path(__file__).with_name("languages")


class EngagementLevel(StrEnum):
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class MotivationLevel(StrEnum):
    FALLING = "falling"
    STEADY = "steady"
    RISING = "rising"


class Standing(NamedTuple):
    """Holds a state in words."""

    engagement: EngagementLevel
    motivation: MotivationLevel


class Drawn(StrEnum):
    """Says how an action was drawn.

    `fallback`: without a policy, because none could be read; `even`: each eligible action was as likely as the others;
    `best`: its estimate was the greatest of them; `try`: it was not.
    """

    BEST = "best"
    TRY = "try"
    EVEN = "even"
    FALLBACK = "fallback"


class Case(StrEnum):
    """Names what a sentence says: one of the ways to draw, told apart further where the reason differs."""

    BEST = "best"
    OWN = "own"
    TRY = "try"
    WISH = "wish"
    FALLBACK = "fallback"
    UNKNOWN = "unknown"
    CHANCE = "chance"
    ONLY = "only"


def standing_of(state: State) -> Standing:
    """Returns the state in words."""
    return Standing(tuple(EngagementLevel)[state.engagement], tuple(MotivationLevel)[state.motivation])


def drawn_of(decision: Decision) -> Drawn:
    """Returns how the decision was drawn."""
    if decision.fallback:
        return Drawn.FALLBACK
    if len(set(decision.chances)) == 1:
        return Drawn.EVEN
    return Drawn.TRY if decision.explored else Drawn.BEST


def case_of(decision: Decision) -> Case:
    """Returns what the sentence about this decision says.

    `only` is of a session of an earlier release, whose cool-down left one action. Before a policy's first version
    nothing is known; an even draw from a later one says nothing of why: a bound makes it so, too.
    """
    drawn = drawn_of(decision)
    if drawn is Drawn.FALLBACK:
        return Case.FALLBACK
    if decision.impersonal:
        return Case.WISH
    if len(decision.eligible) == 1:
        return Case.ONLY
    if drawn is Drawn.EVEN:
        return Case.CHANCE if decision.policy_version else Case.UNKNOWN
    if drawn is Drawn.TRY:
        return Case.TRY
    return Case.OWN if decision.own else Case.BEST


def _template(text: str) -> str:
    """Returns the template. Raises ValueError when it asks for anything but the state in words."""
    if not {name for _, name, _, _ in Formatter().parse(text) if name is not None} <= set(Standing._fields):
        raise ValueError(f"a sentence knows {' and '.join(Standing._fields)} alone")
    return text


class Language(BaseModel):
    """Holds the sentences of one language; each may name `{engagement}` and `{motivation}`, which have words here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="a tag of BCP 47")
    engagement: dict[EngagementLevel, str]
    motivation: dict[MotivationLevel, str]
    sentences: dict[Case, Annotated[str, AfterValidator(_template)]]

    def sentence(self, case: Case, standing: Standing) -> str:
        """Returns the sentence of this case, for somebody who stood like that."""
        words = {"engagement": self.engagement[standing.engagement], "motivation": self.motivation[standing.motivation]}
        return self.sentences[case].format_map(words)

    @model_validator(mode="after")
    def _check(self) -> "Language":
        for words, every in (
            (self.engagement, EngagementLevel),
            (self.motivation, MotivationLevel),
            (self.sentences, Case),
        ):
            if missing := set(every) - set(words):
                raise ValueError(f"{self.language} has no words for {', '.join(sorted(missing))}")
        for case in Case:
            for standing in (Standing(e, m) for e in EngagementLevel for m in MotivationLevel):
                if len(self.sentence(case, standing).split()) > MOST_WORDS:
                    raise ValueError(f"{self.language}, {case}: more than {MOST_WORDS} words")
        return self


@lru_cache(maxsize=2)
def languages(folder: Path = LANGUAGES) -> Mapping[str, Language]:
    """Returns the languages of the folder's files, by tag. Raises pydantic's ValidationError when one breaks a rule.

    Raises ValueError when a file is not named after its language, or the product's language has none.
    """
    found = {path.stem: Language.model_validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))}
    if wrong := [name for name, its in found.items() if its.language != name]:
        raise ValueError(f"not named after their language: {', '.join(wrong)}")
    if PRODUCT not in found:
        raise ValueError(f"there is no {PRODUCT}.json")
    return found
