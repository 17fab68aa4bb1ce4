"""One table in MiniStack, and two releases on it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from local import data_plane, queues
from local.functions import environment
from local.phone import Answer, Phone
from local.stack import QUIET, variables
from local.template import Template, load
from local.tokens import PARAMETERS
from rl_core.store import DAY_SHARDS
from tests.conftest import ROOT, event_of
from tests.releases.release import Edit, Release, copied, running

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """This release and the next one, on one table."""

    old: Release
    new: Release
    dynamodb: Any
    table: str

    def each(self, user: str, at: datetime) -> tuple[Phone[Answer], Phone[Answer]]:
        """The user's phone on this release, and on the next one."""
        return self.old.phone(user, at), self.new.phone(user, at)

    def items(self) -> list[Item]:
        """Everything in the table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [dict(item) for page in pages for item in page["Items"]]

    def item(self, pk: str, sk: str) -> Item:
        """One item of the table; empty if there is none."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found: Item = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {})
        return found


def day_of(release: Release, day: datetime, at: datetime) -> None:
    """Computes all shards of a day on a release; no message of it fails."""
    (sample,) = event_of("daily_engagement")["Records"]
    for shard in range(DAY_SHARDS):
        body = f'{{"date": "{day.date()}", "shard": {shard}, "time": "{at.isoformat()}"}}'
        answer = release.invoke("DailyEngagement", {"Records": [sample | {"body": body}]})
        assert answer == {"batchItemFailures": []}


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[Callable[[tuple[Edit, ...]], Pair]]:
    """Starts this release and one with these edits, on an empty table."""
    with ExitStack() as exits:

        def start(edits: tuple[Edit, ...]) -> Pair:
            template: Template = load(PARAMETERS)
            given = variables(template, exits.enter_context(data_plane.running(tmp_path / "data"))) | QUIET
            exits.enter_context(environment(given))
            dynamodb = boto3.session.Session().client("dynamodb")
            exits.callback(dynamodb.close)
            template.create_tables(dynamodb)
            sqs = boto3.session.Session().client("sqs")
            exits.callback(sqs.close)
            queues.create(template.queues, sqs)
            old, new = (exits.enter_context(running(root, given)) for root in (ROOT, copied(tmp_path / "new", edits)))
            return Pair(old, new, dynamodb, template.table.name)

        yield start
