"""Switches on what a restore leaves off: point-in-time recovery, time to live, protection against deletion."""

from typing import Any, NamedTuple

from rl_core.errors import FettleError
from rl_core.store import keys
from rl_core.store.table import Table

TTL = "expires_on"


class NotReadyError(FettleError):
    """A table cannot be worked on: it is still being restored, or was restored without its index."""


class Switch(NamedTuple):
    """Says what is off, and the call that switches it on."""

    what: str
    operation: str
    arguments: dict[str, Any]


def check(table: Table) -> None:
    """Raises NotReadyError unless the table and its index are there and active."""
    its = table.call("describe_table")["Table"]
    indexes = {index["IndexName"]: index["IndexStatus"] for index in its.get("GlobalSecondaryIndexes", [])}
    if its["TableStatus"] != "ACTIVE" or indexes.get(keys.INDEX, "ACTIVE") != "ACTIVE":
        raise NotReadyError(f"{table.name} is not active yet; try again when it is")
    if keys.INDEX not in indexes:
        raise NotReadyError(f"{table.name} has no index {keys.INDEX}: restore it with its indexes")


def off(table: Table, ttl: str) -> list[Switch]:
    """Returns what of a table's protection is off; `ttl` is the attribute by which its items expire."""
    found = list[Switch]()
    backups = table.call("describe_continuous_backups")["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        its = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
        found.append(Switch("point-in-time recovery", "update_continuous_backups", its))
    expiry = table.call("describe_time_to_live")["TimeToLiveDescription"]
    if expiry.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
        expires = {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": ttl}}
        found.append(Switch("time to live", "update_time_to_live", expires))
    if not table.call("describe_table")["Table"].get("DeletionProtectionEnabled"):
        found.append(Switch("protection against deletion", "update_table", {"DeletionProtectionEnabled": True}))
    return found


def switch_on(table: Table, switch: Switch) -> None:
    table.call(switch.operation, **switch.arguments)
