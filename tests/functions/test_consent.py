"""Consent on the table: what a withdrawal drops, what is taken back, and what comes between."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from rl_core.config import settings
from rl_core.errors import ConflictError, ErasingError, ProfileRequiredError, WithdrawalError
from rl_core.models import Learning, Profile, Segment, Session, Status, Unlearning, Why
from rl_core.sessions import Wish, learning_of
from rl_core.store import Store, Unlearner, keys, policies, profile_write
from rl_core.work import (
    close_and_learn,
    close_expired,
    consent,
    learn_due,
    policy_at,
    state_consent,
)
from tests.acting import exclude, include
from tests.conftest import handler_of
from tests.functions.conftest import NOW, SEGMENT, Meanwhile, World, turn
from tests.functions.test_erasure import ask_to_be_erased, dump, erasure, folded_without
from tests.functions.test_learning_job import spoil, spoil_policy

learn, api = handler_of("learn"), handler_of("consent")
LATER = NOW + timedelta(minutes=1)
NO, YES = Wish("v1", learn=False), Wish("v1", learn=True)
BACK = Wish("v1", learn=False, unlearn=True)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot every four versions; every session of a day may teach."""
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 4)


@pytest.fixture
def freely(setting: Callable[[str, str], None]) -> None:
    setting("LEARNED_PER_DAY", "1000")
    setting("SESSIONS_PER_DAY", "1000")


def say(world: World, user: str, wish: Wish, at: datetime = NOW) -> Profile:
    return state_consent(world.store, user, wish, settings(), at)


def queue_up(world: World, user: str, count: int, at: datetime = NOW) -> None:
    """Closes so many further sessions of a user that are not learned from yet, as while the policy cannot be read."""
    for _ in range(count):
        world.issue(user, at=at)
        head = world.store.head(user)
        assert head.profile is not None
        session = head.sessions[0]
        late = session.expires_at
        found = next(d for page in world.store.expiring(late, 90, range(16)) for d in page if d.user == user)
        assert close_expired(world.store, found, settings(), late) is not None


def waiting(world: World, user: str) -> list[int]:
    head = world.store.head(user)
    assert head.profile is not None
    every = [world.store.session(user, n) for n in range(1, head.profile.sessions + 1)]
    return [s.number for s in every if s and learning_of(s) is Learning.QUEUED]


def other_client(world: World, client: Any) -> Store:
    """The world's store by another client."""
    return Store(world.store.name, client)


def places(store: Store) -> list[str]:
    """What waits in the index to be learned from or was set aside."""
    due = [
        d.sk
        for segment in Segment
        for page in store.due(segment, NOW + timedelta(days=999), 90, range(16))
        for d in page
    ]
    return due + [d.sk for d in store.parked()]


def run_learner(world: World) -> Counter[str]:
    report: Counter[str] = learn.run(world.store, NOW + timedelta(days=900, minutes=1), lambda: 60_000)
    return report


def test_before_a_profile_there_is_nothing_to_consent_to(world: World) -> None:
    with pytest.raises(ProfileRequiredError):
        say(world, "ana", NO)
    world.issue("ana")
    ask_to_be_erased(world, "ana")
    with pytest.raises(ErasingError):
        say(world, "ana", NO)


def test_the_history_shows_what_was_said_anew_also_within_one_second(world: World) -> None:
    world.issue("ana")
    say(world, "ana", NO)
    profile = say(world, "ana", Wish("v1", unlearn=True))
    assert [(its.learn, its.unlearn) for its in api._response(profile, NOW).history] == [(None, True), (False, False)]


@pytest.mark.usefixtures("freely")
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_withdrawal_drops_what_waits_and_the_learner_never_learns_it(world: World, count: int) -> None:
    queue_up(world, "ana", count)
    assert waiting(world, "ana") == list(range(1, count + 1))
    profile = say(world, "ana", NO)
    assert (profile.learn, profile.queued_from) == (False, 0)
    assert (waiting(world, "ana"), places(world.store)) == ([], [])
    assert {world.session("ana", n).why for n in range(1, count + 1)} == {Why.CONSENT}
    assert run_learner(world)["learned"] == 0
    assert world.store.policy(SEGMENT).version == 0


