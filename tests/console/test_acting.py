"""Rolling back, excluding and including by the console: before and after, a reason, once, as of what was seen."""

from collections import Counter

import pytest

from operate.console.acting.deed import Deed
from rl_core.config import settings
from rl_core.work import learn_due
from tests.acting import exclude, roll_back
from tests.console.conftest import words
from tests.console.forms import (
    EXCLUDE,
    INCLUDE,
    ROLL_BACK,
    Offered,
    acts,
    confirm,
    labels,
    offered,
    person,
    press,
)
from tests.functions.conftest import SEGMENT, World, turn
from tests.functions.test_erasure import LATER, dump, live, often

__all__ = ["offered", "often"]


def learn(world: World, *people: str) -> None:
    learn_due(world.store, [world.due(user) for user in people], settings(), Counter())


# Each act, through the widgets.


def test_a_rollback_shows_before_and_after_wants_a_reason_and_is_on_record(world: World, offered: Offered) -> None:
    live(world)
    console = offered("rollback", "2")
    said = words(console)
    assert "| Version | 6 | a new one, which holds what 2 held |" in said
    assert "| Episodes learned | 11 | 11, and what is learned meanwhile |" in said
    assert "| Excluded | 0 persons | nobody |" in said
    assert "**9 of the 9 states**:\n- Lighten the Plan → Increase Exercise Intensity: in every state\n" in said
    assert "Name nobody in it: neither a user nor anybody else." in said
    assert labels(console, enabled=False) == [ROLL_BACK]
    confirm(console, ROLL_BACK, " a bad day ")
    (act,) = acts(world.store)
    assert (act.who, act.what, act.segment, act.reason, act.person) == ("local", "rollback", SEGMENT, "a bad day", b"")
    assert (act.at.replace(second=0, microsecond=0), act.after) == (LATER, "version 7, which holds what 2 held")
    assert "It is done." in words(console)
    assert "Version 7 now holds what 2 held. 11 episodes stay learned, 0 persons excluded." in words(console)
    assert "0 sessions were learned since version 6, at which you looked." in words(console)
    assert console.get("page_link")[0].proto.label == "See it on record in Audit"
    assert ROLL_BACK not in labels(console)


def test_a_reason_of_blanks_is_none(world: World, offered: Offered) -> None:
    live(world)
    console = offered("rollback", "2")
    console.text_input[0].input("   ").run()
    assert labels(console, enabled=False) == [ROLL_BACK]
    console.text_input[0].input("a test").run()
    console.button[0].click()
    console.text_input[0].input(" ").run()
    assert acts(world.store) == []


def test_who_stays_excluded_is_said_before_a_rollback(world: World, offered: Offered) -> None:
    live(world)
    exclude(world.store, SEGMENT, person(world), "a test", turn(LATER))
    assert "| Excluded | 1 person | the same 1 person |" in words(offered("rollback", "2"))


def test_a_version_that_is_not_before_the_present_one_is_not_offered(world: World, offered: Offered) -> None:
    live(world)
    console = offered("rollback", "6")
    assert "Version 6 is not before the present one, 6." in words(console)
    assert labels(console) == []


def test_what_an_exclusion_would_change_is_worked_out_on_demand_and_writes_nothing(
    world: World, offered: Offered
) -> None:
    live(world)
    before, console = dump(), offered("exclusion", person(world).hex())
    assert "reads up to 6 version records" in words(console)
    assert "| Episodes learned |" not in words(console)
    press(console, "Work out what would change")
    assert "| Sessions of the person on record | 1 | 1 |\n| Episodes learned | 11 | 10 |" in words(console)
    assert "The best action changes in" in words(console)
    assert dump() == before


