"""Finds the table that a tool looks at: that of the local stack that runs here, or one on AWS, and the time there."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from rl_core.config import Settings, read_settings
from rl_core.errors import FettleError
from rl_core.store import Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LOCAL_STACK = Path(".stack/stack.json")  # written by the local stack while it runs
LOCAL_TABLE = "fettle-local-Table"


class NoStackError(FettleError):
    """No local stack runs here."""


@dataclass(frozen=True, slots=True)
class Source:
    """Holds a table and its client.

    `ahead` is how far the clock of its stack is ahead of the machine's, `variables` the environment of its functions if
    that is known.
    """

    table: str
    client: "DynamoDBClient"
    ahead: timedelta = timedelta(0)
    local: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> Settings:
        """Returns the settings of the stack; what is not known of them is read off this process's environment."""
        known = {name: self.variables[name.upper()] for name in Settings.model_fields if name.upper() in self.variables}
        return read_settings(**known | {"table_name": self.table})

    def now(self) -> datetime:
        """Returns the time of the stack, in UTC."""
        return datetime.now(UTC) + self.ahead

    def store(self) -> Store:
        """Returns the store over the table."""
        return Store(self.table, self.client)


def local_stack(path: Path = LOCAL_STACK) -> Source:
    """Returns the source of the local stack that runs here. Raises NoStackError."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoStackError("no local stack runs here: make run") from None
    ahead = timedelta(seconds=said["ahead_s"])
    return Source(said["table"], client_of(said["endpoint"]), ahead, local=True, variables=said["variables"])


def table_of(name: str | None, endpoint_url: str | None = None) -> Source:
    """Returns the source of a table on AWS, or at an endpoint; without a name of TABLE_NAME's, else the local one."""
    local = endpoint_url is not None
    return Source(name or os.environ.get("TABLE_NAME", LOCAL_TABLE), client_of(endpoint_url), local=local)


def client_of(endpoint_url: str | None) -> "DynamoDBClient":
    """Returns a client for AWS as the environment says, or for the given endpoint.

    For an endpoint, credentials and region need not be set.
    """
    session = boto3.Session()
    if endpoint_url is None:
        return session.client("dynamodb")
    if session.get_credentials() is None:
        session = boto3.Session("local", "local", region_name=session.region_name or "us-east-1")
    return session.client("dynamodb", endpoint_url=endpoint_url)
