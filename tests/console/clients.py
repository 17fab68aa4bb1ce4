"""Clients that cannot reach the table, or are refused there."""

from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError


class Failing:
    """A client that cannot reach the table for any write after the first few, and then for no read either."""

    def __init__(self, client: Any, after: int = 0, reads: bool = True, error: Exception | None = None) -> None:
        self.client, self.left, self.reads = client, after, reads
        self.error = error or EndpointConnectionError(endpoint_url="http://table")
        self.failed = False

    def __getattr__(self, operation: str) -> Any:
        if operation in {"transact_write_items", "put_item", "update_item"}:
            self.left -= 1
            self.failed = self.left < 0
        if self.failed and (not self.reads or operation in {"transact_write_items", "put_item", "update_item"}):
            raise self.error
        return getattr(self.client, operation)


DENIED = ClientError(
    {
        "Error": {
            "Code": "AccessDeniedException",
            "Message": "User: arn:aws:iam::1:user/jo is not authorized to perform: dynamodb:PutItem on resource: x",
        }
    },
    "TransactWriteItems",
)
