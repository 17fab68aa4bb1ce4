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

from local import phone
from local.clock import Clock, SteppedClock
from local.phone import Answer, ids, over_http
from local.stack import UNCAPPED, Stack
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


def ok(answer: Answer) -> Json:
    """The body of an answer that is a 200."""
    assert answer.status == 200, answer.text
    body: Json = answer.body
    return body


def problem(answer: Answer, status: int, *members: str) -> str:
    """The type of the problem that the answer is; beside those of every problem it has these members."""
    assert (answer.status, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    assert answer.body.keys() - {"errors"} == {"type", "title", "status", "detail", *members}
    assert answer.body["status"] == status
    return str(answer.body["type"])


@dataclass(frozen=True, slots=True)
class Phone(phone.Phone[Answer]):
    """The phone of a user of what is tested; what is not named after its route gives the body of a 200."""

    user: str
    stack: Target

    @classmethod
    def of(cls, user: str, target: Target, http: httpx.Client) -> "Phone":
        """The phone of the user with that subject."""
        return cls(over_http(http, target.token(user)), user, target)

    @classmethod
    def named(cls, name: str, target: Target, http: httpx.Client) -> "Phone":
        """The phone of a user of that name, who is signed up where that is needed."""
        sign_up: Callable[[str], str] = getattr(target, "sign_up", str)
        return cls.of(sign_up(name), target, http)

    def profile(self) -> Json:
        return ok(self.get_profile())

    def plan(self, prefetch: bool | None = None) -> Json:
        return ok(self.recommend(prefetch))

    def sessions(self, limit: int | None = None) -> list[Json]:
        found: list[Json] = ok(self.history(limit))["sessions"]
        return found

    def latest(self) -> Json:
        return self.sessions(limit=1)[0]


def client_of(target: Target) -> httpx.Client:
    """HTTP to what is tested. A deployed API is told from others by its host's name."""
    hosts: dict[str, str] = getattr(target, "hosts", {})
    return httpx.Client(base_url=target.url, headers=hosts, trust_env=False, timeout=60)


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
    """Whether a time in an answer is so much later than now; to the second where the clock stands still."""
    exact = isinstance(target.clock, SteppedClock)
    off = datetime.fromisoformat(said) - (target.clock.now() + timedelta(**later))
    return abs(off) <= timedelta(minutes=0 if exact else 2)


def everything(stack: Target) -> list[Json]:
    """Every item of the table, in order."""
    pages = stack.dynamodb.get_paginator("scan").paginate(TableName=stack.table_name, ConsistentRead=True)
    found: list[Json] = [dict(item) for page in pages for item in page["Items"]]
    return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


# In these files the functions call the table by the SDK, as on AWS; in the others by the short way of local.wire.
BY_SDK = {"test_the_loop.py", "test_reads.py"}


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """One stack, with an empty table, for each file of tests. No function may have asked for more than its role has."""
    short = request.path.name not in BY_SDK
    with Stack(clock=SteppedClock(START), quiet=True, parameters=UNCAPPED, short=short) as running:
        yield running
        assert running.refused == []


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
        user = stranger()
        ok(user.put_profile(**{"segment": SEGMENT} | fields))
        return user

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
