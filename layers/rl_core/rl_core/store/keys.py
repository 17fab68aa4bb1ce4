"""Builds and parses keys. docs/data-model.md explains the schema; nothing outside this package builds a key."""

import zlib
from datetime import date, datetime

from rl_core.models import Segment, Session, Status

# This key sorts after every session, so that one query from the end reads the profile and the latest sessions.
PROFILE_SK = "~PROFILE"
SESSION_PREFIX = "SESSION#"
SEGMENT_PREFIX = "SEGMENT#"
POLICY_SK = "POLICY"
REFOLD_SK = "REFOLD"
TREND_SK = "TREND"
VERSION_PREFIX = "VERSION#"
SNAPSHOT_PREFIX = "SNAPSHOT#"
LAST_VERSION = 10**10 - 1
INDEX = "due"
PARKED = "parked"
MOST_PARTITIONS = 16  # the greatest number of partitions that a deployment may ever have had
LAST_SESSION = 10**8 - 1
DAY_PREFIX = "DAY#"  # a user's days sort before their sessions, so that the query from the end never meets a day
DAY_SHARDS = 16
CONSENT_PREFIX = "CONSENT#"  # what users said of consent sorts before their sessions, too
REQUEST_SK = "CONSENT-UNLEARNING"
DAILY_PK = "DAILY"
WATERMARK_SK = "WATERMARK"
GUARD_PK = "GUARD"
STATE_SK = "STATE"


def user_pk(user: str) -> str:
    return f"USER#{user}"


def session_sk(number: int) -> str:
    return f"{SESSION_PREFIX}{number:08d}"


def statement_sk(number: int) -> str:
    return f"{CONSENT_PREFIX}{number:08d}"


def segment_pk(segment: Segment) -> str:
    return f"{SEGMENT_PREFIX}{segment.name}"


def snapshot_sk(version: int) -> str:
    return f"{SNAPSHOT_PREFIX}{version:010d}"


def snapshot_version(sk: str) -> int:
    return int(sk.removeprefix(SNAPSHOT_PREFIX))


def version_sk(version: int) -> str:
    return f"{VERSION_PREFIX}{version:010d}"


def open_partition(n: int) -> str:
    return f"open#{n}"


def due_partition(segment: Segment, n: int) -> str:
    return f"due#{segment.name}#{n}"


def erasing_partition(n: int) -> str:
    return f"erasing#{n}"


def partition_of(user: str, partitions: int) -> int:
    """Returns the index partition, out of `partitions`, in which the user's work waits."""
    return zlib.crc32(user.encode()) % partitions


def partitions_to_ask(partitions: int, now: datetime) -> range:
    """Returns the index partitions that a job's run asks: `partitions` of them, which is the present number.

    In the first minute of each hour a run asks all that there may ever have been, because work that was written under
    another number of partitions waits there.
    """
    return range(partitions if now.minute else MOST_PARTITIONS)


def day_sk(day: date) -> str:
    return f"{DAY_PREFIX}{day.isoformat()}"


def day_of_sk(sk: str) -> date:
    return date.fromisoformat(sk.removeprefix(DAY_PREFIX))


def shard_sk(day: date, shard: int) -> str:
    return f"{day_sk(day)}#{shard:02d}"


def day_and_shard(sk: str) -> tuple[date, int]:
    day, _, shard = sk.removeprefix(DAY_PREFIX).partition("#")
    return date.fromisoformat(day), int(shard)


def day_partition(day: date, shard: int) -> str:
    return f"day#{day.isoformat()}#{shard:02d}"


def day_shard_of(user: str) -> int:
    return zlib.crc32(user.encode()) % DAY_SHARDS


def is_to_be_learned(partition: str) -> bool:
    """Returns whether the sessions in this index partition wait to be learned from, or would but for a failure."""
    return partition == PARKED or partition.startswith("due#")


def waiting_partition(session: Session, due: bool, partitions: int) -> str | None:
    """Returns the index partition, out of `partitions`, in which the session waits; None if it waits for no job."""
    if session.status is Status.OPEN:
        return open_partition(partition_of(session.user, partitions))
    if session.parked is not None:
        return PARKED
    return due_partition(session.segment, partition_of(session.user, partitions)) if due else None
