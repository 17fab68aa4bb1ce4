"""A table that came back from a backup: who was erased since is erased anew, and what does not agree is mended."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from operate.__main__ import main
from operate.after_restore import after_restore
from operate.restored.protection import TTL, switch_on
from rl_core.config import settings
from rl_core.models import Policy, Profile, Status
from rl_core.store import Hold, Leaver, Store, act_write, latest_acts, profile_write
from tests.acting import act_of, exclude, include
from tests.conftest import TEMPLATE, table_client
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.test_erasure import (
    GONE,
    LATER,
    PEOPLE,
    CutOffError,
    ask_to_be_erased,
    assert_gone,
    cut,
    dump,
    erasure,
    folded_without,
    items_of,
    live,
    often,
)
from tests.functions.test_learning_job import spoil, spoil_policy

__all__ = ["often"]
NAME, ERASURES = TEMPLATE.table.name, TEMPLATE.environment["ERASURES_NAME"]
DAYS_LATER = NOW + timedelta(days=7)


@pytest.fixture(autouse=True)
def unprotected(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves the tables' protection off, and deletes the tables that a test makes."""
    monkeypatch.setattr("operate.after_restore.switch_on", lambda *_: None)
    yield
    client, own = table_client(), {table.name for table in TEMPLATE.tables}
    for name in set(client.list_tables()["TableNames"]) - own:
        client.delete_table(TableName=name)


def restore(items: list[dict[str, Any]]) -> None:
    """Has the table hold these items and no others, as a table restored from a backup does."""
    client = table_client()
    for item in dump():
        client.delete_item(TableName=NAME, Key={"pk": item["pk"], "sk": item["sk"]})
    for item in items:
        client.put_item(TableName=NAME, Item=item)


def run(store: Store, **given: Any) -> int:
    """Runs the command days later, and returns its exit code."""
    options = {"erasures": ERASURES, "old_table": None, "dry_run": False, "now": DAYS_LATER, "local": True} | given
    return after_restore(store, settings(), Namespace(**options))


