"""What operators do stays on record with them, in the transaction of what was done; erasures take persons out of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from operate import audit
from operate.__main__ import main
from rl_core import work
from rl_core.config import settings
from rl_core.errors import ActedError, ConflictError, UnavailableError, UnreadableItemError, VersionError
from rl_core.models import Act, Status, Unlearning
from rl_core.store import Put, Store, act_write, acts_before, latest_acts
from rl_core.store.audit import act_item, forget
from rl_core.store.items import parked_write
from tests.acting import act_of, exclude, include, roll_back
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import NOW, SEGMENT, Meanwhile, World, turn
from tests.functions.test_consent import NO, say
from tests.functions.test_erasure import (
    LATER,
    PEOPLE,
    ask_to_be_erased,
    dump,
    erasure,
    live,
    often,
    under_way,
)
from tests.functions.test_learning_job import BROKEN_TABLE, spoil_policy

__all__ = ["often"]
TABLE = ["--table", TEMPLATE.table.name]
WORDS = "one answer for all"


def acts(world: World) -> list[Act]:
    return list(latest_acts(world.store, 99))


def person(world: World, user: str = "person-4") -> bytes:
    return world.session(user).person


def operate(*given: str, code: int = 0) -> None:
    assert main([*TABLE, *given]) == code


# An act for each action.


def test_a_rollback_says_by_whom_from_where_to_where_and_why(world: World) -> None:
    live(world)
    operate("rollback", "HIGH_LOW", "2", "--reason", "a bad day")
    (act,) = acts(world)
    assert (act.who, act.what, act.segment, act.reason, act.person) == ("local", "rollback", SEGMENT, "a bad day", b"")
    assert (act.before, act.after) == ("version 6, 11 episodes", "version 7, which holds what 2 held")


def test_an_exclusion_and_an_inclusion_name_the_person_apart_from_the_words(world: World) -> None:
    live(world)
    operate("exclude", "HIGH_LOW", person(world).hex(), "--reason", WORDS)
    operate("include", "HIGH_LOW", person(world).hex(), "--reason", "it was none")
    after, before = acts(world)
    assert [(its.what, its.person, its.reason) for its in (before, after)] == [
        ("exclude", person(world), WORDS),
        ("include", person(world), "it was none"),
    ]
    assert (before.before, before.after) == (
        "version 6, 11 episodes, 0 persons excluded",
        "version 7, 1 persons excluded; folded anew from version 3 on",
    )
    assert WORDS not in repr([item for item in dump() if item["pk"]["S"] != "AUDIT"])


def test_a_mend_says_what_was_wrong(world: World) -> None:
    live(world)
    spoil_policy(**BROKEN_TABLE)
    operate("mend", "HIGH_LOW", "--reason", "broken")
    (act,) = acts(world)
    assert act.before.startswith("the table is not one of posterior/2")
    assert (act.what, act.after, act.reason) == ("mend", "version 7, 11 episodes", "broken")


def test_what_is_put_back_says_why_it_was_set_aside(world: World) -> None:
    world.store.write(parked_write(replace(world.due("ana"), parked="ValidationError"), 1))
    operate("unpark", "ana", "1", "--reason", "repaired")
    (act,) = acts(world)
    assert (act.what, act.segment, act.person) == ("unpark", SEGMENT, person(world, "ana"))
    assert (act.before, act.after, act.reason) == ("set aside: ValidationError", "it waits again", "repaired")


def test_a_wish_to_unlearn_is_stored_with_its_act_and_a_repeat_leaves_none(world: World) -> None:
    live(world)
    say(world, "person-4", NO)
    for _ in range(2):
        operate("unlearn", "person-4", "--reason", "asked by letter", "--now", LATER.isoformat())
    (act,) = acts(world)
    assert (act.what, act.at, act.person) == ("unlearn", LATER, person(world))
    assert (act.before, act.after) == ("unlearning: none", "asked for, up to session 1")
    profile = world.store.profile("person-4")
    assert (profile and profile.unlearning) is Unlearning.PENDING


class Losing(Store):
    """A table that refuses every transaction."""

    def __init__(self) -> None:
        super().__init__(TEMPLATE.table.name)

    def write(self, *puts: Put) -> None:
        raise ConflictError(frozenset({put.name for put in puts[:1]}))


def test_an_action_that_is_refused_leaves_no_act(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work.versions, "_TRIES", 2)
    monkeypatch.setattr(work.refold, "_TRIES", 2)
    live(world)
    before = dump()
    with pytest.raises(UnavailableError):
        roll_back(Losing(), SEGMENT, 2)
    with pytest.raises(UnavailableError):
        exclude(Losing(), SEGMENT, person(world), WORDS, turn(LATER))
    operate("rollback", "HIGH_LOW", "99", "--reason", "no such version", code=2)
    operate("unpark", "person-4", "1", code=2)
    assert dump() == before


def test_an_act_is_stored_once(world: World) -> None:
    act = act_of()
    world.store.write(act_write(act))
    with pytest.raises(ConflictError):
        world.store.write(act_write(act))


# What the operator saw.


def test_an_exclusion_is_refused_when_somebody_acted_since(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world)
    roll_back(world.store, SEGMENT, 5)
    before = dump()
    operate("exclude", "HIGH_LOW", person(world).hex(), "--acted", "0", code=2)
    assert capsys.readouterr().err.endswith("somebody else has acted since, in version 7; look again before you act\n")
    operate("rollback", "HIGH_LOW", "1", "--acted", "0", "--reason", "late", code=2)
    assert dump() == before
    operate("exclude", "HIGH_LOW", person(world).hex(), "--acted", "7")
    operate("include", "HIGH_LOW", person(world).hex(), "--acted", "7", code=2)


def test_an_exclusion_is_refused_when_somebody_acts_just_before_it_takes_hold(world: World) -> None:
    live(world)
    meanwhile = [lambda: roll_back(world.store, SEGMENT, 5)]

    class Late(Store):
        def write(self, *puts: Put) -> None:
            if meanwhile:
                meanwhile.pop()()
            super().write(*puts)

    with pytest.raises(ActedError, match="in version 7"):
        exclude(Late(TEMPLATE.table.name), SEGMENT, person(world), WORDS, turn(LATER))
    assert [act.what for act in acts(world)] == ["rollback"]
    assert world.store.policy(SEGMENT).excluded == ()


def test_what_was_learned_since_the_operator_looked_is_told(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world, PEOPLE[:5])
    roll_back(world.store, SEGMENT, 2)
    operate("versions", "HIGH_LOW")
    assert "acted 4" in capsys.readouterr().out
    live(world, PEOPLE[5:8])
    operate("rollback", "HIGH_LOW", "1", "--acted", "4", "--reason", "again")
    assert "3 sessions were learned since version 4, the latest act that you saw" in capsys.readouterr().out
    operate("exclude", "HIGH_LOW", person(world).hex(), "--reason", WORDS)
    assert "0 sessions were learned since version" in capsys.readouterr().out


def test_a_dry_run_prints_what_to_act_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world)
    roll_back(world.store, SEGMENT, 5)
    operate("exclude", "HIGH_LOW", person(world).hex(), "--dry-run")
    assert "on record; acted 7\n" in capsys.readouterr().out


def test_the_refold_that_an_operator_saw_under_way_is_ended_first_and_is_nobody_elses_act(world: World) -> None:
    live(world)
    ask_to_be_erased(world, "person-1")
    under_way(world)
    assert exclude(world.store, SEGMENT, person(world), WORDS, turn(LATER + timedelta(hours=1)))
    (act,) = acts(world)
    assert act.before.startswith(f"version {world.store.policy(SEGMENT).version - 2}, ")


def test_a_refold_that_began_after_the_operator_looked_is_somebody_elses_act(world: World) -> None:
    live(world)
    ask_to_be_erased(world, "person-1")
    meanwhile = [lambda: under_way(world)]

    class Looked(Store):
        def get(self, pk: str, sk: str) -> Any:
            if sk == "REFOLD" and meanwhile:
                meanwhile.pop()()
            return super().get(pk, sk)

    act = act_of(WORDS, person(world))
    with pytest.raises(ActedError):
        work.exclude(Looked(TEMPLATE.table.name), SEGMENT, act, 0, settings(), turn(LATER + timedelta(hours=1)))
    assert acts(world) == []


def test_who_is_erased_by_the_refold_under_way_is_not_excluded_any_more(world: World) -> None:
    live(world)
    person_4 = person(world)
    ask_to_be_erased(world, "person-4")
    under_way(world)
    with pytest.raises(VersionError, match="nothing was learned here"):
        exclude(world.store, SEGMENT, person_4, WORDS, turn(LATER + timedelta(hours=1)))
    assert erasure.run(world.store, turn(LATER + timedelta(hours=2))) == 1
    assert person_4.hex() not in repr(dump())
    assert acts(world) == []


def test_a_session_that_changed_since_it_was_listed_is_not_put_back(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.store.write(parked_write(replace(world.due("ana"), parked="ValidationError"), 1))
    operate("parked")
    assert "ValidationError  revision 3" in capsys.readouterr().out
    operate("unpark", "ana", "1", "--revision", "2", code=2)
    assert "changed meanwhile: session" in capsys.readouterr().err
    assert (world.session("ana").parked, acts(world)) == ("ValidationError", [])
    operate("unpark", "ana", "1", "--revision", "3")
    assert world.session("ana").status is Status.CLOSED


# Who acts.


def test_the_audit_is_listed_newest_first(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world)
    for n in range(5):
        at = NOW + timedelta(microseconds=n)
        act = Act(f"{n}", at, f"operator-{n}", "exclude", SEGMENT, "version 1", "", "why", b"person-1")
        world.store.write(act_write(act))
    capsys.readouterr()
    operate("audit", "--last", "2")
    assert capsys.readouterr().out.splitlines() == [
        line
        for n in (4, 3)
        for line in (
            f"2026-11-23T09:01:00+00:00  operator-{n}  exclude HIGH_LOW {b'person-1'.hex()}",
            "    before: version 1",
            "    reason: why",
        )
    ]


def test_the_audit_is_read_by_page_and_what_is_unreadable_keeps_its_place(world: World) -> None:
    for n in range(5):
        world.store.write(act_write(Act(f"{n}", NOW - timedelta(minutes=n), "jo", "mend")))
    damaged = act_item(Act("1", NOW - timedelta(minutes=1), "jo", "mend")) | {"who": {"N": "1"}, "form": {"N": "2"}}
    world.store.client.put_item(TableName=world.store.name, Item=damaged)
    first = acts_before(world.store, 2)
    assert [(its.act and its.act.id, its.newer) for its in first] == [("0", False), (None, True)]
    assert [its.act and its.act.id for its in acts_before(world.store, 9, first[-1].place)] == ["2", "3", "4"]
    for nonsense in ("", "~", "2026-11-23", "STATE"):
        with pytest.raises(UnreadableItemError):
            acts_before(world.store, 9, nonsense)


@pytest.fixture
def on_aws(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Has the command line take the table for AWS's, and STS answer, or fail, as the test says."""

    class Sts:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        def get_caller_identity(self) -> Any:
            if isinstance(self.answer, Exception):
                raise self.answer
            return {"Arn": self.answer}

    def set_up(answer: Any) -> None:
        made = boto3.client
        monkeypatch.setattr(audit, "_on_this_machine", lambda _: False)
        monkeypatch.setattr(boto3, "client", lambda name, **its: Sts(answer) if name == "sts" else made(name, **its))

    return set_up


