"""Why this plan, in words: how it was drawn, what the sentence says, and in which language."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from rl_core.edge.languages import chosen_language
from rl_core.models import ACTIONS, Action, Decision, Session, State
from rl_core.sessions import (
    PRODUCT,
    Case,
    Drawn,
    EngagementLevel,
    Language,
    MotivationLevel,
    Standing,
    case_of,
    drawn_of,
    languages,
    standing_of,
)
from rl_core.sessions.explaining import LANGUAGES, MOST_WORDS

TERMS = (
    "user", "segment", "activity definition", "activity", "activities", "action", "session", "state", "outcome",
    "reward", "engagement score", "motivation score", "policy", "policies", "propensity", "propensities",
)  # fmt: skip
STANDINGS = [Standing(*its) for its in product(EngagementLevel, MotivationLevel)]
EVEN = (1 / 6,) * 6


@pytest.fixture
def decision(session: Session) -> Decision:
    """The best of six that were told apart, drawn from a policy's version 7."""
    return replace(session.decision, policy_version=7, explored=False)


@pytest.fixture
def german(tmp_path: Path) -> Path:
    """A folder with a second language beside the product's."""
    text = (LANGUAGES / "en.json").read_text()
    (tmp_path / "en.json").write_text(text)
    told = json.loads(text) | {
        "language": "de",
        "engagement": {"low": "gering", "moderate": "mittel", "high": "hoch"},
        "motivation": {"falling": "sinkend", "steady": "gleich", "rising": "steigend"},
        "sentences": dict.fromkeys(Case, "Beteiligung {engagement}, Lust {motivation}."),
    }
    (tmp_path / "de.json").write_text(json.dumps(told))
    return tmp_path


@pytest.mark.parametrize("language", languages().values(), ids=languages())
@pytest.mark.parametrize("case", Case)
def test_a_sentence_is_short_and_has_no_word_of_ours(language: Language, case: Case) -> None:
    for standing in STANDINGS:
        sentence = language.sentence(case, standing)
        assert len(sentence.split()) <= MOST_WORDS == 20
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert not re.search(r"[.!?] ", sentence), "one sentence"
        for term in TERMS:
            assert not re.search(rf"\b{term}s?\b", sentence, re.IGNORECASE), (sentence, term)


def test_the_state_is_told_in_words_and_by_the_sentence() -> None:
    assert [standing_of(State.from_row(row)) for row in range(9)] == STANDINGS
    said = languages()[PRODUCT].sentence(Case.BEST, standing_of(State(0, 2)))
    assert said.startswith("Your engagement was low, your motivation rising: ")


def test_the_best_is_told_from_a_try_and_from_ones_own_best(decision: Decision) -> None:
    assert (drawn_of(decision), case_of(decision)) == (Drawn.BEST, Case.BEST)
    assert case_of(replace(decision, own=True)) is Case.OWN
    tried = replace(decision, explored=True)
    assert (drawn_of(tried), case_of(tried)) == (Drawn.TRY, Case.TRY)


def test_a_draw_of_equal_chances_is_even_whatever_was_held_for_best(decision: Decision) -> None:
    for explored in (True, False):
        even = replace(decision, chances=EVEN, explored=explored)
        assert (drawn_of(even), case_of(even)) == (Drawn.EVEN, Case.CHANCE)
        assert case_of(replace(even, policy_version=0)) is Case.UNKNOWN


def test_without_a_policy_it_is_a_fallback_and_by_the_persons_wish_it_is_even(decision: Decision) -> None:
    drawn = replace(decision, chances=EVEN, explored=True, policy_version=0)
    fallback, wish = replace(drawn, fallback=True), replace(drawn, impersonal=True)
    assert (drawn_of(fallback), case_of(fallback)) == (Drawn.FALLBACK, Case.FALLBACK)
    assert (drawn_of(wish), case_of(wish)) == (Drawn.EVEN, Case.WISH)


def test_the_only_plan_that_was_left_is_called_so(decision: Decision) -> None:
    alone = replace(decision, eligible=(Action.LIGHTEN,), chances=(1.0,), action=Action.LIGHTEN, explored=True)
    assert (drawn_of(alone), case_of(alone)) == (Drawn.EVEN, Case.ONLY)
    two = replace(alone, eligible=ACTIONS[4:], chances=(0.0, 1.0))
    assert case_of(two) is Case.TRY


def test_a_file_more_is_a_language_more(german: Path) -> None:
    spoken = languages(german)
    assert set(spoken) == {"de", "en"}
    assert spoken["de"].sentence(Case.TRY, STANDINGS[0]) == "Beteiligung gering, Lust sinkend."


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "fr"},
        {"language": "German"},
        {"engagement": {"low": "gering"}},
        {"motivation": {"falling": "a", "steady": "b", "rising": "c", "jumping": "d"}},
        {"sentences": dict.fromkeys(list(Case)[1:], "Kurz.")},
        {"sentences": dict.fromkeys(Case, "{name} war es.")},
        {"sentences": dict.fromkeys(Case, "{} war es.")},
        {"sentences": dict.fromkeys(Case, "{engagement.value}")},
        {"sentences": dict.fromkeys(Case, "Wort " * 21)},
        {"more": 1},
    ],
)
def test_a_file_that_breaks_a_rule_is_refused(german: Path, wrong: dict[str, object]) -> None:
    file = german / "de.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | wrong))
    languages.cache_clear()
    with pytest.raises(ValueError):
        languages(german)


def test_the_products_language_is_never_missing(german: Path) -> None:
    (german / "en.json").unlink()
    with pytest.raises(ValueError, match=r"no en\.json"):
        languages(german)


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("de-AT-1996;q=0.5, fr;q=0.9", "de"),
        ("de-x-y", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("*, de;q=0.1", "de"),
        ("en;q=0.3,de;q=0.7", "de"),
        ("en,de", "en"),
        ("de;q=0", "en"),
        ("de;q=0.0, de-AT", "de"),
        ("pt-BR", "pt-BR"),
        ("pt", "en"),
        ("pt-br-x", "pt-BR"),
        ("d", "en"),
        ("de; q=1.000", "de"),
        ("de;q=7, pt-BR;q=0.1", "pt-BR"),
        ("de;q=nan", "en"),
        ("de;level=1", "en"),
        (",,;q=1,--,de-", "en"),
        ("\x00ü, de", "de"),
        ("de " * 2000, "en"),
    ],
)
def test_a_language_is_looked_up_by_ranges_and_weights(accepted: str, chosen: str) -> None:
    assert chosen_language(accepted, {"de", "en", "pt-BR"}, PRODUCT) == chosen