def test_an_exclusion_and_an_inclusion_are_done_and_on_record_with_the_person(world: World, offered: Offered) -> None:
    live(world)
    its = person(world)
    console = offered("exclusion", its.hex())
    assert "| What they taught | counts | counts no more |\n| Excluded | 0 persons | 1 person |" in words(console)
    confirm(console, EXCLUDE, "one answer for all")
    assert world.store.policy(SEGMENT).excluded == (its,)
    assert "The person is excluded; the past is folded anew." in words(console)
    assert "Right after that: version 8, 10 episodes learned, 1 person excluded." in words(console)
    press(console, "Close")
    assert "| What they taught | does not count | counts |\n| Excluded | 1 person | 0 persons |" in words(console)
    confirm(console, INCLUDE, "it was none")
    assert world.store.policy(SEGMENT).excluded == ()
    assert [(act.what, act.person, act.reason) for act in acts(world.store)] == [
        ("include", its, "it was none"),
        ("exclude", its, "one answer for all"),
    ]


def test_who_taught_nothing_is_not_excluded(world: World, offered: Offered) -> None:
    live(world)
    console = offered("exclusion", "00" * 8)
    press(console, "Work out what would change")
    assert "nothing was learned here from this person." in words(console)
    confirm(console, EXCLUDE)
    assert "Nothing was done: nothing was learned here from this person." in words(console)
    assert acts(world.store) == []


# As of what was seen, and once.


@pytest.mark.parametrize("label", [ROLL_BACK, EXCLUDE])
def test_what_somebody_else_did_meanwhile_is_not_overruled(world: World, offered: Offered, label: str) -> None:
    live(world)
    form = ("rollback", "2") if label == ROLL_BACK else ("exclusion", person(world).hex())
    console = offered(*form, reads_anew=False)
    roll_back(world.store, SEGMENT, 5)
    before = dump()
    confirm(console, label)
    assert "Nothing was done: somebody else has acted since, in version 7; look again before you act." in words(console)
    assert dump() == before
    del console.session_state["policy"]
    press(console, "Look again")
    confirm(console, label)
    assert len(acts(world.store)) == 2


def test_a_page_that_is_read_anew_says_that_the_segment_was_acted_on(world: World, offered: Offered) -> None:
    live(world)
    console = offered("rollback", "2")
    roll_back(world.store, SEGMENT, 5)
    console.run()
    assert "This segment was acted on, in version 7, after this form was shown." in words(console)
    assert labels(console) == ["Look again"]
    assert "| Version | 7 |" in words(press(console, "Look again"))


@pytest.mark.parametrize("label", [ROLL_BACK, EXCLUDE])
def test_learning_goes_on_meanwhile_and_is_counted(world: World, offered: Offered, label: str) -> None:
    live(world)
    console = offered(*(("rollback", "2") if label == ROLL_BACK else ("exclusion", person(world).hex())))
    learn(world, "ana", "ben")
    learn(world, "eva")
    confirm(console, label)
    assert "3 sessions were learned since version 6, at which you looked." in words(console)
    assert len(acts(world.store)) == 1


def test_a_confirmation_that_comes_twice_acts_once(world: World, offered: Offered) -> None:
    live(world)
    console = offered("rollback", "2")
    console.text_input[0].input("a test").run()
    console.button[0].click()
    message = console._tree.get_widget_states()
    console._run(message)
    console._run(message)
    assert len(acts(world.store)) == 1
    assert "It was begun once: what came later did nothing." in words(console)
    assert "It is done." in words(console)


def test_a_deed_is_begun_once() -> None:
    deed = Deed("key", None, LATER)
    assert [deed.begun, deed.begin(), deed.begun, deed.begin()] == [False, True, True, False]


def test_of_two_operators_at_once_the_second_is_refused(world: World, offered: Offered) -> None:
    live(world)
    first, second = (offered("exclusion", person(world).hex(), reads_anew=False) for _ in range(2))
    confirm(first, EXCLUDE)
    confirm(second, EXCLUDE)
    assert "Nothing was done: somebody else has acted since, in version 8" in words(second)
    assert len(acts(world.store)) == 1