def test_on_aws_an_act_has_the_callers_arn(world: World, on_aws: Callable[[Any], None]) -> None:
    live(world)
    on_aws("arn:aws:sts::1:assumed-role/operator/jo")
    operate("rollback", "HIGH_LOW", "2", "--reason", "a bad day")
    assert [act.who for act in acts(world)] == ["arn:aws:sts::1:assumed-role/operator/jo"]


def test_on_aws_an_act_is_of_the_moment_and_on_the_local_stack_of_the_time_that_is_said(
    world: World, on_aws: Callable[[Any], None]
) -> None:
    live(world)
    said = LATER + timedelta(days=1)
    operate("rollback", "HIGH_LOW", "2", "--reason", "a bad day", "--now", said.isoformat())
    operate("exclude", "HIGH_LOW", person(world).hex(), "--now", said.isoformat())
    assert [act.at for act in acts(world)] == [said, said]
    on_aws("arn:aws:sts::1:assumed-role/operator/jo")
    operate("rollback", "HIGH_LOW", "1", "--reason", "again", "--now", said.isoformat())
    assert [act.at == said for act in acts(world) if act.reason == "again"] == [False]


def test_nothing_is_done_when_sts_does_not_say_who_acts(
    world: World, on_aws: Callable[[Any], None], capsys: pytest.CaptureFixture[str]
) -> None:
    live(world)
    before = dump()
    on_aws(EndpointConnectionError(endpoint_url="https://sts"))
    operate("rollback", "HIGH_LOW", "2", "--reason", "a bad day", code=2)
    operate("exclude", "HIGH_LOW", person(world).hex(), code=2)
    assert "STS does not say who you are, so nothing was done" in capsys.readouterr().err
    assert dump() == before
    operate("versions", "HIGH_LOW")


