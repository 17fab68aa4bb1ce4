"""The one table: the only package that knows keys, items, conditions and botocore. See docs/data-model.md."""

from rl_core.store.days import Days, ShardState, Watermark, open_days
from rl_core.store.erasing import Leaver, Lesson
from rl_core.store.fields import Put, Stored
from rl_core.store.items import (
    UserDay,
    mark_writes,
    marker_write,
    parked_write,
    profile_write,
    read_user_day,
    session_write,
)
from rl_core.store.keys import DAY_SHARDS, shards_to_ask
from rl_core.store.policies import mending_writes, publish_writes
from rl_core.store.table import Due, Head, Store, open_store

__all__ = [
    "DAY_SHARDS",
    "Days",
    "Due",
    "Head",
    "Leaver",
    "Lesson",
    "Put",
    "ShardState",
    "Store",
    "Stored",
    "UserDay",
    "Watermark",
    "mark_writes",
    "marker_write",
    "mending_writes",
    "open_days",
    "open_store",
    "parked_write",
    "profile_write",
    "publish_writes",
    "read_user_day",
    "session_write",
    "shards_to_ask",
]
