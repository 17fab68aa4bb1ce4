"""The stage of a story: a stack whose clock is stepped, people's phones, and an operator at the command line."""

import io
import logging
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

import httpx

from local import data_plane
from local.clock import SteppedClock
from local.data_plane import Endpoints
from local.phone import Json, Phone, bodies, over_http
from local.stack import UNCAPPED, Stack
from operate.__main__ import main
from rl_core.days import Guard
from rl_core.store import Store, Watch
from rl_core.work import UNITS

START = datetime(2026, 10, 5, 8, tzinfo=UTC)  # a Monday; the guard's ticks are counted from here
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORNING, DISPATCHED, JUDGED = timedelta(hours=8), timedelta(hours=12, minutes=31), timedelta(hours=13)  # of a day
ACTS = {"rollback", "exclude", "include", "mend", "unpark", "unlearn"}
TIMED = ACTS | {"check"}  # commands that take a time for now


class Answered(NamedTuple):
    """What a command came to: its exit code, and the lines that it printed."""

    code: int
    lines: list[str]


class Typed(NamedTuple):
    """A command that was typed, when, and its exit code."""

    at: datetime
    words: tuple[str, ...]
    code: int

    @property
    def acts(self) -> bool:
        """Returns whether the command was done and has to be in the audit."""
        return self.words[0] in ACTS and "--dry-run" not in self.words and self.code == 0


class Stage:
    """Holds the stack on which a story is played. `deploy` starts it, and later starts it anew over the same table."""

    def __init__(self, endpoints: Endpoints, say: Callable[[str], None]) -> None:
        self._endpoints, self._say = endpoints, say
        self._clock = SteppedClock(START)
        self._exits = ExitStack()
        self._tokens = dict[str, str]()
        self.typed: list[Typed] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def deploy(self, *parameters: str) -> None:
        """Starts the stack with these parameters of the template ("EpsilonMin=0.1"), in place of the one that runs.

        Unless they say otherwise, nobody's sessions are capped.
        """
        self._exits.close()
        given = UNCAPPED | dict(its.split("=", 1) for its in parameters)
        stack = Stack(clock=self._clock, parameters=given, quiet=True, data=self._endpoints, short=True)
        self.stack = self._exits.enter_context(stack)
        self._http = self._exits.enter_context(httpx.Client(base_url=self.stack.url, trust_env=False, timeout=60))
        self.tell("the stack starts with " + " ".join(f"{name}={value}" for name, value in given.items()))

    # Time.

    @property
    def now(self) -> datetime:
        """Returns the time on the stage."""
        return self._clock.now()

    def until(self, moment: datetime) -> None:
        """Moves the clock on by steps of an hour at most, so that the guard misses none."""
        while self.now < moment:
            whole = self.now.replace(minute=0, second=0) + HOUR
            self.stack.advance_to(min(whole, moment))

    def hour(self) -> None:
        """Moves the clock on to the next whole hour."""
        self.until(self.now.replace(minute=0) + HOUR)

    def at(self, hour: int, minute: int = 0) -> None:
        """Moves the clock on to this time of the day."""
        self.until(self.now.replace(hour=hour, minute=minute))

    def day(self) -> None:
        """Moves the clock on to the next morning, by the steps of a day on which the lights can change."""
        midnight = self.now.replace(hour=0, minute=0)
        for moment in (midnight + DISPATCHED, midnight + JUDGED, midnight + DAY + MORNING):
            if self.now < moment:
                self.stack.advance_to(moment)

    # What users and operators do.

    def phone(self, user: str) -> Phone[Json]:
        """Returns a user's phone."""
        if user not in self._tokens:
            self._tokens[user] = self.stack.token(user)
        return Phone(bodies(over_http(self._http, self._tokens[user])))

    def operate(self, *words: str, grep: str = "", about: str = "") -> Answered:
        """Has an operator type a command, and tells it and what it answered; a command that has `--now` is given ours.

        Tells only the lines that hold `grep`, or those of `check` that are about one light.
        """
        timed = ["--now", f"{self.now:%Y-%m-%dT%H:%M:%SZ}"] if words[0] in TIMED else []
        given = ["--endpoint-url", self.stack.data_url, "--table", self.stack.table_name, *words, *timed]
        self.tell(f"$ {shlex.join(['python', '-m', 'operate', *given])}{' | grep ' if grep else ''}{grep}")
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            code = main(given)
        answered = Answered(code, said.getvalue().splitlines())
        self.typed.append(Typed(self.now, words, code))
        for line in block(answered.lines, about) if about else answered.lines:
            if grep in line:
                self._say(f"{'':18}| {line}")
        return answered

    # What can be seen.

    @property
    def store(self) -> Store:
        """Returns the table, for scripts that damage it."""
        return Store(self.stack.table_name, self.stack.dynamodb)

    def guard(self) -> Guard:
        """Returns what the guard keeps."""
        return Watch(self.store, UNITS).guard()

    def tell(self, words: str) -> None:
        """Prints what happens, with the time on the stage."""
        self._say(f"{self.now:%Y-%m-%d %H:%M}  {words}")


def block(lines: Sequence[str], light: str) -> list[str]:
    """Returns the lines of `check` that are about this light."""
    found, its = [], False
    for line in lines:
        if not line.startswith(" "):
            its = line.split()[1:2] == [light]
        found += [line] if its else []
    return found


@contextmanager
def stage(say: Callable[[str], None]) -> Iterator[Stage]:
    """Opens a stage with a table of its own, and clears it at the end."""
    with _silence(), data_plane.running() as endpoints, Stage(endpoints, say) as made:
        made.deploy()
        yield made


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps the functions' logs out of the report until the end of the block."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