def test_a_reason_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["rollback", "HIGH_LOW", "1", "--reason", "x" * 501])
    assert "at most 500 characters" in capsys.readouterr().err


# Who is erased.


def test_an_erasure_takes_person_and_reason_out_of_the_audit(world: World) -> None:
    live(world)
    gone, stays = person(world), person(world, "person-0")
    for each in (gone, stays):
        exclude(world.store, SEGMENT, each, f"{WORDS} of {each.hex()}", turn(LATER))
    include(world.store, SEGMENT, gone, WORDS, turn(LATER))
    ask_to_be_erased(world, "person-4")
    assert erasure.run(world.store, turn(LATER + timedelta(days=1))) == 1
    assert [(its.what, its.person, bool(its.reason)) for its in acts(world)[::-1]].count(("exclude", b"", False)) == 1
    assert {its.person for its in acts(world)} == {b"", stays}
    assert gone.hex() not in repr(dump())
    assert repr(gone) not in repr(dump())
    assert all("due_shard" not in item for item in dump() if item["pk"]["S"] == "AUDIT" and "person" not in item)


def test_an_act_that_is_busy_keeps_the_marker_until_it_is_forgotten(world: World) -> None:
    live(world)
    gone = person(world)
    exclude(world.store, SEGMENT, gone, WORDS, turn(LATER))
    ask_to_be_erased(world, "person-4")

    class Busy(Store):
        def call(self, operation: str, *given: Any, **its: Any) -> Any:
            if operation == "update_item" and its["Key"]["pk"]["S"] == "AUDIT":
                raise ConflictError
            return super().call(operation, *given, **its)

    assert erasure.run(Busy(TEMPLATE.table.name), turn(LATER + timedelta(days=1))) == 0
    assert erasure.run(world.store, turn(LATER + timedelta(days=1))) == 1
    assert repr(gone) not in repr(dump())


