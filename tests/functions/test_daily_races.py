"""Two workers on one shard of a day: whoever writes last has seen the most, on moto."""

from collections.abc import Callable, Iterator
from datetime import date

from rl_core.config import settings
from rl_core.days import SegmentDay
from rl_core.models import Segment
from rl_core.store import Days
from rl_core.work import merge, run_shard
from tests.functions.conftest import SEGMENT
from tests.functions.test_daily_job import ANA, BEN, FINAL, MONDAY, SHARD, Diary, diary

__all__ = ["diary"]


class Slow(Days):
    """A worker's table: another worker comes between one of its reads and what it does with that."""

    after = ""
    meanwhile: list[Callable[[], object]]

    def active(self, day: date, shard: int) -> Iterator[tuple[str, ...]]:
        yield from super().active(day, shard)
        self._other("active")

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


def test_a_worker_who_read_the_users_before_another_wrote_the_shard_counts_them_again(diary: Diary) -> None:
    diary.finish(ANA)
    report = run_shard(slow(diary, "active"), MONDAY, SHARD, FINAL, settings())
    assert report["users"] == 2
    assert users(diary) == 2


def test_a_whole_made_before_another_worker_wrote_it_is_made_again(diary: Diary) -> None:
    diary.finish(ANA)
    for after in ("parts", "segment_day"):
        run_shard(slow(diary, after), MONDAY, SHARD, FINAL, settings())
        assert users(diary) == 2


def test_a_whole_is_written_only_in_place_of_the_one_that_was_read(diary: Diary) -> None:
    diary.finish(ANA)
    diary.run()
    merge(slow(diary, "segment_day"), SEGMENT, MONDAY)
    assert users(diary) == 2
