"""Lambda's own runtime without Docker: the emulator in the SAM CLI wheel runs a function as the service would.

The emulator serves the runtime API, `awslambdaric` polls it and calls the handler; both come from `.venv-sam`. The
handler's packages are those of the interpreter that runs the tests, so only the runtime client crosses over.
"""

import os
import platform
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.facts import Function

SAM = Path(__file__).parents[2] / ".venv-sam"
COMPILED = f"runtime_client{sysconfig.get_config_var('EXT_SUFFIX')}"
RUNTIME_CLIENT = ("awslambdaric", COMPILED, "simplejson", "snapshot_restore_py.py")
INVOCATIONS = "/2015-03-31/functions/function/invocations"
READY_SECONDS = 20.0
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Served:
    """One invocation: what the function answered, what was logged, and who ran it, where."""

    answer: Any
    log: str
    processes: tuple[int, ...]
    ports: tuple[int, ...]


def sam_packages() -> Path:
    """Where SAM CLI and the runtime client are installed."""
    found = sorted(SAM.glob("lib/python3.*/site-packages/awslambdaric"))
    if not found:
        pytest.fail("the Lambda runtime is not installed in .venv-sam; `make venv` does that")
    return found[0].parent


def emulator() -> Path:
    """The emulator for this machine's processor."""
    kind = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine())
    if sys.platform != "linux" or kind is None:
        pytest.fail(f"the Lambda runtime runs on Linux, x86_64 or arm64; not on {sys.platform}, {platform.machine()}")
    return sam_packages() / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{kind}"


def link_runtime_client(folder: Path) -> None:
    """Show the runtime client alone: beside it lie other versions of what the handlers import."""
    for name in RUNTIME_CLIENT:
        found = sam_packages() / name
        if not found.exists():
            pytest.fail(f".venv-sam has no {name}; `make venv` with the Python that runs the tests")
        (folder / name).symlink_to(found)


def serve(function: Function, event: Any, variables: Mapping[str, str], runtime_client: Path, log: Path) -> Served:
    """Invoke the function once, in a sandbox of its own that is gone when this returns."""
    ports = _free_ports()
    with _running(function, {**variables, "PYTHONPATH": str(runtime_client)}, ports, log) as process:
        with httpx.Client(trust_env=False, timeout=function.timeout_seconds + READY_SECONDS) as client:
            answer = client.post(f"http://127.0.0.1:{ports[0]}{INVOCATIONS}", json=event).json()
        processes = (process.pid, *_children(process.pid))
    return Served(answer, log.read_text(), processes, ports)


@contextmanager
def _running(
    function: Function, variables: Mapping[str, str], ports: tuple[int, int], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The emulator, listening; its runtime starts with the first invocation."""
    listen = [f"127.0.0.1:{port}" for port in ports]
    flags = ["--runtime-interface-emulator-address", listen[0], "--runtime-api-address", listen[1]]
    bootstrap = [sys.executable, "-m", "awslambdaric", function.handler]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [emulator(), *flags, *bootstrap],
            cwd=function.folder,
            env=_sandbox(function) | dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_listening(process, ports[0], log)
        yield process
    finally:
        _stop(process)


def _sandbox(function: Function) -> dict[str, str]:
    """What Lambda sets for this function; nothing of this machine's environment but the search path."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(function.folder),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        **function.environment,
    }


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the Lambda runtime emulator did not come up:\n{log.read_text()}")
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, and the emulator ends its runtime first; insist, and we end the runtime ourselves."""
    runtimes = _children(process.pid)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        for pid in filter(alive, runtimes):
            os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> tuple[int, ...]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return tuple(map(int, found.stdout.split()))


def _free_ports() -> tuple[int, int]:
    with ExitStack() as exits:
        probes = [exits.enter_context(socket.socket()) for _ in range(2)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        first, second = (int(probe.getsockname()[1]) for probe in probes)
        return first, second


def alive(pid: int) -> bool:
    """Whether the process is still there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def listens(port: int) -> bool:
    """Whether anything on this machine answers at that port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
