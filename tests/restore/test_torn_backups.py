"""A backup may have one write of a transaction and not the other: every mixture is made whole by `after-restore`."""

from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from lab.proofs.faults.outcome import broken
from operate.after_restore import after_restore
from rl_core.config import settings
from rl_core.models import EndedBy, Session, Status, person_of
from rl_core.sessions import Ending, record
from rl_core.store import Hold, Leaver, Store, mark_writes, policies, profile_write
from rl_core.work import learn_due
from tests.functions.conftest import NOW, World, erasures_of, turn
from tests.functions.test_erasure import LATER, ask_to_be_erased, erasure
from tests.functions.test_learning_job import always, learn

MUCH_LATER = NOW + timedelta(days=5)
Items = dict[tuple[str, str], dict[str, Any]]
Mixture = tuple[set[str], Items]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot every four versions."""
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 4)


@pytest.fixture(autouse=True)
def unprotected() -> Iterator[None]:
    """The tables stay as they are: their protection is not what is tested here, and has to be off at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("operate.after_restore.off", lambda *_: [])
        yield


@pytest.fixture
def world(store: Store) -> World:
    """Three versions: the first and the third learned from one person, the second from another."""
    world = World(store)
    for session in (world.due("ana"), world.due("ben"), due_again(world, "ana")):
        learn_due(store, [session], settings(), Counter())
    return world


def due_again(world: World, user: str) -> Session:
    """A user's second session, closed by a batch and waiting to be learned from."""
    session, profile = world.issue(user), world.store.profile(user)
    assert profile is not None
    closed = record(session, profile, {1: {"completed": True}}, settings(), NOW, Ending(EndedBy.BATCH))
    world.store.write(world.waiting(closed.session), profile_write(closed.profile), *mark_writes(closed.mark))
    return replace(closed.session, revision=2)


def held(store: Store) -> Items:
    """Every item of the table, by its key."""
    return {(item["pk"]["S"], item["sk"]["S"]): dict(item) for page in store.scan() for item in page}


def put(store: Store, items: Items) -> None:
    """Has the table hold these items and no others."""
    now = held(store)
    for pk, sk in now.keys() - items.keys():
        store.call("delete_item", Key={"pk": {"S": pk}, "sk": {"S": sk}})
    for item in (item for key, item in items.items() if item != now.get(key)):
        store.call("put_item", Item=item)


def mixtures(before: Items, after: Items) -> Iterator[Mixture]:
    """Every mixture of a table before and after a transaction: the sort keys whose writes it has, and its items."""
    moved = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    assert moved
    for chosen in product((True, False), repeat=len(moved)):
        its = {key for key, new in zip(moved, chosen, strict=True) if new}
        mixed = before | {key: (after if key in its else before).get(key) for key in moved}
        yield {f"{pk} {sk}" for pk, sk in its}, {key: item for key, item in mixed.items() if item is not None}


def assert_whole(world: World, mixture: Mixture, capsys: pytest.CaptureFixture[str], *gone: str) -> None:
    """After the command and the jobs each session is learned once, and each user can have a new plan."""
    store, (its, items) = world.store, mixture
    put(store, items)
    options = Namespace(erasures=erasures_of(store).name, old_table=None, dry_run=False, now=MUCH_LATER, local=True)
    done = after_restore(store, settings(), options)
    said = capsys.readouterr().out
    assert done == 0, (its, said)
    learn.run(store, MUCH_LATER, always)
    found = held(store)
    assert broken(list(found.values())) == [], (its, said)
    users = {pk.removeprefix("USER#") for pk, _ in found if pk.startswith("USER#")}
    assert users.isdisjoint(gone), its
    for user in gone:
        assert repr(person_of(f"life-{user}".encode()))[2:-1] not in repr(found), (its, said)
    for user in users:
        assert world.issue(user, at=MUCH_LATER).status is Status.OPEN, its


@pytest.mark.parametrize("gone", [[], ["ben"]])
def test_what_the_job_learned(world: World, capsys: pytest.CaptureFixture[str], gone: list[str]) -> None:
    due = [due_again(world, "ben"), world.due("cleo")]
    before = held(world.store)
    learn_due(world.store, due, settings(), Counter())
    tried = list(mixtures(before, held(world.store)))
    for user in gone:
        erasures_of(world.store).note(f"life-{user}".encode(), LATER)
    for mixture in tried:
        assert_whole(world, mixture, capsys, *gone)
    assert len(tried) == 2**5  # two sessions, the policy, its record and its snapshot


def test_what_a_request_closed_and_learned(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 100)
    end, before = world.store.write, list[Items]()

    def noted(*puts: Any) -> None:
        before.append(held(world.store))
        end(*puts)

    world.store.write = noted  # type: ignore[method-assign]
    world.end("dora", world.store)
    world.store.write = end  # type: ignore[method-assign]
    tried = list(mixtures(before[-1], held(world.store)))
    for mixture in tried:
        assert_whole(world, mixture, capsys)
    assert len(tried) == 2**4  # session, profile, policy, record


def test_what_was_issued(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    before = held(world.store)
    world.issue("ben", at=NOW + timedelta(days=3))
    tried = list(mixtures(before, held(world.store)))
    for mixture in tried:
        assert_whole(world, mixture, capsys)
    assert len(tried) == 2**3  # session, profile, the day's mark


@pytest.mark.parametrize(("owner", "step"), [(Hold, "take"), (Hold, "advance"), (Hold, "swap"), (Leaver, "remove")])
def test_what_an_erasure_wrote(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    ask_to_be_erased(world, "ana")
    does: Callable[..., Any] = getattr(owner, step)
    tried = list[Mixture]()

    def noted(*given: Any) -> Any:
        before = held(world.store)
        answer = does(*given)
        tried.extend(mixtures(before, held(world.store)))
        return answer

    monkeypatch.setattr(owner, step, noted)
    assert erasure.run(world.store, turn(LATER)) == 1
    monkeypatch.undo()
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 4)
    for mixture in tried:
        assert_whole(world, mixture, capsys, "ana")
    assert len(tried) >= 4
