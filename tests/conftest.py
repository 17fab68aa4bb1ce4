"""The environment and the table of the tests, both read from infra/template.yaml."""

import importlib.util
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import moto
import pytest

from local.functions import derived_keys
from local.stack import UNCAPPED
from local.template import load

ROOT = Path(__file__).parents[1]
collect_ignore_glob = ["lab_*"]  # these run in the laboratory's environment: make tests
TEMPLATE = load({"JwtIssuer": "https://issuer.test", "JwtAudience": "fettle"} | UNCAPPED)
os.environ.update(
    TEMPLATE.environment
    | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    }
)

import boto3  # noqa: E402

from rl_core.config import settings  # noqa: E402
from rl_core.store import Store, open_day_table, open_store  # noqa: E402
from rl_core.store.queue import open_queue  # noqa: E402

# The functions in the order in which their sample events tell one story.
JOURNEY = (
    "profile",
    "recommend",
    "complete",
    "feedback_batch",
    "history",
    "stats",
    "learn",
    "erasure",
    "daily_dispatch",
    "daily_engagement",
)
# What a function may do to the table that only answers GET. Not GET /activity/recommended/: it stores what it assigns.
READS = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem"}
WRITERS = {route.function for route in TEMPLATE.routes if route.method != "GET"} | {"Recommend"}
READERS = sorted({route.function for route in TEMPLATE.routes} - WRITERS)
LONG = {f"test_{name}.py" for name in ("model", "bugs", "month", "slate", "races", "daily_job", "demo")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that of several workers none ends alone with one."""
    items.sort(key=lambda item: item.path.name not in LONG)


def handler_of(name: str) -> ModuleType:
    """The module functions/<name>/handler.py, under a name of its own."""
    path = ROOT / "functions" / name / "handler.py"
    spec = importlib.util.spec_from_file_location(f"handler_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    derived_keys(module)
    return module


def event_of(name: str) -> dict[str, Any]:
    """The sample event of a function."""
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


def granted(function: str) -> set[str]:
    """What the template's policy of that function allows: actions, those on the table's index with a word more."""
    statements = TEMPLATE.functions[function].statements
    return {
        f"{action} index" if "/index/" in resource else action
        for statement in statements
        for resource in statement.resources
        for action in statement.actions
    }


def rights_of(function: str) -> dict[str, set[str]]:
    """Which actions the template's policy of that function allows, by the partition keys of the table or its index."""
    found = defaultdict[str, set[str]](set)
    for statement in TEMPLATE.functions[function].statements:
        for place in (place for resource in statement.resources for place in _places(resource, statement.leading_keys)):
            found[place] |= statement.actions
    return dict(found)


def _places(resource: str, keys: frozenset[str] | None) -> set[str]:
    if resource.startswith("arn:aws:sqs:"):
        return {f"queue {resource.rpartition('-')[2]}"}
    return {f"index {key}" if "/index/" in resource else key for key in keys or {"any key"}}


def calls_of(client: Any) -> Counter[str]:
    """The calls that a DynamoDB client makes from now on, by operation; those of the index count under its name."""
    calls: Counter[str] = Counter()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls[params.get("IndexName", model.name)] += 1

    client.meta.events.register("provide-client-params.dynamodb.*", note)
    return calls


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty table in moto, opened as the handlers open it."""
    with moto.mock_aws():
        TEMPLATE.table.create(boto3.client("dynamodb"))
        forget()
        yield open_store()
        forget()


def forget() -> None:
    """What a process keeps from its first use belongs to one test."""
    for kept in (settings, open_store, open_day_table, open_queue):
        kept.cache_clear()


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Sets one environment variable of the service for one test."""

    def set_one(name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield set_one
    settings.cache_clear()
