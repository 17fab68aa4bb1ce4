"""The procedure of docs/operations.md, "Restore from a backup", line by line, from a backup that this test takes."""

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local import data_plane
from local.clock import SteppedClock
from local.data_plane import Endpoints
from local.stack import UNCAPPED, Stack
from operate.__main__ import main
from rl_core import learner
from rl_core.config import settings
from rl_core.models import PERSON, Policy, Segment, person_of
from rl_core.store import Store
from tests.conftest import ROOT
from tests.integration.conftest import SEGMENT, START, Json, Phone, client_of, done, everything, ok

LINES = re.findall(
    r"(?m)^ {8}(.+)$",
    (ROOT / "docs" / "operations.md").read_text().partition("## Restore from a backup\n")[2].partition("\n## ")[0],
)
pytestmark = pytest.mark.skipif(
    data_plane.chosen() == "dynoxide", reason="Dynoxide has no point-in-time recovery that could be switched on"
)
RESTORED, OWN = "fettle-restored", "fettle-local-Table"
HIGH_LOW = Segment(SEGMENT)


class Walk:
    """Somebody at a terminal, with the data plane for AWS; `backup` is what point-in-time recovery has kept."""

    def __init__(self, data: Endpoints, folder: Path) -> None:
        self.data, self.folder = data, folder
        self.backup: list[Json] = []
        self.running = ExitStack()
        self.deploy("")

    def deploy(self, parameters: str) -> None:
        """Has a stack with these parameters in the place of the one that runs."""
        self.running.close()
        given = UNCAPPED | dict(pair.split("=") for pair in parameters.split())
        clock = SteppedClock(START)
        with ExitStack() as exits:
            its = Stack(clock=clock, quiet=True, parameters=given, folder=self.folder, data=self.data)
            self.stack = exits.enter_context(its)
            self.http = exits.enter_context(client_of(self.stack))
            self.running = exits.pop_all()

    def phone(self, user: str) -> Phone:
        return Phone.of(user, self.stack, self.http)

    def types(self, line: str) -> int:
        """Does what the line says, and returns the exit code."""
        names = {"<TableName>": OWN, "<ErasuresTableName>": "fettle-local-Erasures", "<time>": "now"}
        for name, value in names.items():
            line = line.replace(name, value)
        match shlex.split(line):
            case [".venv/bin/python", "-m", "operate", *arguments]:
                return main(["--endpoint-url", self.data.dynamodb, *arguments])
            case ["make", "deploy", given]:
                self.deploy(given.removeprefix("PARAMETERS="))
                return 0
            case ["aws", "dynamodb", "restore-table-to-point-in-time", *arguments]:
                return self._restore(dict(zip(arguments[::2], arguments[1::2], strict=True)))
            case ["aws", "dynamodb", "wait", "table-exists", "--table-name", name]:
                self.stack.dynamodb.get_waiter("table_exists").wait(TableName=name)
                return 0
        raise ValueError(f"nobody knows how to do this here: {line}")

    def _restore(self, options: dict[str, str]) -> int:
        """Makes a table as DynamoDB restores one: keys and index of the old one, and what the backup has."""
        client: Any = self.stack.dynamodb
        its = client.describe_table(TableName=options["--source-table-name"])["Table"]
        index = [{k: i[k] for k in ("IndexName", "KeySchema", "Projection")} for i in its["GlobalSecondaryIndexes"]]
        client.create_table(
            TableName=options["--target-table-name"],
            KeySchema=its["KeySchema"],
            AttributeDefinitions=its["AttributeDefinitions"],
            GlobalSecondaryIndexes=index,
            BillingMode="PAY_PER_REQUEST",
        )
        for item in self.backup:
            client.put_item(TableName=options["--target-table-name"], Item=item)
        return 0


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    with data_plane.running(tmp_path / "data") as data:
        walker = Walk(data, tmp_path / "stack")
        yield walker
        walker.running.close()


def lives(walk: Walk, *users: str) -> None:
    """Each has a session that is learned from, each done to another share."""
    for share, user in enumerate(users):
        phone = walk.phone(user)
        ok(phone.put_profile(segment=SEGMENT))
        assert ok(phone.batch(done(phone.plan(), share)))["training_metrics"]["learning"] == "applied"


def leaves(walk: Walk, user: str) -> None:
    """Asks to be erased, and is."""
    assert walk.phone(user).delete_profile().status == 204
    assert walk.stack.run_schedule("Erasure") == {"done": 1}


def person(walk: Walk, user: str) -> bytes:
    """What stands for the user's life on record."""
    found = Store(walk.stack.table_name, walk.stack.dynamodb).profile(user)
    assert found is not None
    return person_of(found.key)


def without(store: Store, *persons: bytes) -> Policy:
    """A fold over all that is on record, where nothing may be of these persons."""
    policy = store.policy(HIGH_LOW)
    taught = [t for record in store.records(HIGH_LOW) for t in record.transitions]
    assert {t.key[:PERSON] for t in taught}.isdisjoint(persons)
    folded = learner.fold(Policy(HIGH_LOW, excluded=policy.excluded), taught, learner.fold_of(settings()))
    return replace(folded, version=policy.version)


def test_the_documented_restore_brings_nobody_back_who_was_erased(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    lives(walk, "ana", "ben", "cleo", "dora", "emil")
    walk.backup = everything(walk.stack)
    gone, bot = [person(walk, user) for user in ("ben", "dora", "emil")], person(walk, "cleo").hex()
    leaves(walk, "ben")
    exclude = f".venv/bin/python -m operate --table {OWN} exclude HIGH_LOW {bot} --reason 'a program'"
    assert walk.types(exclude) == 0
    lives(walk, "late")

    restore, wait, dry_run, command, deploy = LINES
    assert [walk.types(line) for line in (restore, wait, dry_run, command)] == [0, 0, 0, 0]
    said = capsys.readouterr().out
    assert "5 users, of whom 1 were erased after the backup" in said
    assert f"the restore undid: exclude HIGH_LOW {bot}" in said
    leaves(walk, "dora")  # from the old table, on which the stack still works
    assert walk.types(deploy) == 0
    assert walk.stack.table_name == RESTORED
    assert walk.types(command) == 0
    assert walk.types(exclude.replace(OWN, RESTORED)) == 0

    assert [walk.phone(user).get_profile().status for user in ("ben", "dora", "late")] == [404, 404, 404]
    assert ok(walk.phone("ana").batch(done(walk.phone("ana").plan())))["training_metrics"]["learning"] == "applied"
    leaves(walk, "emil")
    store = Store(RESTORED, walk.stack.dynamodb)
    assert store.policy(HIGH_LOW) == without(store, *gone)
    assert store.policy(HIGH_LOW).episodes == 2  # ana's two; cleo is excluded
    places = {item["pk"]["S"] for item in everything(walk.stack)}
    assert places == {"USER#ana", "USER#cleo", "SEGMENT#HIGH_LOW", "AUDIT"}  # the audit has the runs of the command
    assert walk.types(f".venv/bin/python -m operate --table {RESTORED} replay HIGH_LOW --from-start") == 0
    assert walk.types(command) == 0
    assert len(walk.stack.dynamodb.scan(TableName="fettle-local-Erasures")["Items"]) == len(gone)