@pytest.mark.usefixtures("freely")
def test_what_was_learned_before_stays_learned_and_what_is_open_closes_without(world: World) -> None:
    first = world.due("ana")
    learn_due(world.store, [first], settings(), Counter())
    world.issue("ana", at=NOW)
    say(world, "ana", NO)
    queue_up(world, "ana", 0)
    due = next(d for page in world.store.expiring(NOW + timedelta(days=3), 90, range(16)) for d in page)
    closed = close_expired(world.store, due, settings(), NOW + timedelta(days=3))
    assert closed is not None
    assert (closed.why, world.session("ana").status) == (Why.CONSENT, Status.LEARNED)


@pytest.mark.usefixtures("freely")
def test_a_session_that_cannot_be_read_and_one_set_aside_are_dropped_too(world: World) -> None:
    queue_up(world, "ana", 3)
    spoil("USER#ana", "SESSION#00000001", eligible={"S": "no digits"})
    due = [d for page in world.store.due(SEGMENT, NOW + timedelta(days=99), 90, range(16)) for d in page]
    world.store.park(due[1], "a reason")
    spoil("USER#ana", "SESSION#00000003", revision=None)
    say(world, "ana", NO)
    assert places(world.store) == []
    items = [world.store.get("USER#ana", f"SESSION#0000000{n}") for n in (1, 2, 3)]
    assert [item and item["why"] for item in items] == [{"S": "consent"}] * 3
    assert [sorted({"parked", "due_at", "due_shard"} & set(item or ())) for item in items] == [[], [], []]


def test_a_session_that_was_set_aside_while_it_was_open_stays_open(world: World) -> None:
    expires = world.issue("ana").expires_at
    (due,) = [d for page in world.store.expiring(expires, 90, range(16)) for d in page]
    world.store.park(due, "a reason")
    say(world, "ana", NO)
    assert world.session("ana").status is Status.OPEN
    world.store.unpark(next(world.store.parked()), 1)
    closed = close_expired(world.store, due, settings(), expires)
    assert closed is not None
    assert closed.why is Why.CONSENT


@pytest.mark.usefixtures("freely")
@pytest.mark.parametrize("drops", [2, 3, 7])
def test_more_sessions_than_one_transaction_takes_are_dropped_in_several(
    world: World, monkeypatch: pytest.MonkeyPatch, drops: int
) -> None:
    monkeypatch.setattr(consent, "_DROPS", drops)
    queue_up(world, "ana", 7)
    say(world, "ana", NO)
    assert (waiting(world, "ana"), places(world.store)) == ([], [])


@pytest.mark.usefixtures("freely")
def test_a_withdrawal_that_would_read_too_much_keeps_what_it_did_and_a_repeat_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent, "_READS", 18)  # for two sessions, however large they may be
    queue_up(world, "ana", 7)
    seen, told = list[list[int]](), list[Any]()
    for _ in range(9):
        try:
            say(world, "ana", NO)
        except WithdrawalError as error:
            seen.append(waiting(world, "ana"))
            told.append((error.headers, world.store.statements("ana", 1)))
        else:
            break
    assert told == [({"Retry-After": "1"}, [])] * len(seen)  # the statement comes with the last of them
    assert len(seen) > 1
    assert all(len(later) < len(earlier) for earlier, later in pairwise(seen))
    assert (waiting(world, "ana"), places(world.store)) == ([], [])
    stated = world.store.profile("ana")
    assert stated is not None
    assert (stated.learn, stated.queued_from, stated.statements) == (False, 0, 1)


