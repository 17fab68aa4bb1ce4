"""Erasure down to the model: items, records, snapshots and values as if the user had never been."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from operate.__main__ import main
from rl_core import learner
from rl_core.config import settings
from rl_core.errors import ConflictError, ErasingError, RefoldPendingError, UnavailableError
from rl_core.models import Learning, Marker, Policy, Profile, Session, Status, Transition, VersionRecord
from rl_core.sessions import erased, learning_of, transition_of
from rl_core.store import Hold, Store, marker_write, policies, publish_writes
from rl_core.work import learn_due, versions
from tests.acting import mend, roll_back
from tests.conftest import TEMPLATE, handler_of, table_client
from tests.functions.conftest import NOW, SEGMENT, World, leaver_of, turn
from tests.functions.test_learning_job import (
    BROKEN_TABLE,
    OF_A_LATER_RELEASE,
    always,
    learn,
    spoil,
    spoil_policy,
    stored_policy,
)

erasure = handler_of("erasure")
LATER = NOW + timedelta(minutes=1)
PEOPLE = [f"person-{n}" for n in range(11)]
GONE = ["person-1", "person-4", "person-5", "person-9"]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot every four versions."""
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 4)


def live(world: World, people: list[str] = PEOPLE) -> dict[str, Session]:
    """Two people learned from in each version; their sessions as they were closed."""
    sessions: dict[str, Session] = {}
    for pair in (people[n : n + 2] for n in range(0, len(people), 2)):
        due = {user: world.due(user) for user in pair}
        learn_due(world.store, list(due.values()), settings(), Counter())
        sessions |= due
    return sessions


def ask_to_be_erased(world: World, *people: str) -> None:
    for user in people:
        profile = world.store.profile(user)
        assert isinstance(profile, Profile)
        marker = Marker(user, profile.key, profile.created_at, NOW, profile.revision)
        world.store.write(marker_write(marker, settings().index_shards))


def dump() -> list[dict[str, Any]]:
    pages = table_client().get_paginator("scan").paginate(TableName=TEMPLATE.table.name)
    return sorted((dict(i) for page in pages for i in page["Items"]), key=lambda i: (i["pk"]["S"], i["sk"]["S"]))


def folded_without(world: World, sessions: dict[str, Session], gone: list[str]) -> Policy:
    """A fold over the others, in the order in which they were learned, that never saw those who are gone."""
    order = [t.key for record in world.store.records(SEGMENT) for t in record.transitions]
    of = {s.key: transition_of(s) for user, s in sessions.items() if user not in gone}
    return folded(Policy(SEGMENT), [of[key] for key in order if key in of])


def folded(policy: Policy, transitions: list[Transition]) -> Policy:
    return learner.fold(policy, transitions, learner.fold_of(settings()))


def assert_gone(world: World, sessions: dict[str, Session], gone: list[str]) -> None:
    """No item names or contains them, and the policy, however it is come by, never saw them."""
    policy = world.store.policy(SEGMENT)
    table = repr(dump())
    for user in gone:
        assert f"'USER#{user}'" not in table
        assert repr(sessions[user].key) not in table
    assert "'REFOLD'" not in table
    assert policy == replace(folded_without(world, sessions, gone), version=policy.version)
    for version in range(policy.version + 1):
        again = versions.policy_at(world.store, SEGMENT, version)
        assert again == versions.policy_at(world.store, SEGMENT, version, from_start=True)
    assert again == policy


def test_what_was_learned_from_erased_users_is_unlearned(world: World) -> None:
    sessions = live(world)
    before = world.store.policy(SEGMENT)
    ask_to_be_erased(world, *GONE)
    assert erasure.run(world.store, turn(LATER)) == len(GONE)
    assert_gone(world, sessions, GONE)
    after = world.store.policy(SEGMENT)
    assert (after.version, after.episodes) == (before.version + 2, len(PEOPLE) - len(GONE))
    assert {world.session(u).status for u in PEOPLE if u not in GONE} == {Status.LEARNED}
    (*_, last) = world.store.records(SEGMENT)
    assert (last.reason, last.rewritten) == ("erasure", 1)


