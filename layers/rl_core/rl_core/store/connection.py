"""The client: one call, the pages of a query, writes that all go through or none."""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.session import Session

from rl_core.errors import UnavailableError
from rl_core.store.attributes import Stored
from rl_core.store.refusals import translated
from rl_core.store.writes import Put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=32,
    parameter_validation=False,
    tcp_keepalive=True,
)
_NAMES_TABLES_ITSELF = {"batch_get_item", "transact_write_items"}
_DATA = Path(__file__).with_name("botocore")


class _OneService(Loader):
    """botocore's data as far as DynamoDB needs it; the rest is a megabyte to parse at each cold start."""

    def __init__(self) -> None:
        super().__init__(extra_search_paths=[str(_DATA)])

    def list_available_services(self, type_name: str) -> list[str]:
        """The only one there is, instead of a look into the folders of all."""
        del type_name
        return ["dynamodb"]


def _connect() -> Any:
    """A client without boto3 around it: nothing of its resources and of S3 is loaded."""
    session = Session()
    session.register_component("data_loader", _OneService())
    return session.create_client("dynamodb", config=_CONFIG)


class Connection:
    """One table and the client that reaches it. Every method raises UnavailableError when it cannot be reached."""

    def __init__(self, table: str, client: "DynamoDBClient | None" = None) -> None:
        self.table = table
        self.client: Any = client or _connect()

    def call(self, operation: str, **arguments: Any) -> Any:
        """One call to DynamoDB; what it refuses becomes one of our errors."""
        if operation not in _NAMES_TABLES_ITSELF:
            arguments["TableName"] = self.table
        try:
            return getattr(self.client, operation)(**arguments)
        except ClientError as error:
            raise translated(error) from error
        except BotoCoreError as error:
            raise UnavailableError from error

    def pages(self, **arguments: Any) -> Iterator[list[Stored]]:
        """The pages of a query."""
        while True:
            answer = self.call("query", **arguments)
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def items(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """The items of these keys (at most 100), strongly consistent; those that are not there are left out."""
        left: Any = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in wanted]
        found: dict[tuple[str, str], Stored] = {}
        while left:
            answer = self.call("batch_get_item", RequestItems={self.table: {"Keys": left, "ConsistentRead": True}})
            found |= {(i["pk"]["S"], i["sk"]["S"]): i for i in answer["Responses"].get(self.table, [])}
            left = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
        return found

    def write(self, *puts: Put) -> None:
        """All of the writes, or none. Raises ConflictError with the positions that lost, OversizeError."""
        if len(puts) == 1:
            self.call("put_item", **puts[0].arguments())
        else:
            transaction = [{"Put": {"TableName": self.table, **put.arguments()}} for put in puts]
            self.call("transact_write_items", TransactItems=transaction, ClientRequestToken=secrets.token_hex(16))
