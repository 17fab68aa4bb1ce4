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

# It runs on uvicorn with httptools' parser: they need half of the processor's time that its own server needs. A call of
# DynamoDB that arrives whole goes straight to that service, past parser and router, which looks for two dozen others
# first, and is answered in one piece. What MiniStack parsed of an expression or a number is kept, since it would parse
# that anew for each item. The deployment test has it enforce roles and runs it with Lambda's Python, which has no
# uvicorn: there its own server serves it, as it ships.
CHILD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
try:
    import uvicorn
except ModuleNotFoundError:
    from ministack.app import main
    sys.exit(main())
from functools import lru_cache
from uuid import uuid4
from ministack import app
from ministack.services import dynamodb
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
for parse in ("_tokenize", "_condition_syntax_error", "_number_size_bytes", "_ddb_canonicalize_number"):
    setattr(dynamodb, parse, lru_cache(10_000)(getattr(dynamodb, parse)))

class Protocol(HttpToolsProtocol):
    def data_received(self, data):
        if app.AUTH or not data.startswith(b"POST / HTTP/1.1\\r\\n") or self.cycle and not self.cycle.response_complete:
            return super().data_received(data)
        head, _, body = data.partition(b"\\r\\n\\r\\n")
        lines = head.decode("latin-1").split("\\r\\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        dynamo = headers.get("x-amz-target", "").startswith("DynamoDB_20120810.")
        if not dynamo or headers.get("content-length") != str(len(body)):
            return super().data_received(data)
        app.set_request_account_id(app.extract_access_key_id(headers))
        app.set_request_region(app.extract_region(headers))
        try:
            dynamodb.handle_request("POST", "/", headers, body, {}).send(None)
        except StopIteration as done:  # the coroutine waits for nothing
            status, its, answer = done.value
        body = answer if isinstance(answer, bytes) else answer.encode()
        its |= {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": uuid4(), "Content-Length": len(body)}
        said = "".join(f"{name}: {value}\\r\\n" for name, value in its.items())
        self.transport.write(f"HTTP/1.1 {status} \\r\\n{said}\\r\\n".encode() + body)

uvicorn.run(
    app.app, host=os.environ["BIND_HOST"], port=int(os.environ["GATEWAY_PORT"]), http=Protocol, ws="none",
    log_level="warning", access_log=False, server_header=False, date_header=False, proxy_headers=False,
    timeout_keep_alive=75,
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
