"""Assessments on the table: what a PUT of the profile keeps, what comes between, and what the daily job counts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from local.phone import Answer, Json, Phone, RefusedError, bodies, to_functions
from rl_core.days import SegmentDay, merged
from rl_core.errors import ConflictError
from rl_core.models import Assessment, Segment
from rl_core.store import Store, assessment_writes, open_store, profile_write
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import NOW, Meanwhile, World
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_daily_job import ANA, BEN, FINAL, MONDAY, ONE, SHARD, Diary, diary, table
from tests.functions.test_learning_job import spoil

__all__ = ["diary"]

SCORES = {"gad7_score": 16, "active_minutes_per_week": 30}


def phone(user: str = "ana", days: int = 0) -> Phone[Json]:
    return Phone(bodies(to_functions(FUNCTIONS.invoke, user, NOW + timedelta(days=days))))


def answering(user: str = "ana") -> Phone[Answer]:
    return Phone(to_functions(FUNCTIONS.invoke, user, NOW))


def items(user: str = "ana") -> list[dict[str, Any]]:
    """The items of the user, in order."""
    found = table_client().scan(TableName=TEMPLATE.table.name)["Items"]
    mine = [dict(item) for item in found if item["pk"]["S"] == f"USER#{user}"]
    return sorted(mine, key=lambda item: str(item["sk"]["S"]))


def kept(user: str = "ana") -> list[tuple[str, int, int]]:
    given = phone(user).assessments()["assessments"]
    return [(its["date"], its["gad7_score"], its["active_minutes_per_week"]) for its in given]


def test_scores_are_kept_by_the_users_day_and_the_profile_has_the_first_and_the_latest(world: World) -> None:
    for days, score in ((0, 16), (3, 12), (7, 9)):
        phone(days=days).put_profile(**SCORES | {"gad7_score": score})
    assert kept() == [("2026-11-30", 9, 30), ("2026-11-26", 12, 30), ("2026-11-23", 16, 30)]
    profile = world.store.profile("ana")
    assert profile is not None
    assert profile.assessments == (Assessment(MONDAY, 16, 30), Assessment(date(2026, 11, 30), 9, 30))
    assert profile.segment is Segment.LOW_LOW


def test_the_same_day_again_takes_the_place_of_what_was_said_before(world: World) -> None:
    for score in (16, 3):
        phone().put_profile(**SCORES | {"gad7_score": score})
    assert kept() == [("2026-11-23", 3, 30)]


def test_the_same_scores_on_the_same_day_write_nothing(world: World) -> None:
    phone().put_profile(**SCORES)
    before = items()
    phone().put_profile(**SCORES)
    assert items() == before


def test_the_zone_that_comes_with_the_scores_says_which_day_it_is(world: World) -> None:
    phone().put_profile(timezone="Pacific/Honolulu", **SCORES)
    assert kept() == [("2026-11-22", 16, 30)]


def test_a_segment_alone_keeps_no_assessment(world: World) -> None:
    phone().put_profile(segment=Segment.HIGH_LOW.value)
    assert kept() == []


def test_where_no_assessments_are_kept_only_the_segment_is(world: World, setting: Callable[[str, str], None]) -> None:
    setting("KEEP_ASSESSMENTS", "false")
    assert phone().put_profile(**SCORES)["segment"] == Segment.HIGH_LOW.value
    assert [item["sk"]["S"] for item in items()] == ["~PROFILE"]
    assert "assessed" not in items()[0]


def test_scores_are_kept_with_the_profile_or_not_at_all(world: World) -> None:
    """A plan is issued between the read and the write, so the PUT begins anew; the first try wrote neither item."""
    phone().put_profile(segment=Segment.LOW_LOW.value)
    store, seen = open_store(), list[Any]()

    def between() -> None:
        phone().recommend()
        seen.append((kept(), phone().get_profile()["segment"]))

    client = store.client
    try:
        store.client = Meanwhile(client, "transact_write_items", between)
        phone().put_profile(**SCORES)
    finally:
        store.client = client
    assert seen == [([], Segment.LOW_LOW.value)]
    assert kept() == [("2026-11-23", 16, 30)]
    assert world.session("ana").segment is Segment.LOW_LOW


def test_no_assessment_is_written_for_a_life_that_is_over(world: World) -> None:
    phone().put_profile(segment=Segment.LOW_LOW.value)
    profile = world.store.profile("ana")
    assert profile is not None
    spoil("USER#ana", "~PROFILE", key={"B": b"another life"})
    with pytest.raises(ConflictError):
        world.store.write(profile_write(profile), *assessment_writes("ana", Assessment(MONDAY, 16, 30)))
    assert [item["sk"]["S"] for item in items()] == ["~PROFILE"]


def test_while_the_user_is_being_erased_nothing_is_kept_or_shown(world: World) -> None:
    phone().put_profile(**SCORES)
    phone().delete_profile()
    assert answering().put_profile(**SCORES).status == 409
    assert (answering().assessments().status, answering().assessments().body["type"]) == (409, "erasing")


def test_an_assessment_that_cannot_be_read_keeps_nobody_from_a_plan(world: World) -> None:
    phone().put_profile(**SCORES)
    spoil("USER#ana", "ASSESSMENT#2026-11-23", gad7={"S": "many"})
    assert phone().recommend()["session_id"] == 1
    assert phone().put_profile(**SCORES | {"gad7_score": 3})["segment"] == Segment.LOW_LOW.value
    assert kept() == [("2026-11-23", 3, 30)]


def test_a_profile_that_has_none_says_so_in_its_statistics(world: World) -> None:
    phone().put_profile(**SCORES)
    nothing = {"gad7_score": None, "active_minutes_per_week": None}
    assert phone().stats()["assessments"] == nothing
    phone(days=1).put_profile(gad7_score=12, active_minutes_per_week=90)
    assert phone(days=1).stats()["assessments"] == {
        "gad7_score": {
            "first": {"date": "2026-11-23", "score": 16},
            "latest": {"date": "2026-11-24", "score": 12},
            "change": -4,
        },
        "active_minutes_per_week": {
            "first": {"date": "2026-11-23", "score": 30},
            "latest": {"date": "2026-11-24", "score": 90},
            "change": 60,
        },
    }


def test_without_a_profile_there_are_none_to_ask_for(world: World) -> None:
    with pytest.raises(RefusedError, match="profile-required"):
        phone().assessments()


# What the daily job counts.


def steered(diary: Diary, user: str, *scores: int) -> None:
    """A day of a user who had given these scores on the days before."""
    diary.look(user, NOW - 5 * ONE)
    profile = diary.store.profile(user)
    assert profile is not None
    given = [Assessment(MONDAY + (n - 9) * ONE, score, 30) for n, score in enumerate(scores)]
    diary.store.write(profile_write(replace(profile, assessments=tuple(given))))
    diary.look(user)


def changes(diary: Diary, segment: Segment = Segment.HIGH_LOW) -> tuple[int, int, int]:
    """What the segment's day says of GAD-7; the day is the sum of its parts."""
    whole = diary.days.segment_day(segment, MONDAY)[0] or SegmentDay()
    assert merged(diary.days.parts(segment, MONDAY)) == whole
    return whole.assessed, whole.gad7_change, whole.gad7_change_squares


