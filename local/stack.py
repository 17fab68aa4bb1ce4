"""Puts the local stack together: data plane, handlers, HTTP API, schedules and queues."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import boto3

from local import data_plane, queues
from local.api import Api
from local.clock import Clock, RealClock, SteppedClock
from local.data_plane import Endpoints
from local.functions import Functions, environment
from local.intrinsics import REGION
from local.pages import pages
from local.schedules import Ticker, TickerThread
from local.scratch import STACK_FOLDER
from local.server import Server, bind
from local.template import TEMPLATE, Template, load
from local.tokens import PARAMETERS, Tokens
from local.units import client_of_functions
from local.wire import shortened

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UNCAPPED = {"SessionsPerDay": "1000", "LearnedPerDay": "1000"}  # for tests and benchmarks: no daily cap
QUIET = {"POWERTOOLS_LOG_LEVEL": "ERROR", "POWERTOOLS_METRICS_DISABLED": "true"}

_one_at_a_time = threading.Lock()


class Stack:
    """Runs everything on a free port, and leaves nothing behind: `with Stack(clock=SteppedClock(start)) as stack:`

    parameters: the template's parameters, for instance {"EpsilonMin": "0.1"}.
    quiet: handlers write no metrics, and log errors only.
    seed: decides the keys of new profiles, and with them every draw; in a deployment they are random.
    data: a data plane that runs already, with the tables that are there; it goes on when the stack has stopped.
    short: calls to the table take the short way of local.wire instead of the SDK's.
    """

    url: str
    data_url: str
    table_name: str
    dynamodb: "DynamoDBClient"

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock | None = None,
        parameters: Mapping[str, str] | None = None,
        quiet: bool = False,
        template: Path = TEMPLATE,
        folder: Path = STACK_FOLDER,
        seed: int = 0,
        data: Endpoints | None = None,
        short: bool = False,
    ) -> None:
        self.clock: Clock = clock or RealClock()
        self._port, self._quiet, self._folder, self._seed = port, quiet, folder, seed
        self._data, self._short = data, short
        self._template = load(PARAMETERS | dict(parameters or {}), path=template)
        self._tokens = Tokens.of(folder)
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            self._start(exits)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def token(self, user: str) -> str:
        """Returns a bearer token for that user."""
        return self._tokens.mint(user)

    def advance_to(self, moment: datetime) -> None:
        """Moves a stepped clock; at its return each schedule that came due has fired once, and the queues are empty."""
        self._stepped().advance_to(moment)
        self._ticker.run_due(self.clock.now())
        self.drain()

    def run_on(self) -> None:
        """Lets a stepped clock run by itself from where it is, and with it schedules and queues, until the end."""
        self._stepped().run_on()
        self._run(self._exits)

    def run_schedule(self, function: str) -> Any:
        """Fires a function's schedule now, out of turn, and returns the function's answer."""
        for schedule in self._template.schedules:
            if schedule.function == function:
                return self._ticker.fire(schedule, self.clock.now())
        raise KeyError(f"{function} has no schedule")

    def disable_schedule(self, function: str) -> None:
        """Lets a function's ticks pass without a call, until `enable_schedule`."""
        self._ticker.disabled.add(function)

    def enable_schedule(self, function: str) -> None:
        """Has a function called again from its next tick on."""
        self._ticker.disabled.discard(function)

    def drain(self) -> int:
        """Has the functions work off their queues, and returns how many messages were done."""
        return self._poller.drain()

    def invoke(self, function: str, event: Any) -> Any:
        """Calls a function with any event, and returns its answer."""
        return self._functions.invoke(function, event)

    @property
    def variables(self) -> dict[str, str]:
        """Returns the environment of the functions, as the template has it."""
        return dict(self._template.environment)

    @property
    def refused(self) -> list[str]:
        """Returns the calls to the table that a function made although its role does not allow them."""
        return self._functions.refused

    def _start(self, exits: ExitStack) -> None:
        """Starts the parts, the data plane first; `exits` stops them in reverse order, also when a later one fails."""
        exits.enter_context(_alone_in_this_process())
        bound = exits.enter_context(bind(self._port))
        endpoints = self._data or exits.enter_context(data_plane.running(self._folder))
        self.data_url = endpoints.dynamodb
        given = variables(self._template, endpoints) | (QUIET if self._quiet else {})
        exits.enter_context(environment(given))
        self.dynamodb = boto3.session.Session().client("dynamodb")
        exits.callback(self.dynamodb.close)
        self._template.create_tables(self.dynamodb)
        self.table_name = self._template.table.name
        client = boto3.session.Session().client("sqs")
        exits.callback(client.close)
        queues.create(self._template.queues, client)
        self._functions = Functions(self._template, self._seed)
        for its in (self.dynamodb, client_of_functions()) if self._short else ():
            exits.enter_context(shortened(its, given["AWS_ACCESS_KEY_ID"]))
        self._poller = queues.Poller(self._template.queues, client, self._functions.invoke)
        self._ticker = Ticker(self._template.schedules, self._functions.invoke, self.clock.now())
        api = Api(self._template, self._tokens, self._functions.invoke, self.clock, pages(self._tokens))
        server = Server(api, bound)
        server.start()
        exits.callback(server.stop)
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        if not isinstance(self.clock, SteppedClock):
            self._run(exits)

    def _stepped(self) -> SteppedClock:
        if not isinstance(self.clock, SteppedClock):
            raise TypeError("only a stack with a SteppedClock can be advanced")
        return self.clock

    def _run(self, exits: ExitStack) -> None:
        """Starts the threads that fire the schedules and have the queues worked off."""
        schedules = TickerThread(self._ticker, self.clock)
        schedules.start()
        exits.callback(schedules.stop)
        polling = queues.PollerThread(self._poller)
        polling.start()
        exits.callback(polling.stop)


def variables(template: Template, endpoints: Endpoints) -> dict[str, str]:
    """Returns the functions' environment, in which AWS means our own endpoints."""
    ours = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    return template.environment | endpoints.variables | ours


@contextmanager
def _alone_in_this_process() -> Iterator[None]:
    """Raises RuntimeError when another stack runs in this process, because both would use one environment and table."""
    if not _one_at_a_time.acquire(blocking=False):
        raise RuntimeError("another Stack runs in this process; leave it first")
    try:
        yield
    finally:
        _one_at_a_time.release()
