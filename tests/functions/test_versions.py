"""A policy's past, through the store and the operator's command line."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operate.__main__ import main
from rl_core import learner, work
from rl_core.config import settings
from rl_core.errors import ActedError, ConflictError, PolicyUnreadableError, VersionError
from rl_core.models import Policy, Status, VersionRecord
from rl_core.sessions import issue
from rl_core.store import Put, Store, latest_acts, policies, publish_writes
from rl_core.work import versions
from tests.acting import act_of, mend, roll_back
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import NOW, SEGMENT, World
from tests.functions.test_learning_job import (
    BROKEN_TABLE,
    OF_A_LATER_RELEASE,
    always,
    learn,
    spoil,
    spoil_policy,
    stored_policy,
)

TABLE = ["--table", TEMPLATE.table.name]


def live(world: World, count: int, first: int = 0) -> list[Policy]:
    """One session after another, each learned alone; the policy after each."""
    past = []
    for n in range(first, first + count):
        world.due(f"u{n}")
        learn.run(world.store, NOW, always)
        past.append(world.store.policy(SEGMENT))
    return past


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot every four versions."""
    monkeypatch.setattr(policies, "SNAPSHOT_EVERY", 4)


def test_every_version_can_be_rebuilt_from_a_snapshot_or_from_nothing(world: World, often: None) -> None:
    for policy in live(world, 10):
        for from_start in (False, True):
            again = versions.policy_at(world.store, SEGMENT, policy.version, from_start)
            assert again == policy


def test_a_snapshot_is_kept_every_hundred_versions(world: World) -> None:
    assert policies.SNAPSHOT_EVERY == 100
    live(world, 3)
    spoil("SEGMENT#HIGH_LOW", "POLICY", version={"N": "98"}, counted={"N": "98"})
    for version in (99, 100):
        hundredth = replace(world.store.policy(SEGMENT), version=version)
        world.store.write(*publish_writes(hundredth, VersionRecord(version, learner.fold_of(settings()))))
    assert world.store.snapshot(SEGMENT, 99).version == 0
    assert world.store.snapshot(SEGMENT, 150) == hundredth


def test_a_replay_starts_at_the_snapshot(world: World, often: None) -> None:
    *_, last = live(world, 6)
    spoil("SEGMENT#HIGH_LOW", "VERSION#0000000001", transitions={"L": []})
    assert versions.policy_at(world.store, SEGMENT, 6) == last
    assert versions.policy_at(world.store, SEGMENT, 6, from_start=True) != last


def test_a_rollback_restores_values_and_never_takes_back_version_or_episodes(world: World, often: None) -> None:
    past = live(world, 5)
    restored = roll_back(world.store, SEGMENT, 2, "went wrong")
    assert restored == replace(past[1], version=6, episodes=5)
    assert world.store.policy(SEGMENT) == restored
    assert world.session("u4").status is Status.LEARNED


def test_learning_and_replay_go_on_after_rollbacks(world: World, often: None) -> None:
    live(world, 5)
    waiting = world.due("issued-before")
    roll_back(world.store, SEGMENT, 3, "first")
    live(world, 2, first=5)
    roll_back(world.store, SEGMENT, 6, "second, to the first")
    (last,) = live(world, 1, first=7)
    assert world.session(waiting.user).status is Status.LEARNED
    assert last.episodes == 9
    for from_start in (False, True):
        assert versions.policy_at(world.store, SEGMENT, last.version, from_start) == last


