"""What is published of a final day: once all its shards are final, and nothing of fewer than five people."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rl_core.config import settings
from rl_core.models import MILLION, Segment
from rl_core.store import DAY_SHARDS, DayTable
from rl_core.work import final_segments, run_shard
from tests.conftest import handler_of
from tests.functions.conftest import NOW, SEGMENT, Invocation, World

MONDAY = date(2026, 11, 23)
FINAL = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)  # the first run for which Monday is final
MIDNIGHT = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000)
worker = handler_of("daily_engagement")
Set = Callable[[str, str], None]
Line = dict[str, Any]


def end_sessions(world: World, users: int, name: str = "u") -> None:
    """So many users' sessions on Monday, each ended with one activity done."""
    for n in range(users):
        world.end(f"{name}{n}", world.store)


def work(shard: int, at: datetime = FINAL) -> None:
    """A worker computes that shard of Monday."""
    body = json.dumps({"date": MONDAY.isoformat(), "shard": shard, "time": at.isoformat()})
    record = {"messageId": "m", "receiptHandle": "m", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
    assert worker.lambda_handler({"Records": [record]}, Invocation()) == {"batchItemFailures": []}


def work_off(at: datetime = FINAL) -> None:
    for shard in range(DAY_SHARDS):
        work(shard, at)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[Line]]:
    """The lines with figures of days, of all that was printed since the last look."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    return lambda: [json.loads(it) for it in capsys.readouterr().out.splitlines() if '"DayUsers"' in it]


def test_the_worker_of_the_last_shard_publishes_the_days_figures_at_the_days_time(
    world: World, published: Callable[[], list[Line]]
) -> None:
    end_sessions(world, 5)
    for shard in range(DAY_SHARDS - 1):
        work(shard)
    assert published() == []
    work(DAY_SHARDS - 1)
    (line,) = published()
    whole, _ = DayTable(world.store.name, world.store.client).segment_day(SEGMENT, MONDAY)
    assert whole is not None
    sums = whole.total()
    assert (line["DayUsers"], line["DaySessions"]) == ([5], [5])
    assert line["DayReward"] == [sums.rewards / MILLION / 5]
    assert line["DayCompletionRate"] == [sums.completed / sums.assigned]
    assert line["_aws"]["Timestamp"] == MIDNIGHT
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]


def test_a_repeated_message_publishes_the_same_line_again(world: World, published: Callable[[], list[Line]]) -> None:
    end_sessions(world, 5)
    work_off()
    (first,) = published()
    work(3)
    assert published() == [first]


def test_a_day_that_is_not_final_is_not_published(world: World, published: Callable[[], list[Line]]) -> None:
    end_sessions(world, 5)
    work_off(FINAL - timedelta(days=1))
    assert published() == []


def test_a_day_of_four_people_is_not_published(world: World, published: Callable[[], list[Line]]) -> None:
    end_sessions(world, 4)
    work_off()
    assert published() == []


def test_a_reward_that_fewer_than_five_sessions_have_is_not_published(
    world: World, published: Callable[[], list[Line]]
) -> None:
    end_sessions(world, 4)
    world.issue("u4")
    day = DayTable(world.store.name, world.store.client)
    for shard in range(DAY_SHARDS):
        run_shard(day, MONDAY, shard, NOW, settings())
    segments = {SEGMENT: day.segment_day(SEGMENT, MONDAY)[0]}
    worker.measures.day_final(MONDAY, segments, FINAL, by_segment=False)
    (line,) = published()
    assert (line["DaySessions"], "DayReward" in line) == ([5], False)


def test_cloudwatch_is_told_nothing_of_a_day_that_it_would_not_take(
    world: World, published: Callable[[], list[Line]]
) -> None:
    end_sessions(world, 5)
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    work_off(midnight + timedelta(days=13, seconds=1))
    assert published() == []
    work(0, midnight + timedelta(days=13))
    assert len(published()) == 1


def test_segments_are_published_only_where_that_is_wanted(
    world: World, published: Callable[[], list[Line]], setting: Set
) -> None:
    end_sessions(world, 5)
    setting("SEGMENT_METRICS", "true")
    work_off()
    whole, segment = published()
    assert whole["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert segment["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service", "segment"]]
    assert (segment["segment"], segment["DayUsers"]) == (SEGMENT.value, [5])


def test_the_shards_of_a_day_without_anybody_are_final_and_empty(world: World) -> None:
    days = DayTable(world.store.name, world.store.client)
    run_shard(days, MONDAY, 0, FINAL, settings())
    assert final_segments(days, MONDAY) is None
    for shard in range(1, DAY_SHARDS):
        run_shard(days, MONDAY, shard, FINAL, settings())
    assert final_segments(days, MONDAY) == {}


def test_segments_are_those_in_which_anything_happened(world: World) -> None:
    end_sessions(world, 2)
    days = DayTable(world.store.name, world.store.client)
    for shard in range(DAY_SHARDS):
        run_shard(days, MONDAY, shard, FINAL, settings())
    found = final_segments(days, MONDAY)
    assert found is not None
    assert {segment: day.users for segment, day in found.items()} == {Segment.HIGH_LOW: 2}
