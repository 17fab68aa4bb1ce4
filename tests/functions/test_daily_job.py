"""The daily job: what it computes, and that nothing that is repeated, cut off or late makes a difference at rest."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from lab.proofs.faults.client import Fault, FaultyClient, Kind
from rl_core.config import settings
from rl_core.days import final_day
from rl_core.errors import ConflictError, UnavailableError
from rl_core.models import EndedBy, Marker, Profile, Segment, Session, Status
from rl_core.sessions import Answer, Ending, record, show
from rl_core.store import (
    DayTable,
    Put,
    ShardState,
    Store,
    UserDay,
    day_table,
    mark_writes,
    marker_write,
    profile_write,
    session_write,
)
from rl_core.work import Dispatched, close_and_learn, close_expired, dispatch, merge, run_shard
from tests.conftest import TEMPLATE, handler_of, table_client
from tests.functions.conftest import NOW, SEGMENT, Meanwhile, World, leaver_of

MONDAY = date(2026, 11, 23)
ONE, WEEK = timedelta(days=1), timedelta(days=7)
FINAL = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)  # the first run for which Monday is final
SHARD = 5
EMPTY = ShardState(0, False, {})
USERS = [user for user in (f"user-{n}" for n in range(200)) if zlib.crc32(user.encode()) % 16 == SHARD][:4]
ANA, BEN, CEM, DORA = USERS


class Diary:
    """People whose days are written as the handlers would."""

    def __init__(self, world: World) -> None:
        self.store, self.days = world.store, DayTable(world.store.name, world.store.client)
        self._world = world

    def look(self, user: str, at: datetime = NOW) -> Session:
        """The user's first session, shown; or the open one, looked at again."""
        if self.store.profile(user) is None:
            self._world.issue(user, shown=False, at=at)
        head = self.store.head(user)
        assert head.profile is not None
        shown = show(head.sessions[0], head.profile, at)
        self.store.write(session_write(shown.session, 1), profile_write(shown.profile), *mark_writes(shown.mark))
        return self._world.session(user, shown.session.number)

    def issue(self, user: str, at: datetime) -> Session:
        """The user's next session, shown."""
        return self._world.issue(user, at=at)

    def finish(self, user: str, at: datetime = NOW) -> Session:
        """The user's session, its first two activities done, ended by a batch."""
        session, head = self.look(user, at), self.store.head(user)
        assert head.profile is not None
        said = Answer(completed=True, motivation_before=2, motivation_after=4)
        closed = record(session, head.profile, {1: said, 2: said}, settings(), at, Ending(EndedBy.BATCH))
        close_and_learn(self.store, closed.session, closed.profile, settings(), *mark_writes(closed.mark))
        return self._world.session(user)

    def run(self, now: datetime = FINAL, day: date = MONDAY, shard: int = SHARD) -> Any:
        return run_shard(self.days, day, shard, now, settings())

    def day(self, user: str, day: date = MONDAY) -> UserDay:
        (found,) = self.days.days_of(user, day, day)
        return found

    def erase(self, user: str) -> None:
        """What the user's DELETE and the job after it come to."""
        profile = self.store.profile(user)
        assert isinstance(profile, Profile)
        self.store.write(marker_write(Marker(user, profile.key, profile.created_at, FINAL, profile.revision), 1))
        leaver = leaver_of(self.store, user)
        assert leaver is not None
        leaver.remove(FINAL, 1)

    def expire(self, now: datetime) -> None:
        """The job that closes what expired."""
        for page in self.store.expiring(now, 90, range(1)):
            for due in page:
                close_expired(self.store, due, settings(), now)


@pytest.fixture
def diary(world: World) -> Diary:
    return Diary(world)


def table() -> list[dict[str, Any]]:
    """Every item, in order."""
    items = table_client().scan(TableName=TEMPLATE.table.name)["Items"]
    return sorted((dict(i) for i in items), key=lambda i: (i["pk"]["S"], i["sk"]["S"]))


