"""The index's partitions: how many a run of the jobs asks, and what waits where another number put it."""

import zlib
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from pydantic import ValidationError

from rl_core.config import Settings, settings
from rl_core.models import Marker, Segment, Status
from rl_core.store import Store, marker_write
from tests.conftest import TEMPLATE, counted, handler_of, table_client
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.test_learning_job import always, learn

erasure = handler_of("erasure")
Set = Callable[[str, str], None]
HOUR = NOW.replace(minute=0) + timedelta(hours=1)  # of the first run of the next hour
KINDS = len(Segment) + 2  # due in each segment, open, erasing
CHANGES = [(before, after) for before in (1, 4, 16) for after in (1, 4, 16) if before != after]


def user_of(partition: int) -> str:
    """A user whose work waits in that one of sixteen partitions."""
    return next(user for user in (f"u{n}" for n in count()) if zlib.crc32(user.encode()) % 16 == partition)


PARTITIONS = (0, 2, 7, 13)  # of sixteen: 0, 2, 3, 1 of four
USERS = [user_of(partition) for partition in PARTITIONS]


def found_at_once(before: int, after: int) -> int:
    """How many of these users wait, under the number before, in a partition that each run asks now."""
    return sum(partition % before < after for partition in PARTITIONS)


def run_both(store: Store, *, minute: int) -> Counter[str]:
    """The calls that a run of both jobs at this minute makes."""
    with counted(store.client) as calls:
        learn.run(store, NOW.replace(minute=minute), always)
        erasure.run(store, turn(NOW.replace(minute=minute)))
    return calls


def waiting() -> list[str]:
    """The partitions in which anything waits."""
    items = table_client().scan(TableName=TEMPLATE.table.name, IndexName="due")["Items"]
    return [item["due_shard"]["S"] for item in items if not item["due_shard"]["S"].startswith("day#")]


@pytest.mark.parametrize("shards", [1, 4, 16])
@pytest.mark.parametrize("minute", [1, 59])
def test_an_idle_minute_asks_one_partition_of_each_kind_for_each_of_the_number(
    store: Store, setting: Set, shards: int, minute: int
) -> None:
    setting("INDEX_SHARDS", str(shards))
    assert run_both(store, minute=minute) == {"due": KINDS * shards}


@pytest.mark.parametrize("shards", [1, 4, 16])
def test_the_first_run_of_an_hour_asks_every_partition_of_any_number(store: Store, setting: Set, shards: int) -> None:
    setting("INDEX_SHARDS", str(shards))
    assert run_both(store, minute=0) == {"due": KINDS * 16}


def test_a_run_with_one_partition_asks_eleven_times(store: Store) -> None:
    assert settings().index_shards == 1
    assert run_both(store, minute=1).total() == 11


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_what_was_due_under_another_number_is_learned_exactly_once_within_the_hour(
    world: World, setting: Set, before: int, after: int
) -> None:
    setting("INDEX_SHARDS", str(before))
    keys = sorted(world.due(user).key for user in USERS)
    assert len(set(waiting())) == min(before, 4)
    setting("INDEX_SHARDS", str(after))
    assert learn.run(world.store, NOW, always)["learned"] == found_at_once(before, after)
    assert learn.run(world.store, HOUR, always)["learned"] == len(USERS) - found_at_once(before, after)
    assert sorted(t.key for record in world.store.records(SEGMENT) for t in record.transitions) == keys
    assert waiting() == []


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_what_was_open_under_another_number_is_closed_within_the_hour(
    world: World, setting: Set, before: int, after: int
) -> None:
    setting("INDEX_SHARDS", str(before))
    expires = [world.issue(user).expires_at for user in USERS]
    setting("INDEX_SHARDS", str(after))
    runs = [learn.run(world.store, at, always) for at in (max(expires), max(expires) + timedelta(minutes=59))]
    assert runs[0]["closed"] == found_at_once(before, after)
    assert runs[1]["closed"] == len(USERS) - found_at_once(before, after)
    assert {world.session(user).status for user in USERS} == {Status.LEARNED}
    assert (waiting(), world.store.policy(SEGMENT).episodes) == ([], len(USERS))


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_who_asked_to_be_erased_under_another_number_is_erased_within_the_hour(
    world: World, setting: Set, before: int, after: int
) -> None:
    for user in USERS:
        world.issue(user)
        profile = world.store.profile(user)
        assert profile is not None
        world.store.write(marker_write(Marker(user, profile.key, profile.created_at, NOW, profile.revision), before))
    setting("INDEX_SHARDS", str(after))
    assert erasure.run(world.store, turn(NOW)) == found_at_once(before, after)
    assert erasure.run(world.store, turn(HOUR)) == len(USERS) - found_at_once(before, after)
    assert table_client().scan(TableName=TEMPLATE.table.name)["Items"] == []


def test_a_session_that_moves_on_leaves_the_partition_of_the_other_number(world: World, setting: Set) -> None:
    setting("INDEX_SHARDS", "16")
    user = user_of(7)
    world.due(user)
    assert waiting() == ["due#HIGH_LOW#7"]
    setting("INDEX_SHARDS", "4")
    world.store.write(world.waiting(world.session(user)))
    assert waiting() == ["due#HIGH_LOW#3"]


@pytest.mark.parametrize("number", ["0", "2", "8", "17", "many", ""])
def test_no_other_number_is_taken(number: str) -> None:
    with pytest.raises(ValidationError, match="index_shards"):
        Settings.model_validate({"table_name": "t", "index_shards": number})
