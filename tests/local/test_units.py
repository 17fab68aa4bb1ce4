"""What the local data planes say that a read took is what DynamoDB would bill."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest

from local import dynoxide
from local.units import Units, bill
from rl_core.store.sizes import size
from tests.conftest import TEMPLATE

USER = {"S": "USER#ana"}
OF_USER: Any = {"KeyConditionExpression": "pk = :user", "ExpressionAttributeValues": {":user": USER}}


def fill(client: Any) -> list[dict[str, Any]]:
    """Puts ten sessions of ever more kilobytes, and returns them."""
    TEMPLATE.table.create(client)
    found = [{"pk": USER, "sk": {"S": f"SESSION#{n:08d}"}, "notes": {"S": "é" * 700 * n}} for n in range(10)]
    for item in found:
        client.put_item(TableName=TEMPLATE.table.name, Item=item)
    return found


def told(client: Any, operation: str, **arguments: Any) -> float:
    """The units that one read says it took."""
    answer = getattr(client, operation)(TableName=TEMPLATE.table.name, ReturnConsumedCapacity="TOTAL", **arguments)
    units: float = answer["ConsumedCapacity"]["CapacityUnits"]
    return units


def every_read(client: Any) -> list[float]:
    """The units of queries of one to ten items, and of each item, strongly consistent and not."""
    found = [told(client, "query", **OF_USER, Limit=n, ConsistentRead=c) for n in range(1, 11) for c in (True, False)]
    keys = [{"pk": USER, "sk": {"S": f"SESSION#{n:08d}"}} for n in range(11)]  # the last is not there
    return found + [told(client, "get_item", Key=key, ConsistentRead=c) for key in keys for c in (True, False)]


@pytest.fixture
def client() -> Iterator[Any]:
    with moto.mock_aws():
        yield boto3.client("dynamodb")


def test_a_query_takes_a_unit_for_each_four_kilobytes_of_all_its_items_together(client: Any) -> None:
    bytes_ = sum(map(size, fill(client)))
    bill(client)
    assert told(client, "query", **OF_USER, ConsistentRead=True) == -(-bytes_ // 4096) == 16
    assert told(client, "query", **OF_USER) == 8


def test_what_nobody_asks_for_is_not_told(client: Any) -> None:
    fill(client)
    bill(client)
    assert "ConsumedCapacity" not in client.query(TableName=TEMPLATE.table.name, **OF_USER)


def test_units_are_counted_as_billed_and_from_zero_again_once_taken(client: Any) -> None:
    fill(client)
    bill(client)
    units = Units(client)
    client.query(TableName=TEMPLATE.table.name, **OF_USER, ConsistentRead=True)
    assert units.take() == (16.0, 0.0)
    assert units.take() == (0.0, 0.0)


@pytest.mark.usefixtures("dynoxide_installed")
def test_reads_are_billed_as_dynoxide_bills_them(client: Any, tmp_path: Path) -> None:
    fill(client)
    bill(client)
    ours = every_read(client)
    with dynoxide.running(tmp_path) as url:
        theirs = boto3.client("dynamodb", endpoint_url=url)
        fill(theirs)
        assert every_read(theirs) == ours
