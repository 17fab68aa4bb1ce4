"""The one table: the only package that knows keys, items, conditions and botocore. See docs/data-model.md."""

from rl_core.store.days import Days, ShardState, UserDay, Watermark, mark_writes, open_days, read_user_day
from rl_core.store.erasing import Leaver, Lesson
from rl_core.store.fields import Stored
from rl_core.store.keys import DAY_SHARDS
from rl_core.store.store import Due, Head, Store, open_store
from rl_core.store.writes import (
    Put,
    marker_write,
    mending_writes,
    profile_write,
    publish_writes,
    session_write,
)

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
    "profile_write",
    "publish_writes",
    "read_user_day",
    "session_write",
]
