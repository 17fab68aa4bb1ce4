"""The real handlers over real HTTP against MiniStack, and phones that use them.

What is tested is the local stack, or, with `-p tests.e2e.plugin`, the stack as it is deployed. There, tests that step
the clock or fire the jobs themselves (they ask for `stack`), or that say `local_only` and why, are left out.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

import httpx
import pytest

from local.clock import Clock, SteppedClock
from local.stack import Stack
from rl_core.store import Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
SEGMENT = "High Anxiety, Low Activity"
PROBLEM = "application/problem+json"
Json = dict[str, Any]
T = TypeVar("T")


class Target(Protocol):
    """What both stacks have. A deployed one also has `sign_up`, for there a user's subject is not ours to choose."""

    @property
    def clock(self) -> Clock: ...
    @property
    def url(self) -> str: ...
    @property
    def table_name(self) -> str: ...
    @property
    def dynamodb(self) -> "DynamoDBClient": ...
    def token(self, user: str) -> str: ...


def is_deployed(config: pytest.Config) -> bool:
    """Whether this run tests the deployed stack."""
    return config.pluginmanager.has_plugin("tests.e2e.plugin")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Against the deployed stack, leave out what needs the local one."""
    if is_deployed(config):
        local = [
            it for it in items if "stack" in getattr(it, "fixturenames", ()) or it.get_closest_marker("local_only")
        ]
        config.hook.pytest_deselected(items=local)
        items[:] = [it for it in items if it not in local]


def ok(answer: httpx.Response) -> Json:
    """The body of an answer that is a 200."""
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def problem(answer: httpx.Response, status: int) -> str:
    """The type of the problem that the answer is."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    body = answer.json()
    assert body.keys() - {"errors"} == {"type", "title", "status", "detail"}
    assert body["status"] == status
    return str(body["type"])


@dataclass(frozen=True, slots=True)
class Phone:
    """The app of one user."""

    user: str
    stack: Target
    http: httpx.Client

    @classmethod
    def named(cls, name: str, target: Target, http: httpx.Client) -> "Phone":
        """The app of a user of that name, who is signed up where that is needed."""
        sign_up: Callable[[str], str] = getattr(target, "sign_up", str)
        return cls(sign_up(name), target, http)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        mine = {"authorization": f"Bearer {self.stack.token(self.user)}"} | (headers or {})
        return self.http.request(method, path, headers=mine, **more)

    def put(self, **fields: Any) -> httpx.Response:
        return self.ask("PUT", "/profile/", json=fields)

    def profile(self) -> Json:
        return ok(self.ask("GET", "/profile/"))

    def plan(self, **query: Any) -> Json:
        return ok(self.ask("GET", "/activity/recommended/", params=query))

    def complete(self, activity: int, **answer: Any) -> httpx.Response:
        return self.ask("POST", f"/activity/{activity}/complete/", json={"completed": True} | answer)

    def batch(self, items: list[Json], **more: Any) -> httpx.Response:
        return self.ask("POST", "/activity/feedback-batch/", json={"activities": items} | more)

    def sessions(self, **query: Any) -> list[Json]:
        found: list[Json] = ok(self.ask("GET", "/activity/history/", params=query))["sessions"]
        return found

    def latest(self) -> Json:
        return self.sessions(limit=1)[0]


def client_of(target: Target) -> httpx.Client:
    """HTTP to what is tested. A deployed API is told from others by its host's name."""
    hosts: dict[str, str] = getattr(target, "hosts", {})
    return httpx.Client(base_url=target.url, headers=hosts, trust_env=False, timeout=60)


def ids(plan: Json) -> list[int]:
    """The ids of a session's activities."""
    return [activity["id"] for activity in plan["activities"]]


def done(plan: Json, count: int | None = None, **fields: Any) -> list[Json]:
    """Batch items: the first `count` activities completed, all by default, the others not."""
    return [{"activity_id": its, "completed": count is None or n < count} | fields for n, its in enumerate(ids(plan))]


def at_once(count: int, call: Callable[[], T]) -> list[T]:
    """The results of so many calls in parallel."""
    with ThreadPoolExecutor(count) as pool:
        return [its.result() for its in [pool.submit(call) for _ in range(count)]]


def learn_all(stack: Stack) -> int:
    """Runs the job until it finds nothing to learn; how many sessions it learned."""
    total = 0
    while report := stack.run_schedule("Learn")["learned"]:
        total += report
    return total


def at_now(target: Target, said: str, **later: float) -> bool:
    """Whether a time on the wire is so much later than now; to the second where the clock stands still."""
    exact = isinstance(target.clock, SteppedClock)
    off = datetime.fromisoformat(said) - (target.clock.now() + timedelta(**later))
    return abs(off) <= timedelta(minutes=0 if exact else 2)


def everything(stack: Target) -> list[Json]:
    """Every item of the table, in order."""
    pages = stack.dynamodb.get_paginator("scan").paginate(TableName=stack.table_name, ConsistentRead=True)
    found: list[Json] = [dict(item) for page in pages for item in page["Items"]]
    return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One stack, with an empty table, for each file of tests."""
    with Stack(clock=SteppedClock(START), quiet=True) as running:
        yield running


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest) -> Target:
    """What is tested."""
    chosen: Target = request.getfixturevalue("deployment" if is_deployed(request.config) else "stack")
    return chosen


@pytest.fixture(scope="module")
def http(target: Target) -> Iterator[httpx.Client]:
    """One pool of connections to it."""
    with client_of(target) as client:
        yield client


@pytest.fixture
def table(target: Target) -> Store:
    """The table as the handlers see it."""
    return Store(target.table_name, target.dynamodb)


@pytest.fixture
def stranger(target: Target, http: httpx.Client) -> Callable[[], Phone]:
    """Makes users whom nobody has seen."""
    return lambda: Phone.named(f"user-{uuid4()}", target, http)


@pytest.fixture
def newcomer(stranger: Callable[[], Phone]) -> Callable[..., Phone]:
    """Makes users with a profile; its fields are the caller's, by default a segment."""

    def make(**fields: Any) -> Phone:
        phone = stranger()
        ok(phone.put(**{"segment": SEGMENT} | fields))
        return phone

    return make


@pytest.fixture
def ana(newcomer: Callable[..., Phone]) -> Phone:
    """A new user with a profile."""
    return newcomer()


@pytest.fixture
def later(stack: Stack) -> Callable[..., None]:
    """Moves the clock on; what is scheduled runs."""
    return lambda **by: stack.advance_to(stack.clock.now() + timedelta(**by))


@pytest.fixture
def pause(stack: Stack) -> Callable[..., None]:
    """Moves the clock on while the schedules stand still, as if the jobs were late."""

    def move(**by: float) -> None:
        assert isinstance(stack.clock, SteppedClock)
        stack.clock.advance_to(stack.clock.now() + timedelta(**by))

    return move
