"""A segment is poisoned, and an operator who looks at Now finds it, sees why and who, and puts it right.

The tests are one walk, in this order. A second operator looks at the same segment in another browser.
"""

import re

import pytest
from playwright.sync_api import expect

from lab.proofs.console.poison import ACCOUNT
from rl_core.models import Segment
from tests.console_walk.browsing import NARROW, SCREENS, WIDE, Reader

REASON = "one account in which all plans but one do harm"
OTHERS_REASON = "answers that nobody gives"
LOOKED_AT = pytest.mark.parametrize("path", ["", "segment?segment={}&why=weight"], ids=["Now", "Segment"])


def test_while_all_are_honest_the_light_is_green(reader: Reader) -> None:
    reader.check_now()
    assert reader.light("weight") == "green"
    reader.picture("1-now-honest")


def test_one_account_that_lies_turns_the_light_red(reader: Reader, liar: str) -> None:
    assert liar not in reader.words
    reader.check_now()
    assert reader.light("weight") == "red"
    reader.picture("2-now-poisoned")


def test_the_keyboard_alone_leads_from_now_to_the_segment(another: Reader, segment: Segment) -> None:
    another.check_now()
    another.tab_to(another.link("weight", segment))
    another.page.keyboard.press("Enter")
    another.is_at("Segment")
    assert another.query.startswith(f"/segment?segment={segment.name}&why=weight")


@LOOKED_AT
def test_axe_finds_nothing_serious(another: Reader, segment: Segment, path: str) -> None:
    another.open(path.format(segment.name))
    assert another.barriers() == []


@LOOKED_AT
def test_on_a_phone_nothing_scrolls_sideways(another: Reader, segment: Segment, path: str) -> None:
    another.open(path.format(segment.name))
    another.as_wide_as(NARROW)
    too_wide = another.too_wide()
    another.as_wide_as(WIDE)
    assert too_wide == {}


def test_the_link_below_the_light_leads_to_the_segment_which_says_why_and_who(
    reader: Reader, segment: Segment, liar: str
) -> None:
    reader.link("weight", segment).click()
    reader.is_at("Segment")
    assert "one person taught much of what was learned lately" in reader.words.lower()
    said = rf"weight: 39.5 % of the latest 200 sessions learned are of one person, beside \d+ others: {liar}"
    assert re.search(said, reader.words)
    assert reader.offers_to_exclude(liar)
    reader.picture("3-segment-who")


def test_without_a_reason_nobody_is_excluded(reader: Reader) -> None:
    expect(reader.exclude).to_be_disabled()


def test_before_they_exclude_an_operator_can_see_what_would_change(reader: Reader) -> None:
    reader.button("Work out what would change").click()
    expect(reader.page.get_by_text("best action changes")).to_be_visible()
    assert "Sessions of the person on record\t80\t80" in reader.words


def test_two_operators_at_one_segment_keep_apart_what_they_typed(
    reader: Reader, another: Reader, segment: Segment
) -> None:
    another.open(f"segment?segment={segment.name}&why=weight")
    another.give_reason(OTHERS_REASON)
    reader.give_reason(REASON)
    assert (another.reason.input_value(), reader.reason.input_value()) == (OTHERS_REASON, REASON)


def test_the_first_who_confirms_excludes_the_person(reader: Reader) -> None:
    reader.exclude.click()
    reader.is_told("The person is excluded; the erasure's job goes on to fold the past anew.")
    reader.picture("4-segment-under-way")


def test_the_second_is_refused_and_learns_that_somebody_acted(another: Reader) -> None:
    another.exclude.click()
    another.is_told("Nothing was done")


def test_both_see_how_far_the_fold_is_and_that_it_is_done(reader: Reader, another: Reader, segment: Segment) -> None:
    another.open(f"segment?segment={segment.name}")
    for its in (reader, another):
        expect(its.page.get_by_text("versions are folded")).to_be_visible()
    for its in (reader, another):
        its.is_told("Done: the segment's past is folded anew.", within=150)
    reader.picture("5-segment-done")


def test_then_the_light_is_green_again(reader: Reader) -> None:
    reader.choose("Now")
    reader.check_now()
    assert reader.light("weight") == "green"
    reader.picture("6-now-put-right")


def test_the_act_is_on_record_and_the_refused_one_is_not(reader: Reader, segment: Segment, liar: str) -> None:
    reader.choose("Audit")
    for words in ("exclude", segment.value, liar, REASON):
        assert words in reader.words
    assert OTHERS_REASON not in reader.words


def test_a_decision_is_explained_for_a_user_who_is_typed_in_and_stands_in_no_address(reader: Reader) -> None:
    reader.choose("Decision")
    reader.explain(ACCOUNT, 2)
    assert reader.query == "/decision"
    assert "differs" not in reader.words
    reader.picture("7-decision")


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_has_its_picture(another: Reader, segment: Segment, screen: str, width: int) -> None:
    another.open(
        "" if screen == "Now" else f"{screen.lower()}{'?segment=' + segment.name if screen == 'Segment' else ''}"
    )
    another.as_wide_as(width)
    assert another.picture(screen.lower()).exists()
    another.as_wide_as(WIDE)


def test_nothing_was_asked_of_another_host_and_no_page_complained(reader: Reader, another: Reader) -> None:
    assert reader.elsewhere | another.elsewhere == set()
    assert reader.wrong + another.wrong == []
