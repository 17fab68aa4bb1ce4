"""Provides a DynamoDB client that fails once, at a chosen call."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

URL = "http://dynamodb.invalid"
_TRANSACTION = "transact_write_items"


class Kind(StrEnum):
    """Says what happens at the chosen call."""

    BEFORE = "fails before the call"
    AFTER = "fails after it took effect"
    TIMEOUT = "times out without effect"
    THROTTLE = "is throttled"
    CONFLICT = "meets a transaction conflict"
    REPEAT = "is sent twice by the SDK, the first answer lost"
    OUTAGE = "fails, and so does every later call of this attempt"
    KILL_BEFORE = "process killed before the call"
    KILL_AFTER = "process killed after it took effect"

    @property
    def kills(self) -> bool:
        """Returns whether the fault kills the process."""
        return self in {Kind.KILL_BEFORE, Kind.KILL_AFTER}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it strikes at the n-th call (from 0) of all calls, or of the calls named `only`."""

    kind: Kind
    at: int = 0
    only: str | None = None


@dataclass(slots=True)
class FaultyClient:
    """Stands in for a boto3 client; counts its calls and injects at most one fault."""

    client: Any
    fault: Fault | None = None
    calls: list[str] = field(default_factory=list)
    struck: bool = False
    between: Callable[[], object] | None = None

    def arm(self, fault: Fault | None, between: Callable[[], object] | None = None) -> None:
        """Counts calls anew from 0; the fault, if any, is injected at its call.

        `between` is done once, just before the first transaction.
        """
        self.fault, self.calls, self.struck, self.between = fault, [], False, between

    @property
    def meta(self) -> Any:
        """Returns the client's own `meta`, where handlers of its events are registered."""
        return self.client.meta

    def __getattr__(self, operation: str) -> Any:
        return lambda **arguments: self.call(self.client, operation, arguments)

    def call(self, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        """Makes the client's call, or injects the fault if this is its call."""
        if operation == _TRANSACTION and self.between:
            self._do_between(self.between)
        fault, at = self.fault, sum(self._counts(name.split()[0]) for name in self.calls)
        self.calls.append(f"{operation} {_target(arguments)}")
        send = getattr(client, operation)
        if fault is None or not self._counts(operation):
            return send(**arguments)
        if at != fault.at and not (fault.kind is Kind.OUTAGE and at > fault.at):
            return send(**arguments)
        self.struck = True
        if fault.kind is Kind.REPEAT:
            send(**arguments)
            return send(**arguments)
        if fault.kind in {Kind.AFTER, Kind.KILL_AFTER}:
            with suppress(ClientError):  # a refusal is lost as well
                send(**arguments)
        if fault.kind.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        raise _error(fault.kind, operation, arguments)

    def _do_between(self, between: Callable[[], object]) -> None:
        """Does what comes between, with its calls neither counted nor failing."""
        kept = self.fault, self.calls, self.struck
        self.arm(None)
        between()
        self.fault, self.calls, self.struck = kept

    def _counts(self, operation: str) -> bool:
        return self.fault is None or self.fault.only in (None, operation)


@dataclass(slots=True)
class Beside:
    """Stands in for another client, whose calls count and fail together with those of `first`."""

    first: FaultyClient
    client: Any

    def __getattr__(self, operation: str) -> Any:
        return lambda **arguments: self.first.call(self.client, operation, arguments)


def _error(kind: Kind, operation: str, arguments: dict[str, Any]) -> Exception:
    if kind in {Kind.BEFORE, Kind.OUTAGE}:
        return EndpointConnectionError(endpoint_url=URL)
    if kind is Kind.AFTER:
        return ConnectionClosedError(endpoint_url=URL)
    if kind is Kind.TIMEOUT:
        return ReadTimeoutError(endpoint_url=URL)
    single, reason = {
        Kind.THROTTLE: ("ProvisionedThroughputExceededException", "ThrottlingError"),
        Kind.CONFLICT: ("TransactionConflictException", "TransactionConflict"),
    }[kind]
    response: Any = {"Error": {"Code": single, "Message": "injected"}}
    if operation == _TRANSACTION:
        others = [{"Code": "None"}] * (len(arguments["TransactItems"]) - 1)
        response = {
            "Error": {"Code": "TransactionCanceledException", "Message": "injected"},
            "CancellationReasons": [{"Code": reason}, *others],
        }
    return ClientError(response, operation)


def _target(arguments: dict[str, Any]) -> str:
    """Returns, for the report, the partition key of the call's item or items, or "queue"."""
    if "Key" in arguments:
        return str(arguments["Key"]["pk"]["S"])
    if "Item" in arguments:
        return str(arguments["Item"]["pk"]["S"])
    if "QueueUrl" in arguments:
        return "queue"
    values = arguments.get("ExpressionAttributeValues", {})
    return str(values.get(":pk", values.get(":partition", {})).get("S", "several"))
