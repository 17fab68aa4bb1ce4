"""The screen Decision: what a plan was drawn from, a sentence where that cannot be told; no word of the person's."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from local.units import bill
from operate.console.explained import BOTH, COOL_DOWN, EITHER, WISH, became, masked, rows, verdict
from operate.console.reading import UNREACHABLE
from rl_core.config import settings
from rl_core.models import ACTIONS, Action, EndedBy, Facts, Marker, Profile, Session, Status, Why
from rl_core.store import Store, marker_write, profile_write
from rl_core.store.items import parked_write, session_item
from rl_core.work import Recomputed, explain, unlearn
from tests.console.conftest import Opened, words
from tests.console.tables import Down
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.test_explanation import a_past
from tests.functions.test_learning_job import always, learn, spoil
from tests.functions.test_newer_release import NEWER_ACTION, NEWER_ENTRY
from tests.functions.test_versions import live
from tests.lives import LARGEST
from tests.operate.test_rights import client_under

SECRET = "what only the person may read"
Setting = Callable[[str, str], None]


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


@pytest.fixture
def asked(opened: Opened) -> Callable[..., AppTest]:
    """The screen after a user and a session were typed in."""

    def ask(user: str = "ana", number: int = 1) -> AppTest:
        console = opened("Decision")
        console.text_input[0].set_value(user)
        console.number_input[0].set_value(number)
        return console.button[0].click().run()

    return ask


Asked = Callable[..., AppTest]


def put(world: World, session: Session) -> None:
    """Stores a session as it is."""
    world.store.call("put_item", Item=session_item(session, 1))


def table(console: AppTest, place: int = 0) -> list[dict[str, Any]]:
    """One of the screen's tables, by rows."""
    found: list[dict[str, Any]] = console.dataframe[place].value.to_dict("records")
    return found


# What is shown.


def test_nothing_is_read_before_somebody_is_typed_in(opened: Opened, world: World) -> None:
    console = opened("Decision")
    assert "read units" not in words(console)
    assert "Type in whose plan it was." in words(console.button[0].click().run())


def test_it_shows_what_the_draw_knew_as_explain_does(asked: Asked, world: World) -> None:
    live(world, 5)
    session = world.issue("ana")
    live(world, 2, first=5)
    console, full = asked(), explain(world.store, session, settings())
    drawn = session.decision
    said = words(console)
    assert f"{drawn.action.title}, with a chance of {drawn.propensity:.1%}" in said
    assert "Engagement was low, motivation steady." in said
    assert "drawn from policy version 5." in said
    assert "It comes out again, bit for bit" in said
    told = [(its["Estimate"], its["Visits"]) for its in table(console)]
    assert told == [(full.estimates[a], full.visits[a]) for a in ACTIONS]
    assert [its["Chance"] for its in table(console)] == list(drawn.chances)
    assert {its["Tried"] for its in table(console)} == {"tried", "untried"}


def test_the_bars_say_in_words_what_was_drawn_and_what_was_masked(asked: Asked, world: World) -> None:
    first = world.due("ana")
    learn.run(world.store, NOW, always)
    world.issue("ana")
    console = asked(number=2)
    second = world.session("ana", 2).decision
    (chart,) = console.get("vega_lite_chart")
    alt = chart.proto.alt
    assert f"{first.decision.action.title} masked" in alt
    assert f"{second.action.title} {second.propensity:.1%} (drawn)" in alt
    assert f"{first.decision.action.title} was masked by {COOL_DOWN}." in words(console)
    marked = [its["Action"] for its in table(console) if its["Action"].startswith("▶")]
    assert marked == [f"▶ {second.action.title}"]


def test_the_persons_own_sessions_are_shown_as_the_draw_saw_them(asked: Asked, world: World) -> None:
    first = world.due("ana")
    learn.run(world.store, NOW, always)
    world.issue("ana")
    (own,) = [its for its in table(asked(number=2), 1) if its["Own sessions"]]
    assert own["Action"] == first.decision.action.title
    assert first.closing is not None
    assert own["Own mean reward"] == pytest.approx(first.closing.reward, abs=1e-6)


