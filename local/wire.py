"""Sends a DynamoDB client's calls to an engine over plain connections: unsigned, without urllib3 and retries.

Four fifths of the time that the SDK takes for a call go to what no engine looks at. This is for programs that make many
thousands of calls and are no trial of the SDK: the demo, the month, the reference model, the tests of functions. The
client's events before and after a call are emitted. Requests are written here, and an answer with items is read here;
any other, and every refusal, is read by the client's own parser.
"""

import json
import select
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from botocore.parsers import create_parser

SECONDS = 10.0  # that an answer may take
_OF_TABLES = {"CreateTable", "DeleteTable", "DescribeTable", "UpdateTable"}  # their answers have moments in them


class Answered(NamedTuple):
    """Holds what a client's events ask of an HTTP answer, besides the body that is parsed already."""

    status_code: int


@contextmanager
def shortened(client: Any, access_key: str) -> Iterator[Callable[[], None]]:
    """Lets the client's calls take the short way until the end of the block; MiniStack reads an account off the key.

    Yields a function that closes the connections, for who forks: parent and child must not share them. The next call
    opens another.
    """
    wire = _Wire(client, access_key)
    client._make_api_call = wire.call
    try:
        yield wire.close
    finally:
        del client._make_api_call
        wire.close()


class _Wire:
    """Makes a client's calls, and keeps the connections that no call uses at the moment."""

    def __init__(self, client: Any, access_key: str) -> None:
        self._client, self._url = client, client.meta.endpoint_url
        self._parser = create_parser(client.meta.service_model.resolved_protocol)
        place = urlsplit(self._url)
        self._place = (place.hostname, place.port)
        scope = f"{access_key}/20260101/{client.meta.region_name}/dynamodb/aws4_request"
        self._headers = {
            "Host": place.netloc,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none",
            "X-Amz-Date": "20260101T000000Z",
        }
        self._free: list[_Connection] = []

    def call(self, operation: str, params: Mapping[str, Any]) -> Any:
        """Returns the parsed answer. Raises what the client would raise."""
        client, context = self._client, dict[str, Any]()
        model = client.meta.service_model.operation_model(operation)
        params = client._emit_api_params(params, model, context)
        request = _written(params, model)
        events = client.meta.events
        events.emit(f"before-call.dynamodb.{operation}", model=model, params=request, context=context)
        status, body = self._exchange(request["headers"], request["body"])
        parsed = self._parsed(status, body, model)
        given = {"http_response": Answered(status), "parsed": parsed, "model": model, "context": context}
        events.emit(f"after-call.dynamodb.{operation}", **given)
        if status >= 300:
            raise client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)
        return parsed

    def close(self) -> None:
        """Closes the connections."""
        while self._free:
            self._free.pop().close()

    def _parsed(self, status: int, body: bytes, model: Any) -> Any:
        if status < 300 and model.name not in _OF_TABLES:
            return json.loads(body, object_hook=_bytes_of)
        answer = {"status_code": status, "headers": {}, "body": body}
        parsed = self._parser.parse(answer, model.output_shape)
        if error := parsed.get("Error"):
            shape = model.service_model.shape_for_error_code(error["Code"])
            parsed |= self._parser.parse(answer, shape) if shape else {}  # such as a transaction's reasons
        return parsed

    def _exchange(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        lines = [f"{name}: {value}\r\n" for name, value in (self._headers | dict(headers)).items()]
        head = f"POST / HTTP/1.1\r\n{''.join(lines)}Content-Length: {len(body)}\r\n\r\n"
        connection = self._connection()
        try:
            answer = connection.exchange(head.encode() + body)
        except (OSError, ValueError) as error:
            connection.close()
            raise ConnectionClosedError(endpoint_url=self._url) from error
        self._free.append(connection)
        return answer

    def _connection(self) -> "_Connection":
        """Returns a connection that nobody uses and that the engine did not close meanwhile, or else a new one."""
        try:
            while (connection := self._free.pop()).says_something():
                connection.close()
        except IndexError:  # none is left
            return self._connected()
        return connection

    def _connected(self) -> "_Connection":
        try:
            return _Connection(self._place)
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error


class _Connection:
    """Holds a connection to the engine."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._socket = socket.create_connection(place, SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming = self._socket.makefile("rb")
        self._waiting = select.poll()
        self._waiting.register(self._socket, select.POLLIN)

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Returns status and body of the answer. Raises ValueError when the answer ends before its end."""
        self._socket.sendall(request)
        _, status, *_ = self._incoming.readline().split(maxsplit=2)
        length = None
        while line := self._incoming.readline().rstrip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if length is None:
            raise ValueError("an answer without its length")
        body = self._incoming.read(length)
        if len(body) < length:
            raise ValueError("an answer without its end")
        return int(status), body

    def says_something(self) -> bool:
        """Returns whether there is something to read, which between two calls is the end of the connection."""
        return bool(self._waiting.poll(0))

    def close(self) -> None:
        self._incoming.close()
        self._socket.close()


def _written(params: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Returns headers and body of the request."""
    target = f"{model.service_model.metadata['targetPrefix']}.{model.name}"
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    return {"headers": headers, "body": json.dumps(params, default=_letters_of).encode()}


def _letters_of(value: bytes) -> str:
    """Returns base64's letters for bytes, which is all that the JSON of an item cannot hold."""
    return b64encode(value).decode()


def _bytes_of(value: dict[str, Any]) -> dict[str, Any]:
    """Returns an attribute's value with its bytes for base64's letters; any other object of an answer as it is."""
    if len(value) == 1:
        if isinstance(letters := value.get("B"), str):
            return {"B": b64decode(letters)}
        if isinstance(letters := value.get("BS"), list):
            return {"BS": [b64decode(each) for each in letters]}
    return value
