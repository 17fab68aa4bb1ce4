"""Counts DynamoDB's units as the data plane reports them, and finds the client that a local stack's functions share.

MiniStack and moto report one unit for a read of any size; `bill` corrects that by DynamoDB's published rule.
"""

import sys
from collections.abc import Mapping
from typing import Any

_READS = {"GetItem", "Query"}
_READ_UNIT = 4096  # bytes
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


def bill(client: Any) -> None:
    """Has this client's GetItem and Query report the units that DynamoDB would, where they are asked for them."""
    client.meta.events.register("provide-client-params.dynamodb.*", _note, unique_id="bill-note")
    client.meta.events.register("after-call.dynamodb.*", _correct, unique_id="bill-correct")


def _note(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["unit"] = 1.0 if params.get("ConsistentRead") else 0.5
    context["whole"] = "ProjectionExpression" not in params


def _correct(parsed: dict[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
    from rl_core.store.sizes import size  # not before: the stack's processes start without our package

    told = parsed.get("ConsumedCapacity")
    if told and model.name in _READS:
        found = parsed["Items"] if model.name == "Query" else [parsed.get("Item", {})]
        units = context["unit"] * max(1, -(-sum(map(size, found)) // _READ_UNIT))
        told["CapacityUnits"] = units if context["whole"] else max(units, told["CapacityUnits"])
