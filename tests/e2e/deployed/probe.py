"""Runs in a deployed function's place, beside its handler: what it may do to the table, and where its packages lie."""

import os
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError

TABLE = os.environ.get("TABLE_NAME", "none")
ERASURES = os.environ.get("PROBED_ERASURES", "none")  # not ERASURES_NAME: every probe has it, whatever its function has
KEY = {"pk": {"S": "PROBE"}, "sk": {"S": "PROBE"}}
PUT = {"Put": {"TableName": TABLE, "Item": KEY}}
CHECK = {"ConditionCheck": {"TableName": TABLE, "Key": KEY, "ConditionExpression": "attribute_not_exists(pk)"}}
SET = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": KEY["pk"]}}
QUERY = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": KEY["pk"]}}
DUE = {"KeyConditionExpression": "due_shard = :p", "ExpressionAttributeValues": {":p": KEY["pk"]}, "IndexName": "due"}

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb:GetItem": ("get_item", {"TableName": TABLE, "Key": KEY}),
    "dynamodb:BatchGetItem": ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [KEY]}}}),
    "dynamodb:Query": ("query", {"TableName": TABLE, **QUERY}),
    "dynamodb:Query index": ("query", {"TableName": TABLE, **DUE}),
    "dynamodb:Scan": ("scan", {"TableName": TABLE, "Limit": 1}),
    "dynamodb:PutItem": ("put_item", {"TableName": TABLE, "Item": KEY}),
    "dynamodb:UpdateItem": ("update_item", {"TableName": TABLE, "Key": KEY, **SET}),
    "dynamodb:DeleteItem": ("delete_item", {"TableName": TABLE, "Key": KEY}),
    "dynamodb:BatchWriteItem": ("batch_write_item", {"RequestItems": {TABLE: [{"PutRequest": {"Item": KEY}}]}}),
    "dynamodb:ConditionCheckItem": ("transact_write_items", {"TransactItems": [CHECK]}),
    "dynamodb:DeleteTable": ("delete_table", {"TableName": TABLE}),
    "dynamodb:GetItem erasures": ("get_item", {"TableName": ERASURES, "Key": {"pk": KEY["pk"]}}),
    "dynamodb:Scan erasures": ("scan", {"TableName": ERASURES, "Limit": 1}),
    "dynamodb:PutItem erasures": ("put_item", {"TableName": ERASURES, "Item": {"pk": KEY["pk"]}}),
    "dynamodb:DeleteItem erasures": ("delete_item", {"TableName": ERASURES, "Key": {"pk": KEY["pk"]}}),
    "dynamodb:PutItem elsewhere": ("put_item", {"TableName": f"{TABLE}-other", "Item": KEY}),
}


def allowed(operation: str, arguments: dict[str, Any]) -> bool:
    """Whether the function's role lets it make the call, whatever comes of it."""
    try:
        getattr(boto3.client("dynamodb"), operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] != "AccessDeniedException"
    return True


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Try every call, and say what was found."""
    import handler  # type: ignore[import-not-found]  # noqa: F401 - it lies here once deployed

    found = {name: module.__file__ for name, module in sys.modules.items() if getattr(module, "__file__", None)}
    return {
        "allowed": sorted(name for name, (operation, arguments) in CALLS.items() if allowed(operation, arguments)),
        "packages": {name: file for name, file in found.items() if "." not in name},
    }
