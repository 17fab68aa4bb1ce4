"""SAM's own linter has nothing to say against the template, and asks nobody on the network."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import TEMPLATE
from tests.e2e.emulator import SAM


@pytest.fixture
def outside() -> Iterator[socket.socket]:
    """Where everything that leaves this machine would arrive first: a proxy that never answers."""
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.setblocking(False)
        yield trap


def validate(home: Path, proxy: socket.socket) -> subprocess.CompletedProcess[str]:
    """`sam validate --lint`, without the weekly look for a newer version, and with a home of its own."""
    if not (SAM / "bin" / "sam").exists():
        pytest.fail("SAM CLI is not installed in .venv-sam; `make venv` does that")
    (home / "metadata.json").write_text(json.dumps({"telemetryEnabled": False, "lastVersionCheck": time.time()}))
    address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    return subprocess.run(
        [SAM / "bin" / "sam", "validate", "--lint", "--template", TEMPLATE],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "SAM_CLI_TELEMETRY": "0",
            "__SAM_CLI_APP_DIR": str(home),
            "HTTP_PROXY": address,
            "HTTPS_PROXY": address,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_template_passes_sam_validate_without_the_network(tmp_path: Path, outside: socket.socket) -> None:
    done = validate(tmp_path, outside)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout
    with pytest.raises(BlockingIOError):
        outside.accept()
