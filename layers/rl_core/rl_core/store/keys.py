"""Builds and parses keys. docs/data-model.md explains the schema; nothing outside this package builds a key."""

import zlib
from datetime import UTC, date, datetime

from rl_core.models import Segment, Session, Status

# This key sorts after every session, so that one query from the end reads the profile and the latest sessions.
PROFILE_SK = "~PROFILE"
BEFORE_PROFILE = "~"  # sorts after every other item of a user
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
AWAY_PREFIX = "AWAY#"  # so do the users' absences that the daily job looks at again
CONSENT_PREFIX = "CONSENT#"  # what users said of consent sorts before their sessions, too
REQUEST_SK = "CONSENT-UNLEARNING"
ASSESSMENT_PREFIX = "ASSESSMENT#"  # so do assessments
DAILY_PK = "DAILY"
AUDIT_PK = "AUDIT"
WATERMARK_SK = "WATERMARK"
GUARD_PK = "GUARD"
STATE_SK = "STATE"


def user_pk(user: str) -> str:
    return f"USER#{user}"


def session_sk(number: int) -> str:
    return f"{SESSION_PREFIX}{number:08d}"


def statement_sk(number: int) -> str:
    return f"{CONSENT_PREFIX}{number:08d}"


def assessment_sk(day: date) -> str:
    return f"{ASSESSMENT_PREFIX}{day.isoformat()}"


def day_of_assessment(sk: str) -> date:
    return date.fromisoformat(sk.removeprefix(ASSESSMENT_PREFIX))


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


def audit_partition(person: bytes) -> str:
    return f"audit#{person.hex()}"


def partition_of(user: str, partitions: int) -> int:
    """Returns the index partition, out of `partitions`, in which the user's work waits."""
    return zlib.crc32(user.encode()) % partitions


def partitions_to_ask(partitions: int, now: datetime) -> range:
    """Returns the index partitions that a job's run asks: `partitions` of them, which is the present number.

    In the first minute of each hour a run asks all that there may ever have been, because work that was written under
    another number of partitions waits there.
    """
    return range(partitions if now.minute else MOST_PARTITIONS)


def act_sk(at: datetime, name: str) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z#{name}"


def act_of_sk(sk: str) -> tuple[datetime, str]:
    at, _, name = sk.partition("#")
    return datetime.fromisoformat(at), name


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


def away_sk(day: date) -> str:
    return f"{AWAY_PREFIX}{day.isoformat()}"


def day_of_away_sk(sk: str) -> date:
    return date.fromisoformat(sk.removeprefix(AWAY_PREFIX))


def away_partition(day: date, shard: int) -> str:
    return f"away#{day.isoformat()}#{shard:02d}"


def day_of_away_partition(partition: str) -> date:
    return date.fromisoformat(partition.split("#")[1])


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
