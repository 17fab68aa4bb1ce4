"""An erasure beside other work: what was learned meanwhile is unlearned, and another life is left alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rl_core.config import settings
from rl_core.errors import ConflictError, ErasingError
from rl_core.models import Refold, Segment, Session, Status, VersionRecord
from rl_core.store import Hold, Leaver, Store, erasing, policies
from rl_core.work import policy_at, under_way, unlearn
from tests.conftest import TEMPLATE
from tests.functions.conftest import NOW, SEGMENT, Meanwhile, World, leaver_of, turn
from tests.functions.test_erasure import (
    GONE,
    LATER,
    PEOPLE,
    CutOffError,
    ask_to_be_erased,
    assert_gone,
    dump,
    erasure,
    live,
    often,
)
from tests.functions.test_learning_job import OF_A_LATER_RELEASE, always, learn, spoil, spoil_policy

__all__ = ["often"]


def test_a_session_learned_while_it_is_removed_is_unlearned(world: World) -> None:
    world.due("ana")
    ask_to_be_erased(world, "ana")
    other, learned = Store(TEMPLATE.table.name), []

    def learns() -> None:
        learned.append(learn.run(other, LATER, always)["learned"])

    world.store.client = Meanwhile(world.store.client, "transact_write_items", learns)
    assert erasure.run(world.store, turn(LATER)) == 1
    assert learned == [1]
    assert other.policy(SEGMENT).episodes == 0


def test_a_session_learned_into_a_snapshot_is_unlearned(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, "person-6")
    assert world.store.snapshot(SEGMENT, 4).episodes == 8  # of which person-6 is one
    assert erasure.run(world.store, turn(LATER)) == 1
    assert_gone(world, sessions, ["person-6"])


def test_what_was_learned_of_many_sessions_is_unlearned(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 1)
    monkeypatch.setattr(erasing, "_PAGE", 1)
    for number in (1, 2, 3):
        session = world.issue("ana", at=NOW + (number - 1) * timedelta(days=3))
        assert session.number == number
        learn.run(world.store, session.expires_at, always)
    ask_to_be_erased(world, "ana")
    assert world.store.policy(SEGMENT).episodes == 3
    assert erasure.run(world.store, turn(LATER + timedelta(days=9))) == 1
    assert world.store.policy(SEGMENT).episodes == 0
    assert {item["pk"]["S"] for item in dump()} == {"SEGMENT#HIGH_LOW"}


def test_who_is_being_erased_is_told_so_whatever_is_read_of_them(world: World) -> None:
    world.due("ana")
    ask_to_be_erased(world, "ana")
    for read in (world.store.head, world.store.profile):
        with pytest.raises(ErasingError):
            read("ana")


def test_a_segment_that_holds_nothing_of_them_is_left_as_it_is(world: World) -> None:
    live(world, PEOPLE[:4])
    before = dump()
    nobody = {b"nobody": (1, 1)}
    assert unlearn(world.store, SEGMENT, nobody, settings(), turn(LATER)) == nobody.keys()
    assert unlearn(world.store, SEGMENT, {}, settings(), turn(LATER)) == set()
    assert dump() == before


def test_who_was_not_learned_from_is_erased_beside_a_refold_under_way(world: World) -> None:
    live(world, PEOPLE[:8])
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    world.due("ana")
    ask_to_be_erased(world, "ana")
    assert erasure.run(world.store, turn(LATER, owner="another")) == 1
    assert world.store.profile("ana") is None


def leaver(world: World, user: str) -> Leaver:
    found = leaver_of(world.store, user)
    assert found is not None
    return found


def test_a_later_life_that_asks_to_be_erased_is_not_removed_for_the_first_one(world: World) -> None:
    world.due("ana")
    ask_to_be_erased(world, "ana")
    late = leaver(world, "ana")
    spoil("USER#ana", "~PROFILE", key={"B": b"another life of ana"})
    before = dump()
    for removal in (lambda: late.prepare(LATER), lambda: late.remove(LATER, 1)):
        with pytest.raises(ConflictError):
            removal()
    assert dump() == before


def test_nothing_of_a_user_is_removed_who_is_not_being_erased(world: World) -> None:
    world.due("ana")
    ask_to_be_erased(world, "ana")
    late = leaver(world, "ana")
    marker = next(item for item in dump() if item["sk"]["S"] == "~PROFILE")
    world.store.client.put_item(TableName=TEMPLATE.table.name, Item={k: v for k, v in marker.items() if k != "erasing"})
    before = dump()
    for removal in (lambda: late.prepare(LATER), lambda: late.remove(LATER, 1)):
        with pytest.raises(ConflictError):
            removal()
    assert dump() == before


def cut_after_one_step(world: World) -> None:
    """Runs an erasure that ends when it has rewritten the versions up to one snapshot."""
    advance = Hold.advance
    done: list[Hold] = []

    def once(hold: Hold, *given: Any) -> Hold:
        if done:
            raise CutOffError
        done.append(advance(hold, *given))
        return done[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hold, "advance", once)
        with pytest.raises(CutOffError):
            erasure.run(world.store, turn(LATER))


def refold(world: World) -> Refold:
    found = Hold.of(world.store, SEGMENT, settings().index_shards)
    assert found is not None
    return found.refold


def test_a_run_goes_on_where_the_one_before_was_cut_off(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    cut_after_one_step(world)
    assert (refold(world).first, refold(world).folded.version) == (1, 4)
    asked: list[int] = []
    records = world.store.records

    def noted(segment: Segment, after: int = 0, last: int = 10**9) -> Iterator[VersionRecord]:
        asked.append(after)
        return records(segment, after, last)

    world.store.records = noted  # type: ignore[method-assign]
    assert erasure.run(world.store, turn(LATER)) == len(GONE)
    assert min(asked) == 4
    assert_gone(world, sessions, GONE)


LEASE = timedelta(minutes=15)


def held(world: World) -> Hold:
    """A refold that one run has for fifteen minutes from LATER on."""
    live(world)
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    found = Hold.of(world.store, SEGMENT, 1)
    assert found is not None
    return found


def test_a_refold_that_was_taken_over_stays_with_the_run_that_took_it(world: World) -> None:
    late = LATER + LEASE
    taken = held(world).lease("another", late, late + LEASE)
    taken = taken.advance(taken.refold.folded, [], False)
    with pytest.raises(ConflictError):
        taken.lease("a third", late, late + LEASE)


def test_a_refold_that_was_let_go_is_taken_over_at_once(world: World) -> None:
    hold = held(world)
    with pytest.raises(ConflictError):
        hold.lease("another", LATER, LATER + LEASE)
    hold.release()
    assert hold.lease("another", LATER, LATER + LEASE).refold.owner == "another"


def test_a_refold_whose_progress_is_lost_starts_anew(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    world.store.call("delete_item", Key={"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "REFOLD"}})
    ask_to_be_erased(world, "person-9")
    assert erasure.run(world.store, turn(LATER)) == 2
    assert_gone(world, sessions, ["person-1", "person-9"])


def test_a_refold_begins_no_later_than_the_one_whose_progress_is_lost(world: World) -> None:
    live(world, [f"person-{n}" for n in range(18)])
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    world.store.call("delete_item", Key={"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "REFOLD"}})
    spoil("USER#person-1", "~PROFILE", created_at={"S": "rubbish"})
    ask_to_be_erased(world, "person-17")
    assert erasure.run(world.store, turn(LATER)) == 1
    policy = world.store.policy(SEGMENT)
    for version in range(policy.version + 1):
        again = policy_at(world.store, SEGMENT, version)
        assert again == policy_at(world.store, SEGMENT, version, from_start=True)
    assert again == policy


def test_nobody_is_removed_before_the_policy_is_published_anew(world: World) -> None:
    live(world)
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    assert erasure.run(world.store, turn(LATER, owner="another")) == 0
    assert world.session("person-1").status is Status.LEARNED


def test_who_was_learned_from_in_two_segments_is_removed_when_both_have_forgotten(world: World) -> None:
    for days in (0, 3):
        learn.run(world.store, world.issue("ana", at=NOW + timedelta(days=days)).expires_at, always)
    spoil("USER#ana", "SESSION#00000002", segment={"S": "LL"}, learned={"N": "1"})
    spoil("SEGMENT#LOW_LOW", "POLICY", form={"N": "1"})
    ask_to_be_erased(world, "ana")
    assert erasure.run(world.store, turn(LATER)) == 0
    assert world.store.policy(SEGMENT).episodes == 0
    world.store.call("delete_item", Key={"pk": {"S": "SEGMENT#LOW_LOW"}, "sk": {"S": "POLICY"}})
    assert erasure.run(world.store, turn(LATER + timedelta(minutes=1))) == 1


def test_an_erasure_of_the_earlier_release_that_was_cut_off_is_done_anew(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    key = {"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "REFOLD"}}
    world.store.call("delete_item", Key=key)
    spoil("SEGMENT#HIGH_LOW", "POLICY", refolding={"N": "1"}, hold=None)
    assert erasure.run(world.store, turn(LATER)) == 1
    assert world.store.policy(SEGMENT).refolding is None
    assert_gone(world, sessions, ["person-1"])


def test_nothing_is_rewritten_while_the_earlier_release_rewrites(world: World) -> None:
    live(world)
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    spoil("SEGMENT#HIGH_LOW", "POLICY", refolding={"N": "1"})
    before = dump()
    hold = Hold.of(world.store, SEGMENT, 1)
    assert hold is not None
    with pytest.raises(ConflictError):
        hold.advance(hold.refold.folded, [], False)
    assert dump() == before


def test_a_refold_that_no_policy_is_held_by_is_removed(world: World) -> None:
    live(world)
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    spoil("SEGMENT#HIGH_LOW", "POLICY", hold=None)
    assert under_way(world.store, SEGMENT, settings()) is None
    assert Hold.of(world.store, SEGMENT, 1) is None


def test_a_refold_of_a_newer_release_waits_for_that_release(world: World) -> None:
    live(world)
    ask_to_be_erased(world, "person-1")
    cut_after_one_step(world)
    spoil("SEGMENT#HIGH_LOW", "REFOLD", form={"N": "99"})
    before = [item for item in dump() if item["pk"]["S"] == "SEGMENT#HIGH_LOW"]
    assert erasure.run(world.store, turn(LATER)) == 0
    assert [item for item in dump() if item["pk"]["S"] == "SEGMENT#HIGH_LOW"] == before


def test_who_cannot_be_erased_keeps_nobody_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world, PEOPLE[:8])
    world.due("ana")
    ask_to_be_erased(world, *PEOPLE[:8])
    spoil_policy(**OF_A_LATER_RELEASE)
    monkeypatch.setattr(erasure, "_USERS", 4 * settings().index_shards)
    tries = [erasure.run(world.store, turn(LATER + timedelta(minutes=n))) for n in range(3)]
    assert tries == [0, 0, 0]
    monkeypatch.setattr(erasure, "_USERS", 1 * settings().index_shards)
    ask_to_be_erased(world, "ana")
    assert erasure.run(world.store, turn(LATER + timedelta(minutes=3))) == 1
    waits = [item for item in dump() if "erasing" in item]
    assert all(int(item["failures"]["N"]) >= 1 for item in waits)
    assert len(waits) == 8


def test_a_swap_that_loses_to_learning_folds_that_too(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    swap, late = Hold.swap, list[Session]()

    def after_learning(hold: Hold, *given: Any) -> None:
        if len(late) < 5:
            late.append(world.end(f"late-{len(late)}", Store(TEMPLATE.table.name)).session)
        swap(hold, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hold, "swap", after_learning)
        assert erasure.run(world.store, turn(LATER)) == len(GONE)
    sessions |= {session.user: session for session in late}
    assert len(late) == 5
    assert_gone(world, sessions, GONE)
