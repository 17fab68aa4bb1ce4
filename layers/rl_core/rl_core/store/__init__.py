"""The one table: the only package that knows keys, items, conditions and boto3. See docs/data-model.md."""

from rl_core.store.days import Days, UserDay, mark_writes, open_days
from rl_core.store.erasing import Leaver, Lesson
from rl_core.store.keys import DAY_SHARDS
from rl_core.store.policies import record_item, snapshot_item
from rl_core.store.table import Due, Head, Store, open_store
from rl_core.store.writes import (
    Put,
    erasing_write,
    mending_write,
    policy_write,
    profile_write,
    record_write,
    session_write,
    snapshot_writes,
)

__all__ = [
    "DAY_SHARDS",
    "Days",
    "Due",
    "Head",
    "Leaver",
    "Lesson",
    "Put",
    "Store",
    "UserDay",
    "erasing_write",
    "mark_writes",
    "mending_write",
    "open_days",
    "open_store",
    "policy_write",
    "profile_write",
    "record_item",
    "record_write",
    "session_write",
    "snapshot_item",
    "snapshot_writes",
]
