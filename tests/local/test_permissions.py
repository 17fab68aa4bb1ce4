"""What a role allows is judged as IAM judges it, and a call that it does not allow is not made."""

from collections.abc import Iterator
from typing import Any

import boto3
import moto
import pytest

from local.intrinsics import TemplateError
from local.permissions import Caller, Need, NotGrantedError, Statement, calling, needs_of, statements_of, watch
from tests.conftest import TEMPLATE

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/t"
INDEX = f"{TABLE}/index/due"
GET = "dynamodb:GetItem"
ANA, BEN, SEGMENT = ({"pk": {"S": pk}, "sk": {"S": "x"}} for pk in ("USER#ana", "USER#ben", "SEGMENT#HIGH_LOW"))


def statement(*keys: str) -> Statement:
    return Statement(frozenset({GET}), frozenset({TABLE}), frozenset(keys))


@pytest.mark.parametrize(
    ("patterns", "keys", "allowed"),
    [
        (("USER#*",), {"USER#ana"}, True),
        (("USER#*",), {"USER#a\nb"}, True),
        (("USER#*",), {"SEGMENT#HIGH_LOW"}, False),
        (("USER#*",), {"my USER#ana"}, False),
        (("USER#*",), {"user#ana"}, False),
        (("DAILY",), {"DAILY"}, True),
        (("DAILY",), {"DAILY2"}, False),
        (("open#?",), {"open#1"}, True),
        (("open#?",), {"open#10"}, False),
        (("a.c",), {"abc"}, False),
        (("USER#*", "DAILY"), {"USER#ana", "DAILY"}, True),
        (("USER#*", "DAILY"), {"USER#ana", "SEGMENT#HIGH_LOW"}, False),
        (
            ("USER#*",),
            set(),
            True,
        ),  # ForAllValues holds where there is no value: hence no action without keys is granted
    ],
)
def test_every_key_must_be_like_one_of_the_patterns(patterns: Any, keys: set[str], allowed: bool) -> None:
    assert statement(*patterns).allows(Need(GET, TABLE, frozenset(keys))) is allowed


@pytest.mark.parametrize("need", [Need("dynamodb:PutItem", TABLE), Need(GET, INDEX), Need(GET, f"{TABLE}2")])
def test_another_action_or_resource_is_not_allowed(need: Need) -> None:
    assert not statement("*").allows(need)


def needs(operation: str, **params: Any) -> set[Need]:
    return set(needs_of(operation, {"TableName": "t"} | params))


def test_a_call_needs_its_action_on_its_table_for_its_key() -> None:
    assert needs("GetItem", Key=ANA) == {Need(GET, TABLE, frozenset({"USER#ana"}))}
    assert needs("PutItem", Item=ANA) == {Need("dynamodb:PutItem", TABLE, frozenset({"USER#ana"}))}
    assert needs("Scan") == {Need("dynamodb:Scan", TABLE)}


def test_a_query_needs_the_key_that_it_asks_for_of_the_table_or_the_index() -> None:
    values = {":until": {"N": "1"}, ":partition": {"S": "open#0"}}
    asked: Any = {"KeyConditionExpression": "due_shard = :partition AND due_at <= :until"}
    asked["ExpressionAttributeValues"] = values
    assert needs("Query", **asked) == {Need("dynamodb:Query", TABLE, frozenset({"open#0"}))}
    assert needs("Query", **asked, IndexName="due") == {Need("dynamodb:Query", INDEX, frozenset({"open#0"}))}


def test_a_query_whose_partition_key_cannot_be_told_is_an_error() -> None:
    with pytest.raises(ValueError, match="no partition key"):
        needs("Query", KeyConditionExpression="begins_with(sk, :a)", ExpressionAttributeValues={})


