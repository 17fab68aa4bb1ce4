"""An erasure takes what the user's days added off the segments' days, once, whatever else runs."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest

from lab.proofs.faults.client import Fault, FaultyClient, Kind
from rl_core.days import SegmentDay, added, merged, of_user
from rl_core.errors import ConflictError, UnavailableError
from rl_core.models import Marker, Profile, Segment
from rl_core.store import Leaver, Watermark, day_table, marker_write
from tests.conftest import TEMPLATE, handler_of, table_client
from tests.functions.conftest import NOW, SEGMENT, Meanwhile, leaver_of, turn
from tests.functions.test_daily_job import (
    ANA,
    BEN,
    CEM,
    DORA,
    FINAL,
    MONDAY,
    ONE,
    SHARD,
    WEEK,
    Diary,
    diary,
    dispatched,
    live_a_week,
    restore,
    table,
    work,
)
from tests.functions.test_learning_job import spoil

__all__ = ["diary"]

erasure = handler_of("erasure")
NOTHING = SegmentDay()


def wholes(diary: Diary, day: date = MONDAY) -> dict[Segment, SegmentDay]:
    """The segments' days that are stored, each of which is the sum of its parts."""
    found = {segment: diary.days.segment_day(segment, day)[0] for segment in Segment}
    for segment, whole in found.items():
        assert merged(diary.days.parts(segment, day)) == (whole or NOTHING)
    return {segment: whole for segment, whole in found.items() if whole is not None}


def told(diary: Diary, users: Iterable[str], day: date = MONDAY) -> dict[Segment, SegmentDay]:
    """What these users' days come to, as their items tell."""
    parts: dict[Segment, SegmentDay] = {}
    for user in users:
        mark = diary.day(user, day).mark
        parts = added(parts, of_user(mark, diary.days.sessions_from(user, mark.session, day)))
    return parts


def marked(diary: Diary, user: str) -> Leaver:
    """The user, who asked to be erased."""
    profile = diary.store.profile(user)
    assert isinstance(profile, Profile)
    diary.store.write(marker_write(Marker(user, profile.key, profile.created_at, FINAL, profile.revision), 1))
    leaver = leaver_of(diary.store, user)
    assert leaver is not None
    return leaver


def test_the_only_user_of_a_segments_day_leaves_no_figure(diary: Diary) -> None:
    diary.finish(ANA)
    diary.run()
    assert wholes(diary)[SEGMENT].total().rewarded == 1
    diary.erase(ANA)
    assert wholes(diary) == {SEGMENT: NOTHING}
    assert diary.days.parts(SEGMENT, MONDAY) == [NOTHING]


def test_of_two_users_the_others_figures_stay_to_the_last_digit(diary: Diary) -> None:
    diary.finish(ANA)
    diary.finish(BEN)
    diary.run()
    diary.erase(ANA)
    assert wholes(diary) == told(diary, [BEN])
    before = table()
    diary.run()
    assert table() == before


def test_the_erasures_job_does_so_too_though_it_removes_sessions_first(diary: Diary) -> None:
    diary.look(ANA)
    diary.expire(FINAL)
    diary.finish(BEN)
    diary.run()
    marked(diary, ANA)
    assert erasure.run(diary.store, turn(FINAL)) == 1
    assert wholes(diary) == told(diary, [BEN])


def test_a_dropout_is_counted_off_too(diary: Diary) -> None:
    for user in (DORA, CEM):
        diary.look(user, NOW - WEEK)
    diary.expire(NOW - 2 * ONE)
    for day in (MONDAY - WEEK, MONDAY):
        diary.run(day=day)
    assert sum(wholes(diary)[SEGMENT].dropouts) == 2
    diary.erase(DORA)
    assert sum(wholes(diary)[SEGMENT].dropouts) == 1
    assert wholes(diary, MONDAY - WEEK) == told(diary, [CEM], MONDAY - WEEK)
    diary.erase(CEM)
    assert [wholes(diary, day)[SEGMENT] for day in (MONDAY - WEEK, MONDAY)] == [NOTHING, NOTHING]


