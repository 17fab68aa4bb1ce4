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
# DynamoDB goes straight to that service, past the router, which looks for two dozen others first. It also keeps what it
# parsed of an expression, which it would parse anew for each item that a query looks at. The deployment test has it
# enforce roles and runs it with Lambda's Python, which has no uvicorn: there its own server serves it, as it ships.
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
for parse in ("_tokenize", "_condition_syntax_error"):
    setattr(dynamodb, parse, lru_cache(1000)(getattr(dynamodb, parse)))

async def serve(scope, receive, send):
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
    if app.AUTH or not headers.get("x-amz-target", "").startswith("DynamoDB_20120810."):
        return await app.app(scope, receive, send)
    app.set_request_account_id(app.extract_access_key_id(headers))
    app.set_request_region(app.extract_region(headers))
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    status, its, answer = await dynamodb.handle_request("POST", "/", headers, body, {})
    answer = answer if isinstance(answer, bytes) else answer.encode()
    its |= {"Content-Type": "application/x-amz-json-1.0", "Content-Length": len(answer), "x-amzn-RequestId": uuid4()}
    start = [(name.encode(), str(value).encode()) for name, value in its.items()]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": answer})

uvicorn.run(
    serve, host=os.environ["BIND_HOST"], port=int(os.environ["GATEWAY_PORT"]), http="httptools", ws="none",
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
