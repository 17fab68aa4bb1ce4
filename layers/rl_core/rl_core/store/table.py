"""The one table and the client that reaches it: a call, the pages of a query, writes that all go through or none."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.session import Session

from rl_core.errors import ConflictError, FettleError, OversizeError, UnavailableError
from rl_core.store.fields import Stored, string
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

_TOO_LARGE = {"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"}
_RACES = {"ConditionalCheckFailed", "ConditionalCheckFailedException"}
_BUSY = {"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"}


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


class Table:
    """One table and its client. Every method raises UnavailableError when it cannot be reached."""

    def __init__(self, name: str, client: "DynamoDBClient | None" = None) -> None:
        self.name = name
        self.client: Any = client or _connect()

    def call(self, operation: str, **arguments: Any) -> Any:
        """Makes one call to DynamoDB; what it refuses becomes one of our errors."""
        if operation not in _NAMES_TABLES_ITSELF:
            arguments["TableName"] = self.name
        with _refusals():
            return getattr(self.client, operation)(**arguments)

    def get(self, pk: str, sk: str, *, consistent: bool = True) -> Stored | None:
        """Returns the item of this key; None if there is none."""
        found: Stored | None = self.call("get_item", Key=_key(pk, sk), ConsistentRead=consistent).get("Item")
        return found

    def pages(self, **arguments: Any) -> Iterator[list[Stored]]:
        """Yields the pages of a query."""
        while True:
            answer = self.call("query", **arguments)
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def items(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Returns the items of these keys (at most 100), strongly consistent; those not there are left out."""
        left: Any = [_key(pk, sk) for pk, sk in wanted]
        found: dict[tuple[str, str], Stored] = {}
        while left:
            answer = self.call("batch_get_item", RequestItems={self.name: {"Keys": left, "ConsistentRead": True}})
            found |= {(i["pk"]["S"], i["sk"]["S"]): i for i in answer["Responses"].get(self.name, [])}
            left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
        return found

    def write(self, *puts: Put) -> None:
        """Makes all of the writes, or none. Raises ConflictError, which names what had changed; OversizeError."""
        with _refusals(*puts):
            if len(puts) == 1:
                self.client.put_item(TableName=self.name, **puts[0].arguments())
            else:
                transaction = [{"Put": {"TableName": self.name, **put.arguments()}} for put in puts]
                self.client.transact_write_items(TransactItems=transaction, ClientRequestToken=secrets.token_hex(16))


def between(pk: str, first: str, last: str) -> dict[str, Any]:
    """Returns the arguments of a strongly consistent query for the sort keys from `first` to `last`."""
    return {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {":pk": string(pk), ":first": string(first), ":last": string(last)},
        "ConsistentRead": True,
    }


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": string(pk), "sk": string(sk)}


@contextmanager
def _refusals(*puts: Put) -> Iterator[None]:
    """Raises one of our errors for what DynamoDB refuses, and UnavailableError when it cannot be reached."""
    try:
        yield
    except ClientError as error:
        raise refused(error, puts) from error
    except BotoCoreError as error:
        raise UnavailableError from error


def refused(error: ClientError, puts: Sequence[Put] = ()) -> FettleError:
    """Returns what a refusal of these writes means: a lost condition, a race, a size; anything else: not there."""
    code = error.response["Error"]["Code"]
    reasons = [r.get("Code", "None") for r in error.response.get("CancellationReasons", [])]
    if code in _RACES:
        return ConflictError(frozenset({put.name for put in puts}), frozenset({p.key for p in puts if p.key}))
    if _TOO_LARGE & {code, *reasons}:
        return OversizeError(code)
    if lost := [i for i, reason in enumerate(reasons) if reason in _RACES]:
        its = [puts[i] for i in lost if i < len(puts)]
        return ConflictError(frozenset({put.name for put in its}), frozenset({put.key for put in its if put.key}))
    if _BUSY & {code, *reasons}:
        return ConflictError()
    return UnavailableError()