@pytest.mark.usefixtures("freely")
def test_of_a_withdrawal_and_a_learner_one_wins(world: World) -> None:
    queue_up(world, "ana", 1)
    session = world.session("ana")
    store = other_client(world, Meanwhile(world.store.client, "transact_write_items", lambda: say(world, "ana", NO)))
    report = Counter[str]()
    learn_due(store, [session], settings(), report)
    assert (report["learned"], report["dropped"]) == (0, 1)
    assert world.session("ana").why is Why.CONSENT
    assert world.store.policy(SEGMENT).version == 0


@pytest.mark.usefixtures("freely")
def test_of_a_learner_and_a_withdrawal_one_wins(world: World) -> None:
    queue_up(world, "ana", 1)
    session = world.session("ana")

    def learns() -> None:
        learn_due(world.store, [session], settings(), Counter())

    store = other_client(world, Meanwhile(world.store.client, "transact_write_items", learns))
    with pytest.raises(ConflictError):
        state_consent(store, "ana", NO, settings(), NOW)
    assert say(world, "ana", NO).learn is False
    assert world.session("ana").status is Status.LEARNED


@pytest.mark.usefixtures("freely")
def test_a_closing_that_a_withdrawal_came_before_is_not_written(world: World) -> None:
    world.issue("ana")
    closed = world.closed("ana")
    store = other_client(world, Meanwhile(world.store.client, "transact_write_items", lambda: say(world, "ana", NO)))
    with pytest.raises(ConflictError):
        close_and_learn(store, closed.session, closed.profile, settings())
    assert world.session("ana").status is Status.OPEN
    assert world.closed("ana").session.why is Why.CONSENT


def test_a_session_that_the_release_before_queued_is_dropped_as_well(world: World) -> None:
    queue_up(world, "ana", 2)
    profile = world.store.profile("ana")
    assert profile is not None
    world.store.write(profile_write(replace(profile, queued_from=0)))
    say(world, "ana", NO)
    assert waiting(world, "ana") == []


def test_a_profile_of_an_earlier_form_is_looked_through_from_its_first_session(world: World) -> None:
    queue_up(world, "ana", 4)
    spoil("USER#ana", "~PROFILE", form={"N": "4"}, queued=None)
    profile = world.store.profile("ana")
    assert (profile and profile.queued_from) == 1
    say(world, "ana", NO)
    assert waiting(world, "ana") == []


def test_a_closing_that_is_learned_at_once_leaves_nothing_to_look_for(world: World) -> None:
    assert world.end("ana", world.store).session.status is Status.LEARNED
    profile = world.store.profile("ana")
    assert (profile and profile.queued_from) == 0
    world.issue("ben")
    closed = world.closed("ben")
    spoil_policy()
    late = close_and_learn(world.store, closed.session, closed.profile, settings())
    assert learning_of(late.session) is Learning.QUEUED
    queued = world.store.profile("ben")
    assert (queued and queued.queued_from) == 1


# Unlearning.

PEOPLE = [f"person-{n}" for n in range(11)]
GONE = ["person-1", "person-4", "person-9"]


def live(world: World) -> dict[str, Session]:
    """Two people learned from in each version; their sessions as they were closed."""
    sessions: dict[str, Session] = {}
    for pair in (PEOPLE[n : n + 2] for n in range(0, len(PEOPLE), 2)):
        due = {user: world.due(user) for user in pair}
        learn_due(world.store, list(due.values()), settings(), Counter())
        sessions |= due
    return sessions


def assert_unlearned(world: World, sessions: dict[str, Session], gone: list[str]) -> None:
    policy = world.store.policy(SEGMENT)
    assert policy == replace(folded_without(world, sessions, gone), version=policy.version)
    for user in gone:
        session, profile = world.session(user), world.store.profile(user)
        assert (session.status, session.why, session.learned_version) == (Status.CLOSED, Why.CONSENT, None)
        assert learning_of(session) is Learning.NONE
        assert profile is not None
        assert profile.unlearning is Unlearning.DONE
        assert not [t for r in world.store.records(SEGMENT) for t in r.transitions if t.key == sessions[user].key]
        assert world.store.request(user) is None
    assert [i for i in dump() if i["sk"]["S"] in ("REFOLD", keys.REQUEST_SK)] == []


