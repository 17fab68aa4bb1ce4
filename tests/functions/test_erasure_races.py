"""An erasure beside other work: what was learned meanwhile is unlearned, and another life is left alone."""

from datetime import timedelta
from typing import Any

import pytest

from rl_core.config import settings
from rl_core.errors import ConflictError, ErasingError
from rl_core.store import Leaver, Lesson, Store, erasing
from rl_core.work import forget, policy_at
from tests.conftest import TEMPLATE
from tests.functions.conftest import NOW, SEGMENT, Meanwhile, World
from tests.functions.test_erasure import (
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
from tests.functions.test_learning_job import always, learn, spoil

__all__ = ["often"]


def test_a_session_learned_while_it_is_removed_is_unlearned(world: World) -> None:
    world.due("ana")
    ask_to_be_erased(world, "ana")
    other, learned = Store(TEMPLATE.table.name), []

    def learns() -> None:
        learned.append(learn.run(other, LATER, always)["learned"])

    world.store.client = Meanwhile(world.store.client, "transact_write_items", learns)
    assert erasure.run(world.store, LATER) == 1
    assert learned == [1]
    assert other.policy(SEGMENT).episodes == 0


def test_a_session_learned_into_a_snapshot_is_unlearned(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, "person-6")
    assert world.store.snapshot(SEGMENT, 4).episodes == 8  # of which person-6 is one
    assert erasure.run(world.store, LATER) == 1
    assert_gone(world, sessions, ["person-6"])


def test_what_was_learned_of_many_sessions_is_unlearned(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "_PAGE", 1)
    for number in (1, 2, 3):
        session = world.issue("ana", at=NOW + (number - 1) * timedelta(days=3))
        assert session.number == number
        learn.run(world.store, session.expires_at, always)
    ask_to_be_erased(world, "ana")
    assert world.store.policy(SEGMENT).episodes == 3
    assert erasure.run(world.store, LATER + timedelta(days=9)) == 1
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
    assert not forget(world.store, SEGMENT, [Lesson(SEGMENT, 1, b"of nobody here")], settings())
    assert not forget(world.store, SEGMENT, [], settings())
    assert dump() == before


def test_who_was_not_learned_from_is_erased_beside_an_erasure_under_way(world: World) -> None:
    live(world, PEOPLE[:8])
    ask_to_be_erased(world, "person-1")
    cut_after_one_rewrite(world)
    before = dump()
    assert not forget(world.store, SEGMENT, [], settings())
    assert dump() == before


def leaver(world: World, user: str) -> Leaver:
    found = Leaver.of(world.store, f"USER#{user}")
    assert found is not None
    return found


def test_a_later_life_that_asks_to_be_erased_is_not_removed_for_the_first_one(world: World) -> None:
    world.due("ana")
    ask_to_be_erased(world, "ana")
    late = leaver(world, "ana")
    spoil("USER#ana", "~PROFILE", key={"B": b"another life of ana"})
    before = dump()
    for removal in (late.take_lessons, lambda: late.remove(LATER, 1)):
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
    for removal in (late.take_lessons, lambda: late.remove(LATER, 1)):
        with pytest.raises(ConflictError):
            removal()
    assert dump() == before


def cut_after_one_rewrite(world: World) -> None:
    """Runs an erasure that ends when it has rewritten one version."""
    rewrite = Store.rewrite
    done: list[None] = []

    def once(store: Store, *given: Any) -> None:
        if done:
            raise CutOffError
        done.append(rewrite(store, *given))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "rewrite", once)
        with pytest.raises(CutOffError):
            erasure.run(world.store, LATER)


def test_a_run_begins_no_later_than_the_one_that_was_cut_off(world: World) -> None:
    live(world)
    ask_to_be_erased(world, "person-1")
    cut_after_one_rewrite(world)
    spoil("USER#person-1", "SESSION#00000001", segment={"S": "rubbish"})
    ask_to_be_erased(world, "person-9")
    assert erasure.run(world.store, LATER) == 1
    policy = world.store.policy(SEGMENT)
    for version in range(policy.version + 1):
        again = policy_at(world.store, SEGMENT, version)
        assert again == policy_at(world.store, SEGMENT, version, from_start=True)
    assert again == policy


def test_a_run_that_has_more_to_do_begins_earlier_than_the_one_that_was_cut_off(world: World) -> None:
    sessions = live(world, [f"person-{n}" for n in range(18)])
    ask_to_be_erased(world, "person-12")
    cut_after_one_rewrite(world)
    ask_to_be_erased(world, "person-1")
    assert erasure.run(world.store, LATER) == 2
    assert_gone(world, sessions, ["person-1", "person-12"])
