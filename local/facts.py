"""The nouns of the template: what `local.template.load` gives to the local stack and to the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.intrinsics import TemplateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function: `name` is its logical id, `folder` its code, `handler` is "module.function"."""

    name: str
    folder: Path
    handler: str
    environment: Mapping[str, str]
    memory_mb: int
    timeout_seconds: int


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the HTTP API; `path` keeps API Gateway's braces: "/activity/{id}/complete"."""

    method: str
    path: str
    function: str
    authorised: bool

    @property
    def key(self) -> str:
        """API Gateway's name for it: "GET /profile"."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Authorizer:
    """The JWT authorizer: tokens of this issuer, for one of these audiences."""

    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that is called every so often; `payload` is its Input, placeholders included."""

    name: str
    function: str
    every: timedelta
    payload: str


@dataclass(frozen=True, slots=True)
class Table:
    """The DynamoDB table; `properties` are what `create_table` takes besides its name."""

    name: str
    properties: Mapping[str, Any]
    ttl_attribute: str | None

    def create(self, client: "DynamoDBClient", name: str | None = None) -> str:
        """Create the table, wait until it is there, and return its name."""
        table_name = name or self.name
        client.create_table(TableName=table_name, **self.properties)
        client.get_waiter("table_exists").wait(TableName=table_name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        if self.ttl_attribute:
            ttl = {"Enabled": True, "AttributeName": self.ttl_attribute}
            client.update_time_to_live(TableName=table_name, TimeToLiveSpecification=ttl)  # type: ignore[arg-type]
        return table_name


@dataclass(frozen=True, slots=True)
class Template:
    """Everything that the local stack and the tests need to know of the template."""

    table: Table
    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    authorizer: Authorizer | None
    schedules: tuple[Schedule, ...]
    layers: tuple[Path, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that all functions share; one process has one environment, so they must agree."""
        shared: dict[str, str] = {}
        for function in self.functions.values():
            for name, value in function.environment.items():
                if shared.setdefault(name, value) != value:
                    raise TemplateError(f"{name} differs between functions; in one process they share it")
        return shared
