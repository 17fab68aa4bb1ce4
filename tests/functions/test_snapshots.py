"""When a policy is kept whole: by versions, by the bytes of the records since, and where nobody counted them."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from operate.__main__ import main
from rl_core.config import settings
from rl_core.models import Policy
from rl_core.store import keys, policies
from rl_core.store.fields import Item, string
from rl_core.store.policies import is_counted, record_item
from rl_core.store.sizes import size
from rl_core.work import Change, go_on, learn_due, policy_at, take_hold
from tests.acting import mend, roll_back
from tests.conftest import TEMPLATE
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.test_learning_job import spoil, stored_policy

SOME = 1200  # bytes: three records of one session


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot after so few bytes."""
    monkeypatch.setattr(policies, "SNAPSHOT_BYTES", SOME)


def live(world: World, count: int, first: int = 0, each: int = 1) -> Policy:
    """So many versions, each learned from so many sessions; the policy after the last."""
    for n in range(first, first + count):
        due = [world.due(f"u{n}-{m}") for m in range(each)]
        learn_due(world.store, due, settings(), Counter())
    return world.store.policy(SEGMENT)


def kept(world: World) -> list[int]:
    """The versions that have a snapshot."""
    pk = keys.segment_pk(SEGMENT)
    values = {":pk": string(pk), ":first": string(keys.SNAPSHOT_PREFIX)}
    query: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :first)",
        "ExpressionAttributeValues": values,
    }
    found: list[Item] = world.store.call("query", **query)["Items"]
    return [keys.snapshot_version(item["sk"]["S"]) for item in found]


def bytes_of(world: World, after: int, last: int) -> int:
    """What the records of these versions take."""
    return sum(size(record_item(SEGMENT, record)) for record in world.store.records(SEGMENT, after, last))


def test_the_records_between_two_snapshots_come_to_less_than_the_bound(world: World, small: None) -> None:
    live(world, 5)
    last = live(world, 4, first=5, each=3)
    found = [0, *kept(world)]
    assert len(found) > 2
    for before, after in pairwise(found):
        assert bytes_of(world, before, after - 1) < SOME <= bytes_of(world, before, after)
    assert last.since == bytes_of(world, found[-1], last.version)


def test_a_policy_counts_what_its_records_take(world: World) -> None:
    for n in range(3):
        policy = live(world, 1, first=n)
        assert is_counted(policy)
        assert policy.since == bytes_of(world, 0, policy.version)


def test_a_version_that_a_release_wrote_that_does_not_count_is_followed_by_a_snapshot(world: World) -> None:
    live(world, 2)
    before = stored_policy()
    live(world, 1, first=2)
    spoil("SEGMENT#HIGH_LOW", "POLICY", counted=before["counted"], since=before["since"])  # it carries both along
    assert not is_counted(world.store.policy(SEGMENT))
    unknown = live(world, 1, first=3)
    assert kept(world) == [4]
    assert not is_counted(unknown)
    counting = live(world, 2, first=4)
    assert kept(world) == [4]
    assert is_counted(counting)
    assert counting.since == bytes_of(world, 4, 6)


def test_a_policy_of_an_earlier_form_is_kept_whole_with_its_next_version(world: World) -> None:
    live(world, 2)
    spoil("SEGMENT#HIGH_LOW", "POLICY", form={"N": "2"}, counted=None, since=None)
    live(world, 2, first=2)
    assert kept(world) == [3]


def test_a_rollback_and_a_mended_policy_are_kept_whole(world: World) -> None:
    live(world, 3)
    roll_back(world.store, SEGMENT, 1, "went wrong")
    assert kept(world) == [4]
    live(world, 1, first=3)
    spoil("SEGMENT#HIGH_LOW", "POLICY", version={"S": "rubbish"})
    mend(world.store, SEGMENT)
    assert kept(world) == [4, 6]
    assert live(world, 1, first=4) == policy_at(world.store, SEGMENT, 7, from_start=True)


def test_a_refold_keeps_to_the_snapshots_that_are_there_and_is_kept_whole_itself(world: World, small: None) -> None:
    live(world, 9)
    before = kept(world)
    held = take_hold(world.store, SEGMENT, Change(1, "on trial"), settings(), turn(NOW))
    live(world, 1, first=9)
    assert go_on(held, world.store, settings(), turn(NOW))
    policy = world.store.policy(SEGMENT)
    assert kept(world) == [*before, *(v for v in kept(world) if before[-1] < v < policy.version), policy.version]
    for version in kept(world):
        stored = world.store.snapshot(SEGMENT, version)
        assert stored == policy_at(world.store, SEGMENT, version, from_start=True)


def test_what_is_counted_is_no_difference_to_a_replay(
    world: World, small: None, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = live(world, 7)
    assert policy.since > 0
    assert replace(policy, since=0, counted=0) == policy
    for option in ([], ["--from-start"]):
        assert main(["--table", TEMPLATE.table.name, "replay", "HIGH_LOW", *option]) == 0
