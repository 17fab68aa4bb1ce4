"""Mending a policy and putting sessions back by the console's forms, each as of what was shown."""

from dataclasses import replace

import pytest

from rl_core.models import Status
from rl_core.store.items import parked_write
from tests.acting import mend
from tests.console.clients import DENIED, Failing
from tests.console.conftest import Opened, words
from tests.console.forms import Offered, acts, confirm, labels, offered, press
from tests.functions.conftest import SEGMENT, World
from tests.functions.test_erasure import dump, live, often
from tests.functions.test_learning_job import BROKEN_TABLE, OF_A_LATER_RELEASE, spoil, spoil_policy

__all__ = ["offered", "often"]
MEND, SHOW, PUT_BACK = "Mend the policy", "Show the sessions that are set aside", "Put it back"


# Mending.


def test_a_policy_that_cannot_be_read_is_mended(world: World, offered: Offered) -> None:
    live(world)
    spoil_policy(**BROKEN_TABLE)
    console = offered("mend")
    found = "| Policy item | the table is not one of posterior/2"
    assert found in words(console)
    assert "The records say: version 6, 11 episodes, 0 persons excluded." in words(console)
    assert labels(console, enabled=False) == [MEND]
    confirm(console, MEND, "broken")
    (act,) = acts(world.store)
    assert (act.what, act.segment, act.reason, act.after) == ("mend", SEGMENT, "broken", "version 7, 11 episodes")
    assert "Version 7 holds what the records say: 11 episodes learned, 0 persons excluded." in words(console)
    assert world.store.policy(SEGMENT).version == 7


def test_a_policy_with_which_nothing_is_wrong_is_not_mended(world: World, offered: Offered) -> None:
    live(world)
    console = offered("mend")
    assert "It is not mended: version 6 can be read: there is nothing to mend." in words(console)
    assert labels(console) == []


def test_a_policy_that_somebody_mended_meanwhile_is_not_mended_again(world: World, offered: Offered) -> None:
    live(world)
    spoil_policy(**BROKEN_TABLE)
    console = offered("mend")
    mend(world.store, SEGMENT)
    before = dump()
    confirm(console, MEND)
    assert "Nothing was done: what you looked at has changed since" in words(console)
    assert dump() == before
    assert "there is nothing to mend" in words(press(console, "Look again"))


def test_a_policy_of_a_newer_release_is_left_alone(world: World, offered: Offered) -> None:
    live(world)
    spoil_policy(**OF_A_LATER_RELEASE | {"form": {"N": "99"}})
    before, console = dump(), offered("mend")
    confirm(console, MEND)
    assert "or a newer release wrote it" in words(console)
    assert dump() == before


# Putting back.


def park(world: World, *users: str) -> None:
    for user in users:
        world.store.write(parked_write(replace(world.due(user), parked="ValidationError"), 1))


def test_a_session_is_put_back_from_the_page_now_and_no_user_is_named(world: World, opened: Opened) -> None:
    park(world, "ana")
    console = opened("Now")
    assert "ValidationError" not in words(console)
    press(console, SHOW)
    assert "**A session, High Anxiety, Low Activity**" in words(console)
    assert "Waits since 2026-11-23 09:01 UTC (less than a minute)." in words(console)
    assert "| Session | set aside: ValidationError | waits again, for the jobs to try it |" in words(console)
    confirm(console, PUT_BACK, "repaired")
    assert "The session is closed and waits again; the learning job tries it within a minute." in words(console)
    assert "**parked** 0" in words(console)
    assert "ana" not in str(console.main)
    (act,) = acts(world.store)
    assert (act.what, act.segment, act.reason) == ("unpark", SEGMENT, "repaired")
    assert act.person == world.session("ana").person
    assert (world.session("ana").parked, world.session("ana").status) == (None, Status.CLOSED)


def test_a_session_that_changed_since_it_was_shown_is_not_put_back(world: World, offered: Offered) -> None:
    park(world, "ana")
    console = press(offered("unpark"), SHOW)
    spoil("USER#ana", "SESSION#00000001", revision={"N": "9"})
    before = dump()
    confirm(console, PUT_BACK)
    assert "Nothing was done: what you looked at has changed since" in words(console)
    assert dump() == before
    press(console, "Look again")
    confirm(console, PUT_BACK)
    assert "waits again; the learning job" in words(console)
    press(console, "Look again")
    assert "No session is set aside any more." in words(console)


def test_a_session_that_cannot_be_parsed_stays_set_aside(world: World, offered: Offered) -> None:
    park(world, "ana")
    spoil("USER#ana", "SESSION#00000001", eligible={"S": "no digits"})
    console = press(offered("unpark"), SHOW)
    confirm(console, PUT_BACK)
    assert "Nothing was done: this release cannot read the item (SESSION#00000001: ValueError)" in words(console)
    assert acts(world.store) == []


def test_of_many_sessions_the_oldest_are_shown(world: World, offered: Offered) -> None:
    park(world, *(f"user-{n}" for n in range(12)))
    console = press(offered("unpark"), SHOW)
    assert labels(console).count(PUT_BACK) == 10
    assert "There are more. Look again when you have put these back." in words(console)


@pytest.mark.parametrize("reads", [True, False])
def test_an_observer_puts_nothing_back(world: World, offered: Offered, reads: bool) -> None:
    park(world, "ana")
    client = Failing(world.store.client, error=DENIED) if reads else Hidden(world.store.client)
    console = press(offered("unpark", client=client), SHOW)
    if reads:
        confirm(console, PUT_BACK)
    assert "arn:aws:iam::1:user/jo is not allowed to" in words(console)
    assert acts(world.store) == []


class Hidden:
    """A client that may read no item of a user."""

    def __init__(self, client: object) -> None:
        self.client = client

    def __getattr__(self, operation: str) -> object:
        if operation == "get_item":
            raise DENIED
        return getattr(self.client, operation)
