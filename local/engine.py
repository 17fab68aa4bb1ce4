"""An engine of the data plane as a child process on a loopback port, with nothing left behind.

An engine is a server that speaks AWS's protocols: `local.ministack` and `local.dynoxide` say how each is started.
"""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local.scratch import workspace

READY_SECONDS = 60.0
STOP_SECONDS = 5.0
ATTEMPTS = 3


class EngineError(Exception):
    """An engine is not installed, is not made for this machine, is unknown, or does not come up."""


class Launch(NamedTuple):
    """How an engine is started: a command that ends when its standard input does, and its whole environment.

    `ready` is the path that answers 200 once the engine serves.
    """

    command: Sequence[str | Path]
    variables: Mapping[str, str]
    ready: str


@contextmanager
def running(name: str, folder: Path, launch: Callable[[Path, int], Launch]) -> Iterator[str]:
    """The engine's endpoint URL, while it runs.

    launch: says how it is started, given a folder of its own and a free port.
    """
    with workspace(folder, f"{name.lower()}-") as own:
        process, port = _started(name, own, launch)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def inherited() -> dict[str, str]:
    """The variables of this process that an engine may see."""
    return {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL"}}


def _started(name: str, own: Path, launch: Callable[[Path, int], Launch]) -> tuple[subprocess.Popen[bytes], int]:
    """Start it; another process may take the free port first, hence the attempts."""
    for _ in range(ATTEMPTS):
        port = _free_port()
        chosen = launch(own, port)
        process = _launched(chosen, own)
        try:
            if _becomes_ready(name, process, port, chosen.ready):
                return process, port
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    log = (own / "log").read_text(errors="replace").strip()
    raise EngineError(f"{name} did not come up; its log ends with:\n{log[-2000:]}")


def _launched(chosen: Launch, own: Path) -> subprocess.Popen[bytes]:
    """The process. Its standard input is a pipe whose other end we hold: however we die, it reads the end of file."""
    with (own / "log").open("ab") as log:
        return subprocess.Popen(
            chosen.command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=own,
            env=chosen.variables,
            start_new_session=True,  # Ctrl-C is for us; we stop it when the requests are done
        )


def _becomes_ready(name: str, process: subprocess.Popen[bytes], port: int, path: str) -> bool:
    """Wait until it answers; False when it ended instead."""
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None:
        if _answers(port, path):
            return process.poll() is None
        if time.monotonic() > deadline:
            raise EngineError(f"{name} was not ready within {READY_SECONDS:.0f} s")
        time.sleep(0.05)
    return False


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let go of its input, which ends it at once (its data is thrown away anyway); insist if it does not go."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its session is its own, and so is the group
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