def test_a_batch_needs_all_its_keys_at_once() -> None:
    found = needs("BatchGetItem", RequestItems={"t": {"Keys": [ANA, SEGMENT]}})
    assert found == {Need("dynamodb:BatchGetItem", TABLE, frozenset({"USER#ana", "SEGMENT#HIGH_LOW"}))}


def test_a_transaction_needs_each_of_its_actions_for_all_its_keys_of_a_table() -> None:
    put, elsewhere = ({"Put": {"TableName": table, "Item": SEGMENT}} for table in ("t", "other"))
    writes = [put, elsewhere, {"ConditionCheck": {"TableName": "t", "Key": ANA}}]
    keys = frozenset({"USER#ana", "SEGMENT#HIGH_LOW"})
    other = TABLE.removesuffix("t") + "other"
    assert needs("TransactWriteItems", TransactItems=writes) == {
        Need("dynamodb:PutItem", TABLE, keys),
        Need("dynamodb:ConditionCheckItem", TABLE, keys),
        Need("dynamodb:PutItem", other, frozenset({"SEGMENT#HIGH_LOW"})),
    }


def test_keys_of_one_call_must_be_within_one_statement() -> None:
    apart = Caller("Any", (statement("USER#*"), statement("SEGMENT#*")), [])
    apart.check("GetItem", {"TableName": "t", "Key": ANA})
    both = Need(GET, TABLE, frozenset({"USER#ana", "SEGMENT#HIGH_LOW"}))
    assert not any(its.allows(both) for its in apart.statements)


ALLOW: Any = {"Effect": "Allow", "Action": GET, "Resource": TABLE}
LIKE = "ForAllValues:StringLike"


def test_statements_are_read_with_one_action_or_a_list() -> None:
    listed = ALLOW | {"Action": [GET], "Resource": [TABLE], "Condition": {LIKE: {"dynamodb:LeadingKeys": "USER#*"}}}
    assert statements_of([{"Statement": ALLOW}, {"Statement": [listed]}], "F") == (
        Statement(frozenset({GET}), frozenset({TABLE})),
        statement("USER#*"),
    )


@pytest.mark.parametrize(
    ("its", "complaint"),
    [
        ({"Effect": "Deny"}, "F: a statement allows"),
        ({"NotAction": "x"}, "nothing else is understood"),
        ({"Action": "dynamodb:*"}, "F: dynamodb:.: name each action"),
        ({"Condition": {"StringLike": {"dynamodb:LeadingKeys": ["USER#*"]}}}, "only condition"),
        ({"Condition": {LIKE: {"dynamodb:Attributes": ["pk"]}}}, "only condition"),
        ({"Condition": {LIKE: {"dynamodb:LeadingKeys": ["a"]}, "Null": {"dynamodb:LeadingKeys": "false"}}}, "only"),
    ],
)
def test_what_is_not_understood_of_a_policy_is_an_error(its: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TemplateError, match=complaint):
        statements_of([{"Statement": [ALLOW | its]}], "F")


@pytest.fixture
def client() -> Iterator[Any]:
    """A client that is watched, with a table of this name that holds one item."""
    with moto.mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        TEMPLATE.table.create(client, "t")
        watch(client)
        yield client


def test_a_watched_client_makes_no_call_that_the_role_does_not_allow(client: Any) -> None:
    caller = Caller("Stats", (statement("USER#*"),), [])
    with calling(caller):
        assert "Item" not in client.get_item(TableName="t", Key=ANA)
        with pytest.raises(NotGrantedError, match="Stats may not dynamodb:GetItem SEGMENT#HIGH_LOW"):
            client.get_item(TableName="t", Key=SEGMENT)
        with pytest.raises(NotGrantedError):
            client.put_item(TableName="t", Item=BEN)
    assert client.scan(TableName="t")["Items"] == []  # nobody calls: nothing is judged
    assert caller.refused == [
        "Stats may not dynamodb:GetItem SEGMENT#HIGH_LOW",
        "Stats may not dynamodb:PutItem USER#ben",
    ]
