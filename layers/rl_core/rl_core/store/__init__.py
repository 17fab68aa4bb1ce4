"""The one table: the only package that knows keys, items, conditions and boto3. See docs/data-model.md."""

from rl_core.store.erasing import Leaver, Lesson
from rl_core.store.policies import record_item, snapshot_item
from rl_core.store.table import Due, Head, Store, open_store
from rl_core.store.writes import (
    Put,
    erasing_write,
    policy_write,
    profile_write,
    record_write,
    session_write,
    snapshot_writes,
)

__all__ = [
    "Due",
    "Head",
    "Leaver",
    "Lesson",
    "Put",
    "Store",
    "erasing_write",
    "open_store",
    "policy_write",
    "profile_write",
    "record_item",
    "record_write",
    "session_write",
    "snapshot_item",
    "snapshot_writes",
]
