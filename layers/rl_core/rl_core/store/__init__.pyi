from .assessments import assessment_writes
from .audit import OnRecord, act_write, acts_before, latest_acts
from .budget import ReadBudget
from .consents import dropped_write, request_write, session_number, statement_write, waits
from .day_table import MOST_DAYS, DayTable, ShardState, Watermark, open_day_table
from .erasing import Leaver, lesson_of
from .erasures import ERASURES_TTL, Erasures, life_of
from .fields import Put, Stored
from .frugal import FrugalStore
from .items import (
    UserDay,
    mark_writes,
    marker_write,
    parked_write,
    profile_write,
    read_user_day,
    session_write,
)
from .keys import DAY_SHARDS, LAST_VERSION, PROFILE_SK, partitions_to_ask
from .kinds import KINDS, Kind, kind_of, number_of, own_items, own_profile
from .policies import mending_writes, publish_writes, read_policy
from .refolds import Hold
from .table import Due, Head, Store, open_store
from .unlearning import Unlearner
from .watch import Watch

__all__ = [
    "DAY_SHARDS",
    "ERASURES_TTL",
    "KINDS",
    "LAST_VERSION",
    "MOST_DAYS",
    "PROFILE_SK",
    "DayTable",
    "Due",
    "Erasures",
    "FrugalStore",
    "Head",
    "Hold",
    "Kind",
    "Leaver",
    "OnRecord",
    "Put",
    "ReadBudget",
    "ShardState",
    "Store",
    "Stored",
    "Unlearner",
    "UserDay",
    "Watch",
    "Watermark",
    "act_write",
    "acts_before",
    "assessment_writes",
    "dropped_write",
    "kind_of",
    "latest_acts",
    "lesson_of",
    "life_of",
    "mark_writes",
    "marker_write",
    "mending_writes",
    "number_of",
    "open_day_table",
    "open_store",
    "own_items",
    "own_profile",
    "parked_write",
    "partitions_to_ask",
    "profile_write",
    "publish_writes",
    "read_policy",
    "read_user_day",
    "request_write",
    "session_number",
    "session_write",
    "statement_write",
    "waits",
]
