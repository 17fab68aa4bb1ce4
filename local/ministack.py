"""MiniStack as a child process: DynamoDB on a loopback port, with nothing left behind.

It runs from a virtual environment of its own, because it pins botocore exactly.
"""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from local.intrinsics import REGION
from local.scratch import STACK_FOLDER, workspace

PYTHON = Path(__file__).parents[1] / ".venv-ministack" / "bin" / "python"
READY_SECONDS = 60.0
STOP_SECONDS = 5.0
ATTEMPTS = 3

# Its standard input is a pipe whose other end we hold: however we die, it reads the end of file and goes too.
CHILD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from ministack.app import main
main()
"""


class MiniStackError(Exception):
    """MiniStack is not installed, or does not come up."""


@contextmanager
def running(
    folder: Path = STACK_FOLDER, python: Path = PYTHON, variables: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """MiniStack's endpoint URL, while it runs, with these variables over its own."""
    if not python.exists():
        raise MiniStackError("MiniStack is not installed; `make run` and `make test` do that")
    with workspace(folder, "ministack-") as own:
        process, port = _started(own, python, variables)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def _started(own: Path, python: Path, variables: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start it; another process may take the free port first, hence the attempts."""
    for _ in range(ATTEMPTS):
        port = _free_port()
        process = _launch(own, python, _environment(own, port) | dict(variables))
        try:
            if _becomes_ready(process, port):
                return process, port
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    log = (own / "log").read_text(errors="replace").strip()
    raise MiniStackError(f"MiniStack did not come up; its log ends with:\n{log[-2000:]}")


def _launch(own: Path, python: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (own / "log").open("ab") as log:
        return subprocess.Popen(
            [python, "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=own,
            env=variables,
            start_new_session=True,  # Ctrl-C is for us; we stop it when the requests are done
        )


def _environment(own: Path, port: int) -> dict[str, str]:
    """Loopback only, no MQTT, no SFTP, no Docker, and every file in our folder."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL"}}
    return kept | {
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": f"unix://{own}/no-docker",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_REGION": REGION,
        "PYTHONUNBUFFERED": "1",
        "S3_DATA_DIR": str(own / "s3"),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(own),
        "TMPDIR": str(own),
    }


def _becomes_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until it answers; False when it ended instead."""
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None:
        if _answers(port):
            return process.poll() is None
        if time.monotonic() > deadline:
            raise MiniStackError(f"MiniStack was not ready within {READY_SECONDS:.0f} s")
        time.sleep(0.05)
    return False


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_ministack/ready")
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
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