def test_a_change_of_learner_adopts_what_was_learned_and_stays_replayable(
    world: World, often: None, setting: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    *_, by_posterior = live(world, 3)
    setting("EXPLORATION", "epsilon")
    *_, by_epsilon = live(world, 3, first=3)
    setting("EXPLORATION", "posterior")
    (last,) = live(world, 1, first=6)
    assert [p.learner for p in (by_posterior, by_epsilon, last)] == ["posterior/2", "epsilon/1", "posterior/2"]
    assert sum(map(sum, learner.visits(last))) == last.episodes == 7
    adopted = [record.adopted for record in world.store.records(SEGMENT)]
    assert adopted == [None, None, None, "posterior/2", None, None, "epsilon/1"]
    for from_start in (False, True):
        assert versions.policy_at(world.store, SEGMENT, 7, from_start) == last
    assert main([*TABLE, "versions", "HIGH_LOW"]) == 0
    assert "by epsilon/1 that adopted from posterior/2" in capsys.readouterr().out


def test_a_rollback_to_before_the_first_version_forgets_all_but_the_count(world: World) -> None:
    live(world, 2)
    restored = roll_back(world.store, SEGMENT, 0, "all of it")
    assert restored == Policy(SEGMENT, version=3, episodes=2)
    assert versions.policy_at(world.store, SEGMENT, 3) == restored


@pytest.mark.parametrize("to", [-1, 3, 4])
def test_only_a_version_of_the_past_can_be_restored(world: World, to: int) -> None:
    live(world, 3)
    with pytest.raises(VersionError):
        roll_back(world.store, SEGMENT, to, "no")


class Late(Store):
    """A table on which something else happens before the first write."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__(TEMPLATE.table.name)
        self.happens = [happens]

    def write(self, *puts: Put) -> None:
        if self.happens:
            self.happens.pop()()
        super().write(*puts)


def test_a_rollback_goes_through_over_what_is_learned_meanwhile(world: World) -> None:
    past = live(world, 2)
    late = Late(lambda: live(world, 1, first=2))
    restored = roll_back(late, SEGMENT, 1, "late")
    assert restored == replace(past[0], version=4, episodes=3)
    assert world.store.policy(SEGMENT).acted == restored.acted == 4
    (act,) = latest_acts(world.store, 9)
    assert (act.before, act.after) == ("version 3, 3 episodes", "version 4, which holds what 1 held")


def test_a_rollback_is_refused_when_somebody_acted_meanwhile(world: World) -> None:
    live(world, 3)
    late = Late(lambda: roll_back(world.store, SEGMENT, 2, "first"))
    with pytest.raises(ActedError, match="somebody else has acted since, in version 4"):
        roll_back(late, SEGMENT, 1, "second")
    assert world.store.policy(SEGMENT).version == 4
    assert [act.reason for act in latest_acts(world.store, 9)] == ["first"]


def test_learning_carries_along_who_acted_last(world: World) -> None:
    live(world, 2)
    assert roll_back(world.store, SEGMENT, 1).acted == 3
    (last,) = live(world, 1, first=2)
    assert (last.version, last.acted) == (4, 3)


def test_a_replay_says_nothing_of_who_acted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world, 2)
    roll_back(world.store, SEGMENT, 1)
    spoil("SEGMENT#HIGH_LOW", "POLICY", acted={"N": "2"})
    assert main([*TABLE, "replay", "HIGH_LOW"]) == 0
    assert world.store.policy(SEGMENT) == versions.policy_at(world.store, SEGMENT, 3)


@pytest.mark.parametrize("damage", [BROKEN_TABLE, {"version": {"S": "rubbish"}}, None])
def test_a_policy_that_cannot_be_read_is_mended_from_its_records(world: World, often: None, damage: Any) -> None:
    last = live(world, 6)[-1]
    if damage:
        spoil("SEGMENT#HIGH_LOW", "POLICY", **damage)
    else:
        key = {"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "POLICY"}}
        table_client().delete_item(TableName=TEMPLATE.table.name, Key=key)
    assert main([*TABLE, "mend", "HIGH_LOW"]) == 0
    assert world.store.policy(SEGMENT) == replace(last, version=last.version + 1)
    assert world.store.policy(SEGMENT).acted == last.version + 1
    assert live(world, 1, first=6)[-1] == versions.policy_at(world.store, SEGMENT, 8, from_start=True)


def test_a_policy_that_is_well_is_not_mended(world: World) -> None:
    with pytest.raises(VersionError, match="nothing to mend"):
        mend(world.store, SEGMENT)


@pytest.mark.parametrize("gone", [True, False])
def test_a_policy_item_that_is_not_the_one_that_was_shown_is_not_mended(world: World, gone: bool) -> None:
    live(world, 2)
    spoil_policy(**BROKEN_TABLE)
    shown = None if gone else world.store.stored_policy(SEGMENT)
    spoil_policy(table={"B": b"broken otherwise"})
    before = stored_policy()
    with pytest.raises(ConflictError) as error:
        work.mend(world.store, SEGMENT, shown, act_of(), settings())
    assert error.value.lost == {"policy"}
    assert stored_policy() == before
    assert list(latest_acts(world.store, 9)) == []


def test_a_table_that_does_not_answer_is_no_damaged_policy(world: World) -> None:
    live(world, 2)
    shown = world.store.stored_policy(SEGMENT)

    class Silent(Store):
        def policy(self, *_: object, **__: object) -> Policy:
            raise PolicyUnreadableError

    with pytest.raises(VersionError, match="nothing to mend"):
        work.mend(Silent(TEMPLATE.table.name), SEGMENT, shown, act_of(), settings())


def test_a_policy_of_a_newer_form_is_never_overwritten(world: World) -> None:
    live(world, 2)
    spoil_policy(**OF_A_LATER_RELEASE, form={"N": "99"})
    before = stored_policy()
    with pytest.raises(ConflictError) as error:
        mend(world.store, SEGMENT)
    assert error.value.lost == {"policy"}
    assert stored_policy() == before


def test_a_version_of_a_learner_that_is_not_here_is_neither_replayed_nor_mended(world: World) -> None:
    live(world, 2)
    spoil_policy(**OF_A_LATER_RELEASE)
    spoil("SEGMENT#HIGH_LOW", "VERSION#0000000002", fold={"M": {"learner": {"S": "posterior/99"}}})
    before = stored_policy()
    with pytest.raises(VersionError, match="posterior/99"):
        versions.policy_at(world.store, SEGMENT, 2)
    with pytest.raises(VersionError, match="posterior/99"):
        mend(world.store, SEGMENT)
    assert stored_policy() == before


def test_a_missing_record_is_told_not_skipped(world: World) -> None:
    live(world, 3)
    with pytest.raises(VersionError, match="no version 7"):
        versions.policy_at(world.store, SEGMENT, 7)


def test_a_decision_is_recomputed_bit_for_bit(world: World) -> None:
    live(world, 6)
    for n in range(30):
        session = world.issue(f"later-{n}")
        assert versions.explain(world.store, session, settings()).agrees(session.decision)


def test_a_decision_that_was_tampered_with_does_not_agree(world: World) -> None:
    live(world, 2)
    session = world.issue("ana")
    halves = tuple(chance / 2 for chance in session.decision.chances)
    other = replace(session, decision=replace(session.decision, chances=halves))
    assert not versions.explain(world.store, other, settings()).agrees(other.decision)


def test_a_fallback_is_recomputed_too(world: World) -> None:
    profile = world.store.head(world.issue("ana").user).profile or pytest.fail("no profile")
    session = issue(profile, None, None, settings(), NOW, shown=True).session
    assert session.decision.fallback
    assert versions.explain(world.store, session, settings()).agrees(session.decision)


def test_the_command_line_lists_replays_explains_and_rolls_back(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    live(world, 3)
    assert main([*TABLE, "rollback", "HIGH_LOW", "1", "--reason", "a bad day"]) == 0
    assert main([*TABLE, "versions", "High Anxiety, Low Activity"]) == 0
    assert main([*TABLE, "replay", "HIGH_LOW", "--from-start"]) == 0
    assert main([*TABLE, "explain", "u2", "1"]) == 0
    said = capsys.readouterr().out
    assert "restored version 1: a bad day" in said
    assert "version 4 equals its replay" in said
    assert "recomputed: the same" in said
    assert "the person's sessions 0, 0, 0, 0, 0, 0; elsewhere 0, 0, 0, 0, 0, 0; latest actions none" in said


def test_the_command_line_says_that_a_decision_was_drawn_under_other_settings(
    world: World, capsys: pytest.CaptureFixture[str], setting: Callable[[str, str], None]
) -> None:
    live(world, 3)
    setting("MIN_PROBABILITY", "0.16")
    assert main([*TABLE, "explain", "u2", "1"]) == 0
    said = capsys.readouterr().out
    assert "not recomputed: drawn under other settings" in said
    assert "DIFFERS" not in said


def test_another_setting_that_changes_nothing_of_a_decision_does_not_matter(
    world: World, setting: Callable[[str, str], None]
) -> None:
    session = world.issue("ana")
    setting("ACTION_COOLDOWN", "2")
    found = versions.explain(world.store, session, settings())
    assert found.other_settings
    assert found.agrees(session.decision)


def test_a_session_of_an_earlier_form_is_recomputed_without_facts_and_settings(world: World) -> None:
    session = world.issue("ana")
    earlier = replace(session, decision=replace(session.decision, facts=None, settings=b""))
    found = versions.explain(world.store, earlier, settings())
    assert found.agrees(earlier.decision)
    assert not found.other_settings


def test_the_command_line_tells_when_something_differs(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world, 3)
    assert main([*TABLE, "explain", "u2", "9"]) == 2
    spoil("USER#u2", "SESSION#00000001", chances={"B": bytes(48)})
    assert main([*TABLE, "explain", "u2", "1"]) == 1
    assert "DIFFERS (settings of another time?)" in capsys.readouterr().out
    spoil("SEGMENT#HIGH_LOW", "POLICY", episodes={"N": "44"})
    assert main([*TABLE, "replay", "HIGH_LOW"]) == 1
    assert "DIFFERS from its replay in: episodes" in capsys.readouterr().out
    assert main([*TABLE, "rollback", "HIGH_LOW", "99", "--reason", "x"]) == 2
