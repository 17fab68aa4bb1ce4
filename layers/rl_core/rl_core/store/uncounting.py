"""Takes what a user's day has added to the segments' days off again, in the transaction that removes the day."""

from collections.abc import Iterator
from datetime import date

from rl_core.days import GONE_AFTER, NO_ROW, ONE_DAY, DayRow, Share, added, merged
from rl_core.models import Segment
from rl_core.store import keys
from rl_core.store.codecs import SEGMENT
from rl_core.store.day_table import DayTable, ShardState, Watermark, shard_writes, watermark_write, whole_write
from rl_core.store.fields import Put, Stored, strict
from rl_core.store.items import Shares, read_shares
from rl_core.store.trends import trend_write


def uncounting_writes(diary: DayTable, item: Stored) -> list[Put]:
    """Returns the writes that leave nothing of a user's day in the segments' days.

    The day has added its shares to the parts of its shard: for itself, and for a dropout seven days later, or later
    still if some of these were paused. Each shard is written under the revision that was read, each whole as the sum of
    all parts without the share, with its row of TREND. A shard that an earlier release counted does not say what the
    day added: it is opened, so that the daily job counts it anew.

    Raises UnreadableItemError when the day, or what it was added to, cannot be parsed.
    """
    (segment, shares), day = _read(item), keys.day_of_sk(item["sk"]["S"])
    added_on = [(day, shares.counted), (day + GONE_AFTER, shares.gone)]
    added_on += [(day + GONE_AFTER + ONE_DAY * shares.postponed, shares.late)] if shares.postponed else []
    shard = keys.day_shard_of(item["pk"]["S"].removeprefix(keys.user_pk("")))
    writes: list[Put] = []
    opened: list[date] = []
    for on, share in added_on:
        state = diary.shard(on, shard, {segment, *share.parts})
        if state.since and state.since == share.since:
            writes += _without(diary, on, shard, state, share)
        elif state.parts and not state.since:
            opened.append(on)
            writes += shard_writes(on, shard, state, ShardState(state.revision, False, state.parts))
    return [*writes, *_to_count_again(diary, opened)]


@strict
def _read(item: Stored) -> tuple[Segment, Shares]:
    return SEGMENT.read(item["segment"]), read_shares(item)


def _without(diary: DayTable, day: date, shard: int, state: ShardState, share: Share) -> Iterator[Put]:
    """Yields the writes of the shard, of each segment's day without the share, and of TREND.

    Each whole's revision is read before the parts, so that the last writer has all parts; TREND's too.
    """
    left = added(state.parts, share.parts, -1)
    yield from shard_writes(day, shard, state, ShardState(state.revision, state.final, left, state.since))
    for segment, its in share.parts.items():
        _, revision = diary.segment_day(segment, day)
        course = diary.course(segment) if DayRow.of(its) != NO_ROW else None
        whole = merged(diary.parts(segment, day)).plus(its, -1)
        yield whole_write(segment, day, whole, revision)
        if course is not None and day >= course.first:
            # Also where TREND has no such day yet: a dispatcher that read the day before must not write its row.
            yield trend_write(segment, course.moved(course.upto, {day: whole}))


def _to_count_again(diary: DayTable, opened: list[date]) -> list[Put]:
    """Returns the write that moves the watermark before these days, so that the dispatcher sends their shards again."""
    mark = diary.watermark() if opened else None
    before = min(opened, default=date.max) - ONE_DAY
    if not opened or (mark and mark.day <= before):
        return []
    return [watermark_write(Watermark(before, mark.revision if mark else 0))]
