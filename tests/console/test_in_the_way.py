"""What stands in the way of an act, and that nothing is half done or claimed that is not known."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from operate import audit
from operate.console import seat
from operate.source import Source
from rl_core.store import Store
from tests.console.clients import DENIED, Failing
from tests.console.conftest import words
from tests.console.forms import EXCLUDE, ROLL_BACK, Offered, confirm, offered, person
from tests.functions.conftest import SEGMENT, World
from tests.functions.test_erasure import dump, live, often

__all__ = ["offered", "often"]


@pytest.mark.parametrize("label", [ROLL_BACK, EXCLUDE])
def test_an_observer_is_refused(world: World, offered: Offered, label: str) -> None:
    live(world)
    before = dump()
    form = ("rollback", "2") if label == ROLL_BACK else ("exclusion", person(world).hex())
    console = offered(*form, client=Failing(world.store.client, error=DENIED))
    confirm(console, label)
    refused = "user/jo is not allowed to do this (dynamodb:PutItem); FettleOperator may."
    assert f"Nothing was done: arn:aws:iam::1:{refused}" in words(console)
    assert dump() == before


def test_a_table_out_of_reach_in_the_middle_leaves_nothing_half_done(world: World, offered: Offered) -> None:
    live(world)
    before = dump()
    console = offered("rollback", "2", reads_anew=False, client=Failing(world.store.client))
    confirm(console, ROLL_BACK)
    assert "Nothing was done: the table is out of reach, or too busy; try again." in words(console)
    assert dump() == before


def test_where_the_table_does_not_answer_any_more_nothing_is_claimed(world: World, offered: Offered) -> None:
    live(world)
    console = offered("rollback", "2", reads_anew=False, client=Failing(world.store.client, reads=False))
    confirm(console, ROLL_BACK)
    assert "it is not known whether this was done." in words(console)
    assert "look in Audit before you try again" in words(console)


def test_an_act_stays_done_when_the_table_is_out_of_reach_right_after(world: World, offered: Offered) -> None:
    live(world)
    written: list[str] = []

    class Leaving:
        def __getattr__(self, operation: str) -> Any:
            if written:
                raise EndpointConnectionError(endpoint_url="http://table")
            written.extend([operation] * (operation == "transact_write_items"))
            return getattr(world.store.client, operation)

    console = offered("rollback", "2", reads_anew=False, client=Leaving())
    confirm(console, ROLL_BACK)
    assert "Version 7 now holds what 2 held." in words(console)
    assert "How many sessions were learned since you looked cannot be told" in words(console)


def test_an_answer_that_is_lost_is_looked_up_in_the_audit(world: World, offered: Offered) -> None:
    live(world)

    class Deaf:
        def __getattr__(self, operation: str) -> Callable[..., Any]:
            def call(**its: Any) -> Any:
                answer = getattr(world.store.client, operation)(**its)
                if operation == "transact_write_items":
                    raise EndpointConnectionError(endpoint_url="http://table")
                return answer

            return call

    console = offered("rollback", "2", client=Deaf())
    confirm(console, ROLL_BACK)
    assert "It is done and on record" in words(console)
    assert world.store.policy(SEGMENT).acted == 7


def test_sts_is_asked_once_who_acts_and_again_for_another_table(
    store: Store, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def who(_: Store, *, local: bool) -> str:
        asked.append(local)
        return "arn:aws:iam::1:user/jo"

    monkeypatch.setattr(audit, "who", who)
    seat.take(Source(store.name, store.client))
    assert [seat.who(), seat.who()] == ["arn:aws:iam::1:user/jo"] * 2
    seat.take(Source(store.name, store.client, local=True))
    seat.who()
    assert asked == [False, True]


def test_nothing_is_done_when_sts_does_not_say_who_acts(
    world: World, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(world)
    before = dump()

    def silent(*_: Any, **__: Any) -> str:
        raise audit.UnknownCallerError("STS does not say who you are, so nothing was done; try again")

    monkeypatch.setattr(audit, "who", silent)
    console = offered("rollback", "2")
    confirm(console, ROLL_BACK)
    assert "STS does not say who you are" in words(console)
    assert dump() == before