def test_versions_before_the_first_that_knew_them_stay_untouched(world: World) -> None:
    live(world)
    kept = [item for item in dump() if item["sk"]["S"] in ("VERSION#0000000004", "SNAPSHOT#0000000004")]
    ask_to_be_erased(world, "person-9")
    erasure.run(world.store, turn(LATER))
    assert [i for i in dump() if i["sk"]["S"] in ("VERSION#0000000004", "SNAPSHOT#0000000004")] == kept
    assert [r.rewritten for r in world.store.records(SEGMENT, after=6)] == [5, 5]


def test_rollbacks_are_obeyed(world: World) -> None:
    sessions = live(world, PEOPLE[:6])
    roll_back(world.store, SEGMENT, 2, "too far")
    sessions |= live(world, PEOPLE[6:])
    ask_to_be_erased(world, *GONE)
    erasure.run(world.store, turn(LATER))
    policy = world.store.policy(SEGMENT)
    kept = {u: transition_of(s) for u, s in sessions.items() if u not in GONE}
    expected = folded(Policy(SEGMENT), [kept[u] for u in PEOPLE[:4] if u in kept])
    order = [t for record in world.store.records(SEGMENT, after=4) for t in record.transitions]
    expected = folded(expected, order)
    assert policy == replace(expected, version=policy.version, episodes=len(kept))
    for from_start in (False, True):
        assert versions.policy_at(world.store, SEGMENT, policy.version, from_start) == policy


def test_what_a_change_of_learner_took_over_is_unlearned_too(world: World, setting: Callable[[str, str], None]) -> None:
    sessions = live(world, PEOPLE[:4])
    setting("EXPLORATION", "epsilon")
    roll_back(world.store, SEGMENT, 1, "adopts nothing")
    sessions |= live(world, PEOPLE[4:8])
    ask_to_be_erased(world, PEOPLE[0])
    erasure.run(world.store, turn(LATER))
    assert [r.adopted for r in world.store.records(SEGMENT)] == [None, None, None, "posterior/2", None, None, None]
    policy = world.store.policy(SEGMENT)
    assert policy == versions.policy_at(world.store, SEGMENT, policy.version, from_start=True)
    ask_to_be_erased(world, *PEOPLE[1:4])
    erasure.run(world.store, turn(LATER))
    assert {r.adopted for r in world.store.records(SEGMENT)} == {None}
    assert_gone(world, sessions, PEOPLE[:4])


def test_a_second_run_changes_nothing(world: World) -> None:
    live(world)
    ask_to_be_erased(world, *GONE)
    erasure.run(world.store, turn(LATER))
    before = dump()
    assert erasure.run(world.store, turn(LATER)) == 0
    assert dump() == before


class CutOffError(Exception):
    """The process ends here."""


def cut(store: Store, calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends before its n-th call."""
    left = iter(range(calls))
    client = store.client

    class UntilCut:
        """The client as far as its n-th call."""

        def __getattr__(self, operation: str) -> Any:
            if next(left, None) is None:
                raise CutOffError
            return getattr(client, operation)

    monkeypatch.setattr(store, "client", UntilCut())


def cuts(world: World) -> Iterator[int]:
    """Runs cut off one call later each time, until one comes through."""
    for calls in count():
        with pytest.MonkeyPatch.context() as patch:
            cut(world.store, calls, patch)
            try:
                erasure.run(world.store, turn(LATER))
            except CutOffError:
                yield calls
            else:
                return


def test_runs_cut_off_anywhere_come_to_the_same(world: World) -> None:
    sessions = live(world)
    world.due("person-1-waiting")
    ask_to_be_erased(world, *GONE)
    assert len(list(cuts(world))) > 15
    assert_gone(world, sessions, GONE)


def under_way(world: World) -> None:
    """An erasure that was cut off when it had taken hold of the policy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hold, "advance", cut_off)
        with pytest.raises(CutOffError):
            erasure.run(world.store, turn(LATER))