def test_a_user_of_two_segments_is_counted_off_in_both(diary: Diary) -> None:
    diary.finish(ANA)
    spoil(f"USER#{ANA}", f"DAY#{MONDAY}", segment={"S": "LL"})
    diary.run()
    assert (wholes(diary)[Segment.LOW_LOW].users, wholes(diary)[SEGMENT].served) == (1, 1)
    diary.erase(ANA)
    assert wholes(diary) == {Segment.LOW_LOW: NOTHING, SEGMENT: NOTHING}


def test_a_day_that_was_never_computed_leaves_the_segments_days_alone(diary: Diary) -> None:
    diary.finish(BEN)
    diary.run()
    diary.finish(ANA)
    before = [item for item in table() if ANA not in item["pk"]["S"] and "#HIGH_LOW" not in item["pk"]["S"]]
    diary.erase(ANA)
    after = [item for item in table() if "#HIGH_LOW" not in item["pk"]["S"]]
    assert after == before
    assert wholes(diary) == told(diary, [BEN])


def test_what_was_counted_is_taken_off_not_what_the_sessions_came_to_since(diary: Diary) -> None:
    diary.look(ANA)
    diary.run(FINAL - 2 * ONE)
    diary.finish(ANA, NOW + ONE)
    diary.erase(ANA)
    assert wholes(diary) == {SEGMENT: NOTHING}


def test_a_day_that_was_corrected_is_taken_off_once(diary: Diary) -> None:
    diary.look(ANA)
    diary.run(FINAL - 2 * ONE)
    diary.finish(ANA, NOW + ONE)
    diary.run()
    assert wholes(diary) == told(diary, [ANA])
    diary.erase(ANA)
    assert wholes(diary) == {SEGMENT: NOTHING}


def test_who_came_back_is_no_dropout_any_more(diary: Diary) -> None:
    diary.look(DORA, NOW - WEEK)
    diary.expire(NOW - 2 * ONE)
    diary.run(NOW, MONDAY)
    assert sum(wholes(diary)[SEGMENT].dropouts) == 1
    diary.issue(DORA, NOW)
    diary.run(NOW, MONDAY)
    assert sum(wholes(diary)[SEGMENT].dropouts) == 0


# Repeats, cuts, and whoever runs at the same time.


def test_a_removal_that_comes_again_late_takes_nothing_off(diary: Diary) -> None:
    diary.finish(ANA)
    diary.finish(BEN)
    diary.run()
    late = marked(diary, ANA)
    assert late.remove(FINAL, 1)
    before = table()
    with pytest.raises(ConflictError):
        late.remove(FINAL, 1)
    assert table() == before


@pytest.mark.parametrize("kind", [Kind.BEFORE, Kind.AFTER])
def test_a_removal_cut_off_at_any_call_goes_on_and_takes_each_day_off_once(diary: Diary, kind: Kind) -> None:
    live_a_week(diary)
    for day in (MONDAY - WEEK, MONDAY):
        diary.run(day=day)
    for user in (ANA, DORA):
        marked(diary, user)
    begin = table()
    client = FaultyClient(diary.store.client)
    diary.store.client = client
    client.arm(None)
    removals(diary)
    expected, calls = table(), len(client.calls)
    assert wholes(diary) == told(diary, [BEN, CEM])
    for at in range(calls):
        restore(begin)
        client.arm(Fault(kind, at))
        with pytest.raises(UnavailableError):
            removals(diary)
        client.arm(None)
        removals(diary)
        assert table() == expected, f"{kind} call {at}"


def removals(diary: Diary) -> None:
    """ANA and DORA are removed, as far as they are still there."""
    for user in (ANA, DORA):
        leaver = leaver_of(diary.store, user)
        if leaver is not None:
            leaver.remove(FINAL, 1)


def remove_beside(diary: Diary, user: str, other: Callable[[], object]) -> None:
    """Something happens just before the first removal is written, which loses to it; the next run removes the user."""
    leaver, client = marked(diary, user), diary.store.client
    diary.store.client = Meanwhile(client, "transact_write_items", other)
    with pytest.raises(ConflictError):
        leaver.remove(FINAL, 1)
    diary.store.client = client
    assert leaver.remove(FINAL, 1)


