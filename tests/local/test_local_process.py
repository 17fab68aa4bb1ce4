"""`python -m local` as somebody runs it: it says when it is ready, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", *arguments]


def started(small_template: Path, port: int, *more: str, **variables: str) -> subprocess.Popen[str]:
    """The stack as a process, ready."""
    process = subprocess.Popen(
        command("--template", str(small_template), *more),
        cwd=ROOT,
        env=os.environ | {"PORT": str(port)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line == "ready\n":
            return process
    raise AssertionError("it ended without being ready")


def below(pid: int) -> list[int]:
    """The processes that it started, and those that they started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [each for child in map(int, found.stdout.split()) for each in (child, *below(child))]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pids: list[int], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def process(small_template: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    running = started(small_template, port)
    yield running
    if running.poll() is None:
        running.terminate()
    running.communicate()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(process: subprocess.Popen[str], port: int, stop: signal.Signals) -> None:
    ours = below(process.pid)
    assert ours
    process.send_signal(stop)
    output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, "")
    assert gone(ours)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_ministack_goes_even_when_we_are_killed(process: subprocess.Popen[str]) -> None:
    ours = below(process.pid)
    process.kill()
    process.wait()
    assert gone(ours)


@pytest.mark.usefixtures("dynoxide_installed")
def test_dynoxide_goes_even_when_we_are_killed(small_template: Path, port: int) -> None:
    process = started(small_template, port, DATA="dynoxide")
    ours = below(process.pid)
    process.kill()
    process.communicate()
    assert len(ours) == 3  # MiniStack; Dynoxide, and the one between us
    assert gone(ours)


def test_an_unknown_data_is_one_line_and_exit_code_one(port: int) -> None:
    variables = os.environ | {"PORT": str(port), "DATA": "mysql"}
    refused = subprocess.run(command(), cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert refused.stderr.startswith("fettle: DATA=mysql")


def test_a_token_of_the_command_line_is_let_in(process: subprocess.Popen[str], port: int) -> None:
    printed = subprocess.run(command("token", "ana"), cwd=ROOT, capture_output=True, text=True, check=True)
    headers = {"authorization": f"Bearer {printed.stdout.splitlines()[-1]}"}
    answer = httpx.get(f"http://127.0.0.1:{port}/things/7", headers=headers, trust_env=False)
    assert answer.json()["event"]["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "ana"


def test_the_clock_can_be_set_at_the_start(small_template: Path, port: int) -> None:
    process = started(small_template, port, "--now", "2030-01-01T00:00:00Z")
    try:
        token = subprocess.run(
            command("token", "ana"), cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.get(f"http://127.0.0.1:{port}/things/7", headers=headers, trust_env=False)
        assert answer.json()["event"]["requestContext"]["time"].startswith("01/Jan/2030:00:00")
    finally:
        process.terminate()
        process.communicate()


def test_a_busy_port_is_one_line_and_exit_code_one(process: subprocess.Popen[str], port: int) -> None:
    again = subprocess.run(command("--port", str(port)), cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert again.stderr.startswith(f"fettle: cannot listen on 127.0.0.1:{port}")
    assert again.stderr.count("\n") == 1
