"""Writes down when it was called."""

import os
from typing import Any

import boto3

client = boto3.client("dynamodb")


def lambda_handler(event: dict[str, str], context: Any) -> dict[str, Any]:
    """The function's entry."""
    client.put_item(TableName=os.environ["TABLE_NAME"], Item={"pk": {"S": event["time"]}})
    return {"time": event["time"], "function": context.function_name, "memory": context.memory_limit_in_mb}
