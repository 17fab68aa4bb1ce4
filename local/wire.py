"""Sends a DynamoDB client's calls to an engine over plain connections: unsigned, and without urllib3 and retries.

Two thirds of the time that the SDK takes for a call go to what no engine looks at. This is for programs that make many
thousands of calls and are no trial of the SDK: the demo, the month, the reference model, the tests of functions. The
client still writes the request's body and reads the answer's, and its events before and after a call are emitted.
"""

import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from botocore.parsers import create_parser

SECONDS = 10.0  # that an answer may take


class Answered(NamedTuple):
    """Holds what a client asks of an HTTP answer, besides the body that is parsed already."""

    status_code: int


@contextmanager
def shortened(client: Any, access_key: str) -> Iterator[None]:
    """Lets the client's calls take the short way until the end of the block; MiniStack reads an account off the key."""
    wire = _Wire(client, access_key)
    client.meta.events.register_first("before-call.dynamodb", wire.send)
    try:
        yield
    finally:
        client.meta.events.unregister("before-call.dynamodb", wire.send)
        wire.close()


class _Wire:
    """Keeps the connections that no call uses at the moment."""

    def __init__(self, client: Any, access_key: str) -> None:
        self._url: str = client.meta.endpoint_url
        self._parser = create_parser(client.meta.service_model.resolved_protocol)
        scope = f"{access_key}/20260101/{client.meta.region_name}/dynamodb/aws4_request"
        self._headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none",
            "X-Amz-Date": "20260101T000000Z",
        }
        self._free: list[HTTPConnection] = []

    def send(self, model: Any, params: Mapping[str, Any], **_: Any) -> tuple[Answered, Any]:
        """Returns the status and the parsed body of the answer, as the SDK's event wants it."""
        status, headers, body = self._exchange(params["body"], self._headers | params["headers"])
        answer = {"status_code": status, "headers": headers, "body": body}
        parsed = self._parser.parse(answer, model.output_shape)
        if error := parsed.get("Error"):
            shape = model.service_model.shape_for_error_code(error["Code"])
            parsed |= self._parser.parse(answer, shape) if shape else {}  # such as a transaction's reasons
        return Answered(status), parsed

    def close(self) -> None:
        """Closes the connections."""
        while self._free:
            self._free.pop().close()

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any, bytes]:
        connection = self._connection()
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except ConnectionRefusedError as error:
            connection.close()
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        except (OSError, HTTPException) as error:
            connection.close()
            raise ConnectionClosedError(endpoint_url=self._url) from error
        self._free.append(connection)
        return answer.status, answer.headers, content

    def _connection(self) -> HTTPConnection:
        """Returns a connection that nobody uses; one that the engine closed meanwhile opens itself anew."""
        if not self._free:
            return HTTPConnection(urlsplit(self._url).netloc, timeout=SECONDS)
        connection = self._free.pop()
        if connection.sock and _says_something(connection.sock):
            connection.close()
        return connection


def _says_something(sock: Any) -> bool:
    """Returns whether there is something to read, which between two calls is the end of the connection."""
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    return bool(waiting.poll(0))