def test_what_was_learned_is_taken_back_as_if_it_had_never_been(world: World) -> None:
    sessions = live(world)
    for user in GONE:
        assert say(world, user, BACK).unlearning is Unlearning.PENDING
    assert erasure.run(world.store, turn(LATER)) == len(GONE)
    assert_unlearned(world, sessions, GONE)
    assert {world.session(u).status for u in PEOPLE if u not in GONE} == {Status.LEARNED}
    assert erasure.run(world.store, turn(LATER)) == 0


def test_who_taught_nothing_is_done_with_at_once(world: World) -> None:
    world.issue("ana")
    say(world, "ana", BACK)
    assert erasure.run(world.store, turn(LATER)) == 1
    profile = world.store.profile("ana")
    assert (profile and profile.unlearning) == Unlearning.DONE
    assert world.store.policy(SEGMENT).version == 0


@pytest.mark.usefixtures("freely")
def test_what_is_learned_after_a_new_grant_stays(world: World) -> None:
    sessions = live(world)
    say(world, "person-1", BACK)
    say(world, "person-1", YES, LATER)
    queue_up(world, "person-1", 1)
    new = world.session("person-1", 2)
    learn_due(world.store, [new], settings(), Counter())
    assert erasure.run(world.store, turn(LATER)) == 1
    kept = [t.key for r in world.store.records(SEGMENT) for t in r.transitions]
    assert new.key in kept
    assert sessions["person-1"].key not in kept
    assert (world.session("person-1", 2).status, world.session("person-1").why) == (Status.LEARNED, Why.CONSENT)
    assert world.store.policy(SEGMENT).episodes == len(PEOPLE)


def test_an_exclusion_stands(world: World) -> None:
    live(world)
    person = world.session("person-1").person
    assert exclude(world.store, SEGMENT, person, "lies", turn(NOW))
    say(world, "person-1", BACK)
    assert erasure.run(world.store, turn(LATER)) == 1
    assert world.store.policy(SEGMENT).excluded == (person,)
    assert not [t for r in world.store.records(SEGMENT) for t in r.transitions if t.key[:8] == person]


@pytest.mark.usefixtures("freely")
def test_a_session_of_somebody_excluded_who_wants_no_personal_plan_closes_excluded(world: World) -> None:
    live(world)
    person = world.session("person-1").person
    assert exclude(world.store, SEGMENT, person, "lies", turn(NOW))
    weight = say(world, "person-1", Wish("v1", personalise=False)).facts
    assert world.end("person-1", world.store).session.why is Why.EXCLUDED
    profile = world.store.profile("person-1")
    assert (profile and profile.facts) == weight


def test_an_exclusion_can_be_taken_back_after_what_it_left_out_was_unlearned(world: World) -> None:
    sessions = live(world)
    person = world.session("person-1").person
    assert exclude(world.store, SEGMENT, person, "lies", turn(NOW))
    say(world, "person-1", BACK)
    assert erasure.run(world.store, turn(LATER)) == 1
    assert include(world.store, SEGMENT, person, "no lies", turn(LATER))
    policy = world.store.policy(SEGMENT)
    assert policy == replace(folded_without(world, sessions, ["person-1"]), version=policy.version)
    assert policy_at(world.store, SEGMENT, policy.version, from_start=True) == policy


def test_an_erasure_after_an_unlearning_takes_the_person_off_the_list_of_excluded(world: World) -> None:
    live(world)
    person = world.session("person-1").person
    assert exclude(world.store, SEGMENT, person, "lies", turn(NOW))
    say(world, "person-1", BACK)
    assert erasure.run(world.store, turn(LATER)) == 1
    ask_to_be_erased(world, "person-1")
    assert erasure.run(world.store, turn(LATER + timedelta(days=9))) == 1
    assert world.store.policy(SEGMENT).excluded == ()