def test_what_became_of_it_is_told_without_the_persons_words(asked: Asked, world: World) -> None:
    session = world.due("ana")
    learn.run(world.store, NOW, always)
    stored = world.session("ana")
    assert stored.closing is not None
    noted = [replace(its, notes=SECRET) for its in stored.activities]
    put(world, replace(stored, activities=tuple(noted), closing=replace(stored.closing, notes=SECRET)))
    console = asked()
    assert "Version 1 learned from it, as episode 1 of its segment." in words(console)
    assert f"**Reward {stored.closing.reward:+.3f}**" in words(console)
    assert session.closing is not None
    assert SECRET not in str(list(console.main)) + words(console)


def test_who_was_typed_in_stands_in_the_form_alone_and_in_no_address_or_log(
    asked: Asked, world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    world.issue("ana-of-somewhere")
    console = asked("ana-of-somewhere")
    assert "with a chance of" in words(console)
    assert console.text_input[0].value == "ana-of-somewhere"
    assert "ana-of" not in words(console) + str(console.query_params) + caplog.text + "".join(capfd.readouterr())
    assert "ana-of" not in str([its.value.to_dict() for its in console.dataframe])


@pytest.mark.parametrize(("versions", "each"), [(99, 1), (7, 30)])
def test_the_largest_session_and_the_longest_past_are_read_within_the_units(
    asked: Asked, world: World, versions: int, each: int
) -> None:
    bill(world.store.client)
    session = a_past(world, versions, each, counted=True)
    noted = [replace(its, notes=LARGEST) for its in session.activities]
    put(world, replace(session, activities=tuple(noted)))
    said = words(asked())
    assert "It comes out again, bit for bit" in said
    (units,) = re.findall(r"with ([0-9.]+) of 40 read units", said)
    assert 15 < float(units) <= 40


# What is in the way.


def test_nobody_and_no_session_have_a_sentence(asked: Asked, world: World) -> None:
    assert "No such user" in words(asked("nobody"))
    world.issue("ana")
    assert "No such session" in words(asked(number=2))


def test_somebody_who_is_being_erased_is_told_of_and_nothing_else(asked: Asked, world: World) -> None:
    world.issue("ana")
    profile = world.store.profile("ana")
    assert isinstance(profile, Profile)
    marker = Marker("ana", profile.key, profile.created_at, NOW, profile.revision, asked_at=NOW)
    world.store.write(marker_write(marker, 1))
    said = words(asked())
    assert "was erased, or is being erased" in said
    assert "chance" not in said


def test_a_session_of_an_earlier_form_says_that_it_has_no_facts(asked: Asked, world: World) -> None:
    session = world.issue("ana")
    put(world, replace(session, decision=replace(session.decision, facts=None, settings=b"")))
    console = asked()
    assert "of an earlier form, which did not keep what the draw knew" in words(console)
    assert "What the draw knew of the person" not in words(console)


def test_a_session_of_a_newer_form_says_that_more_is_in_it(asked: Asked, world: World) -> None:
    world.issue("ana")
    spoil("USER#ana", "SESSION#00000001", form={"N": "99"}, mood={"S": "sunny"})
    said = words(asked())
    assert "A newer release wrote this session" in said
    assert "sunny" not in said


def test_an_action_and_an_activity_of_a_newer_release_are_told_by_their_places(asked: Asked, world: World) -> None:
    session = world.issue("ana")
    rest = session_item(session, 1)["activities"]["L"][1:]
    spoil("USER#ana", "SESSION#00000001", activities={"L": [NEWER_ENTRY, *rest]}, **NEWER_ACTION)
    console = asked()
    assert "from an action that this one does not know" in words(console)
    assert "an activity that this release does not know" in words(console)
    assert "New Activity (not answered)" in words(console)
    assert table(console)[-1]["Action"] == "▶ Plan of a Newer Version"


def test_other_settings_a_rewritten_version_and_one_that_cannot_be_read_have_a_sentence(
    asked: Asked, world: World, setting: Setting
) -> None:
    live(world, 4)
    world.issue("ana")
    spoil("SEGMENT#HIGH_LOW", "VERSION#0000000002", fold={"S": "rubbish"})
    assert "cannot be read or folded by this release" in words(asked())
    setting("MIN_PROBABILITY", "0.16")
    assert "under other settings than today's" in words(asked())


def test_a_version_that_was_folded_anew_is_called_rewritten(asked: Asked, world: World) -> None:
    live(world, 4)
    world.issue("ana")
    assert unlearn(world.store, SEGMENT, {world.session("u1").person: (2, 2)}, settings(), turn(NOW))
    console = asked()
    assert "has rewritten version 4 since" in words(console)
    assert {its["Visits"] for its in table(console)} == {None}


def test_what_takes_too_much_reading_says_so_and_shows_the_chances_all_the_same(asked: Asked, world: World) -> None:
    bill(world.store.client)
    session = a_past(world, 40, 90, counted=False)
    console = asked()
    assert "takes more reading than one view may do" in words(console)
    assert [its["Chance"] for its in table(console) if its["Chance"]] == list(session.decision.chances)


def test_a_draw_that_was_changed_by_hand_differs(asked: Asked, world: World) -> None:
    live(world, 3)
    world.issue("ana")
    spoil("USER#ana", "SESSION#00000001", epsilon={"N": "0.123"})
    assert "red-badge" in words(asked())
    assert "It comes out otherwise" in words(asked())


def test_who_may_not_read_users_items_is_told_so(world: World, asked: Asked) -> None:
    world.issue("ana")
    world.store.client = client_under("FettleObserver")
    (error,) = asked().error
    assert "FettleObserver/jo is not allowed to read this (dynamodb:GetItem); FettleOperator may." in error.value


def test_a_table_out_of_reach_has_one_sentence(asked: Asked, world: World) -> None:
    world.issue("ana")
    world.store.client = Down()
    assert asked().error[0].value == UNREACHABLE


# What decides it.


@pytest.mark.parametrize(
    ("latest", "without", "cooldown", "why"),
    [
        ((Action.MEDITATION,), (), 1, COOL_DOWN),
        ((Action.MEDITATION, Action.LIGHTEN), (), 1, EITHER),
        ((Action.MEDITATION, Action.LIGHTEN), (), 2, COOL_DOWN),
        ((Action.MEDITATION,), (), 0, EITHER),
        ((Action.LIGHTEN,), (Action.MEDITATION,), 1, WISH),
        ((Action.MEDITATION,), (Action.MEDITATION,), 1, BOTH),
    ],
)
def test_why_an_action_was_masked(
    latest: tuple[Action, ...], without: tuple[Action, ...], cooldown: int, why: str
) -> None:
    assert masked(Action.MEDITATION, Facts(latest=latest), without, cooldown) == why
    assert masked(Action.MEDITATION, None, (), cooldown) == EITHER


def test_a_fallback_and_a_plan_that_is_not_personal_come_out_again_without_reading(asked: Asked, world: World) -> None:
    live(world, 1)
    profile = world.store.profile("u0")
    assert profile is not None
    world.store.write(profile_write(replace(profile, personalise=False)))
    world.issue("u0", at=NOW + timedelta(days=2))
    said = words(asked("u0", 2))
    assert "No plan is to be personal, by the person's wish" in said
    assert "It comes out again, bit for bit" in said
    assert "drawn from no policy" in said


def test_what_is_said_of_the_end_of_a_session(world: World) -> None:
    session = world.issue("ana", shown=False)
    assert "It was prefetched: the person has not seen it yet." in became(session)
    unseen = replace(session, status=Status.UNSEEN, ended_by=EndedBy.EXPIRY)
    assert "prefetched, and expired before it was seen; nothing is learned" in became(unseen)
    closed = world.due("ben")
    assert "It waits to be learned from." in became(closed)
    assert "because the person does not want to be learned from." in became(replace(closed, why=Why.CONSENT))
    assert "of a reason that this release does not know" in became(replace(closed, why=Why("newer")))
    world.store.write(parked_write(replace(closed, parked="ValidationError"), 1))
    assert "It was set aside" in became(world.session("ben"))


def test_nothing_is_told_where_nothing_was_recomputed(world: World) -> None:
    session = world.issue("ana")
    profile = world.store.profile("ana")
    assert profile is not None
    assert verdict(session, Recomputed()).text.startswith("It comes out otherwise")
    assert {its.estimate for its in rows(session, profile, Recomputed(), 1)} == {None}
