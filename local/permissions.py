"""Reads what the template lets each function's role do, and refuses everything else, as IAM would.

`dynamodb:LeadingKeys` are the partition keys that a call names, of an index where it queries one. All of them must be
within one statement. Of a transaction AWS does not say whether each write is judged by its own key or by all of them:
here all count, so that what is allowed here is allowed either way.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from local.intrinsics import ACCOUNT, REGION, TemplateError

PARTITION_KEY = "pk"  # of every table
_LEADING_KEYS = ("ForAllValues:StringLike", "dynamodb:LeadingKeys")


class NotGrantedError(Exception):
    """Raised when a function makes a call that its role does not allow."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a call needs to be allowed: an action on a table or an index, for these partition keys."""

    action: str
    resource: str
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Statement:
    """Allows actions on resources; those of DynamoDB only for partition keys like one of `leading_keys`, if given."""

    actions: frozenset[str]
    resources: frozenset[str]
    leading_keys: frozenset[str] | None = None

    def allows(self, need: Need) -> bool:
        return need.action in self.actions and need.resource in self.resources and self._covers(need.keys)

    def _covers(self, keys: frozenset[str]) -> bool:
        return self.leading_keys is None or all(any(_like(key, its) for its in self.leading_keys) for key in keys)


def _like(key: str, pattern: str) -> bool:
    """Returns whether the key is like the pattern, by IAM's StringLike: `*` is any text, `?` any character."""
    return _compiled(pattern).fullmatch(key) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def statements_of(policies: Sequence[Mapping[str, Any]], where: str) -> tuple[Statement, ...]:
    """Returns the statements of a function's policies, whose intrinsics are resolved. Raises TemplateError."""
    return tuple(_statement(it, where) for policy in policies for it in _listed(policy["Statement"]))


def _statement(it: Mapping[str, Any], where: str) -> Statement:
    if it.get("Effect") != "Allow" or it.keys() - {"Effect", "Action", "Resource", "Condition"}:
        raise TemplateError(f"{where}: a statement allows actions on resources, and nothing else is understood")
    actions = frozenset(_listed(it["Action"]))
    if named := sorted(action for action in actions if "*" in action):
        raise TemplateError(f"{where}: {', '.join(named)}: name each action")
    return Statement(actions, frozenset(_listed(it["Resource"])), _leading_keys(it.get("Condition"), where))


def _leading_keys(condition: Any, where: str) -> frozenset[str] | None:
    if condition is None:
        return None
    operator, key = _LEADING_KEYS
    if list(condition) != [operator] or list(condition[operator]) != [key]:
        raise TemplateError(f"{where}: the only condition that is understood is {operator} on {key}")
    return frozenset(_listed(condition[operator][key]))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def needs_of(operation: str, params: Mapping[str, Any]) -> Iterator[Need]:
    """Yields what a call of DynamoDB needs to be allowed; a transaction, what it consists of."""
    if operation == "TransactWriteItems":
        yield from _of_transaction([next(iter(item.items())) for item in params["TransactItems"]])
    elif operation == "BatchGetItem":
        for table, its in params["RequestItems"].items():
            yield Need("dynamodb:BatchGetItem", table_arn(table), frozenset(_key({"Key": key}) for key in its["Keys"]))
    elif operation == "Query":
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        yield Need("dynamodb:Query", table_arn(params["TableName"]) + index, frozenset({_queried(params)}))
    else:
        keys = frozenset({_key(params)} if {"Key", "Item"} & params.keys() else ())
        yield Need(f"dynamodb:{operation}", table_arn(params["TableName"]), keys)


def _of_transaction(writes: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Need]:
    for table in {its["TableName"] for _, its in writes}:
        within = [(kind, _key(its)) for kind, its in writes if its["TableName"] == table]
        for kind in {kind for kind, _ in within}:
            yield Need(f"dynamodb:{kind}Item", table_arn(table), frozenset(key for _, key in within))


def _key(its: Mapping[str, Any]) -> str:
    key: str = (its.get("Key") or its["Item"])[PARTITION_KEY]["S"]
    return key


def _queried(params: Mapping[str, Any]) -> str:
    """Returns the partition key that a query asks for, which stands first in our key conditions."""
    found = re.match(r"\w+ = (:\w+)", params["KeyConditionExpression"])
    if found is None:
        raise ValueError(f"no partition key in {params['KeyConditionExpression']!r}")
    key: str = params["ExpressionAttributeValues"][found[1]]["S"]
    return key


def table_arn(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


@dataclass(frozen=True, slots=True)
class Caller:
    """The function that runs in this thread, with what its role allows; `refused` collects what it does not."""

    name: str
    statements: tuple[Statement, ...]
    refused: list[str]

    def check(self, operation: str, params: Mapping[str, Any]) -> None:
        """Raises NotGrantedError unless the role allows the call."""
        for need in needs_of(operation, params):
            if not any(statement.allows(need) for statement in self.statements):
                self.refused.append(f"{self.name} may not {need.action} {', '.join(sorted(need.keys))}")
                raise NotGrantedError(self.refused[-1])


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """Judges the calls of watched clients in this thread by the caller's role, until the end of the block."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def watch(client: Any) -> None:
    """Has every call of this DynamoDB client judged, from now on."""
    client.meta.events.register("provide-client-params.dynamodb.*", _judge, unique_id="permissions")


def _judge(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    caller = _caller.get()
    if caller is not None:
        caller.check(model.name, params)
