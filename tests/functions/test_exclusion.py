"""Excluding a person: the policy as if they had never taught, nothing deleted, and back again bit for bit."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from operate.__main__ import main
from rl_core import learner
from rl_core.config import settings
from rl_core.errors import VersionError
from rl_core.models import Policy, Session, Status, Why
from rl_core.sessions import transition_of, why_not
from rl_core.store import Hold
from rl_core.work import learn_due, preview, refold, versions, weights
from tests.acting import exclude, include, mend, roll_back
from tests.conftest import TEMPLATE
from tests.functions.conftest import SEGMENT, World, turn
from tests.functions.test_erasure import (
    GONE,
    LATER,
    PEOPLE,
    CutOffError,
    ask_to_be_erased,
    assert_gone,
    cut_off,
    dump,
    erasure,
    live,
    often,
    under_way,
)
from tests.functions.test_learning_job import BROKEN_TABLE, always, learn, spoil_policy

__all__ = ["often"]


def taught(world: World, user: str) -> bytes:
    return world.session(user).person


def out(world: World, user: str, seconds: float = 900) -> bool:
    return exclude(world.store, SEGMENT, taught(world, user), "a test", turn(LATER, seconds))


def back(world: World, user: str) -> bool:
    return include(world.store, SEGMENT, taught(world, user), "a test", turn(LATER))


def folded_from(world: World, sessions: dict[str, Session], users: list[str]) -> Policy:
    order = [t.key for record in world.store.records(SEGMENT) for t in record.transitions]
    of = {sessions[user].key: transition_of(sessions[user]) for user in users}
    return learner.fold(Policy(SEGMENT), [of[key] for key in order if key in of], learner.fold_of(settings()))


def assert_folds_as(world: World, expected: Policy) -> None:
    """The policy, its snapshots and its replays at every version agree, and it holds what is expected."""
    policy = world.store.policy(SEGMENT)
    assert replace(policy, version=0, excluded=()) == replace(expected, version=0)
    for version in range(policy.version + 1):
        again = versions.policy_at(world.store, SEGMENT, version)
        assert again == versions.policy_at(world.store, SEGMENT, version, from_start=True)
    assert again == policy
    assert Hold.of(world.store, SEGMENT, 1) is None


def test_the_policy_is_as_if_an_excluded_person_had_never_taught(world: World) -> None:
    sessions = live(world)
    before = world.store.policy(SEGMENT)
    assert out(world, "person-4")
    assert_folds_as(world, folded_from(world, sessions, [u for u in PEOPLE if u != "person-4"]))
    after = world.store.policy(SEGMENT)
    assert (after.episodes, after.acted) == (before.episodes - 1, after.version)
    assert world.session("person-4").status is Status.LEARNED
    keys = [t.key for record in world.store.records(SEGMENT) for t in record.transitions]
    assert sessions["person-4"].key in keys


def test_who_is_included_again_counts_as_before_bit_for_bit(world: World) -> None:
    live(world)
    before = world.store.policy(SEGMENT)
    out(world, "person-4")
    out(world, "person-0")
    assert back(world, "person-4")
    assert back(world, "person-0")
    after = world.store.policy(SEGMENT)
    assert replace(after, version=0) == replace(before, version=0)
    assert_folds_as(world, before)
    assert [r.excluded for r in world.store.records(SEGMENT) if r.excluded] == []


def test_to_exclude_again_changes_nothing(world: World) -> None:
    live(world)
    out(world, "person-4")
    before = dump()
    assert out(world, "person-4")
    assert dump() == before


def test_what_an_excluded_person_does_meanwhile_is_never_learned(world: World) -> None:
    live(world)
    waiting = world.due("person-x")
    learn_due(world.store, [waiting], settings(), Counter())
    out(world, "person-x")
    episodes = world.store.policy(SEGMENT).episodes
    second = world.issue("person-x", at=LATER)
    learn.run(world.store, second.expires_at, always)
    assert world.store.policy(SEGMENT).episodes == episodes
    assert why_not(world.session("person-x", 2)) is Why.EXCLUDED
    back(world, "person-x")
    assert world.store.policy(SEGMENT).episodes == episodes + 1
    assert why_not(world.session("person-x", 2)) is Why.EXCLUDED


def test_a_rollback_restores_a_version_without_those_excluded_today(world: World) -> None:
    sessions = live(world)
    out(world, "person-1")
    restored = roll_back(world.store, SEGMENT, 2, "too far")
    expected = folded_from(world, sessions, ["person-0", "person-2", "person-3"])
    assert replace(restored, version=0, episodes=3, excluded=()) == expected
    assert restored.excluded == (taught(world, "person-1"),)


@pytest.mark.parametrize(
    ("people", "user"), [(PEOPLE, "person-1"), (PEOPLE[:10], "person-9")], ids=["by a snapshot", "by a record since"]
)
def test_a_mended_policy_still_excludes(world: World, people: list[str], user: str) -> None:
    live(world, people)
    out(world, user)
    before = world.store.policy(SEGMENT)
    spoil_policy(**BROKEN_TABLE)
    mended = mend(world.store, SEGMENT)
    assert replace(mended, version=before.version) == before


def test_an_erasure_takes_the_person_out_of_every_list(world: World) -> None:
    sessions = live(world)
    for user in GONE[:2]:
        out(world, user)
    ask_to_be_erased(world, *GONE)
    assert erasure.run(world.store, turn(LATER)) == len(GONE)
    assert_gone(world, sessions, GONE)
    assert all(repr(sessions[user].person) not in repr(dump()) for user in GONE)


def test_an_exclusion_without_time_is_finished_by_the_erasures_job(world: World) -> None:
    sessions = live(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refold, "_advance", cut_off)
        with pytest.raises(CutOffError):
            out(world, "person-4")
    assert world.store.policy(SEGMENT).excluded == (taught(world, "person-4"),)
    assert erasure.run(world.store, turn(LATER)) == 0
    assert_folds_as(world, folded_from(world, sessions, [u for u in PEOPLE if u != "person-4"]))


def test_an_exclusion_finishes_the_erasure_under_way_first(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    under_way(world)
    assert out(world, "person-0")
    assert erasure.run(world.store, turn(LATER)) == len(GONE)
    assert_folds_as(world, folded_from(world, sessions, [u for u in PEOPLE if u not in (*GONE, "person-0")]))


def test_who_taught_nothing_is_not_excluded_and_who_is_not_excluded_not_included(world: World) -> None:
    live(world)
    before = dump()
    with pytest.raises(VersionError):
        exclude(world.store, SEGMENT, b"somebody", "", turn(LATER))
    with pytest.raises(VersionError):
        back(world, "person-4")
    assert dump() == before


def test_a_segment_excludes_only_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world)
    monkeypatch.setattr(refold, "MOST_EXCLUDED", 2)
    out(world, "person-1")
    out(world, "person-2")
    with pytest.raises(VersionError, match="at most 2"):
        out(world, "person-3")
    assert len(world.store.policy(SEGMENT).excluded) == 2
    assert back(world, "person-1")


def test_a_preview_says_what_would_come_and_writes_nothing(world: World) -> None:
    sessions = live(world)
    roll_back(world.store, SEGMENT, 5, "too far")  # after a snapshot that has the person's lesson
    before = dump()
    found = preview(world.store, SEGMENT, taught(world, "person-1"), excluded=True)
    assert dump() == before
    out(world, "person-1")
    after = world.store.policy(SEGMENT)
    assert found.transitions == 1
    assert replace(found.after, version=0) == replace(after, version=0)
    assert weights(world.store, SEGMENT, 200)[sessions["person-1"].person] == 1


def test_the_command_line_weighs_excludes_and_includes(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world)
    person = taught(world, "person-4").hex()

    def operate(*given: str) -> str:
        assert main(["--table", TEMPLATE.table.name, *given]) == 0
        return capsys.readouterr().out

    assert f"{person}       1    9.1%" in operate("weight", "HIGH_LOW")
    before = dump()
    said = operate("exclude", "HIGH_LOW", person, "--dry-run")
    assert "episodes 11 -> 10" in said
    assert dump() == before
    assert "folded anew" in operate("exclude", "HIGH_LOW", person, "--reason", "one answer for all")
    assert operate("exclude", "HIGH_LOW") == f"{person}\n"
    assert "excluded" in operate("weight", "HIGH_LOW")
    assert "excluded: versions from 3 on, rewritten" in operate("versions", "HIGH_LOW")
    assert "one answer for all" in operate("audit")
    assert "not excluded any more" in operate("include", "HIGH_LOW", person, "--reason", "it was none")
    assert operate("exclude", "HIGH_LOW") == ""
    assert operate("replay", "HIGH_LOW", "--from-start")
    assert main(["--table", TEMPLATE.table.name, "exclude", "HIGH_LOW", "00" * 8]) == 2


def test_a_person_is_given_in_hexadecimal_digits(capsys: pytest.CaptureFixture[Any]) -> None:
    with pytest.raises(SystemExit):
        main(["exclude", "HIGH_LOW", "somebody"])
    assert "16 hexadecimal digits" in capsys.readouterr().err
