"""Defines the typed facts of the template that `local.template.load` gives to the local stack and to the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.intrinsics import TemplateError
from local.permissions import Statement

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function: `name` is its logical id, `folder` its code, and `handler` is "module.function".

    `statements` are what its role allows besides logging.
    """

    name: str
    folder: Path
    handler: str
    environment: Mapping[str, str]
    memory_mb: int
    timeout_seconds: int
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the HTTP API; `path` keeps API Gateway's braces: "/activity/{id}/complete"."""

    method: str
    path: str
    function: str
    authorised: bool

    @property
    def key(self) -> str:
        """Returns the route's key in API Gateway: "GET /profile"."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Authorizer:
    """The JWT authorizer: it accepts tokens of this issuer for one of these audiences."""

    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Calls a function at fixed intervals; `payload` is its Input, placeholders included.

    `daily_at` is the time of day in UTC of a schedule by the calendar; None if the intervals count from its creation.
    """

    name: str
    function: str
    every: timedelta
    payload: str
    daily_at: timedelta | None = None

    def origin(self, start: datetime) -> datetime:
        """Returns the moment from which its ticks are counted; it is not later than `start`."""
        if self.daily_at is None:
            return start
        today = datetime(start.year, start.month, start.day, tzinfo=UTC) + self.daily_at
        return today if today <= start else today - self.every


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue that a function reads; after `most_receives` receives a message goes to `dead_letters`, if given."""

    name: str
    url: str
    function: str
    batch_size: int
    dead_letters: str | None
    most_receives: int


@dataclass(frozen=True, slots=True)
class Table:
    """A DynamoDB table; `properties` are the arguments of `create_table` besides its name."""

    name: str
    properties: Mapping[str, Any]
    ttl_attribute: str | None

    def create(self, client: "DynamoDBClient", name: str | None = None) -> str:
        """Creates the table, waits until it is active, and returns its name. Leaves one of that name as it is."""
        table_name = name or self.name
        try:
            client.create_table(TableName=table_name, **self.properties)
        except client.exceptions.ResourceInUseException:
            return table_name
        client.get_waiter("table_exists").wait(TableName=table_name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        if self.ttl_attribute:
            ttl = {"Enabled": True, "AttributeName": self.ttl_attribute}
            client.update_time_to_live(TableName=table_name, TimeToLiveSpecification=ttl)  # type: ignore[arg-type]
        return table_name


@dataclass(frozen=True, slots=True)
class Template:
    """Holds all that the local stack and the tests need to know of the template; its first table is `table`.

    `access_log` is the format of the API's access log; it is empty if there is none. `policies` are what the managed
    policies allow, by their logical ids.
    """

    tables: tuple[Table, ...]
    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    authorizer: Authorizer | None
    schedules: tuple[Schedule, ...]
    queues: tuple[Queue, ...]
    layers: tuple[Path, ...]
    access_log: str
    policies: Mapping[str, tuple[Statement, ...]]

    @property
    def table(self) -> Table:
        """Returns the table that holds everything but what has to outlive it."""
        return self.tables[0]

    def create_tables(self, client: "DynamoDBClient") -> None:
        """Creates the tables that are not there."""
        for table in self.tables:
            table.create(client)

    def delete_tables(self, client: "DynamoDBClient") -> None:
        """Deletes the tables."""
        for table in self.tables:
            client.delete_table(TableName=table.name)

    @property
    def environment(self) -> dict[str, str]:
        """Returns the variables that all functions share.

        Raises TemplateError when two functions differ in one, because a process has only one environment.
        """
        shared: dict[str, str] = {}
        for function in self.functions.values():
            for name, value in function.environment.items():
                if shared.setdefault(name, value) != value:
                    raise TemplateError(f"{name} differs between functions; in one process they share it")
        return shared
