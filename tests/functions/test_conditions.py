"""What every write depends on: nobody writes over what they did not read, and no read is older than it may be."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rl_core.errors import ConflictError
from rl_core.models import Marker, Profile
from rl_core.store import DayTable, Put, ReadBudget, Store, Watermark, marker_write, profile_write, session_write
from rl_core.store.items import user_day_item, user_day_write
from rl_core.store.keys import user_pk
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import NOW, World
from tests.functions.test_learning_job import spoil

TODAY = NOW.date()
ANOTHER = b"another life of ana"
PLACES = {"profile": "~PROFILE", "marker": "~PROFILE", "session": "SESSION#00000001", "day": "DAY#2026-11-23"}


def profile_of(world: World, user: str) -> Profile:
    profile = world.store.profile(user)
    assert profile is not None
    return profile


def writing(world: World, name: str) -> Callable[[], None]:
    """Reads ana's item of this name, and returns what writes it back."""
    profile = profile_of(world, "ana")
    if name == "day":
        days = DayTable(world.store.name, world.store.client)
        (day,) = days.days_of("ana", TODAY, TODAY)
        return lambda: world.store.write(user_day_write(day))
    if name == "marker":
        marker = Marker("ana", profile.key, NOW, NOW, profile.revision)
        return lambda: world.store.write(marker_write(marker, 1))
    put = profile_write(profile) if name == "profile" else session_write(world.session("ana"), 1)
    return lambda: world.store.write(put)


def stored(sk: str) -> dict[str, Any]:
    client, key = table_client(), {"pk": {"S": user_pk("ana")}, "sk": {"S": sk}}
    return dict(client.get_item(TableName=TEMPLATE.table.name, Key=key)["Item"])


@pytest.mark.parametrize("name", PLACES)
def test_what_was_read_of_one_life_is_not_written_into_the_next(world: World, name: str) -> None:
    world.issue("ana")
    write = writing(world, name)
    spoil(user_pk("ana"), PLACES[name], key={"B": ANOTHER})
    before = stored(PLACES[name])
    with pytest.raises(ConflictError):
        write()
    assert stored(PLACES[name]) == before


@pytest.mark.parametrize("name", PLACES)
def test_what_was_changed_since_it_was_read_is_not_written_over(world: World, name: str) -> None:
    world.issue("ana")
    write = writing(world, name)
    spoil(user_pk("ana"), PLACES[name], revision={"N": "7"})
    before = stored(PLACES[name])
    with pytest.raises(ConflictError):
        write()
    assert stored(PLACES[name]) == before


@pytest.mark.parametrize("name", PLACES)
def test_what_was_neither_is_written_one_revision_later(world: World, name: str) -> None:
    world.issue("ana")
    writing(world, name)()
    assert stored(PLACES[name])["revision"] == {"N": "2"}


def test_a_user_who_is_there_already_is_not_created_over(world: World) -> None:
    session = world.issue("ana")
    new = replace(profile_of(world, "ana"), revision=0)
    for put in (profile_write(new), session_write(replace(session, revision=0), 1)):
        with pytest.raises(ConflictError) as lost:
            world.store.write(put)
        assert lost.value.lost == {put.name}


class Recorder:
    """A client that keeps what it is asked, and answers for a batch with one item and what it left."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.asked.append((operation, arguments))
            return getattr(self.client, operation)(**arguments)

        return call

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803
        ((name, wanted),) = RequestItems.items()
        self.asked.append(("batch_get_item", wanted))
        first = {name: wanted | {"Keys": wanted["Keys"][:1]}}
        left = {name: wanted | {"Keys": wanted["Keys"][1:]}} if wanted["Keys"][1:] else {}
        return self.client.batch_get_item(RequestItems=first) | {"UnprocessedKeys": left}


@pytest.fixture
def recorder(store: Store) -> Recorder:
    """The store's client, recorded."""
    recorder = Recorder(store.client)
    store.client = recorder
    return recorder


def test_what_a_batch_left_unread_is_asked_for_again(world: World, recorder: Recorder) -> None:
    wanted = [(user_pk(world.issue(user).user), "~PROFILE") for user in ("ana", "ben", "cem")]
    assert world.store.items(wanted).keys() == set(wanted)
    assert world.store.items([*wanted, (user_pk("nobody"), "~PROFILE")]).keys() == set(wanted)


def test_each_transaction_has_a_token_of_its_own(world: World, recorder: Recorder) -> None:
    for user in ("ana", "ben"):
        world.issue(user)
    tokens = [asked["ClientRequestToken"] for operation, asked in recorder.asked if operation == "transact_write_items"]
    assert len(set(tokens)) == 2
    assert {len(token) for token in tokens} == {32}  # DynamoDB takes 36 characters at most


def test_what_a_write_goes_by_is_read_strongly_consistent(world: World, recorder: Recorder) -> None:
    world.due("ana")
    days = DayTable(world.store.name, world.store.client)
    world.store.session("ana", 9)
    world.store.newest_sessions("ana", ReadBudget(200), before=2)
    list(world.store.records(world.session("ana").segment))
    days.shard(TODAY, 0)
    days.user_days(["ana"], TODAY)
    days.sessions_from("ana", 1, TODAY)
    days.parts(world.session("ana").segment, TODAY)
    days.final_shards(TODAY, TODAY)
    days.watermark()
    reads = [asked for operation, asked in recorder.asked if operation in {"get_item", "query", "batch_get_item"}]
    assert len(reads) > 10
    assert all(asked["ConsistentRead"] is True for asked in reads if "IndexName" not in asked)


def test_a_session_in_the_head_and_a_number_that_no_session_has_are_not_asked_for(
    world: World, recorder: Recorder
) -> None:
    world.issue("ana")
    head = world.store.head("ana")
    recorder.asked.clear()
    assert world.store.session("ana", 1, head) == head.sessions[0]
    assert [world.store.session("ana", n, head) for n in (-1, 0, 10**8, 10**2000)] == [None] * 4
    assert recorder.asked == []


def test_earlier_sessions_are_read_newest_first_and_no_more_than_asked_for(world: World) -> None:
    for number in range(4):
        world.issue("ana", at=NOW + number * timedelta(days=3))
    for before, limit, numbers in ((5, 9, [4, 3, 2, 1]), (4, 2, [3, 2]), (3, 2, [2, 1]), (2, 2, [1]), (1, 2, [])):
        found = world.store.newest_sessions("ana", ReadBudget(200), before=before, most=limit)
        assert [session.number for session in found] == numbers


def test_a_watermark_that_another_run_moved_is_not_moved_back(store: Store) -> None:
    days = DayTable(store.name, store.client)
    days.save_watermark(Watermark(TODAY, 0))
    for revision in (0, 2):
        with pytest.raises(ConflictError) as lost:
            days.save_watermark(Watermark(TODAY - timedelta(days=1), revision))
        assert lost.value.lost == {"watermark"}
    days.save_watermark(Watermark(TODAY + timedelta(days=1), 1))
    assert days.watermark() == Watermark(TODAY + timedelta(days=1), 2)


def test_a_users_day_is_written_as_it_was_read_and_nothing_else_of_it(world: World) -> None:
    world.issue("ana")
    days = DayTable(world.store.name, world.store.client)
    (day,) = days.days_of("ana", TODAY, TODAY)
    world.store.write(user_day_write(day))
    assert stored(PLACES["day"]) == user_day_item(day)
    assert Put("day", user_day_item(day)).arguments().keys() == {"Item"}
