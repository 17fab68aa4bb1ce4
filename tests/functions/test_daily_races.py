"""Two workers on one shard of a day: each user is counted once, and whoever writes last has seen the most."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from rl_core.config import settings
from rl_core.days import SegmentDay
from rl_core.models import Segment
from rl_core.store import DayTable, Stored
from rl_core.work import merge, run_shard
from tests.functions.conftest import NOW, SEGMENT
from tests.functions.test_daily_job import ANA, BEN, CEM, FINAL, MONDAY, ONE, SHARD, WEEK, Diary, diary

__all__ = ["diary"]


class Slow(DayTable):
    """A worker's table: another worker comes between one of its reads and what it does with that."""

    after = ""
    meanwhile: list[Callable[[], object]]

    def active(self, day: date, shard: int) -> Iterator[tuple[str, ...]]:
        yield from super().active(day, shard)
        self._other("active")

    def user_days(self, users: Sequence[str], day: date) -> list[Stored]:
        found = super().user_days(users, day)
        self._other("user_days")
        return found

    def parts(self, segment: Segment, day: date) -> list[SegmentDay]:
        found = super().parts(segment, day)
        self._other("parts")
        return found

    def segment_day(self, segment: Segment, day: date) -> tuple[SegmentDay | None, int]:
        found = super().segment_day(segment, day)
        self._other("segment_day")
        return found

    def _other(self, read: str) -> None:
        if read == self.after and self.meanwhile:
            self.meanwhile.pop()()


def slow(diary: Diary, after: str) -> Slow:
    """A worker beside whom another one counts ben, who finished just then."""

    def counts_ben() -> None:
        diary.finish(BEN)
        diary.run()

    days = Slow(diary.days.name, diary.days.client)
    days.after, days.meanwhile = after, [counts_ben]
    return days


def users(diary: Diary) -> int:
    whole, _ = diary.days.segment_day(SEGMENT, MONDAY)
    assert whole is not None
    return whole.users


@pytest.mark.parametrize("after", ["active", "user_days"])
def test_a_worker_who_read_the_users_before_another_wrote_the_shard_loses_nobody(diary: Diary, after: str) -> None:
    diary.finish(ANA)
    run_shard(slow(diary, after), MONDAY, SHARD, FINAL, settings())
    assert users(diary) == 2


@pytest.mark.parametrize("after", ["parts", "segment_day"])
def test_a_whole_made_before_another_worker_wrote_it_is_made_again(diary: Diary, after: str) -> None:
    diary.finish(ANA)
    diary.run()
    place = {"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "DAY#2026-11-23"}}
    diary.store.client.delete_item(TableName=diary.days.name, Key=place)
    merge(slow(diary, after), SEGMENT, MONDAY)
    assert users(diary) == 2


def test_a_shard_with_a_session_that_nobody_closed_yet_is_not_final(diary: Diary) -> None:
    diary.look(ANA)
    diary.finish(BEN)
    assert diary.run()["unsettled"] == 1
    assert not diary.days.shard(MONDAY, SHARD).final
    diary.expire(FINAL)
    assert diary.run()["unsettled"] == 0
    assert diary.days.shard(MONDAY, SHARD).final


def test_who_was_active_in_between_did_not_drop_out(diary: Diary) -> None:
    for user in (ANA, BEN, CEM):
        diary.look(user, NOW - WEEK)
        diary.expire(NOW - 2 * ONE)
    diary.issue(ANA, NOW - ONE)
    assert diary.run()["dropouts"] == 2


def test_the_first_and_the_last_shard_are_part_of_the_whole(diary: Diary) -> None:
    of_shard = {zlib.crc32(user.encode()) % 16: user for user in (f"user-{n}" for n in range(200))}
    for shard in (0, 15):
        diary.finish(of_shard[shard])
        diary.run(shard=shard)
    assert users(diary) == 2


def test_a_day_is_settled_from_when_the_last_zone_has_left_it(diary: Diary) -> None:
    diary.finish(ANA)
    for minutes, settled in ((-1, False), (0, True)):
        diary.run(datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(minutes=minutes))
        figures = diary.day(ANA).figures
        assert figures is not None
        assert figures.settled is settled
