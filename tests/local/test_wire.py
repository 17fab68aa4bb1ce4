"""The short way to an engine: it gives the answers and raises the errors that the SDK does."""

import json
import socket
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, EndpointConnectionError

from local.wire import shortened
from rl_core.store import Store
from tests.conftest import TEMPLATE, DataPlane, set_all

KEY = {"pk": {"S": "USER#ana"}, "sk": {"S": "one"}}
VALUES: dict[str, Any] = {
    "text": {"S": "Grüße"},
    "count": {"N": "-1.5"},
    "bytes": {"B": b"\x00\xff"},
    "flag": {"BOOL": True},
    "nothing": {"NULL": True},
    "sets": {"L": [{"SS": ["a"]}, {"NS": ["1"]}, {"BS": [b"\x01"]}]},
    "map": {"M": {"B": {"B": b"named as a type"}}},
    "another": {"M": {"BS": {"L": [{"S": "named as a type"}]}}},
}
Call = Callable[[Any], Any]
CALLS: dict[str, Call] = {
    "get_item": lambda its: its.get_item(TableName=TEMPLATE.table.name, Key=KEY),
    "nothing": lambda its: its.get_item(TableName=TEMPLATE.table.name, Key=KEY | {"sk": {"S": "none"}}),
    "scan": lambda its: its.scan(TableName=TEMPLATE.table.name, ReturnConsumedCapacity="TOTAL"),
    "batch_get_item": lambda its: its.batch_get_item(RequestItems={TEMPLATE.table.name: {"Keys": [KEY]}}),
    "put_item": lambda its: its.put_item(TableName=TEMPLATE.table.name, Item=KEY | VALUES, ReturnValues="ALL_OLD"),
    "describe_table": lambda its: its.describe_table(TableName=TEMPLATE.table.name),
}
NEW: dict[str, Any] = {
    "TableName": TEMPLATE.table.name,
    "Item": KEY,
    "ConditionExpression": "attribute_not_exists(pk)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
REFUSED: dict[str, Call] = {
    "a condition": lambda its: its.put_item(**NEW),
    "a transaction": lambda its: its.transact_write_items(TransactItems=[{"Put": NEW}]),
    "no table": lambda its: its.get_item(TableName="none", Key=KEY),
}


@pytest.fixture
def sdk(data_plane: DataPlane) -> Iterator[Any]:
    """A client that does not take the short way."""
    with pytest.MonkeyPatch.context() as patch:
        set_all(patch, data_plane.variables)
        client = Store(TEMPLATE.table.name).client
        yield client
        client.close()


@pytest.fixture
def short(sdk: Any, store_in_engine: Store) -> Any:
    """The client that takes the short way, to a table with an item that has values of every type."""
    store_in_engine.client.put_item(TableName=TEMPLATE.table.name, Item=KEY | VALUES)
    return store_in_engine.client


def without_metadata(answer: Any) -> dict[str, Any]:
    """The answer without what differs between two calls."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_the_short_way_gives_the_answer_of_the_sdk(short: Any, sdk: Any, call: Call) -> None:
    assert short is not sdk
    assert without_metadata(call(short)) == without_metadata(call(sdk))


def written(client: Any, call: Call) -> tuple[str, Any]:
    """The target and the body of the request that a call comes to."""
    requests = list[dict[str, Any]]()

    def note(params: dict[str, Any], **_: Any) -> None:
        requests.append(params)

    client.meta.events.register("before-call.dynamodb", note)
    call(client)
    client.meta.events.unregister("before-call.dynamodb", note)
    (request,) = requests
    return request["headers"]["X-Amz-Target"], json.loads(request["body"])


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_request_is_written_as_the_sdk_writes_it(short: Any, sdk: Any, call: Call) -> None:
    assert written(short, call) == written(sdk, call)


def test_what_was_stored_comes_back_as_it_was(short: Any) -> None:
    assert CALLS["get_item"](short)["Item"] == KEY | VALUES


def test_after_its_connections_were_closed_the_next_call_opens_another(
    short: Any, sdk: Any, data_plane: DataPlane
) -> None:
    with shortened(sdk, data_plane.variables["AWS_ACCESS_KEY_ID"]) as close:
        before = CALLS["get_item"](sdk)
        close()
        assert CALLS["get_item"](sdk) == before


def refusal(call: Call, client: Any) -> ClientError:
    with pytest.raises(ClientError) as refused:
        call(client)
    return refused.value


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_the_short_way_raises_what_the_sdk_raises(short: Any, sdk: Any, call: Call) -> None:
    ours, theirs = refusal(call, short), refusal(call, sdk)
    assert type(ours).__name__ == type(theirs).__name__
    assert without_metadata(ours.response) == without_metadata(theirs.response)


def answering(listener: socket.socket, answer: bytes) -> None:
    """Answers one request so, and closes the connection."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
def test_an_answer_that_breaks_off_is_an_error_of_the_connection(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        engine = Thread(target=answering, args=(listener, answer))
        engine.start()
        assert isinstance(failure(monkeypatch, listener.getsockname()[1]), ConnectionClosedError)
        engine.join()


def test_an_engine_that_is_not_there_is_an_error_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(failure(monkeypatch, port), EndpointConnectionError)


def failure(monkeypatch: pytest.MonkeyPatch, port: int) -> BotoCoreError:
    """What a call raises that goes the short way to this port."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
    client = Store(TEMPLATE.table.name).client
    with shortened(client, "test"), pytest.raises(BotoCoreError) as failed:
        CALLS["get_item"](client)
    return failed.value
