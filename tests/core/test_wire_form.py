"""Items as DynamoDB holds them: they come back as they went, they stay small, and what is broken is refused."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from rl_core.learner.folding import fold
from rl_core.store.attributes import number, read_float

from rl_core.config import Learner, Settings
from rl_core.errors import PolicyUnreadableError, UnreadableItemError
from rl_core.models import (
    ACTIONS,
    Activity,
    ActivityStats,
    EndedBy,
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
)
from rl_core.sessions.catalogue import catalogue, crc
from rl_core.sessions.lifecycle import close
from rl_core.store.items import erasing_item, profile_item, read_profile, read_session, session_item
from rl_core.store.keys import PARKED, PROFILE_SK, session_sk
from rl_core.store.policies import policy_item, read_policy, read_record, record_item

DONE_AT = datetime(2026, 11, 24, 21, 59, 59, tzinfo=UTC)


def size(item: Mapping[str, Any]) -> int:
    """Bytes by DynamoDB's published rules: names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    if kind == "S":
        return len(held.encode())
    if kind == "N":
        digits = held.lower().partition("e")[0].replace(".", "").lstrip("-0")
        return (len(digits) + 1) // 2 + 1 + bool(held.startswith("-"))
    if kind == "B":
        return len(bytes(held))
    if kind == "L":
        return 3 + sum(1 + value_size(element) for element in held)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_size(element) for name, element in held.items())
    assert kind == "BOOL"
    return 1


def test_the_size_function_counts_as_dynamodb_documents() -> None:
    assert size({"pk": {"S": "é"}}) == 4
    assert size({"n": {"N": "-1.25"}}) == 1 + 4
    assert size({"l": {"L": [{"BOOL": True}, {"B": b"abc"}]}}) == 1 + 3 + 1 + 1 + 1 + 3
    assert size({"m": {"M": {"a": {"N": "5"}}}}) == 1 + 3 + 1 + 1 + 2


def answered(session: Session, slugs: list[str]) -> Session:
    """Shown on one day and answered on the next."""
    full = tuple(Activity(s, True, DONE_AT, DONE_AT.date(), 2, 4, 3, "Felt great") for s in slugs)
    return replace(session, activities=full, engagement=0.1 + 0.2, day=DONE_AT.date() - timedelta(days=1))


def largest(session: Session, profile: Profile, constants: Settings) -> Session:
    """Six activities answered in full, closed with a rating and notes, of a user with awkward scores."""
    slugs = sorted((e.slug for e in catalogue().entries), key=len)[-6:]
    segment = Segment.MODERATE_MODERATE
    full = answered(replace(session, segment=segment, number=12_345_678, revision=9), slugs)
    decision = replace(full.decision, eligible=ACTIONS[1:], propensity=0.818790408421629, epsilon=0.2265119894729638)
    rated = replace(full, decision=replace(decision, policy_version=123_456))
    closed, _ = close(rated, profile, constants, DONE_AT, EndedBy.COMPLETIONS, 4, "Good workout, tired now")
    return closed


# Round trips. The revision on the item is one more than was read.


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


