"""The job of each minute, and the trainer beneath it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from operate.__main__ import main
from rl_core import learner
from rl_core.config import settings
from rl_core.errors import ConflictError, OversizeError, PolicyUnreadableError, UnavailableError
from rl_core.models import EndedBy, Learning, Policy, Profile, Session, Status, VersionRecord, Why
from rl_core.sessions import learning_of
from rl_core.store import Due, Put, Store, mark_writes, open_day_table, parked_write, publish_writes, session_write
from rl_core.work import close_and_learn, close_expired, learn_due
from tests.conftest import TEMPLATE, handler_of, table_client
from tests.functions.conftest import NOW, SEGMENT, World

learn = handler_of("learn")


def always() -> int:
    """Milliseconds left: as many as a run may have."""
    return 55_000


OF_A_LATER_RELEASE = {"learner": {"S": "posterior/99"}}
BROKEN_TABLE = {"table": {"B": b"short"}}
POLICY = {"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "POLICY"}}
EMPTY = {"form": {"N": "1"}, "version": {"N": "0"}}  # a policy item that learned nothing, beside its key


def spoil_policy(**attributes: Any) -> None:
    """Makes the policy item unreadable for this code: by default, of a learner that it does not have."""
    spoil("SEGMENT#HIGH_LOW", "POLICY", **(EMPTY | stored_policy() | (attributes or OF_A_LATER_RELEASE)))


def stored_policy() -> dict[str, Any]:
    """The segment's policy item as it is stored."""
    item = table_client().get_item(TableName=TEMPLATE.table.name, Key=POLICY).get("Item", {})
    return dict(item)


def spoil(pk: str, sk: str, /, **attributes: Any) -> None:
    """Writes these attributes over a stored item's, and removes those that are None."""
    client = table_client()
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    item = client.get_item(TableName=TEMPLATE.table.name, Key=key).get("Item", key)
    spoilt = {name: value for name, value in (item | attributes).items() if value is not None}
    client.put_item(TableName=TEMPLATE.table.name, Item=spoilt)


def test_it_learns_from_every_due_session_in_one_transaction(world: World) -> None:
    for n in range(5):
        world.due(f"u{n}")
    assert learn.run(world.store, NOW, always)["learned"] == 5
    policy = world.store.policy(SEGMENT)
    assert policy.episodes == 5
    assert {world.session(f"u{n}").status for n in range(5)} == {Status.LEARNED}


def test_what_it_learned_is_what_its_version_records_say(world: World) -> None:
    for n in range(7):
        world.due(f"u{n}")
        learn.run(world.store, NOW, always)
    replayed = Policy(SEGMENT)
    for record in world.store.records(SEGMENT):
        replayed = replace(learner.fold(replayed, record.transitions, record.fold), version=record.version)
    assert replayed == world.store.policy(SEGMENT)


def test_a_second_run_changes_nothing(world: World) -> None:
    world.due("ana")
    learn.run(world.store, NOW, always)
    before = world.store.policy(SEGMENT)
    assert sum(learn.run(world.store, NOW, always).values()) == 0
    assert world.store.policy(SEGMENT) == before


def test_more_than_one_batch_is_learned_batch_by_batch(world: World, setting: Callable[[str, str], None]) -> None:
    setting("LEARN_BATCH", "2")
    for n in range(5):
        world.due(f"u{n}")
    assert learn.run(world.store, NOW, always)["learned"] == 5
    assert world.store.policy(SEGMENT).episodes == 5


def test_an_expired_session_is_closed_as_it_stands_and_learned(world: World) -> None:
    session = world.issue("ana")
    later = session.expires_at
    assert learn.run(world.store, later - timedelta(seconds=1), always)["closed"] == 0
    assert learn.run(world.store, later, always)["closed"] == 1
    closed = world.session("ana")
    assert (closed.ended_by, closed.closing is not None and closed.closing.reward) == (EndedBy.EXPIRY, 0.0)


def test_only_the_users_latest_session_is_closed_and_only_once_its_time_is_over(world: World) -> None:
    session = world.issue("ana")
    in_time, late = session.expires_at - timedelta(seconds=1), session.expires_at
    (place,) = next(world.store.expiring(late, 1, range(1)))
    assert close_expired(world.store, place, settings(), in_time) is None
    assert close_expired(world.store, place._replace(sk="SESSION#00000002"), settings(), late) is None
    assert close_expired(world.store, place._replace(pk="USER#ben"), settings(), late) is None
    assert world.session("ana") == session
    closed = close_expired(world.store, place, settings(), late)
    assert closed == world.session("ana")
    assert close_expired(world.store, place, settings(), late) is None


