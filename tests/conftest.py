"""The environment and the table of the tests, both read from infra/template.yaml."""

import gc
import importlib.util
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import boto3
import moto
import pytest
from botocore.loaders import JSONFileLoader

from local import data_plane as engines
from local.data_plane import Endpoints
from local.functions import derived_keys
from local.permissions import table_arn
from local.stack import UNCAPPED
from local.template import load
from local.wire import shortened

ROOT = Path(__file__).parents[1]
# These run in environments of their own: make tests-lab tests-console console-test.
collect_ignore_glob = ["lab_*", *([] if importlib.util.find_spec("streamlit") else ["console", "console_walk"])]
TEMPLATE = load({"JwtIssuer": "https://issuer.test", "JwtAudience": "fettle"} | UNCAPPED)
ERASURES = table_arn(TEMPLATE.environment["ERASURES_NAME"])
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

# The collector of unreachable cycles runs less often: that saves a tenth of the time.
gc.set_threshold(100_000, 50, 100)

# Each of boto3's clients reads the description of its service anew: here once. The endpoints' is changed by those who
# read it, so it is read as ever.
read, described = JSONFileLoader.load_file, cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda its, path: read(its, path) if "endpoints" in path else described(path)  # type: ignore[method-assign,assignment]

import rl_core.store.table  # noqa: E402
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
    "explanation",
    "pause",
    "assessments",
    "export",
    "consent",
    "learn",
    "erasure",
    "daily_dispatch",
    "daily_engagement",
    "guard",
)
# What a function may do to the table that only answers GET. Not GET /activity/recommended/: it stores what it assigns.
READS = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem"}
WRITERS = {route.function for route in TEMPLATE.routes if route.method != "GET"} | {"Recommend"}
SHARED = "FETTLE_TESTS_DYNAMODB"  # the URL of a DynamoDB that processes share, of which each runs tests
READERS = sorted({route.function for route in TEMPLATE.routes} - WRITERS)
LONGEST = ("bugs", "two_releases", "torn_backups", "month", "traces", "slate", "days", "races", "sessions")
LONG = {f"test_{name}.py" for name in (*LONGEST, "local_process", "demo", "daily_job")}
# Whole systems run without the coverage's trace, which doubles their time: their parts are traced in the other tests.
UNTRACED = {
    "lab",
    "local",
    "model",
    "releases",
    "test_races.py",
    "test_backlog.py",
    "test_caps.py",
    "test_ten_users.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that of several workers none ends alone with one."""
    items.sort(key=lambda item: item.path.name not in LONG)
    for item in items:
        if UNTRACED & {item.path.name, item.path.parent.name}:
            item.add_marker("no_cover")


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
    """What the template's policy of that function allows: actions, with a word more where they are not on the table."""
    statements = TEMPLATE.functions[function].statements
    return {f"{a}{_word(its)}" for statement in statements for its in statement.resources for a in statement.actions}


def _word(resource: str) -> str:
    return " index" if "/index/" in resource else " erasures" if resource == ERASURES else ""


def rights_of(function: str) -> dict[str, set[str]]:
    """Which actions the policy of that function allows: by partition keys of the table or its index, or by place."""
    found = defaultdict[str, set[str]](set)
    for statement in TEMPLATE.functions[function].statements:
        for place in (place for resource in statement.resources for place in _places(resource, statement.leading_keys)):
            found[place] |= statement.actions
    return dict(found)


def _places(resource: str, keys: frozenset[str] | None) -> set[str]:
    if resource.startswith("arn:aws:sqs:"):
        return {f"queue {resource.rpartition('-')[2]}"}
    if resource == ERASURES:
        return {"erasures"}
    return {f"index {key}" if "/index/" in resource else key for key in keys or {"any key"}}


@contextmanager
def counted(client: Any) -> Iterator[Counter[str]]:
    """The calls that a DynamoDB client makes meanwhile, by operation; those of the index count under its name."""
    calls: Counter[str] = Counter()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls[params.get("IndexName", model.name)] += 1

    client.meta.events.register("provide-client-params.dynamodb.*", note)
    yield calls
    client.meta.events.unregister("provide-client-params.dynamodb.*", note)


class DataPlane(NamedTuple):
    """A running DynamoDB: variables that lead to it, and the store's client for it, which takes a while to make."""

    variables: dict[str, str]
    client: Any


@pytest.fixture(scope="session")
def data_plane() -> Iterator[DataPlane]:
    """The DynamoDB of this process's tests: one that its parent runs for all its children, or else one of its own.

    Each process has an account of its own there, for MiniStack takes a key of twelve digits for an account's number.
    """
    shared = os.environ.get(SHARED)
    running = nullcontext(Endpoints(shared, shared)) if shared else engines.running()
    with running as endpoints:
        variables = {"AWS_ENDPOINT_URL_DYNAMODB": endpoints.dynamodb, "AWS_ACCESS_KEY_ID": f"{os.getpid():012}"}
        with pytest.MonkeyPatch.context() as patch:
            set_all(patch, variables)
            client = Store(TEMPLATE.table.name).client
        with shortened(client, variables["AWS_ACCESS_KEY_ID"]):
            yield DataPlane(variables, client)


@pytest.fixture
def endpoint(data_plane: DataPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets clients that are made meanwhile find that DynamoDB."""
    set_all(monkeypatch, data_plane.variables)


def set_all(patch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """Sets these environment variables."""
    for name, value in variables.items():
        patch.setenv(name, value)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Store:
    """An empty table, opened as the handlers open it; with DATA=moto it is in moto."""
    found: Store = request.getfixturevalue("store_in_moto" if os.environ.get("DATA") == "moto" else "store_in_engine")
    return found


@contextmanager
def opened(data_plane: DataPlane, client: Any, patch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty table in this DynamoDB, which the store reaches by this client."""
    patch.setattr(rl_core.store.table, "_connect", lambda: client)
    TEMPLATE.create_tables(data_plane.client)
    forget()
    yield open_store()
    forget()
    TEMPLATE.delete_tables(data_plane.client)


@pytest.fixture
def store_in_engine(data_plane: DataPlane, endpoint: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty table in an engine of the local stack."""
    with opened(data_plane, data_plane.client, monkeypatch) as store:
        yield store


@pytest.fixture
def store_apart(data_plane: DataPlane, endpoint: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The same, by a client that no other test has: what a test has that client note or count ends with the test."""
    client = Store(TEMPLATE.table.name).client
    key = data_plane.variables["AWS_ACCESS_KEY_ID"]
    with shortened(client, key), opened(data_plane, client, monkeypatch) as store:
        yield store


@pytest.fixture
def store_in_moto() -> Iterator[Store]:
    """An empty table in moto."""
    with moto.mock_aws():
        TEMPLATE.create_tables(boto3.client("dynamodb"))
        forget()
        yield open_store()
        forget()


def table_client() -> Any:
    """A client for the test's table, which nothing stands before, whatever the test puts before the store's."""
    return Store(TEMPLATE.table.name).client


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
