"""Runs the service in this process on a table of its own, so that faults can be injected into its calls."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3

from lab.proofs.faults.client import Beside, Fault, FaultyClient
from lab.proofs.faults.commands import OPERATE, carry_out
from local import data_plane, queues
from local.functions import Functions, environment
from local.stack import UNCAPPED, variables
from local.template import load
from local.tokens import PARAMETERS
from local.wire import shortened
from rl_core.work import consent

Item = dict[str, dict[str, Any]]
Tables = tuple[str, str]  # that of the data, that of who was erased

_SETTINGS = {
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "LEARN_BATCH": "2",  # a transaction of the job, so that a few sessions make several transactions
}
DROPS = 2  # the same for a withdrawal
_BATCH = 25  # items in one write


Between = Callable[["Bench"], object]


class Bench:
    """Holds all functions of the template and the client that they share, which can be made to fail."""

    def __init__(
        self, functions: Functions, dynamodb: Any, tables: Tables, poller: queues.Poller, exits: ExitStack
    ) -> None:
        self._functions, self._dynamodb, self._poller = functions, dynamodb, poller
        self.table, self.erasures = tables
        store: Any = sys.modules["learn_handler"].__dict__["open_store"]()
        key = os.environ["AWS_ACCESS_KEY_ID"]
        exits.enter_context(shortened(dynamodb, key))
        self._disconnect = exits.enter_context(shortened(store.client, key))
        self.client = FaultyClient(store.client)
        store.client = self.client
        queue: Any = sys.modules["daily_dispatch_handler"].__dict__["open_queue"]()
        self.queue = queue.client
        queue.client = Beside(self.client, self.queue)

    def invoke(self, function: str, event: Any, fault: Fault | None = None, between: Between | None = None) -> Any:
        """Calls a function as Lambda does, or an operator's command, with at most one fault; returns the answer.

        `between` comes just before the function's first transaction; its own calls neither count nor fail.
        """
        self.client.arm(fault, (lambda: between(self)) if between else None)
        if function == OPERATE:
            return carry_out(self.table, self.client, event)
        return self._functions.invoke(function, event)

    def invoke_and_die(self, function: str, event: Any, fault: Fault, between: Between | None = None) -> bool:
        """Calls a function in a child process that the fault kills; returns False if the child survived."""
        self.queue.close()
        self._disconnect()  # parent and child must not share connections
        child = os.fork()
        if not child:
            try:
                self.invoke(function, event, fault, between)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)

    def jobs(self, now: datetime) -> None:
        """Runs each job of the minute once and then empties the queue, without a fault."""
        for job in ("Learn", "Erasure"):
            self.invoke(job, {"time": now.isoformat()})
        self._poller.drain()

    def items(self) -> list[Item]:
        """Returns all items of the table."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [dict(item) for page in pages for item in page["Items"]]

    def restore(self, items: list[Item]) -> None:
        """Makes the table hold these items and no others."""
        before, after = ({(i["pk"]["S"], i["sk"]["S"]): i for i in its} for its in (self.items(), items))
        gone = [{"pk": i["pk"], "sk": i["sk"]} for place, i in before.items() if place not in after]
        writes = [{"DeleteRequest": {"Key": key}} for key in gone]
        writes += [{"PutRequest": {"Item": i}} for place, i in after.items() if before.get(place) != i]
        for at in range(0, len(writes), _BATCH):
            self._dynamodb.batch_write_item(RequestItems={self.table: writes[at : at + _BATCH]})


@contextmanager
def bench() -> Iterator[Bench]:
    """Starts a data plane with a bench on it, yields the bench, and stops both at the end."""
    template = load(PARAMETERS | UNCAPPED)
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="fettle-faults-")))
        endpoints = exits.enter_context(data_plane.running(folder))
        exits.enter_context(environment(variables(template, endpoints) | _SETTINGS))
        exits.enter_context(patch.object(consent, "_DROPS", DROPS))
        dynamodb = boto3.session.Session().client("dynamodb")
        exits.callback(dynamodb.close)
        template.create_tables(dynamodb)
        sqs = boto3.session.Session().client("sqs")
        exits.callback(sqs.close)
        queues.create(template.queues, sqs)
        functions = Functions(template)
        poller = queues.Poller(template.queues, sqs, functions.invoke)
        tables = template.table.name, template.environment["ERASURES_NAME"]
        made = Bench(functions, dynamodb, tables, poller, exits)
        exits.callback(made.client.client.close)
        exits.callback(made.queue.close)
        yield made