def restore(items: list[dict[str, Any]]) -> None:
    """Makes the table hold these items and no others."""
    client, name, now = table_client(), TEMPLATE.table.name, table()
    for item in (its for its in now if its not in items):
        client.delete_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})
    for item in (its for its in items if its not in now):
        client.put_item(TableName=name, Item=item)
    assert table() == items


def live_a_week(diary: Diary) -> None:
    """One finished, one left open, one who answered the next day, one last seen a week before."""
    diary.look(DORA, NOW - WEEK)
    diary.finish(ANA)
    diary.look(BEN)
    diary.look(CEM)
    diary.finish(CEM, NOW + ONE)
    diary.expire(FINAL)


def test_a_segments_day_adds_up_its_users_days(diary: Diary) -> None:
    live_a_week(diary)
    assert diary.run() == {"users": 3, "written": 3, "dropouts": 1, "unsettled": 0, "unreadable": 0}
    whole, _ = diary.days.segment_day(SEGMENT, MONDAY)
    assert whole is not None
    total = whole.total()
    assert (whole.users, whole.new_users, sum(whole.dropouts)) == (3, 3, 1)
    assert (total.sessions, total.completed, total.rewarded) == (3, 4, 3)
    assert whole.lifts().lift == 8


def test_a_dropout_counts_by_the_last_action_on_the_seventh_day_and_on_no_other(diary: Diary) -> None:
    action = diary.look(DORA, NOW - WEEK).decision.action
    for day in range(-1, 2):
        diary.run(FINAL + ONE, MONDAY + day * ONE)
    wholes = [diary.days.segment_day(SEGMENT, MONDAY + day * ONE)[0] for day in range(-1, 2)]
    assert [sum(whole.dropouts) if whole else 0 for whole in wholes] == [0, 1, 0]
    assert wholes[1] is not None
    assert wholes[1].dropouts[action] == 1


def test_who_came_back_the_day_after_dropped_out_all_the_same(diary: Diary) -> None:
    diary.look(DORA, NOW - WEEK)
    diary.expire(NOW - 2 * ONE)
    before = diary.run()["dropouts"]
    diary.issue(DORA, NOW + ONE)
    assert (before, diary.run()["dropouts"]) == (1, 1)


def test_a_repeated_run_and_a_repeated_message_change_nothing(diary: Diary) -> None:
    live_a_week(diary)
    diary.run()
    before = table()
    for _ in range(2):
        assert diary.run()["written"] == 0
    assert table() == before


@pytest.mark.parametrize("kind", [Kind.BEFORE, Kind.AFTER])
def test_a_worker_cut_off_at_any_call_leaves_what_the_next_one_makes_whole(diary: Diary, kind: Kind) -> None:
    live_a_week(diary)
    begin = table()
    client = FaultyClient(diary.store.client)
    diary.store.client = diary.days.client = client
    client.arm(None)
    diary.run()
    expected, calls = table(), len(client.calls)
    for at in range(calls):
        restore(begin)
        client.arm(Fault(kind, at))
        with pytest.raises(UnavailableError):
            diary.run()
        client.arm(None)
        diary.run()
        assert table() == expected, f"{kind} call {at}"


def test_answers_that_came_late_correct_the_day(diary: Diary) -> None:
    diary.look(ANA)
    diary.run(datetime(2026, 11, 24, 12, 30, tzinfo=UTC))
    early = diary.day(ANA).figures
    diary.finish(ANA, NOW + ONE)
    diary.run(datetime(2026, 11, 25, 12, 30, tzinfo=UTC))
    late = diary.day(ANA).figures
    assert early is not None
    assert late is not None
    assert (early.completed, early.settled, late.completed, late.settled) == (0, False, 2, True)


def test_an_erased_user_is_neither_counted_nor_brought_back(diary: Diary) -> None:
    live_a_week(diary)
    diary.erase(ANA)
    assert diary.run()["users"] == 2
    assert not [item for item in table() if ANA in item["pk"]["S"]]