def test_a_session_comes_back_as_it_went_in_every_status(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed = largest(session, profile, constants)
    learned = replace(closed, status=Status.LEARNED, learned_version=15, learned_episodes=17)
    unseen = replace(session, shown=False, status=Status.UNSEEN, closed_at=DONE_AT, ended_by=EndedBy.EXPIRY)
    fallback = replace(session, decision=replace(session.decision, fallback=True))
    for stored in (session, closed, learned, unseen, fallback, replace(closed, parked="too large")):
        assert read_session(session_item(stored)) == replace(stored, revision=stored.revision + 1)


@pytest.mark.parametrize("completed", [None, False, True])
def test_an_activity_not_answered_is_told_from_one_not_completed(session: Session, completed: bool | None) -> None:
    stored = replace(session, activities=(Activity("body-scan-10", completed=completed),))
    assert read_session(session_item(stored)).activities[0].completed is completed


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
    assert [read_float({"x": number(f)}, "x").hex() for f in floats] == [f.hex() for f in floats]


def test_a_float_has_no_more_digits_than_dynamodb_keeps() -> None:
    rng = Random(22)
    mantissas = [number(rng.uniform(-1, 1))["N"].partition("e")[0] for _ in range(5000)]
    assert max(len(m.lstrip("-0.").replace(".", "")) for m in mantissas) <= 38


def some_policy() -> tuple[Policy, list[Transition]]:
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
            results=tuple(Result(crc(s), n % 2 == 0, rng.choice((None, -4, 0, 4))) for s in rng.sample(slugs, 6)),
        )
        for n in range(400)
    ]
    policy = fold(Policy(Segment.LOW_HIGH), transitions, Learner())
    return replace(policy, version=400), transitions


def test_a_policy_comes_back_bit_for_bit() -> None:
    policy, _ = some_policy()
    assert read_policy(policy_item(policy)) == policy
    assert read_policy(policy_item(Policy(Segment.HIGH_LOW))) == Policy(Segment.HIGH_LOW)


def test_a_policy_folded_from_its_stored_form_equals_one_never_stored() -> None:
    policy, transitions = some_policy()
    again = fold(read_policy(policy_item(policy)), transitions[:50], Learner())
    assert again == fold(policy, transitions[:50], Learner())


def test_a_version_record_comes_back_with_its_constants_and_replays_to_the_same_bits() -> None:
    policy, transitions = some_policy()
    learner = Learner(pooling_visits=0.1 + 0.2, discount=0.95, value_window=7)
    record = VersionRecord(7, learner, tuple(transitions))
    read = read_record(record_item(policy.segment, record))
    assert read == record
    assert fold(Policy(Segment.LOW_HIGH), read.transitions, read.learner) == fold(
        Policy(Segment.LOW_HIGH), transitions, learner
    )


def test_the_marker_of_an_erasure_keeps_nothing_but_who_is_erased(profile: Profile) -> None:
    known = replace(profile, engagement=0.7, motivation=0.4, avoid=("floor",), streak=Streak(3, date(2026, 11, 23)))
    marker = read_profile(erasing_item(known, DONE_AT))
    bare = Profile(known.user, known.key, marker.segment, known.created_at)
    assert marker == replace(bare, revision=known.revision + 1, erasing=True)


# Keys and the index.


def test_the_profile_sorts_after_every_session_and_sessions_by_number() -> None:
    sort_keys = [session_sk(n) for n in (1, 9, 10, 99_999_999)]
    assert sorted([PROFILE_SK, *sort_keys[::-1]]) == [*sort_keys, PROFILE_SK]


