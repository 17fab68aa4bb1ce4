"""The key schema. docs/data-model.md explains it; nothing outside this package builds a key."""

import zlib
from datetime import date, datetime

from rl_core.models import Segment, Session, Status

# Sorts after every session, so that one query from the end reads the profile and the latest sessions.
PROFILE_SK = "~PROFILE"
SESSION_PREFIX = "SESSION#"
SEGMENT_PREFIX = "SEGMENT#"
POLICY_SK = "POLICY"
VERSION_PREFIX = "VERSION#"
SNAPSHOT_PREFIX = "SNAPSHOT#"
LAST_VERSION = 10**10 - 1
INDEX = "due"
PARKED = "parked"
MOST_SHARDS = 16  # the greatest number of partitions that a deployment may ever have had
LAST_SESSION = 10**8 - 1
DAY_PREFIX = "DAY#"  # of a user: sorts before the sessions, so that the query from the end never meets it
DAY_SHARDS = 16
DAILY_PK = "DAILY"
WATERMARK_SK = "WATERMARK"


def user_pk(user: str) -> str:
    return f"USER#{user}"


def session_sk(number: int) -> str:
    return f"{SESSION_PREFIX}{number:08d}"


def segment_pk(segment: Segment) -> str:
    return f"{SEGMENT_PREFIX}{segment.name}"


def snapshot_sk(version: int) -> str:
    return f"{SNAPSHOT_PREFIX}{version:010d}"


def snapshot_version(sk: str) -> int:
    return int(sk.removeprefix(SNAPSHOT_PREFIX))


def version_sk(version: int) -> str:
    return f"{VERSION_PREFIX}{version:010d}"


def open_shard(shard: int) -> str:
    return f"open#{shard}"


def due_shard(segment: Segment, shard: int) -> str:
    return f"due#{segment.name}#{shard}"


def erasing_shard(shard: int) -> str:
    return f"erasing#{shard}"


def shard_of(user: str, shards: int) -> int:
    """Returns in which of so many partitions of the index the user's work waits."""
    return zlib.crc32(user.encode()) % shards


def shards_to_ask(shards: int, now: datetime) -> range:
    """Returns the partitions that a job's run asks: where there are so many now, these; in the first minute of each
    hour all that there may ever have been, since work written under another number waits there."""
    return range(shards if now.minute else MOST_SHARDS)


def day_sk(day: date) -> str:
    return f"{DAY_PREFIX}{day.isoformat()}"


def day_of_sk(sk: str) -> date:
    return date.fromisoformat(sk.removeprefix(DAY_PREFIX))


def shard_sk(day: date, shard: int) -> str:
    return f"{day_sk(day)}#{shard:02d}"


def day_and_shard(sk: str) -> tuple[date, int]:
    day, _, shard = sk.removeprefix(DAY_PREFIX).partition("#")
    return date.fromisoformat(day), int(shard)


def day_shard(day: date, shard: int) -> str:
    return f"day#{day.isoformat()}#{shard:02d}"


def day_shard_of(user: str) -> int:
    return zlib.crc32(user.encode()) % DAY_SHARDS


def waiting_shard(session: Session, due: bool, shards: int) -> str | None:
    """Returns the index partition, of so many, in which a job finds the session; None once no job waits for it."""
    if session.status is Status.OPEN:
        return open_shard(shard_of(session.user, shards))
    if session.parked is not None:
        return PARKED
    return due_shard(session.segment, shard_of(session.user, shards)) if due else None