@pytest.mark.parametrize("late", [ANA, BEN])
def test_a_day_that_is_counted_while_it_is_removed_is_removed_by_the_next_run(diary: Diary, late: str) -> None:
    """The daily job counts the user who leaves, or another one of the shard, before the removal is written."""
    diary.finish(BEN if late == ANA else ANA)
    diary.run()
    diary.finish(late)
    remove_beside(diary, ANA, diary.run)
    assert wholes(diary) == told(diary, [BEN])


def test_a_day_that_is_removed_while_it_is_counted_is_not_counted(diary: Diary) -> None:
    for user in (ANA, BEN):
        diary.finish(user)
    client = diary.days.client
    diary.days.client = Meanwhile(client, "transact_write_items", lambda: diary.erase(ANA))
    assert diary.run()["users"] == 1
    assert wholes(diary) == told(diary, [BEN])


def test_a_removal_beside_a_worker_that_counted_the_user_before_is_not_undone(diary: Diary) -> None:
    diary.finish(ANA)
    diary.run(FINAL - 2 * ONE)
    diary.finish(BEN)
    diary.days.client = Meanwhile(diary.days.client, "transact_write_items", lambda: diary.erase(ANA))
    diary.run()
    assert wholes(diary) == told(diary, [BEN])


def test_a_whole_that_is_merged_while_a_day_is_removed_has_all_parts(diary: Diary) -> None:
    elsewhere = "user-1"  # of another shard
    for user in (ANA, BEN):
        diary.finish(user)
    diary.run()
    diary.finish(elsewhere)
    remove_beside(diary, ANA, lambda: [diary.run(shard=n) for n in range(16) if n != SHARD])
    assert wholes(diary) == told(diary, [BEN, elsewhere])


def test_what_cannot_be_read_puts_one_users_erasure_off_and_nobody_elses(diary: Diary) -> None:
    diary.finish(ANA)
    diary.run()
    diary.look("user-1", NOW)
    for user in (ANA, "user-1"):
        marked(diary, user)
    spoil("SEGMENT#HIGH_LOW", f"DAY#{MONDAY}#{SHARD:02d}", by_action={"B": b"\x80"})
    assert erasure.run(diary.store, turn(FINAL)) == 1
    assert {item["pk"]["S"] for item in table() if item["pk"]["S"].startswith("USER#")} == {f"USER#{ANA}"}


# What the release before counted: no user's day says what it added.


def as_before(item: dict[str, Any]) -> dict[str, Any]:
    """The item as the release before wrote it."""
    later = {"since", "served", "by_action", "by_entry", "counted", "counted_since", "gone", "gone_since"}
    forms = {"DAILY": "1", "SEGMENT": "1", "USER": "2"}
    is_day = item["sk"]["S"].startswith("DAY#")
    return {name: value for name, value in item.items() if name not in later} | (
        {"form": {"N": forms[item["pk"]["S"].partition("#")[0]]}} if is_day else {}
    )


@pytest.fixture
def old(diary: Diary) -> Diary:
    """Monday and the Monday before, counted by the release before, and a watermark past both."""
    live_a_week(diary)
    for day in (MONDAY - WEEK, MONDAY):
        diary.run(day=day)
    diary.days.save_watermark(Watermark(MONDAY + ONE, 0))
    restore(sorted(map(as_before, table()), key=lambda item: (item["pk"]["S"], item["sk"]["S"])))
    return diary


def test_a_day_of_the_release_before_reads_as_it_was_counted(old: Diary) -> None:
    whole, now = old.days.segment_day(SEGMENT, MONDAY)[0], told(old, [ANA, BEN, CEM])[SEGMENT]
    assert whole is not None
    assert (whole.users, sum(whole.dropouts), whole.served) == (3, 1, 0)
    assert [(a.sessions, a.completed, a.users) for a in whole.actions] == [
        (a.sessions, a.completed, 0) for a in now.actions
    ]
    assert abs(whole.total().rewards - now.total().rewards) <= 3