def test_a_job_finds_a_session_where_it_waits_and_only_while_it_waits(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, _ = close(session, profile, constants, DONE_AT, EndedBy.BATCH)
    waiting, due = session_item(session), session_item(closed)
    assert waiting["due_shard"]["S"].startswith("open#")
    assert waiting["due_at"] == {"N": str(int(session.expires_at.timestamp()))}
    assert due["due_shard"]["S"].startswith("due#HIGH_LOW#")
    assert due["due_at"] == {"N": str(int(DONE_AT.timestamp()))}
    assert session_item(replace(closed, parked="too large"))["due_shard"] == {"S": PARKED}
    assert "due_shard" not in session_item(replace(closed, status=Status.LEARNED))


# Sizes: an item within 1 KB costs one write unit.


def test_a_session_answered_in_full_stays_within_one_write_unit(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed = largest(session, profile, constants)
    learned = replace(closed, status=Status.LEARNED, learned_version=123_457, learned_episodes=123_457)
    for stored in (replace(closed, status=Status.OPEN, closing=None, closed_at=None), closed, learned):
        assert size(session_item(stored)) <= 1024


def test_a_policy_with_47_activities_stays_within_two_write_units() -> None:
    policy, _ = some_policy()
    full = replace(policy, activities={n + 2**31: ActivityStats(9, 9, 9, -9) for n in range(47)})
    assert size(policy_item(full)) <= 2048


def test_a_version_record_of_a_full_learning_batch_fits_in_an_item() -> None:
    policy, transitions = some_policy()
    seven = [replace(t, results=(*t.results, t.results[0])) for t in transitions[:90]]
    assert size(record_item(policy.segment, VersionRecord(1, Learner(), tuple(seven)))) < 100_000


# What cannot be parsed is refused.


def broken_policies() -> dict[str, dict[str, Any]]:
    item = policy_item(some_policy()[0])
    without_counts = {k: v for k, v in item.items() if k != "counts"}
    return {
        "another format": item | {"format": {"N": "2"}},
        "no format": {k: v for k, v in item.items() if k != "format"},
        "values too short": item | {"values": {"B": item["values"]["B"][:-8]}},
        "values too long": item | {"values": {"B": item["values"]["B"] + bytes(8)}},
        "counts too short": item | {"counts": {"B": item["counts"]["B"][:-1]}},
        "no counts": without_counts,
        "activities cut off": item | {"activities": {"B": item["activities"]["B"][:-1]}},
        "values not binary": item | {"values": {"S": "0.5"}},
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
        {"status": {"S": "lost"}},
        {"segment": {"S": "NOWHERE"}},
        {"action": {"N": "6"}},
        {"eligible": {"S": "01x"}},
        {"propensity": {"S": "0.5"}},
        {"engagement": {"N": "much"}},
        {"activities": {"L": [{"M": {}}]}},
        {"activities": {"S": ""}},
        {"issued_at": {"N": "1e30"}},
        {"sk": {"S": "SESSION#one"}},
        {"key": {}},
    ],
)
def test_a_session_that_cannot_be_parsed_is_refused(session: Session, changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableItemError):
        read_session(session_item(session) | changes)


@pytest.mark.parametrize(
    "changes",
    [{"segment": {"S": ""}}, {"streak_last": {"S": "yesterday"}}, {"recent": {"S": "9"}}, {"avoid": {"S": "floor"}}],
)
def test_a_profile_that_cannot_be_parsed_is_refused(profile: Profile, changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableItemError):
        read_profile(profile_item(profile) | changes)


def test_a_version_record_that_cannot_be_parsed_is_refused() -> None:
    policy, transitions = some_policy()
    item = record_item(policy.segment, VersionRecord(1, Learner(), tuple(transitions[:1])))
    with pytest.raises(UnreadableItemError):
        read_record({k: v for k, v in item.items() if k != "learner"})
    item["transitions"]["L"][0]["M"]["results"]["B"] = bytes(5)
    with pytest.raises(UnreadableItemError):
        read_record(item)


def test_the_refusal_names_neither_the_whole_user_nor_the_value(session: Session) -> None:
    item = session_item(session) | {"engagement": {"N": "very private"}}
    with pytest.raises(UnreadableItemError) as refusal:
        read_session(item)
    assert session.user not in str(refusal.value)
    assert "private" not in str(refusal.value)


@pytest.mark.parametrize("row", [-1, 9, 77])
def test_a_state_that_the_table_has_no_row_for_is_refused(session: Session, row: int) -> None:
    with pytest.raises(UnreadableItemError):
        read_session(session_item(session) | {"state": {"N": str(row)}})


def test_a_score_that_decayed_to_next_to_nothing_stays_a_number_that_dynamodb_takes(profile: Profile) -> None:
    motivation = 0.5
    for _ in range(1400):
        motivation += 0.2 * (0.0 - motivation)
    written = float(profile_item(replace(profile, motivation=motivation))["motivation"]["N"])
    assert written == 0 or math.log10(abs(written)) >= -130