def test_the_days_mark_copies_the_assessments_and_the_job_counts_their_change_once(diary: Diary) -> None:
    steered(diary, ANA, 16, 12)
    steered(diary, BEN, 9)
    diary.finish(ANA)
    for _ in range(2):
        diary.run()
        assert changes(diary) == (1, -4, 16)


def test_an_assessment_of_the_day_counts_from_the_next_active_day_on(diary: Diary) -> None:
    steered(diary, ANA, 16)
    phone(ANA).put_profile(gad7_score=4, active_minutes_per_week=30)
    diary.run()
    assert changes(diary) == (0, 0, 0)
    diary.look(ANA, NOW + ONE)
    assert diary.day(ANA, MONDAY + ONE).mark.assessments[1].gad7_score == 4


def test_an_erasure_takes_the_change_of_the_user_off_again(diary: Diary) -> None:
    steered(diary, ANA, 16, 12)
    steered(diary, BEN, 3, 9)
    diary.run()
    assert changes(diary) == (2, 2, 52)
    diary.erase(ANA)
    assert changes(diary) == (1, 6, 36)
    diary.erase(BEN)
    assert changes(diary) == (0, 0, 0)


def before(item: dict[str, Any]) -> dict[str, Any]:
    """The item as the release before would have counted it: it knows no assessments."""
    gone, forms = {"assessed", "gad7", "gad7_squares"}, {"DAILY": "2", "SEGMENT": "2"}
    kind = item["pk"]["S"].partition("#")[0]
    kept = {name: value for name, value in item.items() if name not in gone} if kind != "USER" else dict(item)
    if "counted" in kept:
        parts = kept["counted"]["M"].items()
        kept["counted"] = {"M": {s: {"M": {n: v for n, v in p["M"].items() if n not in gone}} for s, p in parts}}
    return kept | ({"form": {"N": forms[kind]}} if kind in forms else {})


def counted_before(diary: Diary) -> None:
    """Monday was counted by the release before."""
    client = table_client()
    for item in client.scan(TableName=TEMPLATE.table.name)["Items"]:
        client.put_item(TableName=TEMPLATE.table.name, Item=before(dict(item)))
    assert changes(diary) == (0, 0, 0)


def test_what_the_release_before_counted_is_gone_on_with(diary: Diary) -> None:
    steered(diary, ANA, 16, 12)
    steered(diary, BEN, 3, 9)
    diary.run()
    since = diary.days.shard(MONDAY, SHARD).since
    counted_before(diary)
    assert diary.days.shard(MONDAY, SHARD).since == since
    diary.run()
    assert changes(diary) == (2, 2, 52)


def test_an_erasure_takes_off_what_the_release_before_counted_and_no_change_that_it_did_not(diary: Diary) -> None:
    steered(diary, ANA, 16, 12)
    steered(diary, BEN, 3, 9)
    diary.run()
    counted_before(diary)
    diary.erase(ANA)
    assert changes(diary) == (0, 0, 0)
    assert merged(diary.days.parts(Segment.HIGH_LOW, MONDAY)).users == 1
    diary.run(FINAL)
    assert changes(diary) == (1, 6, 36)


def test_a_shard_has_a_form_that_the_release_before_does_not_go_on_with(diary: Diary) -> None:
    """It would add users without their change, and take off one that is not in its parts."""
    steered(diary, ANA, 16, 12)
    diary.run()
    (state,) = (item for item in table() if item["pk"]["S"] == "DAILY")
    assert state["form"] == {"N": "3"}


def test_the_newest_come_first_and_no_more_than_asked_for(store: Store) -> None:
    for days in range(5):
        phone(days=days).put_profile(**SCORES)
    assert [its["date"][-2:] for its in phone().assessments(2)["assessments"]] == ["27", "26"]
    assert len(phone().assessments()["assessments"]) == 5