def cut_off(*_: Any) -> None:
    raise CutOffError


def test_learning_goes_on_while_it_is_under_way(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    under_way(world)
    closed = world.end("at once", world.store).session
    waiting = world.due("by the job")
    assert learning_of(closed) is Learning.APPLIED
    assert learn.run(world.store, LATER, always)["learned"] == 1
    with pytest.raises(RefoldPendingError):
        roll_back(world.store, SEGMENT, 1, "not now")
    assert erasure.run(world.store, turn(LATER)) == len(GONE)
    sessions |= {"at once": closed, "by the job": waiting}
    assert_gone(world, sessions, GONE)
    assert world.store.policy(SEGMENT).episodes == len(sessions) - len(GONE)


def test_a_policy_mended_while_it_is_under_way_is_still_held(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    under_way(world)
    held = world.store.policy(SEGMENT).hold
    spoil_policy(**BROKEN_TABLE)
    assert mend(world.store, SEGMENT).hold == held
    assert erasure.run(world.store, turn(LATER)) == len(GONE)
    assert_gone(world, sessions, GONE)


def test_a_plan_is_issued_while_it_is_under_way(world: World) -> None:
    live(world)
    ask_to_be_erased(world, *GONE)
    under_way(world)
    assert not world.issue("new").decision.fallback


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Lets something happen once, before a run rewrites anything."""
    advance, left = Hold.advance, [happens]

    def after_that(hold: Hold, *given: Any) -> Hold:
        if left:
            left.pop()()
        return advance(hold, *given)

    monkeypatch.setattr(Hold, "advance", after_that)


def test_another_run_leaves_alone_what_one_is_at_work_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE[:2])
    others: list[int] = []

    def overlapping() -> None:
        ask_to_be_erased(world, *GONE[2:])
        others.append(erasure.run(Store(TEMPLATE.table.name), turn(LATER, owner="another")))

    meanwhile(monkeypatch, overlapping)
    assert erasure.run(world.store, turn(LATER)) == 2
    assert others == [0]
    assert_gone(world, sessions, GONE[:2])
    assert erasure.run(world.store, turn(LATER)) == 2  # who came later waited for the next refold
    assert_gone(world, sessions, GONE)


def test_a_run_that_took_too_long_stops_when_another_took_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    others: list[int] = []

    def taking_over() -> None:
        later = LATER + timedelta(minutes=16)
        others.append(erasure.run(Store(TEMPLATE.table.name), turn(later, owner="another")))

    meanwhile(monkeypatch, taking_over)
    assert erasure.run(world.store, turn(LATER)) == 0
    assert others == [len(GONE)]
    assert_gone(world, sessions, GONE)


def test_a_run_without_time_leaves_the_rest_to_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    assert erasure.run(world.store, turn(LATER, seconds=1)) == 0
    erased: list[int] = []
    while sum(erased) < len(GONE):
        times = iter([900_000] * 8)  # so often a run hears that there is time, then there is none
        erased.append(erasure.run(world.store, replace(turn(LATER), time_left=partial(next, times, 0))))
        assert len(erased) < 9
    assert len(erased) > 3
    assert_gone(world, sessions, GONE)


def test_a_learner_that_read_the_policy_before_loses(world: World) -> None:
    live(world)
    read = world.store.policy(SEGMENT)
    ask_to_be_erased(world, *GONE)
    under_way(world)
    after = replace(read, version=read.version + 1)
    record = VersionRecord(after.version, learner.fold_of(settings()))
    with pytest.raises(ConflictError):
        world.store.write(*publish_writes(after, record))


def test_it_waits_while_a_policy_cannot_be_read(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    well = stored_policy()
    spoil_policy(**OF_A_LATER_RELEASE)
    assert erasure.run(world.store, turn(LATER)) == 0
    assert world.session(GONE[0]).status is Status.LEARNED
    spoil_policy(**well)
    assert erasure.run(world.store, turn(LATER)) == 0  # each waits a minute, so that others come before them
    assert erasure.run(world.store, turn(LATER + timedelta(minutes=1))) == len(GONE)
    assert_gone(world, sessions, GONE)


def test_one_user_who_cannot_be_read_keeps_nobody_else_waiting(world: World) -> None:
    live(world)
    ask_to_be_erased(world, *GONE)
    spoil("USER#person-1", "SESSION#00000001", segment={"S": "rubbish"})
    assert erasure.run(world.store, turn(LATER)) == len(GONE) - 1
    with pytest.raises(ErasingError):
        world.store.profile("person-1")


def test_a_session_that_waits_to_be_learned_is_never_learned(world: World) -> None:
    sessions = live(world)
    world.due("person-queued")
    ask_to_be_erased(world, "person-queued")
    assert erasure.run(world.store, turn(LATER)) == 1
    assert learn.run(world.store, LATER, always)["learned"] == 0
    assert world.store.policy(SEGMENT).episodes == len(sessions)


def test_who_used_up_a_day_and_left_comes_back_when_it_is_over(world: World) -> None:
    world.issue("ana")
    marker = erased(_profile(world, "ana"), settings().model_copy(update={"sessions_per_day": 1}), NOW)
    world.store.write(marker_write(marker, 1))
    assert erasure.run(world.store, turn(LATER)) == 1
    (item,) = items_of("ana")
    day_ends = str(int((NOW.replace(hour=0, minute=0) + timedelta(days=1)).timestamp()))
    assert item.keys() == {"pk", "sk", "form", "revision", "erasing", "due_shard", "due_at", "day"}
    assert (item["day"]["S"], item["due_at"]["N"]) == ("2026-11-23", day_ends)
    with pytest.raises(ErasingError):
        world.store.head("ana")
    assert erasure.run(world.store, turn(NOW + timedelta(hours=14))) == 0
    assert erasure.run(world.store, turn(NOW + timedelta(hours=15))) == 0
    assert items_of("ana") == []
    world.issue("ana", at=NOW + timedelta(hours=16))


def _profile(world: World, user: str) -> Profile:
    found = world.store.profile(user)
    assert isinstance(found, Profile)
    return found


def items_of(user: str) -> list[dict[str, Any]]:
    """What is left in the table under this user's key."""
    items = table_client().scan(TableName=TEMPLATE.table.name)["Items"]
    return [dict(item) for item in items if item["pk"]["S"] == f"USER#{user}"]


def test_what_a_later_life_wrote_stays(world: World) -> None:
    world.issue("ana")
    ask_to_be_erased(world, "ana")
    late = leaver_of(world.store, "ana")
    assert late is not None
    assert erasure.run(world.store, turn(LATER)) == 1
    session = world.issue("ana")
    with pytest.raises(ConflictError):
        late.remove(NOW, 1)
    assert world.session("ana") == session
    assert leaver_of(world.store, "ana") is None


def test_the_command_line_says_that_an_erasure_rewrote_a_version(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    live(world)
    table = ["--table", TEMPLATE.table.name]
    ask_to_be_erased(world, "person-0")
    under_way(world)
    assert main([*table, "replay", "HIGH_LOW"]) == 2
    erasure.run(world.store, turn(LATER))
    assert main([*table, "replay", "HIGH_LOW", "--from-start"]) == 0
    assert main([*table, "versions", "HIGH_LOW"]) == 0
    explained = [main([*table, "explain", user, "1"]) for user in PEOPLE[2:]]
    said = capsys.readouterr().out
    assert explained == [0] * len(explained)
    assert "are being rewritten" in said
    assert "erasure: versions from 1 on, rewritten" in said


def test_a_table_that_is_away_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)

    def away(*_: Any) -> None:
        raise UnavailableError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hold, "advance", away)
        assert erasure.run(world.store, turn(LATER)) == 0
    assert erasure.run(world.store, turn(LATER + timedelta(minutes=1))) == len(GONE)
    assert_gone(world, sessions, GONE)