def test_a_user_erased_while_the_day_is_computed_is_not_brought_back(diary: Diary) -> None:
    diary.finish(ANA)
    diary.days.client = Meanwhile(diary.store.client, "transact_write_items", lambda: diary.erase(ANA))
    assert diary.run()["users"] == 0
    assert not [item for item in table() if ANA in item["pk"]["S"]]


def test_an_unreadable_user_is_left_out_counted_and_holds_up_nobody(diary: Diary) -> None:
    live_a_week(diary)
    for item in table():
        if item["pk"]["S"] == f"USER#{ANA}" and item["sk"]["S"].startswith("SESSION#"):
            del item["state"]
            table_client().put_item(TableName=TEMPLATE.table.name, Item=item)
    report = diary.run()
    assert (report["users"], report["unreadable"]) == (2, 1)
    assert diary.days.shard(MONDAY, SHARD).final


def test_a_worker_that_lost_its_shard_to_another_begins_anew(diary: Diary) -> None:
    diary.finish(ANA)
    before = diary.days.shard(MONDAY, SHARD)
    diary.run()
    with pytest.raises(ConflictError) as error:
        diary.days.save_shard(MONDAY, SHARD, before, replace(before, parts={}))
    assert error.value.lost == {"shard"}
    diary.finish(BEN)
    assert diary.run()["written"] == 1
    whole, _ = diary.days.segment_day(SEGMENT, MONDAY)
    assert whole is not None
    assert whole.users == 2


def test_shards_merged_in_any_order_make_the_same_whole(diary: Diary) -> None:
    for user in (ANA, "user-1", "user-2", "user-3"):
        diary.finish(user)
    for shard in range(16):
        diary.run(shard=shard)
    forward = diary.days.segment_day(SEGMENT, MONDAY)
    merge(diary.days, SEGMENT, MONDAY)
    assert diary.days.segment_day(SEGMENT, MONDAY) == forward
    assert forward[0] is not None
    assert forward[0].users == 4


def test_a_segments_day_says_nothing_of_a_person(diary: Diary) -> None:
    live_a_week(diary)
    diary.run()
    kept = {"pk", "sk", "form", "revision", "users", "new_users", "dropouts", "actions", "entries"}
    kept |= {"served", "by_action", "by_entry", "draws"}
    items = [i for i in table() if i["pk"]["S"].startswith("SEGMENT#") and i["sk"]["S"].startswith("DAY#")]
    assert items
    assert all(item.keys() <= kept for item in items)
    assert not [item for item in items for user in USERS if user in str(item)]


# The dispatcher.


def dispatched(diary: Diary, now: datetime) -> tuple[Dispatched, list[dict[str, Any]]]:
    sent: list[dict[str, Any]] = []
    return dispatch(diary.days, now, sent.extend), sent


def follow(diary: Diary, message: dict[str, Any]) -> None:
    """What the worker makes of a message."""
    diary.run(datetime.fromisoformat(message["time"]), date.fromisoformat(message["date"]), message["shard"])


def work(diary: Diary, messages: list[dict[str, Any]], but: Callable[[dict[str, Any]], bool] = lambda _: False) -> None:
    """Works off these messages. Everybody is in one shard: the others are marked as their runs would, all at once."""
    marks = list[Put]()
    for message in (its for its in messages if not but(its)):
        day, shard = date.fromisoformat(message["date"]), message["shard"]
        if shard == SHARD:
            follow(diary, message)
        elif day <= final_day(datetime.fromisoformat(message["time"]), settings().session_hours):
            marks += day_table.shard_writes(day, shard, EMPTY, replace(EMPTY, final=True))
    for at in range(0, len(marks), 100):
        diary.days.write(*marks[at : at + 100])


def test_a_shard_without_anybody_is_marked_as_its_run_marks_it(diary: Diary) -> None:
    messages = [{"date": str(day), "shard": 3, "time": FINAL.isoformat()} for day in (MONDAY, MONDAY + ONE)]
    work(diary, messages)
    marked = table()
    restore([])
    for message in messages:
        follow(diary, message)
    assert table() == marked != []


