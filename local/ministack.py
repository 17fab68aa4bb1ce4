"""Starts MiniStack, which serves every AWS service that Fettle uses in one process.

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

# It runs on uvicorn with httptools' parser: they need half of the processor's time that its own server needs. It also
# keeps what it parsed of an expression, which it would parse anew for each item that a query looks at. The deployment
# test runs it with Lambda's Python, which has no uvicorn: there it is served by its own server, as it ships.
CHILD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
try:
    import uvicorn
except ModuleNotFoundError:
    from ministack.app import main
    sys.exit(main())
from functools import lru_cache
from ministack.services import dynamodb
for parse in ("_tokenize", "_condition_syntax_error"):
    setattr(dynamodb, parse, lru_cache(1000)(getattr(dynamodb, parse)))
uvicorn.run(
    "ministack.app:app", host=os.environ["BIND_HOST"], port=int(os.environ["GATEWAY_PORT"]), http="httptools",
    ws="none", log_level="warning", access_log=False, server_header=False, date_header=False, timeout_keep_alive=75,
)
"""


def running(
    folder: Path = STACK_FOLDER, python: Path = PYTHON, variables: Mapping[str, str] = MappingProxyType({})
) -> AbstractContextManager[str]:
    """Starts MiniStack with these variables over its own, yields its endpoint URL, and stops it at the end."""
    if not python.exists():
        raise EngineError("MiniStack is not installed; `make run` and `make test` do that")

    def launch(own: Path, port: int) -> Launch:
        return Launch([python, "-c", CHILD], _environment(own, port) | dict(variables), "/_ministack/ready")

    return engine.running("MiniStack", folder, launch)


def _environment(own: Path, port: int) -> dict[str, str]:
    """Returns MiniStack's environment: loopback only, without MQTT, SFTP and Docker, with all files in `own`."""
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
