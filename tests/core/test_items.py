"""Items as DynamoDB holds them: their numbers, their keys, what folds from them, and that what is broken is refused."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest

from rl_core import learner
from rl_core.config import LearnerSettings
from rl_core.errors import PolicyUnreadableError, UnreadableItemError
from rl_core.learner import fold_of
from rl_core.models import (
    ACTIONS,
    Activity,
    EndedBy,
    Marker,
    Policy,
    Profile,
    Result,
    Segment,
    Session,
    State,
    Status,
    Streak,
    Transition,
    VersionRecord,
    entry_code,
)
from rl_core.sessions import catalogue
from rl_core.store.fields import FLOAT, number
from rl_core.store.items import marker_item, profile_item, read_profile, read_session, session_item
from rl_core.store.keys import PARKED, PROFILE_SK, session_sk
from rl_core.store.policies import policy_item, read_policy, read_record, record_item

NOW = datetime(2026, 11, 24, 21, 59, 59, tzinfo=UTC)
AVERAGES, FILTER = (LearnerSettings(exploration="epsilon"), LearnerSettings(exploration="posterior"))


# Round trips; test_forms.py has any values. The revision on the item is one more than was read.


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"engagement": 0.1 + 0.2, "motivation": -1 / 3, "timezone": "Pacific/Kiritimati"},
        {"avoid": ("floor", "breath_hold"), "recent": ACTIONS[1:], "sessions": 99_999_999},
        {"streak": Streak(366, date(2026, 2, 28)), "revision": 12, "recent": ()},
        {"user": "auth0|ana#~é"},
    ],
)
def test_a_profile_comes_back_as_it_went(profile: Profile, changes: dict[str, Any]) -> None:
    stored = replace(profile, **changes)
    assert read_profile(profile_item(stored)) == replace(stored, revision=stored.revision + 1)


def test_a_session_comes_back_as_it_went_in_every_status(session: Session, closed: Session) -> None:
    learned = replace(closed, status=Status.LEARNED, learned_version=15, learned_episodes=17)
    unseen = replace(session, shown=False, status=Status.UNSEEN, closed_at=NOW, ended_by=EndedBy.EXPIRY)
    fallback = replace(session, decision=replace(session.decision, fallback=True))
    for stored in (session, closed, learned, unseen, fallback, replace(closed, parked="too large")):
        assert read_session(session_item(stored, 1)) == replace(stored, revision=stored.revision + 1)


@pytest.mark.parametrize("completed", [None, False, True])
def test_an_activity_not_answered_is_told_from_one_not_completed(session: Session, completed: bool | None) -> None:
    stored = replace(session, activities=(Activity("body-scan-10", completed=completed),))
    assert read_session(session_item(stored, 1)).activities[0].completed is completed


def test_floats_come_back_bit_for_bit() -> None:
    rng = Random(21)
    floats = [
        0.1 + 0.2,
        1 / 3,
        -1e-17,
        5e-9,
        1.0,
        0.0,
        *(rng.uniform(-1, 1) * 10 ** rng.randrange(-20, 3) for _ in range(5000)),
    ]
    assert [FLOAT.read(FLOAT.write(f)).hex() for f in floats] == [f.hex() for f in floats]


def test_a_float_has_no_more_digits_than_dynamodb_keeps() -> None:
    rng = Random(22)
    mantissas = [number(rng.uniform(-1, 1))["N"].partition("e")[0] for _ in range(5000)]
    assert max(len(m.lstrip("-0.").replace(".", "")) for m in mantissas) <= 38


def test_a_score_that_decayed_to_next_to_nothing_stays_a_number_that_dynamodb_takes(profile: Profile) -> None:
    motivation = 0.5
    for _ in range(1400):
        motivation += 0.2 * (0.0 - motivation)
    written = float(profile_item(replace(profile, motivation=motivation))["motivation"]["N"])
    assert written == 0 or math.log10(abs(written)) >= -130


def test_the_marker_of_an_erasure_keeps_nothing_but_who_is_erased(profile: Profile) -> None:
    marker = Marker(profile.user, profile.key, profile.created_at, NOW, profile.revision)
    item = marker_item(marker, 1)
    assert read_profile(item) == replace(marker, revision=profile.revision + 1)
    own = {"key", "created_at", "erasing", "due_shard", "due_at"}
    assert item.keys() == {"pk", "sk", "revision", "form"} | own
    assert (item["pk"], item["sk"]) == (profile_item(profile)["pk"], profile_item(profile)["sk"])
    assert item["due_shard"]["S"].startswith("erasing#")


# What was learned.


def some_policy(constants: LearnerSettings = FILTER) -> tuple[Policy, list[Transition]]:
    rng = Random(23)
    slugs = [e.slug for e in catalogue().by_segment[Segment.LOW_HIGH]]
    transitions = [
        Transition(
            key=bytes([n % 256]) * 16,
            state=State.from_row(rng.randrange(9)),
            action=rng.choice(ACTIONS),
            reward=rng.uniform(-0.4, 0.9),
            next_state=State.from_row(rng.randrange(9)),
            barred=tuple(rng.sample(ACTIONS, n % 6)),
            results=tuple(
                Result(entry_code(s), n % 2 == 0, rng.choice((None, -4, 0, 4)) if n % 2 == 0 else None)
                for s in rng.sample(slugs, 6)
            ),
        )
        for n in range(400)
    ]
    policy = learner.fold(Policy(Segment.LOW_HIGH), transitions, fold_of(constants))
    return replace(policy, version=400), transitions


@pytest.mark.parametrize("constants", [AVERAGES, FILTER])
def test_a_policy_comes_back_bit_for_bit(constants: LearnerSettings) -> None:
    policy, _ = some_policy(constants)
    assert read_policy(policy_item(policy)) == policy
    assert read_policy(policy_item(Policy(Segment.HIGH_LOW))) == Policy(Segment.HIGH_LOW)


@pytest.mark.parametrize("constants", [AVERAGES, FILTER])
def test_a_policy_folded_from_its_stored_form_equals_one_never_stored(constants: LearnerSettings) -> None:
    policy, transitions = some_policy(constants)
    again = learner.fold(read_policy(policy_item(policy)), transitions[:50], fold_of(constants))
    assert again == learner.fold(policy, transitions[:50], fold_of(constants))


def test_a_version_record_comes_back_with_its_constants_and_replays_to_the_same_bits() -> None:
    policy, transitions = some_policy()
    how = fold_of(LearnerSettings(pooling_visits=0.1 + 0.2, discount=0.95, value_window=7))
    record = VersionRecord(7, how, tuple(transitions), adopted="epsilon/1")
    read, empty = read_record(record_item(policy.segment, record)), Policy(Segment.LOW_HIGH)
    assert read == record
    assert learner.fold(empty, read.transitions, read.fold) == learner.fold(empty, transitions, how)


# Keys and the index.


def test_the_profile_sorts_after_every_session_and_sessions_by_number() -> None:
    sort_keys = [session_sk(n) for n in (1, 9, 10, 99_999_999)]
    assert sorted([PROFILE_SK, *sort_keys[::-1]]) == [*sort_keys, PROFILE_SK]


def test_a_job_finds_a_session_where_it_waits_and_only_while_it_waits(session: Session, closed: Session) -> None:
    waiting, due = session_item(session, 1), session_item(replace(closed, closed_at=NOW), 1)
    assert waiting["due_shard"]["S"].startswith("open#")
    assert waiting["due_at"] == {"N": str(int(session.expires_at.timestamp()))}
    assert due["due_shard"]["S"].startswith("due#HIGH_LOW#")
    assert due["due_at"] == {"N": str(int(NOW.timestamp()))}
    assert session_item(replace(closed, parked="too large"), 1)["due_shard"] == {"S": PARKED}
    assert not {"due_shard", "due_at"} & session_item(replace(closed, status=Status.LEARNED), 1).keys()


# What cannot be parsed is refused.


def broken_policies() -> dict[str, dict[str, Any]]:
    item = policy_item(some_policy()[0])
    return {
        "another form of the learner": item | {"learner": {"S": "posterior/1"}},
        "another learner's table": item | {"learner": {"S": "epsilon/1"}},
        "no learner": {k: v for k, v in item.items() if k != "learner"},
        "no form": {k: v for k, v in item.items() if k != "form"},
        "no version": {k: v for k, v in item.items() if k != "version"},
        "no table": {k: v for k, v in item.items() if k != "table"},
        "table too short": item | {"table": {"B": item["table"]["B"][:-8]}},
        "table too long": item | {"table": {"B": item["table"]["B"] + bytes(8)}},
        "table cut off within its floats": item | {"table": {"B": item["table"]["B"][:99]}},
        "table not binary": item | {"table": {"S": "0.5"}},
        "activities cut off": item | {"activities": {"B": item["activities"]["B"][:-1]}},
        "an unknown segment": item | {"pk": {"S": "SEGMENT#NOWHERE"}},
        "a version that is no number": item | {"version": {"N": "one"}},
    }


@pytest.mark.parametrize("how", broken_policies())
def test_a_policy_that_is_not_as_written_is_refused(how: str) -> None:
    with pytest.raises(PolicyUnreadableError):
        read_policy(broken_policies()[how])


@pytest.mark.parametrize(
    "changes",
    [
        {"status": {"N": "1"}},
        {"segment": {"S": "NOWHERE"}},
        {"action": {"N": "10"}},
        {"eligible": {"S": "01x"}},
        {"chances": {"S": "0.5"}},
        {"chances": {"B": bytes(9)}},
        {"engagement": {"N": "much"}},
        {"activities": {"L": [{"M": {}}]}},
        {"activities": {"S": ""}},
        {"issued_at": {"N": "1e30"}},
        {"sk": {"S": "SESSION#one"}},
        {"key": {}},
        {"form": {}},
        {"reward": {"N": "0.5"}},
    ],
)
def test_a_session_that_cannot_be_parsed_is_refused(session: Session, changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableItemError):
        read_session(session_item(session, 1) | changes)


@pytest.mark.parametrize("lost", ["key", "status", "chances", "engagement", "revision", "form", "activities"])
def test_a_session_without_an_attribute_that_is_always_there_is_refused(session: Session, lost: str) -> None:
    with pytest.raises(UnreadableItemError):
        read_session({name: value for name, value in session_item(session, 1).items() if name != lost})


@pytest.mark.parametrize(
    "changes",
    [{"segment": {"S": ""}}, {"streak_last": {"S": "yesterday"}}, {"recent": {"S": "x"}}, {"avoid": {"L": []}}],
)
def test_a_profile_that_cannot_be_parsed_is_refused(profile: Profile, changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableItemError):
        read_profile(profile_item(profile) | changes)


def test_a_version_record_that_cannot_be_parsed_is_refused() -> None:
    policy, transitions = some_policy()
    item = record_item(policy.segment, VersionRecord(1, fold_of(FILTER), tuple(transitions[:1])))
    with pytest.raises(UnreadableItemError):
        read_record({k: v for k, v in item.items() if k != "fold"})
    item["transitions"]["L"][0]["M"]["results"]["B"] = bytes(5)
    with pytest.raises(UnreadableItemError):
        read_record(item)


def test_the_refusal_names_neither_the_whole_user_nor_the_value(session: Session) -> None:
    item = session_item(session, 1) | {"engagement": {"N": "very private"}}
    with pytest.raises(UnreadableItemError) as refusal:
        read_session(item)
    assert session.user not in str(refusal.value)
    assert "private" not in str(refusal.value)


@pytest.mark.parametrize("row", [-1, 9, 77])
def test_a_state_that_the_table_has_no_row_for_is_refused(session: Session, row: int) -> None:
    with pytest.raises(UnreadableItemError):
        read_session(session_item(session, 1) | {"state": {"N": str(row)}})
