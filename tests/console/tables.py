"""Clients of tables that a console may meet: out of reach, or refused by a right that the caller has not."""

from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

DENIED = "User: arn:aws:sts::1:assumed-role/nobody/jo is not authorized to perform: dynamodb:GetItem on the table"


class Down:
    """No call gets through."""

    def __getattr__(self, _: str) -> Any:
        def call(**_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

        return call


class Refusing:
    """The caller may do nothing here."""

    def __getattr__(self, _: str) -> Any:
        def call(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": DENIED}}, "GetItem")

        return call