def test_a_prefetched_session_that_nobody_saw_is_closed_unseen(world: World) -> None:
    session = world.issue("ana", shown=False)
    profile = world.store.profile("ana")
    totals = learn.run(world.store, session.expires_at, always)
    assert (totals["closed"], totals["learned"]) == (1, 0)
    assert world.session("ana").status is Status.UNSEEN
    assert profile is not None
    assert world.store.profile("ana") == replace(profile, revision=profile.revision + 1)
    assert world.store.policy(SEGMENT).episodes == 0


def test_a_session_that_somebody_moved_is_dropped_and_the_rest_learned(world: World) -> None:
    stale = [world.due(f"u{n}") for n in range(3)]
    world.store.write(session_write(stale[1], 1))
    report: Counter[str] = Counter()
    learn_due(world.store, stale, settings(), report)
    assert (report["learned"], report["dropped"]) == (2, 1)
    assert world.session("u1").status is Status.CLOSED


def test_a_session_that_the_index_still_lists_after_it_was_learned_is_not_learned_again(world: World) -> None:
    world.due("ana")
    (page,) = world.store.due(SEGMENT, NOW, 90, range(1))
    learn.run(world.store, NOW, always)
    report: Counter[str] = Counter()
    learn_due(world.store, world.store.load(page)[0], settings(), report)
    assert (report["learned"], report["dropped"]) == (0, 1)
    assert world.store.policy(SEGMENT).episodes == 1


def test_a_policy_is_only_replaced_at_the_version_that_was_read(world: World) -> None:
    world.due("ana")
    learn.run(world.store, NOW, always)
    policy = world.store.policy(SEGMENT)
    for version in (policy.version, policy.version + 2):
        with pytest.raises(ConflictError) as error:
            world.store.write(published(replace(policy, version=version)))
        assert error.value.lost == {"policy"}
    world.store.write(published(replace(policy, version=policy.version + 1)))


def published(policy: Policy) -> Put:
    """The write of the policy item alone, without its record."""
    return publish_writes(policy, VersionRecord(policy.version, learner.fold_of(settings())))[0]


class Narrow(Store):
    """A table that takes fewer writes in a transaction, and never the session of one user."""

    refused = "-"
    most = 4

    def write(self, *puts: Put) -> None:
        learning = any(put.name == "record" for put in puts)
        if learning and len(puts) > self.most:
            raise OversizeError("ValidationException")
        if named := [p.key for p in puts if learning and self.refused in p.item["pk"]["S"]]:
            raise OversizeError("ValidationError", frozenset(filter(None, named)))
        super().write(*puts)


def test_a_transaction_that_is_too_large_is_halved(world: World) -> None:
    due = [world.due(f"u{n}") for n in range(7)]
    report: Counter[str] = Counter()
    learn_due(Narrow(TEMPLATE.table.name), due, settings(), report)
    assert report["learned"] == 7
    assert world.store.policy(SEGMENT).episodes == 7


def test_a_session_that_fails_alone_is_parked_and_blocks_nobody(world: World) -> None:
    due = [world.due(f"u{n}") for n in range(4)]
    narrow = Narrow(TEMPLATE.table.name)
    narrow.refused = "u2"
    report: Counter[str] = Counter()
    learn_due(narrow, due, settings(), report)
    assert (report["learned"], report["parked"]) == (3, 1)
    assert world.session("u2").parked == "ValidationError"
    assert learn.run(world.store, NOW, always)["learned"] == 0


def test_a_policy_that_is_refused_parks_no_session(world: World) -> None:
    due = world.due("ana")
    narrow = Narrow(TEMPLATE.table.name)
    narrow.refused = "SEGMENT"
    with pytest.raises(OversizeError):
        learn_due(narrow, [due], settings(), Counter())
    assert world.session("ana").parked is None
    assert learn.run(world.store, NOW, always)["learned"] == 1