@pytest.mark.parametrize("days", [0, 1], ids=["the index does not know it yet", "of the day before"])
def test_to_forget_again_changes_nothing_and_a_lagging_index_hides_nothing(world: World, days: int) -> None:
    world.store.write(act_write(act_of(WORDS, b"person-1", NOW)), act_write(act_of("other", b"person-2", NOW)))
    store = Store(TEMPLATE.table.name, table_client())
    if not days:
        store.client = _Lagging(store.client)
    for _ in range(2):
        forget(store, b"person-1", NOW + timedelta(days=days))
    assert sorted((its.person, its.reason) for its in acts(world)) == [(b"", ""), (b"person-2", "other")]


class _Lagging:
    """A client whose index knows nothing yet."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __getattr__(self, operation: str) -> Any:
        return getattr(self.client, operation)

    def query(self, **its: Any) -> Any:
        return {"Items": []} if "IndexName" in its else self.client.query(**its)


def test_an_overlapping_run_forgets_the_same(world: World) -> None:
    world.store.write(act_write(act_of(WORDS, b"person-1", NOW)))
    first = Store(TEMPLATE.table.name, table_client())
    first.client = Meanwhile(first.client, "update_item", lambda: forget(world.store, b"person-1", NOW))
    forget(first, b"person-1", NOW)
    assert [(its.person, its.reason) for its in acts(world)] == [(b"", "")]
