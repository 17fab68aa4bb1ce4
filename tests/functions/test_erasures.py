"""Who was erased is written down, in a table of its own, before anything of them is removed: a backup may have them."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from rl_core.config import settings
from rl_core.errors import ErasingError
from rl_core.sessions import erased
from rl_core.store import Erasures, Store, marker_write
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import NOW, World, erasures_of, turn
from tests.functions.test_erasure import (
    GONE,
    LATER,
    PEOPLE,
    CutOffError,
    ask_to_be_erased,
    cuts,
    dump,
    erasure,
    items_of,
    live,
    often,
)

__all__ = ["often"]
NAME = TEMPLATE.environment["ERASURES_NAME"]


def noted() -> list[dict[str, Any]]:
    """Every item of the table of erasures."""
    return [dict(item) for item in table_client().scan(TableName=NAME)["Items"]]


def life(user: str) -> str:
    """What stands for the life of a user of the tests' world."""
    return sha256(b"erased" + f"life-{user}".encode()).hexdigest()


def test_an_erasure_leaves_a_hash_and_two_times_and_nothing_else(world: World) -> None:
    world.due("ana")
    ask_to_be_erased(world, "ana")
    assert erasure.run(world.store, turn(LATER)) == 1
    at, until = (str(int((LATER + timedelta(days=days)).timestamp())) for days in (0, 36))
    assert noted() == [{"pk": {"S": life("ana")}, "at": {"N": at}, "until": {"N": until}, "form": {"N": "1"}}]


def test_nothing_of_a_life_is_ever_missing_that_is_not_noted(world: World) -> None:
    live(world)
    world.due("person-1-waiting")
    people = [*GONE, "person-1-waiting"]
    whole = {user: len(items_of(user)) for user in people}
    ask_to_be_erased(world, *people)
    seen = set[int]()
    for _ in cuts(world):
        known = {item["pk"]["S"] for item in noted()}
        assert {life(user) for user in people if len(items_of(user)) < whole[user]} <= known
        seen.add(len(known))
    assert {0, len(people)} < seen


def test_who_cannot_be_noted_is_not_removed_and_comes_again(world: World, setting: Any) -> None:
    live(world, PEOPLE[:4])
    world.due("ana")
    ask_to_be_erased(world, "person-1", "ana")
    before = [item for item in dump() if item["sk"]["S"] != "~PROFILE"]
    setting("ERASURES_NAME", "no-such-table")
    assert erasure.run(world.store, turn(LATER)) == 0
    assert [item for item in dump() if item["sk"]["S"] != "~PROFILE"] == before
    with pytest.raises(ErasingError):
        world.store.profile("ana")
    setting("ERASURES_NAME", NAME)
    assert erasure.run(world.store, turn(LATER + timedelta(minutes=1))) == 2
    assert {item["pk"]["S"] for item in noted()} == {life("ana"), life("person-1")}


def test_a_life_is_noted_again_when_its_items_are_removed_days_later(world: World) -> None:
    live(world, PEOPLE[:4])
    ask_to_be_erased(world, "person-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erasure, "unlearn", cut_off)
        with pytest.raises(CutOffError):
            erasure.run(world.store, turn(LATER))
    later = LATER + timedelta(days=3)
    assert erasure.run(world.store, turn(later)) == 1
    assert [item["at"]["N"] for item in noted()] == [str(int(later.timestamp()))]


def cut_off(*_: Any) -> None:
    raise CutOffError


def test_a_bare_marker_is_removed_without_a_note(world: World) -> None:
    world.issue("ana")
    profile = world.store.profile("ana")
    assert profile is not None
    used_up = settings().model_copy(update={"sessions_per_day": 1})
    world.store.write(marker_write(erased(profile, used_up, NOW), 1))
    assert erasure.run(world.store, turn(LATER)) == 1
    table_client().delete_item(TableName=NAME, Key={"pk": {"S": life("ana")}})
    assert erasure.run(world.store, turn(NOW + timedelta(hours=15))) == 0
    assert items_of("ana") == []
    assert noted() == []


def test_every_erasure_is_read(store: Store) -> None:
    erasures, keys = erasures_of(store), [bytes([n]) * 16 for n in range(5)]
    for key in keys:
        erasures.note(key, NOW)
    found = list(Erasures(NAME, store.client).all())
    assert {it.life for it in found} == {sha256(b"erased" + key).hexdigest() for key in keys}
    assert {(it.at, it.until) for it in found} == {(NOW, NOW + timedelta(days=36))}