def test_an_unreadable_older_session_parks_no_healthy_one(world: World) -> None:
    world.due("ana", at=NOW - timedelta(days=3))
    world.issue("ana", at=NOW - timedelta(days=3))
    spoil("USER#ana", "SESSION#00000001", activities={"S": "rubbish"})
    totals = learn.run(world.store, NOW, always)
    assert (totals["closed"], totals["parked"]) == (1, 1)  # the old one is set aside, the other closed
    assert learn.run(world.store, NOW, always)["learned"] == 0  # it was learned in the same run
    assert world.session("ana", 2).status is Status.LEARNED


def test_an_unreadable_profile_parks_no_session(world: World) -> None:
    world.issue("ana", at=NOW - timedelta(days=3))
    spoil("USER#ana", "~PROFILE", key={"S": "rubbish"})
    totals = learn.run(world.store, NOW, always)
    assert (totals["closed"], totals["parked"]) == (0, 0)
    assert world.session("ana").parked is None


def test_the_next_good_write_takes_back_that_a_session_was_set_aside(world: World) -> None:
    session = world.due("ana")
    world.store.write(parked_write(replace(session, parked="ValidationError"), 1))
    assert learn.run(world.store, NOW, always)["learned"] == 0
    world.store.write(session_write(world.session("ana"), 1))
    assert world.session("ana").parked is None
    assert learn.run(world.store, NOW, always)["learned"] == 1


def test_an_operator_lists_what_is_set_aside_and_puts_it_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.store.write(parked_write(replace(world.due("ana"), parked="ValidationError"), 1))
    assert main(["--table", TEMPLATE.table.name, "parked"]) == 0
    assert capsys.readouterr().out.startswith(f"ana  session 1  since {NOW.isoformat()}  ValidationError")
    assert main(["--table", TEMPLATE.table.name, "unpark", "ana", "2"]) == 2
    assert main(["--table", TEMPLATE.table.name, "unpark", "ana", "1"]) == 0
    assert learn.run(world.store, NOW, always)["learned"] == 1


def test_a_session_that_cannot_be_read_is_parked_with_its_reason(world: World) -> None:
    world.due("ana")
    world.due("ben")
    spoil("USER#ana", "SESSION#00000001", activities={"S": "rubbish"})
    totals = learn.run(world.store, NOW, always)
    assert (totals["learned"], totals["parked"]) == (1, 1)
    assert learn.run(world.store, NOW, always)["parked"] == 0


@pytest.mark.parametrize("damage", [OF_A_LATER_RELEASE, BROKEN_TABLE, {"version": {"S": "rubbish"}}])
def test_an_unreadable_policy_is_left_as_it_is_and_its_sessions_wait(world: World, damage: dict[str, Any]) -> None:
    world.due("ben")
    learn.run(world.store, NOW, always)
    world.due("ana")
    spoil_policy(**damage)
    before = stored_policy()
    assert learn.run(world.store, NOW, always)["learned"] == 0
    assert world.session("ana").status is Status.CLOSED
    assert stored_policy() == before
    with pytest.raises(PolicyUnreadableError):
        world.store.policy(SEGMENT)


class Contended(Store):
    """A table on which every race over the policy is lost, or only the first `races` of them."""

    races = float("inf")

    def write(self, *puts: Put) -> None:
        if self.races and any(put.name == "policy" for put in puts):
            self.races -= 1
            raise ConflictError(frozenset({"policy"}))
        super().write(*puts)


def test_after_lost_races_the_api_closes_alone_and_queues(world: World) -> None:
    closed = world.end("ana", Contended(TEMPLATE.table.name))
    assert (closed.policy, closed.conflicts) == (None, settings().learn_attempts)
    assert learning_of(world.session("ana")) is Learning.QUEUED
    assert learn.run(world.store, NOW, always)["learned"] == 1


def test_a_batch_that_loses_a_race_is_halved_and_the_race_counted(world: World) -> None:
    due = [world.due(f"u{n}") for n in range(4)]
    contended = Contended(TEMPLATE.table.name)
    contended.races = 1
    report: Counter[str] = Counter()
    learn_due(contended, due, settings(), report)
    assert (report["learned"], report["conflicts"]) == (4, 1)
    assert world.store.policy(SEGMENT).version == 2