def test_the_first_run_begins_a_week_back_and_leaves_a_watermark(diary: Diary) -> None:
    done, sent = dispatched(diary, FINAL)
    assert (done.final, done.messages, done.not_final) == (date(2026, 11, 18), 7 * 16, 7)
    assert {message["date"] for message in sent} == {f"2026-11-{n}" for n in range(19, 26)}


def test_the_watermark_moves_over_a_day_once_all_its_shards_are_final(diary: Diary) -> None:
    for message in dispatched(diary, FINAL)[1]:
        follow(diary, message)
    done, sent = dispatched(diary, FINAL + ONE)
    assert done.final == MONDAY
    assert sorted({message["date"] for message in sent}) == ["2026-11-24", "2026-11-25", "2026-11-26"]


def test_a_shard_that_was_given_up_comes_again_alone_until_it_is_done(diary: Diary) -> None:
    work(diary, dispatched(diary, FINAL)[1], but=lambda m: (m["date"], m["shard"]) == ("2026-11-20", 3))
    done, sent = dispatched(diary, FINAL + ONE)
    assert done.final == date(2026, 11, 19)
    assert [m["shard"] for m in sent if m["date"] == "2026-11-20"] == [3]
    assert not [m for m in sent if m["date"] == "2026-11-21"]
    work(diary, sent)
    assert dispatched(diary, FINAL + 2 * ONE)[0].final == MONDAY + ONE


def test_missed_days_heal_by_themselves(diary: Diary) -> None:
    dispatched(diary, FINAL - WEEK)
    diary.finish(ANA)
    work(diary, dispatched(diary, FINAL + 2 * WEEK)[1])
    assert diary.day(ANA).figures is not None
    done, _ = dispatched(diary, FINAL + 2 * WEEK + ONE)
    assert done.final == MONDAY + 2 * WEEK


def test_a_session_that_nobody_closed_yet_keeps_its_day_from_being_final(diary: Diary) -> None:
    diary.look(ANA)
    work(diary, dispatched(diary, FINAL)[1])
    assert dispatched(diary, FINAL + ONE)[0].final == MONDAY - ONE
    diary.expire(FINAL + ONE)
    work(diary, dispatched(diary, FINAL + ONE)[1])
    assert dispatched(diary, FINAL + ONE)[0].final == MONDAY + ONE


def test_a_run_of_the_dispatcher_that_is_repeated_changes_nothing(diary: Diary) -> None:
    first = dispatched(diary, FINAL)
    before = table()
    assert dispatched(diary, FINAL) == first
    assert table() == before


# The worker's messages.


def message(name: str, body: str) -> dict[str, Any]:
    return {"messageId": name, "receiptHandle": name, "body": body, "attributes": {}, "eventSource": "aws:sqs"}


def test_a_message_that_cannot_be_read_fails_alone(diary: Diary, context: Any) -> None:
    diary.finish(ANA)
    good = f'{{"date": "2026-11-23", "shard": {SHARD}, "time": "2026-11-26T12:30:00+00:00"}}'
    bad = '{"date": "2026-11-23", "shard": 16, "time": "2026-11-26T12:30:00+00:00"}'
    event = {"Records": [message("bad", bad), message("good", good), message("worse", "?")]}
    answer = handler_of("daily_engagement").lambda_handler(event, context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}, {"itemIdentifier": "worse"}]}
    assert diary.day(ANA).figures is not None


def test_open_sessions_are_in_the_figures_as_they_stand(diary: Diary) -> None:
    session = diary.look(ANA)
    diary.run(datetime(2026, 11, 24, 12, 30, tzinfo=UTC))
    whole, _ = diary.days.segment_day(SEGMENT, MONDAY)
    assert session.status is Status.OPEN
    assert whole is not None
    assert (whole.total().sessions, whole.total().rewarded) == (1, 0)


def test_days_of_a_table_without_anybody_are_empty_and_final(store: Store) -> None:
    days = DayTable(store.name, store.client)
    run_shard(days, MONDAY, 0, FINAL, settings())
    assert days.shard(MONDAY, 0).final
    assert days.segment_day(Segment.HIGH_LOW, MONDAY) == (None, 0)
