"""The one table: the only package that knows keys, items, conditions and boto3. See docs/data-model.md."""

from rl_core.store.table import Due, Head, Store, open_store
from rl_core.store.writes import (
    Put,
    erasing_write,
    policy_write,
    profile_write,
    rollback_write,
    session_write,
    snapshot_writes,
    version_write,
)

__all__ = [
    "Due",
    "Head",
    "Put",
    "Store",
    "erasing_write",
    "open_store",
    "policy_write",
    "profile_write",
    "rollback_write",
    "session_write",
    "snapshot_writes",
    "version_write",
]
