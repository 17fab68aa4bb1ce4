"""Runs processes alternately, and measures how long each takes or how many instructions it needs."""

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
    """A process to start: its code, sandbox and function, and additional variables."""

    code: str
    sandbox: Sandbox
    function: str = ""
    more: Mapping[str, str] | None = None

    def run(self, *under: str | Path) -> str:
        """Runs the process to its end and returns what it wrote to stderr. Raises SandboxError when it fails."""
        command = [*under, self.sandbox.python, "-c", self.code]
        variables = self.sandbox.variables(self.function) | dict(self.more or {})
        done = subprocess.run(command, env=variables, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise SandboxError(f"{self.function or 'the client'} does not start:\n{done.stderr}")
        return done.stderr


def bare(sandbox: Sandbox) -> Start:
    """Returns the process that all are compared with: Python and boto3's DynamoDB client."""
    return Start(CLIENT, sandbox)


def init(sandbox: Sandbox, function: str, before: str = "", more: Mapping[str, str] | None = None) -> Start:
    """Returns the process that runs a function's init, its DynamoDB client included."""
    return Start(before + INIT, sandbox, function, more)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round by wall clock and of CPU time."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]


def alternately(starts: Sequence[Start], rounds: int) -> list[Times]:
    """Runs each process once a round, so that other load on the machine affects all alike.

    The first round only warms the disk, and is not counted.
    """
    measured: list[list[tuple[float, float]]] = [[] for _ in starts]
    for _ in range(rounds + 1):
        for start, its in zip(starts, measured, strict=True):
            its.append(_timed(start))
    return [Times(tuple(w for w, _ in its[1:]), tuple(c for _, c in its[1:])) for its in measured]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Returns the median of the ratios of the rounds."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def instructions(start: Start) -> int:
    """Returns how many instructions valgrind counts until the process ends; repeats differ by about a thousandth."""
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
