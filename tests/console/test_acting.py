"""Rolling back, excluding and including by the console: before and after, a reason, once, as of what was seen."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from operate import audit
from operate.console import seat
from operate.console.acting import excluding
from operate.console.acting.deed import Deed
from operate.source import Source
from rl_core.config import settings
from rl_core.models import Act
from rl_core.store import Hold, Store, latest_acts
from rl_core.work import learn_due, refold
from tests.acting import exclude, roll_back
from tests.console.forms import Offered, confirm, labels, offered, press, words
from tests.functions.conftest import SEGMENT, World, turn
from tests.functions.test_erasure import LATER, CutOffError, cut_off, dump, erasure, live, often
from tests.functions.test_learning_job import spoil

__all__ = ["offered", "often"]
ROLL_BACK, EXCLUDE, INCLUDE = "Roll back to version 2", "Exclude this person", "Include this person again"


def acts(store: Store) -> list[Act]:
    return list(latest_acts(store, 99))


def person(world: World, user: str = "person-4") -> bytes:
    return world.session(user).person


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


# Folds that take long.


@pytest.fixture
def in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console folds nothing itself: its time is over when it has taken hold."""
    monkeypatch.setattr(excluding, "SECONDS", 0.0)


def test_a_long_fold_is_shown_under_way_and_then_done(world: World, offered: Offered, in_steps: None) -> None:
    live(world)
    assert words(offered("nothing")) == ""
    console = offered("exclusion", person(world).hex())
    confirm(console, EXCLUDE)
    assert "the erasure's job goes on to fold the past anew." in words(console)
    assert "0 of 5 versions are folded (excluded)" in str(console.get("progress")[0].proto)
    assert "No run works on it now: the erasure's job, which runs each minute, goes on with it." in words(console)
    erasure.run(world.store, turn(LATER))
    assert Hold.of(world.store, SEGMENT, 1) is None
    console.run()
    assert "Done: the segment's past is folded anew. Now stands version 8, 10 episodes learned" in words(console)
    console.button[0].click().run()
    assert "Done:" not in words(console)


def test_a_fold_that_a_run_works_on_says_so_and_forbids_a_rollback(world: World, offered: Offered) -> None:
    live(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refold, "_advance", cut_off)
        with pytest.raises(CutOffError):
            exclude(world.store, SEGMENT, person(world), "a test", turn(LATER))
    console = offered("rollback", "2")
    assert "A run works on it now." in words(console)
    assert "Nothing can be rolled back while the segment's past is folded anew." in words(console)
    assert labels(console) == []


def test_a_refold_that_holds_nothing_is_not_shown(world: World, offered: Offered, in_steps: None) -> None:
    live(world)
    confirm(offered("exclusion", person(world).hex()), EXCLUDE)
    assert offered("nothing").get("progress")
    spoil("SEGMENT#HIGH_LOW", "POLICY", hold=None)
    assert not offered("nothing").get("progress")


def test_a_fold_whose_progress_is_lost_is_not_said_to_be_done(world: World, offered: Offered, in_steps: None) -> None:
    live(world)
    console = offered("exclusion", person(world).hex())
    confirm(console, EXCLUDE)
    spoil("SEGMENT#HIGH_LOW", "REFOLD", folded={"S": "rubbish"})
    console.run()
    assert "The progress of the fold is lost. The erasure's job begins it anew" in words(console)


def test_a_fold_that_fails_after_it_took_hold_is_not_said_to_be_undone(world: World, offered: Offered) -> None:
    live(world)
    console = offered("exclusion", person(world).hex(), client=Failing(world.store.client, after=1))
    confirm(console, EXCLUDE)
    assert "It is done and on record, but was not finished here: the table is out of reach" in words(console)
    assert len(acts(world.store)) == 1
    erasure.run(world.store, turn(LATER + timedelta(minutes=1)))
    assert world.store.policy(SEGMENT).hold is None


# What stands in the way.


class Failing:
    """A client that cannot reach the table for any write after the first few, and then for no read either."""

    def __init__(self, client: Any, after: int = 0, reads: bool = True, error: Exception | None = None) -> None:
        self.client, self.left, self.reads = client, after, reads
        self.error = error or EndpointConnectionError(endpoint_url="http://table")
        self.failed = False

    def __getattr__(self, operation: str) -> Any:
        if operation in {"transact_write_items", "put_item", "update_item"}:
            self.left -= 1
            self.failed = self.left < 0
        if self.failed and (not self.reads or operation in {"transact_write_items", "put_item", "update_item"}):
            raise self.error
        return getattr(self.client, operation)


DENIED = ClientError(
    {
        "Error": {
            "Code": "AccessDeniedException",
            "Message": "User: arn:aws:iam::1:user/jo is not authorized to perform: dynamodb:PutItem on resource: x",
        }
    },
    "TransactWriteItems",
)


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
