"""Counts DynamoDB's units as the data plane reports them, and finds the client that a local stack's functions share."""

import sys
from collections.abc import Mapping
from typing import Any

_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}


def client_of_functions() -> Any:
    """Returns the client of the functions of the stack that runs in this process."""
    return sys.modules["learn_handler"].__dict__["open_store"]().client


class Units:
    """Counts the read and write units of these clients, tables and indexes together."""

    def __init__(self, *clients: Any) -> None:
        self._read = self._written = 0.0
        for client in clients:
            client.meta.events.register("provide-client-params.dynamodb.*", _ask)
            client.meta.events.register("after-call.dynamodb.*", self._count)

    def take(self) -> tuple[float, float]:
        """Returns the units read and written since the last call, and starts again from 0."""
        taken, self._read, self._written = (self._read, self._written), 0.0, 0.0
        return taken

    def _count(self, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        found = parsed.get("ConsumedCapacity") or []
        units = sum(each["CapacityUnits"] for each in (found if isinstance(found, list) else [found]))
        if model.name in _WRITES:
            self._written += units
        else:
            self._read += units


def _ask(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {**params, "ReturnConsumedCapacity": "INDEXES"}
