"""The fault injection itself: a slice of it holds, and it sees a store that is broken on purpose."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lab.proofs.faults.bench import Bench, Item, bench
from lab.proofs.faults.calls import Scenario
from lab.proofs.faults.client import Kind
from lab.proofs.faults.outcome import broken, differences, outcome
from lab.proofs.faults.scenarios import SCENARIOS
from lab.proofs.faults.trial import Trial
from local.data_plane import chosen


def scenario(name: str) -> Scenario:
    return next(s for s in SCENARIOS if s.name == name)


@pytest.fixture(scope="module")
def own() -> Iterator[Bench]:
    with bench() as made:
        yield made


def found(bench_: Bench, name: str, *kinds: Kind) -> list[str]:
    return [str(r) for r in Trial(bench_, scenario(name)).run(kinds) if r.violations]


def test_the_last_completion_survives_lost_answers_kills_and_conflicts(own: Bench) -> None:
    assert found(own, "last completion", Kind.AFTER, Kind.CONFLICT, Kind.KILL_AFTER) == []


def test_a_recommendation_may_fall_back_but_is_issued_once(own: Bench) -> None:
    assert found(own, "recommend", Kind.BEFORE, Kind.KILL_BEFORE) == []


def test_a_withdrawal_survives_lost_answers_kills_and_conflicts(own: Bench) -> None:
    name = "withdrawal, more wait than a transaction takes"
    assert found(own, name, Kind.AFTER, Kind.CONFLICT, Kind.KILL_AFTER) == []


@pytest.mark.parametrize(
    "name", ["rollback by an operator", "unlearning by an operator", "erasure of who was excluded"]
)
def test_what_operators_do_survives_lost_answers_kills_and_conflicts(own: Bench, name: str) -> None:
    assert found(own, name, Kind.AFTER, Kind.CONFLICT, Kind.KILL_AFTER) == []


@pytest.mark.skipif(chosen() == "dynoxide", reason="Dynoxide has no point-in-time recovery")
def test_a_restored_table_is_seen_to_and_on_record_although_the_command_is_killed(own: Bench) -> None:
    trial = Trial(own, scenario("a restored table, seen to by an operator"))
    killed = [*trial.run([Kind.KILL_BEFORE], step=9), *trial.run([Kind.KILL_BEFORE], first=-1)]
    assert (len(killed) > 5, "put_item AUDIT" in killed[-1].call) == (True, True)
    assert [str(report) for report in killed if report.violations] == []


def test_an_act_without_its_action_is_found(own: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rl_core.work.versions.publish_writes", lambda *_: [])
    with pytest.raises(RuntimeError, match="leaves without a fault"):
        Trial(own, scenario("rollback by an operator"))


def test_an_expiry_under_a_pause_and_a_dropout_put_off_survive_kills_and_conflicts(own: Bench) -> None:
    for name in ("expiry under a pause", "dropout put off"):
        assert found(own, name, Kind.AFTER, Kind.CONFLICT, Kind.KILL_AFTER) == []


@pytest.mark.parametrize("name", ["first profile by scores", "scores of a later day", "scores, a plan between"])
def test_scores_survive_every_fault(own: Bench, name: str) -> None:
    assert found(own, name, *Kind) == []


def test_an_assessment_that_the_profile_does_not_know_is_found(own: Bench) -> None:
    Trial(own, scenario("scores of a later day"))
    items = own.items()
    left = [item for item in items if item["sk"]["S"] != "ASSESSMENT#2026-11-23"]
    assert len(left) < len(items)
    assert (broken(items), broken(left)) == ([], ["assessments of USER#ana"])


@pytest.mark.parametrize(
    ("name", "sessions"),
    [
        ("withdrawal, more wait than a transaction takes", "learned consent consent consent consent consent open"),
        ("withdrawal, the learner between", "learned learned"),
        ("learn job, a withdrawal between", "learned consent open"),
        ("batch, a withdrawal between", "consent"),
        ("withdrawal, an unpark between", "learned consent open"),
        ("expiry after a withdrawal", "learned consent"),
        ("unlearning of somebody who returned", "consent consent consent learned"),
        ("erasure after an unlearning was cut off", ""),
        ("expiry under a pause", "paused"),
        ("expiry of a prefetched session under a pause", "paused"),
        ("expiry of an answered session under a pause", "learned"),
        ("expiry, the pause ends before", "learned"),
        ("recommend, the job closes it before", "paused open"),
    ],
)
def test_without_a_fault_sessions_come_to_what_consent_and_pauses_promise(own: Bench, name: str, sessions: str) -> None:
    Trial(own, scenario(name))
    items = sorted(((i["sk"]["S"], i) for i in own.items() if i["pk"]["S"] == "USER#ana"), key=lambda each: each[0])
    its = [item for sk, item in items if sk.startswith("SESSION#")]
    assert " ".join(item.get("why", item["status"])["S"] for item in its) == sessions


def test_every_scenario_names_a_different_operation() -> None:
    assert len({s.name for s in SCENARIOS}) == len(SCENARIOS)


def test_learning_twice_is_found(own: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    train = sys.modules["complete_handler"].close_and_learn.__globals__
    for write in ("session_write", "profile_write"):
        monkeypatch.setitem(train, write, unconditional(train[write]))
    violations = found(own, "last completion", Kind.AFTER)
    assert len(violations) == 1
    assert "a session is recorded twice" in violations[0]


def test_a_snapshot_that_its_records_do_not_give_is_found(own: Bench) -> None:
    Trial(own, scenario("erasure job"))
    items = own.items()
    spoilt = [i | {"episodes": {"N": "9"}} if i["sk"]["S"].startswith("SNAPSHOT#") else i for i in items]
    assert (broken(items), len(broken(spoilt))) == ([], 1)
    assert "SNAPSHOT#" in broken(spoilt)[0]


def test_a_lost_feedback_is_found(own: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    store = own.client.client
    monkeypatch.setattr(store, "query", forgetful(store.query))
    with pytest.raises(RuntimeError, match="leaves without a fault"):
        Trial(own, scenario("learn job"))


def unconditional(write: Any) -> Any:
    """The write with a condition that any stored item meets."""

    def written(item: Any, *shards: int) -> Any:
        return replace(write(item, *shards), condition="attribute_exists(pk)", values=None, names=None)

    return written


def forgetful(query: Any) -> Any:
    """An index in which nothing is ever due."""

    def answer(**arguments: Any) -> Any:
        due = str(arguments["ExpressionAttributeValues"].get(":partition", {}).get("S", "")).startswith("due#")
        return {"Items": []} if due else query(**arguments)

    return answer


def test_differences_name_items_and_fields() -> None:
    before = {"a": {"x": 1}, "b": ["1"], "c": {}}
    after = {"a": {"x": 2}, "b": ["1", "1"], "d": {}}
    assert differences(before, after) == [
        "a.x: 2 instead of 1",
        "b: ['1', '1'] instead of ['1']",
        "missing: c",
        "too much: d",
    ]


def learned(*users: bytes, reward: str = "0.5") -> list[Item]:
    """What is in a table that learned a session of each of these users, in this order; the fold knows it too."""
    home = {"S": "SEGMENT#HIGH_LOW"}
    policy: Item = {"pk": home, "sk": {"S": "POLICY"}, "version": {"N": "1"}, "table": {"B": b"".join(users)}}
    transitions = {"L": [{"M": {"key": {"B": user}, "r": {"N": reward}}} for user in users]}
    record: Item = {"pk": home, "sk": {"S": "VERSION#1"}, "transitions": transitions}
    sessions: list[Item] = [
        {"pk": {"S": f"USER#{user.decode()}"}, "sk": {"S": "SESSION#1"}, "key": {"B": user}} for user in sorted(users)
    ]
    return [policy, record, *sessions]


def turned(value: Any) -> Any:
    """The same with the names of every map in the opposite order."""
    if isinstance(value, list):
        return [turned(each) for each in value]
    return {k: turned(v) for k, v in reversed(value.items())} if isinstance(value, dict) else value


def between(before: list[Item], after: list[Item], *, ordered: bool) -> list[str]:
    return differences(outcome(before, ordered=ordered), outcome(after, ordered=ordered))


@pytest.mark.parametrize("ordered", [True, False])
def test_the_order_of_a_maps_names_is_no_difference(ordered: bool) -> None:
    before = learned(b"ana", b"ben")
    assert repr(turned(before)) != repr(before)
    assert between(before, turned(before), ordered=ordered) == []


def test_another_order_of_learning_is_a_difference_only_where_order_counts() -> None:
    before, after = learned(b"ana", b"ben"), learned(b"ben", b"ana")
    assert between(before, after, ordered=False) == []
    assert [line.partition(":")[0] for line in between(before, after, ordered=True)] == [
        "SEGMENT#HIGH_LOW POLICY.table",
        "SEGMENT#HIGH_LOW VERSION#1",
    ]


@pytest.mark.parametrize("ordered", [True, False])
def test_another_reward_is_a_difference(ordered: bool) -> None:
    assert between(learned(b"ana", b"ben"), learned(b"ana", b"ben", reward="0.4"), ordered=ordered)


def test_a_profiles_count_is_no_version_and_is_compared() -> None:
    before, after = ([profile("1")], [profile("2")])
    assert broken(before) == []
    assert between(before, after, ordered=False) == ["USER#ana ~PROFILE.learned: {'N': '2'} instead of {'N': '1'}"]


def profile(learned: str) -> Item:
    return {"pk": {"S": "USER#ana"}, "sk": {"S": "~PROFILE"}, "key": {"B": b"ana"}, "learned": {"N": learned}}


def test_waiting_work_is_stuck() -> None:
    item = {"pk": {"S": "USER#ana"}, "sk": {"S": "~PROFILE"}, "due_shard": {"S": "erasing#1"}}
    assert broken([item]) == ["stuck: USER#ana ~PROFILE"]