def test_it_is_counted_anew_and_says_what_each_user_added(old: Diary) -> None:
    old.run()
    assert wholes(old)[SEGMENT].plus(told(old, [ANA, BEN, CEM])[SEGMENT], -1).total().sessions == 0
    assert sum(wholes(old)[SEGMENT].dropouts) == 1
    assert old.day(ANA).counted.since == old.days.shard(MONDAY, SHARD).since > 0
    before = table()
    old.run()
    assert table() == before


def test_of_a_count_that_was_cut_off_nothing_is_taken_off_that_it_has_not_come_to(
    old: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All were counted; a count that begins anew adds the first user and is cut off before the second."""
    old.run()
    spoil("DAILY", f"DAY#{MONDAY}#{SHARD:02d}", since={"N": "0"})
    monkeypatch.setattr(day_table, "MOST_DAYS", 1)
    first, second, third = (user for page in old.days.active(MONDAY, SHARD) for user in page)
    with monkeypatch.context() as patch:
        patch.setattr(old.days, "client", FaultyClient(old.days.client, Fault(Kind.AFTER, 0, "transact_write_items")))
        with pytest.raises(UnavailableError):
            old.run()
    old.erase(second)
    assert old.days.parts(SEGMENT, MONDAY) == [told(old, [first])[SEGMENT]]
    old.run()
    assert wholes(old)[SEGMENT].plus(told(old, [first, third])[SEGMENT], -1) == SegmentDay(
        dropouts=wholes(old)[SEGMENT].dropouts
    )


@pytest.mark.parametrize("user", [ANA, DORA])
def test_an_erasure_sends_it_to_be_counted_anew_without_the_user(old: Diary, user: str) -> None:
    """ANA was counted on Monday, DORA on the Monday before and on Monday as a dropout."""
    old.erase(user)
    done, sent = dispatched(old, FINAL + ONE)
    assert done.final < MONDAY
    assert (MONDAY.isoformat(), SHARD) in {(message["date"], message["shard"]) for message in sent}
    work(old, sent)
    for day, users in ((MONDAY, {ANA, BEN, CEM}), (MONDAY - WEEK, {DORA})):
        left = told(old, users - {user}, day)
        assert wholes(old, day)[SEGMENT].plus(left.get(SEGMENT, NOTHING), -1).total().sessions == 0
        assert wholes(old, day)[SEGMENT].users == len(users - {user})
    assert sum(wholes(old)[SEGMENT].dropouts) == (user != DORA)
    assert dispatched(old, FINAL + ONE)[0].final >= MONDAY


def test_an_erasure_on_it_leaves_a_watermark_that_is_far_enough_back(old: Diary) -> None:
    old.days.save_watermark(Watermark(MONDAY - 2 * WEEK, 1))
    old.erase(ANA)
    assert old.days.watermark() == Watermark(MONDAY - 2 * WEEK, 2)


@pytest.mark.parametrize("change", [as_before, lambda item: item | {"form": {"N": "4"}}])
def test_a_shard_that_another_release_wrote_since_is_counted_anew(
    diary: Diary, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """What users' days say is no longer what is in the parts, and is not taken off."""
    live_a_week(diary)
    diary.run()
    state = next(item for item in table() if item["pk"]["S"] == "DAILY")
    state = change(state) | {"revision": {"N": str(int(state["revision"]["N"]) + 1)}}
    table_client().put_item(TableName=TEMPLATE.table.name, Item=state)
    spoil("SEGMENT#HIGH_LOW", f"DAY#{MONDAY}#{SHARD:02d}", users={"N": "77"})
    diary.run()
    assert wholes(diary)[SEGMENT].users == 3
    diary.erase(ANA)
    assert wholes(diary)[SEGMENT].users == 2


def test_a_shard_of_the_form_before_says_what_users_added(diary: Diary) -> None:
    """Its users' days say so, too: they know nothing of draws, and nor do the parts."""
    diary.finish(ANA)
    diary.finish(BEN)
    diary.run()
    spoil("DAILY", f"DAY#{MONDAY}#{SHARD:02d}", form={"N": "2"})
    diary.erase(ANA)
    assert wholes(diary) == told(diary, [BEN])
    assert diary.days.shard(MONDAY, SHARD).final
