"""MiniStack: every service of AWS that Fettle uses, in one process.

It runs from a virtual environment of its own, because it pins botocore exactly.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType

from local import engine
from local.engine import EngineError, Launch
from local.intrinsics import REGION
from local.scratch import STACK_FOLDER

PYTHON = Path(__file__).parents[1] / ".venv-ministack" / "bin" / "python"

CHILD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from ministack.app import main
main()
"""


def running(
    folder: Path = STACK_FOLDER, python: Path = PYTHON, variables: Mapping[str, str] = MappingProxyType({})
) -> AbstractContextManager[str]:
    """MiniStack's endpoint URL, while it runs, with these variables over its own."""
    if not python.exists():
        raise EngineError("MiniStack is not installed; `make run` and `make test` do that")

    def launch(own: Path, port: int) -> Launch:
        return Launch([python, "-c", CHILD], _environment(own, port) | dict(variables), "/_ministack/ready")

    return engine.running("MiniStack", folder, launch)


def _environment(own: Path, port: int) -> dict[str, str]:
    """Loopback only, no MQTT, no SFTP, no Docker, and every file in our folder."""
    return engine.inherited() | {
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
