"""The screen Audit: who did what, when, to which segment and why; a page of twenty, and older ones by the address."""

from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from local.units import bill
from operate.console.acts import GONE, NEWER, UNREADABLE, lines_of, plain
from operate.console.reading import UNREACHABLE
from rl_core.models import Act, Segment
from rl_core.store import Store, act_write
from rl_core.store.audit import act_item, forget
from tests.conftest import TEMPLATE
from tests.console.conftest import Opened, words
from tests.console.tables import Down, Refusing
from tests.functions.conftest import NOW, SEGMENT, World

PERSON = b"person-1"
WHO = "arn:aws:sts::1:assumed-role/FettleOperator/jo"


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


def act(n: int = 0, what: str = "exclude", segment: Segment | None = SEGMENT, **its: Any) -> Act:
    """The act of so many minutes ago."""
    told = {"before": "version 6", "after": "version 7", "reason": "one answer for all"} | its
    return Act(f"{n:04}", NOW - timedelta(minutes=n), WHO, what, segment, **told)


def do(world: World, *acts: Act) -> None:
    for its in acts:
        world.store.write(act_write(its))


def put(world: World, its: Act, **attributes: Any) -> None:
    """Stores an act with other attributes than this release writes."""
    world.store.client.put_item(TableName=TEMPLATE.table.name, Item=act_item(its) | attributes)


def heads(console: AppTest) -> list[str]:
    """The first line of each act."""
    return [its.value for its in console.markdown if its.value.startswith("**")]


def texts(console: AppTest) -> str:
    return "\n".join(its.value for its in console.text)


# What is shown.


def test_an_act_says_when_who_what_where_before_after_and_why(opened: Opened, world: World) -> None:
    do(world, act(person=PERSON))
    console = opened("Audit")
    assert heads(console) == [f"**2026-11-23 09:01 UTC · exclude** · {SEGMENT.value}"]
    assert texts(console).splitlines() == [
        f"by: {WHO}",
        f"person: {PERSON.hex()}",
        "before: version 6",
        "after: version 7",
        "reason: one answer for all",
    ]


def test_twenty_acts_are_shown_newest_first_and_the_older_ones_on_the_next_page(opened: Opened, world: World) -> None:
    do(world, *(act(n) for n in range(45)))
    console, seen = opened("Audit"), list[str]()
    for most in (20, 20, 5):
        assert len(heads(console)) == most
        seen += heads(console)
        older = [its for its in console.button if its.label == "Older"]
        assert bool(older) == (most == 20)
        console = older[0].click().run() if older else console
    assert (len(set(seen)), seen) == (45, sorted(seen, reverse=True))
    (latest,) = [its for its in console.button if its.label == "Latest acts"]
    assert heads(latest.click().run()) == seen[:20]


def test_the_address_names_the_act_before_which_a_page_begins_and_no_person(opened: Opened, world: World) -> None:
    do(world, *(act(n, person=PERSON) for n in range(25)))
    console = opened("Audit").button[0].click().run()
    assert console.query_params == {"before": "2026-11-23T08:42:00.000000Z#0019"}
    again = opened("Audit", before="2026-11-23T08:42:00.000000Z#0019")
    assert heads(again) == heads(console)
    assert len(heads(again)) == 5


def test_exactly_twenty_acts_have_no_older_ones(opened: Opened, world: World) -> None:
    do(world, *(act(n) for n in range(20)))
    assert [its.label for its in opened("Audit").button] == []


def test_what_an_erasure_took_out_is_told_of_acts_about_a_person_and_of_no_other(opened: Opened, world: World) -> None:
    do(world, act(0, person=PERSON), act(1, "mend"), act(2, "exclude", person=b"person-2"))
    forget(world.store, PERSON, NOW)
    first, mend, other = (its.value for its in opened("Audit").text)
    assert f"person: {GONE}" in first
    assert "reason:" not in first
    assert "person" not in mend
    assert b"person-2".hex() in other


def test_kind_and_segment_leave_some_of_the_page_and_read_nothing_more(opened: Opened, world: World) -> None:
    do(world, act(0), act(1, "mend"), act(2, "mend", Segment.LOW_LOW), act(3, "after-restore", None))
    console = opened("Audit")
    console.selectbox[0].set_value("mend").run()
    assert "2 of the 4 acts of this page." in words(console)
    console.selectbox[1].set_value(Segment.LOW_LOW).run()
    assert heads(console) == [f"**2026-11-23 08:59 UTC · mend** · {Segment.LOW_LOW.value}"]
    console.selectbox[0].set_value("exclude").run()
    assert "No act of this page is of that kind and segment." in words(console)
    assert "with 1 of 40 read units" in words(console)


def test_the_longest_acts_are_read_within_the_units(opened: Opened, world: World) -> None:
    bill(world.store.client)
    long: dict[str, Any] = {"before": "b" * 500, "after": "a" * 500, "reason": "\N{SNOWMAN}" * 500, "person": PERSON}
    do(world, *(act(n, **long) for n in range(30)))
    said = words(opened("Audit"))
    units = float(said.partition("UTC with ")[2].partition(" ")[0])
    assert 10 < units <= 40


# What is in the way.


def test_before_the_first_act_and_after_the_last_it_says_so(opened: Opened, world: World) -> None:
    assert "No operator has done anything yet." in words(opened("Audit"))
    do(world, act())
    assert "There is no older act." in words(opened("Audit", before="2026-11-23T09:01:00.000000Z#0000"))


def test_an_address_that_names_no_act_says_so(opened: Opened, world: World) -> None:
    do(world, act())
    for nonsense in ("nonsense", "2026-11-23", "~", "2026-11-23T09:01:00Z#0"):
        console = opened("Audit", before=nonsense)
        assert "The address names no act" in words(console)
        assert [its.label for its in console.button] == ["Latest acts"]


def test_an_act_that_cannot_be_read_has_a_sentence_in_its_row_and_the_others_show(opened: Opened, world: World) -> None:
    put(world, act(0), segment={"S": "a newer one"}, form={"N": "2"})
    put(world, act(1), who={"N": "1"})
    put(world, act(2, "move"), form={"N": "2"}, more={"S": "what a newer release says"})
    do(world, act(3))
    console = opened("Audit")
    assert [its.value for its in console.warning] == [UNREADABLE, UNREADABLE]
    assert [its.value for its in console.info] == [NEWER]
    assert len(heads(console)) == 4
    assert "what a newer release says" not in texts(console)


def test_a_reason_is_no_markdown(opened: Opened, world: World) -> None:
    do(world, act(reason="![x](http://example.org/x.png) <b>", what="a*b*"))
    console = opened("Audit")
    assert "reason: ![x](http://example.org/x.png) <b>" in texts(console)
    assert "example.org" not in words(console)
    assert heads(console)[0].startswith(r"**2026-11-23 09:01 UTC · a\*b\***")


@pytest.mark.parametrize(
    ("client", "sentence"),
    [(Down(), UNREACHABLE), (Refusing(), "nobody/jo is not allowed to read this")],
    ids=["out of reach", "refused"],
)
def test_a_table_that_is_not_read_has_one_sentence(opened: Opened, world: World, client: Any, sentence: str) -> None:
    do(world, act())
    world.store.client = client
    console = opened("Audit")
    assert sentence in console.error[0].value
    assert heads(console) == []


# What decides it.


def test_lines_of_an_act_are_lines() -> None:
    assert lines_of(act(what="mend", before="a\nb", after="", reason="")) == [f"by: {WHO}", "before: a b"]
    assert plain("a_b\n[c](d)") == r"a\_b \[c\]\(d\)"