@pytest.mark.parametrize("table", [Store, Contended], ids=["learned from", "closed alone"])
def test_what_is_written_with_a_closing_is_written_either_way(world: World, table: type[Store]) -> None:
    world.issue("ana")
    closed, tomorrow = world.closed("ana", NOW + timedelta(days=1)), NOW.date() + timedelta(days=1)
    mark = mark_writes(closed.mark)
    close_and_learn(table(TEMPLATE.table.name), closed.session, closed.profile, settings(), *mark)
    assert len(mark) == len(open_day_table().days_of("ana", tomorrow, tomorrow)) == 1


class Throttled(Store):
    """A table that is too busy for the policy."""

    def write(self, *puts: Put) -> None:
        if any(put.name == "policy" for put in puts):
            raise UnavailableError
        super().write(*puts)


def test_a_policy_that_cannot_be_written_never_fails_the_request(world: World) -> None:
    closed = world.end("ana", Throttled(TEMPLATE.table.name))
    assert (closed.policy, closed.conflicts) == (None, 0)
    assert learning_of(world.session("ana")) is Learning.QUEUED


def test_a_closing_that_is_too_large_with_the_policy_closes_alone_and_queues(world: World) -> None:
    narrow = Narrow(TEMPLATE.table.name)
    narrow.most = 1
    closed = world.end("ana", narrow)
    assert (closed.policy, closed.conflicts) == (None, 0)
    assert learning_of(world.session("ana")) is Learning.QUEUED


@pytest.mark.parametrize("lost", ["session", "profile"])
def test_a_lost_race_over_the_user_is_told_at_once(world: World, lost: str) -> None:
    tried: list[str] = []

    class Moved(Store):
        """A table on which somebody else was faster with this item."""

        def write(self, *puts: Put) -> None:
            tried.append(puts[0].name)
            raise ConflictError(frozenset({lost, "policy"}))

    with pytest.raises(ConflictError):
        world.end("ana", Moved(TEMPLATE.table.name))
    assert tried == ["session"]


def test_a_user_who_moved_meanwhile_is_not_closed_over(world: World) -> None:
    world.issue("ana")
    stale = world.closed("ana")
    world.store.write(session_write(world.session("ana"), 1))
    with pytest.raises(ConflictError) as error:
        close_and_learn(world.store, stale.session, stale.profile, settings())
    assert error.value.lost == {"session"}
    assert (world.session("ana").status, world.store.policy(SEGMENT).episodes) == (Status.OPEN, 0)


class OneDown(Store):
    """A table that cannot be reached for one user."""

    def waiting(self, due: Due) -> tuple[Session, Profile] | None:
        if due.user == "ana":
            raise UnavailableError
        return super().waiting(due)


def test_one_user_who_cannot_be_reached_does_not_stop_the_run(world: World) -> None:
    session = world.issue("ana")
    world.due("ben", at=session.expires_at)
    totals = learn.run(OneDown(TEMPLATE.table.name), session.expires_at, always)
    assert (totals["closed"], totals["learned"]) == (0, 1)


def test_a_run_without_time_left_changes_nothing(world: World) -> None:
    session = world.issue("ana")
    world.due("ben", at=session.expires_at)
    assert sum(learn.run(world.store, session.expires_at, lambda: 0).values()) == 0


def exclude(world: World, user: str) -> None:
    """Lists the user's person in the segment's policy, which has learned from somebody else."""
    world.due("somebody")
    learn.run(world.store, NOW, always)
    spoil_policy(excluded={"B": world.session(user).person})


def test_a_session_of_an_excluded_person_closes_so_and_teaches_nobody(world: World) -> None:
    world.issue("ana")
    exclude(world, "ana")
    closed = world.closed("ana")
    done = close_and_learn(world.store, closed.session, closed.profile, settings())
    assert (done.session.why, world.session("ana").why, done.policy) == (Why.EXCLUDED, Why.EXCLUDED, None)
    assert world.store.policy(SEGMENT).episodes == 1


def test_the_job_takes_an_excluded_persons_session_off_the_index_and_counts_no_lesson(world: World) -> None:
    world.due("ana", at=NOW + timedelta(minutes=5))
    exclude(world, "ana")
    world.due("ben")
    assert learn.run(world.store, NOW + timedelta(minutes=6), always)["learned"] == 1
    assert (world.session("ana").why, world.store.policy(SEGMENT).episodes) == (Why.EXCLUDED, 2)
    assert learn.run(world.store, NOW + timedelta(minutes=7), always)["dropped"] == 0
