"""Measures the same init under Lambda's own runtime, with the emulator of the SAM CLI wheel."""

import os
import platform
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

from lab.bench.coldstart.sandbox import ROOT, Sandbox, SandboxError

_KINDS = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_PATH = "/2015-03-31/functions/function/invocations"
_SECONDS = 30.0
_DURATION = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")


def emulator() -> Path:
    """Returns the path of the emulator for this machine's processor. Raises SandboxError when there is none."""
    kind = _KINDS.get(platform.machine(), "none")
    found = sorted((ROOT / ".venv-sam").glob(f"lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{kind}"))
    if not found:
        raise SandboxError("no Lambda runtime emulator for this machine in .venv-sam; `make venv` installs it")
    return found[0]


def init_seconds(sandbox: Sandbox, function: str, log: Path) -> float:
    """Returns the seconds from the runtime's start until it asked for the first event."""
    ports = _free_ports()
    with _running(sandbox, function, ports, log):
        _invoke(ports[0], log)
    found = _DURATION.search(log.read_text())
    if found is None or "INIT RTDONE(status: success)" not in log.read_text():
        raise SandboxError(f"the emulator says nothing of {function}'s init:\n{log.read_text()}")
    return float(found[1]) / 1000


@contextmanager
def _running(sandbox: Sandbox, function: str, ports: tuple[int, int], log: Path) -> Iterator[None]:
    flags = ["--runtime-interface-emulator-address", f"127.0.0.1:{ports[0]}"]
    flags += ["--runtime-api-address", f"127.0.0.1:{ports[1]}"]
    variables = sandbox.variables(function)
    variables["PYTHONPATH"] += os.pathsep + str(sandbox.client)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [emulator(), *flags, sandbox.python, "-m", "awslambdaric", "handler.lambda_handler"],
            cwd=sandbox.functions / function,
            env=variables | {"LAMBDA_TASK_ROOT": str(sandbox.functions / function)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the emulator and its runtime share a session of their own
        process.wait()


def _invoke(port: int, log: Path) -> None:
    """Sends the first event, which starts the init. The event is empty, and the handler's answer is ignored."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        try:
            connection.request("POST", _PATH, body="{}")
            connection.getresponse().read()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
        finally:
            connection.close()
    raise SandboxError(f"the emulator did not come up:\n{log.read_text()}")


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])
