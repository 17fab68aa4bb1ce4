"""A table that lived, made by the rules of the core alone and written as DynamoDB exports it."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rl_core.config import Settings
from rl_core.learner import fold_of
from rl_core.models import Action, EndedBy, Policy, Profile, Segment, Session, VersionRecord
from rl_core.sessions import Answer, Ending, issue, learned, record, transition_of
from rl_core.store import Stored
from rl_core.store.items import session_item
from rl_core.store.policies import policy_item, record_item
from rl_core.work import next_version

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEGMENTS = (Segment.HIGH_LOW, Segment.LOW_HIGH)
USERS, SESSIONS = 40, 40
ROLLBACK_AFTER, RESTORED = 150, 90


def export(items: Iterable[Stored], folder: Path, promised: int | None = None) -> Path:
    """The items in a folder as an export to S3 holds them; its manifest may promise another number."""
    lines = [json.dumps({"Item": _plain(item)}) + "\n" for item in items]
    data = folder / "AWSDynamoDB" / "01-ab" / "data"
    data.mkdir(parents=True)
    with gzip.open(data / "part.json.gz", "wt") as file:
        file.writelines(lines)
    manifest = {"itemCount": promised or len(lines), "dataFileS3Key": "AWSDynamoDB/01-ab/data/part.json.gz"}
    (data.parent / "manifest-files.json").write_text(json.dumps(manifest) + "\n")
    return folder


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def lived_table(folder: Path, settings: Settings) -> Path:
    """An export: two segments of users; meditation plans get done, others hardly; one rollback a segment."""
    return export([item for segment in SEGMENTS for item in _segment(segment, settings)], folder)


def _segment(segment: Segment, settings: Settings) -> list[Stored]:
    policy, items = Policy(segment), list[Stored]()
    names = [f"user-{segment.name}-{n}" for n in range(USERS // len(SEGMENTS))]
    profiles = {name: Profile(name, name.encode(), segment, NOW) for name in names}
    for number in range(1, SESSIONS + 1):
        for name in names:
            session, profiles[name] = _lived(profiles[name], policy, settings, NOW + timedelta(hours=number))
            policy, taught = next_version(policy, [transition_of(session)], settings)
            items += [record_item(segment, taught), session_item(learned(session, policy), 1)]
            if policy.version == RESTORED:
                kept = policy
            if policy.version == ROLLBACK_AFTER:
                policy = replace(kept, version=policy.version + 1, episodes=policy.episodes)
                back = VersionRecord(policy.version, fold_of(settings), restored=RESTORED, reason="a try")
                items.append(record_item(segment, back))
    return [*items, policy_item(policy)]


def _lived(profile: Profile, policy: Policy, settings: Settings, at: datetime) -> tuple[Session, Profile]:
    """One session from issue to closing."""
    session, profile, *_ = issue(profile, None, policy, settings, at, shown=True)
    likes, places = session.decision.action is Action.MEDITATION, range(1, len(session.activities) + 1)
    said = {place: Answer(completed=likes or place == 1) for place in places}
    closed, profile, _ = record(session, profile, said, settings, at, Ending(EndedBy.BATCH))
    return closed, profile