def without_acts(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items but for what the audit says of the runs."""
    return [item for item in items if item["pk"]["S"] != "AUDIT"]


def keep_as_old() -> None:
    """Keeps the table as it is under the name "old"."""
    client = table_client()
    client.create_table(TableName="old", **TEMPLATE.table.properties)
    for item in dump():
        client.put_item(TableName="old", Item=item)


def erase(world: World, *people: str) -> None:
    ask_to_be_erased(world, *people)
    assert erasure.run(world.store, turn(LATER)) == len(people)


def test_who_was_erased_since_is_erased_anew(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    sessions = live(world)
    backup = dump()
    erase(world, *GONE)
    restore(backup)
    assert world.store.policy(SEGMENT).episodes == len(PEOPLE)
    assert run(world.store) == 0
    assert_gone(world, sessions, GONE)
    assert {world.session(user).status for user in PEOPLE if user not in GONE} == {Status.LEARNED}
    assert f"{len(PEOPLE)} users, of whom {len(GONE)} were erased after the backup" in capsys.readouterr().out


def test_a_dry_run_says_so_and_changes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world)
    backup = dump()
    erase(world, *GONE)
    spoil_policy(table={"B": b"rubbish"})
    restore([*(item for item in backup if item["sk"]["S"] != "POLICY")])
    before = dump()
    assert run(world.store, dry_run=True) == 0
    assert dump() == before
    said = capsys.readouterr().out
    assert f"{len(GONE)} were erased after the backup" in said
    assert "the policy cannot be read" in said
    assert "point-in-time recovery is off" in said


def test_who_asked_to_be_erased_and_waits_in_the_old_table_is_erased_too(world: World) -> None:
    sessions = live(world, PEOPLE[:4])
    backup = dump()
    ask_to_be_erased(world, "person-1")
    keep_as_old()
    restore(backup)
    assert run(world.store, old_table="old") == 0
    assert_gone(world, sessions, ["person-1"])


def test_who_came_back_as_a_new_user_before_the_backup_stays(world: World) -> None:
    live(world, PEOPLE[:2])
    erase(world, "person-1")
    second = Profile("person-1", b"a second life", SEGMENT, NOW)
    world.store.write(profile_write(second))
    assert run(world.store) == 0
    assert world.store.profile("person-1") == replace(second, revision=1)


def test_an_erasure_that_the_backup_caught_half_way_is_finished(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE[:2])
    advance, caught = Hold.advance, list[list[dict[str, Any]]]()

    def after(hold: Hold, *given: Any) -> Hold:
        caught.append(dump())
        return advance(hold, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hold, "advance", after)
        assert erasure.run(world.store, turn(LATER)) == 2
    erase(world, *GONE[2:])
    assert len(caught) > 1
    for backup in caught:
        restore(backup)
        assert run(world.store) == 0
        assert_gone(world, sessions, GONE)


def test_a_refold_that_says_more_than_it_rewrote_is_done_from_its_beginning(world: World) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    advance = Hold.advance

    def torn(hold: Hold, folded: Policy, *_: Any) -> Hold:
        return advance(hold, folded, [], False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hold, "advance", torn)
        patch.setattr(Hold, "swap", cut_off)
        with pytest.raises(CutOffError):
            erasure.run(world.store, turn(LATER))
    assert run(world.store, now=LATER) == 0  # although the run that was at work has it for a quarter of an hour
    assert_gone(world, sessions, GONE)


@pytest.mark.parametrize("progress", ["noted", "lost"])
def test_an_exclusion_that_the_backup_caught_half_way_is_finished(world: World, progress: str) -> None:
    sessions = live(world)
    bot = sessions["person-2"].person
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hold, "swap", cut_off)
        with pytest.raises(CutOffError):
            exclude(world.store, SEGMENT, bot, "a bot", turn(LATER))
    if progress == "lost":
        world.store.call("delete_item", Key={"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "REFOLD"}})
    assert run(world.store, now=LATER) == 0
    policy = world.store.policy(SEGMENT)
    assert (policy.excluded, policy.hold, policy.episodes) == ((bot,), None, len(PEOPLE) - 1)
    assert policy == replace(folded_without(world, sessions, ["person-2"]), version=policy.version, excluded=(bot,))


def test_a_session_that_an_erasure_took_out_of_its_record_does_not_wait_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions = live(world)
    ask_to_be_erased(world, *GONE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Leaver, "remove", cut_off)
        with pytest.raises(CutOffError):
            erasure.run(world.store, turn(LATER))
    assert run(world.store, dry_run=True) == 0
    assert "wait again" not in capsys.readouterr().out
    assert run(world.store) == 0
    assert_gone(world, sessions, GONE)


def cut_off(*_: Any) -> None:
    raise CutOffError


def cuts(world: World) -> Iterator[int]:
    """Runs of the command cut off one call later each time, until one comes through."""
    for calls in count():
        with pytest.MonkeyPatch.context() as patch:
            cut(world.store, calls, patch)
            try:
                assert run(world.store) == 0
            except CutOffError:
                yield calls
            else:
                return


def test_runs_cut_off_anywhere_come_to_the_same(world: World) -> None:
    sessions = live(world, PEOPLE[:5])
    backup = dump()
    gone = ["person-1", "person-4"]
    erase(world, *gone)
    restore([item for item in backup if item["sk"]["S"] != "VERSION#0000000002"])
    forgotten = {user: sessions.pop(user) for user in ("person-2", "person-3")}
    assert len(list(cuts(world))) > 30
    assert_gone(world, sessions, gone)
    before = without_acts(dump())
    assert run(world.store) == 0
    assert without_acts(dump()) == before
    assert {act.what for act in latest_acts(world.store, 99)} == {"after-restore"}
    assert {world.session(user).status for user in forgotten} == {Status.CLOSED}


def test_the_audit_forgets_who_is_not_there_any_more_and_nobody_else(world: World) -> None:
    sessions = live(world)
    there = sessions["person-1"].person
    world.store.write(*(act_write(act_of("a bot", person)) for person in (there, b"nobodies")))
    assert run(world.store) == 0
    assert {(act.person, act.reason) for act in latest_acts(world.store, 9)} >= {(there, "a bot"), (b"", "")}
    assert b"nobodies" not in {act.person for act in latest_acts(world.store, 9)}


def test_a_run_that_is_cut_off_is_on_record_and_says_at_its_end_what_is_left(world: World) -> None:
    live(world)
    backup = dump()
    erase(world, *GONE)
    restore(backup)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Leaver, "remove", cut_off)
        with pytest.raises(CutOffError):
            run(world.store)
    said = (f"{len(PEOPLE)} users in the backup", "begun; how it ended is not on record")
    assert [(act.before, act.after) for act in latest_acts(world.store, 9)] == [said]
    assert run(world.store) == 0
    assert sorted(act.after for act in latest_acts(world.store, 9)) == [said[1], "nothing is left to do"]


def test_a_policy_that_is_not_what_its_records_give_is_folded_anew(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions = live(world)
    before = world.store.policy(SEGMENT)
    spoil_policy(episodes={"N": "1"})
    assert run(world.store) == 0
    assert "DIFFER from the replay" in capsys.readouterr().out
    assert_gone(world, sessions, [])
    assert replace(world.store.policy(SEGMENT), version=before.version) == before


def test_a_snapshot_that_is_not_what_its_records_give_is_folded_anew(world: World) -> None:
    sessions = live(world)
    spoil("SEGMENT#HIGH_LOW", "SNAPSHOT#0000000004", episodes={"N": "1"})
    assert run(world.store) == 0
    assert_gone(world, sessions, [])


def test_a_lost_policy_is_rebuilt(world: World) -> None:
    sessions = live(world)
    before = world.store.policy(SEGMENT)
    spoil_policy(table={"B": b"rubbish"})
    assert run(world.store) == 0
    assert_gone(world, sessions, [])
    assert replace(world.store.policy(SEGMENT), version=before.version) == before


def test_what_a_newer_release_wrote_is_left_alone_and_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    live(world)
    spoil_policy(form={"N": "99"}, learner={"S": "newer/1"})
    before = [item for item in dump() if item["sk"]["S"] == "POLICY"]
    assert run(world.store) == 1
    assert [item for item in dump() if item["sk"]["S"] == "POLICY"] == before
    assert "NOT DONE: High Anxiety, Low Activity: " in capsys.readouterr().out


def test_one_who_cannot_be_erased_keeps_nobody_else(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    sessions = live(world)
    backup = dump()
    erase(world, *GONE)
    restore(backup)
    spoil("USER#person-1", "SESSION#00000001", segment={"S": "rubbish"})
    assert run(world.store) == 1
    assert "NOT DONE: person-1 cannot be erased" in capsys.readouterr().out
    assert items_of("person-4") == []
    assert sessions


@pytest.fixture
def protecting(unprotected: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets the command switch protection on; at the end it is off, so that the tables can be deleted."""
    monkeypatch.setattr("operate.after_restore.switch_on", switch_on)
    yield
    for table in TEMPLATE.tables:
        table_client().update_table(TableName=table.name, DeletionProtectionEnabled=False)


def test_a_restored_table_is_protected_as_the_stacks_own(
    world: World, protecting: None, capsys: pytest.CaptureFixture[str]
) -> None:
    client = table_client()
    for table in TEMPLATE.tables:
        ttl: Any = {"Enabled": False, "AttributeName": table.ttl_attribute}
        client.update_time_to_live(TableName=table.name, TimeToLiveSpecification=ttl)
    assert run(world.store) == 0
    for table in TEMPLATE.tables:
        backups = client.describe_continuous_backups(TableName=table.name)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
        expiry = client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", table.ttl_attribute)
        assert client.describe_table(TableName=table.name)["Table"]["DeletionProtectionEnabled"]
    capsys.readouterr()
    assert run(world.store) == 0
    assert " is off" not in capsys.readouterr().out


def test_exclusions_and_inclusions_that_the_restore_undid_are_said(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions = live(world)
    was, since, gone = (sessions[user].person for user in ("person-2", "person-3", "person-4"))
    assert exclude(world.store, SEGMENT, was, "a try", turn(LATER))
    backup = dump()
    assert include(world.store, SEGMENT, was, "a try", turn(LATER))
    for person in (since, gone):
        assert exclude(world.store, SEGMENT, person, "a bot", turn(LATER))
    keep_as_old()
    erase(world, "person-4")
    restore(backup)
    assert run(world.store, old_table="old") == 0
    said = capsys.readouterr().out
    assert f"the restore undid: exclude HIGH_LOW {since.hex()}" in said
    assert f"the restore undid: include HIGH_LOW {was.hex()}" in said
    assert gone.hex() not in said
    assert run(world.store) == 0
    assert "your own notes say which, or --old-table" in capsys.readouterr().out


@pytest.mark.parametrize(("erasures", "complaint"), [("none", "ResourceNotFoundException"), (ERASURES, "")])
def test_the_command_line(world: World, capsys: pytest.CaptureFixture[str], erasures: str, complaint: str) -> None:
    live(world, PEOPLE[:2])
    assert main(["--table", NAME, "after-restore", "--erasures", erasures]) == (2 if complaint else 0)
    assert complaint in capsys.readouterr().err


def test_a_table_that_was_restored_without_its_index_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    its = {name: value for name, value in TEMPLATE.table.properties.items() if name != "GlobalSecondaryIndexes"}
    its["AttributeDefinitions"] = [it for it in its["AttributeDefinitions"] if it["AttributeName"] in {"pk", "sk"}]
    table_client().create_table(TableName="bare", **its)
    assert main(["--table", "bare", "after-restore", "--erasures", ERASURES]) == 2
    assert "bare has no index due" in capsys.readouterr().err


def test_the_attribute_by_which_items_expire_is_the_templates() -> None:
    assert TEMPLATE.table.ttl_attribute == TTL