@pytest.mark.usefixtures("freely")
def test_an_erasure_takes_it_over(world: World) -> None:
    sessions = live(world)
    say(world, "person-1", BACK)
    say(world, "person-1", YES, LATER)
    queue_up(world, "person-1", 1)
    learn_due(world.store, [world.session("person-1", 2)], settings(), Counter())
    ask_to_be_erased(world, "person-1")
    assert erasure.run(world.store, turn(LATER + timedelta(days=9))) == 1
    assert "'USER#person-1'" not in repr(dump())
    policy = world.store.policy(SEGMENT)
    assert policy == replace(folded_without(world, sessions, ["person-1"]), version=policy.version)


def test_an_erasure_that_comes_while_the_past_is_folded_for_less_waits_for_the_next_fold(world: World) -> None:
    sessions = live(world)
    say(world, "person-1", BACK)
    assert erasure.run(world.store, turn(LATER, seconds=2.001)) == 0  # time for hardly a step
    ask_to_be_erased(world, "person-1")
    later = LATER + timedelta(minutes=20)
    while erasure.run(world.store, turn(later)) == 0 and later < LATER + timedelta(hours=2):
        later += timedelta(minutes=1)
    assert "'USER#person-1'" not in repr(dump())
    policy = world.store.policy(SEGMENT)
    assert policy == replace(folded_without(world, sessions, ["person-1"]), version=policy.version)


class CutOffError(Exception):
    """The function's process ended."""


class Mortal:
    """A client whose process ends before, or right after, its n-th call."""

    def __init__(self, client: Any, calls: int, *, after: bool) -> None:
        self._client, self._left, self._after = client, calls, after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name == "meta":
            return call

        def mortal(**arguments: Any) -> Any:
            self._left -= 1
            if self._left < 0 or (self._left == 0 and not self._after):
                raise CutOffError
            answer = call(**arguments)
            if self._left == 0:
                raise CutOffError
            return answer

        return mortal


def runs(world: World, after: bool) -> Iterator[bool]:
    """Runs of the job that are each cut off one call later than the one before, until one ends."""
    for calls in range(1, 200):
        at = LATER + timedelta(hours=calls)
        try:
            erasure.run(other_client(world, Mortal(world.store.client, calls, after=after)), turn(at))
        except CutOffError:
            yield False
        else:
            yield True
            return


@pytest.mark.parametrize("after", [False, True])
def test_runs_that_are_cut_off_at_every_call_come_to_the_same(world: World, after: bool) -> None:
    sessions = live(world)
    for user in GONE[:2]:
        say(world, user, BACK)
    assert list(runs(world, after))[-1]
    for hour in range(300, 304):
        erasure.run(world.store, turn(LATER + timedelta(hours=hour)))
    assert_unlearned(world, sessions, GONE[:2])


def test_who_cannot_be_unlearned_now_is_tried_again(world: World) -> None:
    live(world)
    say(world, "person-1", BACK)
    spoil_policy()
    assert erasure.run(world.store, turn(LATER)) == 0
    request = world.store.request("person-1")
    assert request is not None
    assert (request.failures, request.due_at > LATER) == (1, True)


def test_a_later_request_is_not_ended_by_a_run_that_read_the_earlier_one(world: World) -> None:
    live(world)
    say(world, "person-1", BACK)
    (due,) = [d for page in world.store.erasing(LATER, 90, range(16)) for d in page]
    found, broken = Unlearner.among(world.store, [due])
    assert broken == []
    early = found[due].prepare(LATER)
    world.issue("person-1", at=LATER)
    again = say(world, "person-1", BACK, LATER)
    assert again.unlearned == 2
    with pytest.raises(ConflictError):
        early.remove(LATER, 1)
    assert erasure.run(world.store, turn(LATER)) == 1
