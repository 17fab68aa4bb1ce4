"""One process after the other, alternately: how long each takes, and how many instructions."""

import re
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bench.coldstart.sandbox import Sandbox, SandboxError

CLIENT = 'import boto3; boto3.client("dynamodb")'
INIT = "import handler; from rl_core.store import open_store; open_store()"


@dataclass(frozen=True, slots=True)
class Start:
    """A process to start: what it runs, with what around it."""

    code: str
    sandbox: Sandbox
    function: str = ""
    more: Mapping[str, str] | None = None

    def run(self, *under: str | Path) -> str:
        """Runs it to its end; what it wrote."""
        command = [*under, self.sandbox.python, "-c", self.code]
        variables = self.sandbox.variables(self.function) | dict(self.more or {})
        done = subprocess.run(command, env=variables, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise SandboxError(f"{self.function or 'the client'} does not start:\n{done.stderr}")
        return done.stderr


def bare(sandbox: Sandbox) -> Start:
    """What all is compared with: Python and boto3's DynamoDB client."""
    return Start(CLIENT, sandbox)


def init(sandbox: Sandbox, function: str, before: str = "", more: Mapping[str, str] | None = None) -> Start:
    """A function's init, its client to DynamoDB included."""
    return Start(before + INIT, sandbox, function, more)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round: on the clock, and of processor."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]


def alternately(starts: Sequence[Start], rounds: int) -> list[Times]:
    """Each once a round, so that what else the machine does falls on all alike; the first round only warms the disk."""
    measured: list[list[tuple[float, float]]] = [[] for _ in starts]
    for _ in range(rounds + 1):
        for start, its in zip(starts, measured, strict=True):
            its.append(_timed(start))
    return [Times(tuple(w for w, _ in its[1:]), tuple(c for _, c in its[1:])) for its in measured]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median over the rounds of each round's own ratio."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def instructions(start: Start) -> int:
    """Instructions until the process ends, by valgrind: repeatable to about a thousandth."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise SandboxError("counting needs valgrind")
    said = start.run(valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null")
    found = re.search(r"Collected : (\d+)", said)
    if found is None:
        raise SandboxError(f"valgrind counted nothing:\n{said}")
    return int(found[1])


def _timed(start: Start) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    start.run()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
