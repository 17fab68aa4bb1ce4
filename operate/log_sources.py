"""Reads logged decisions from the table by a scan, or from an export of the table on disk.

Asks only for what the log needs: notes, ratings and activities are not read.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from operate.log import Log, LogError, Row, log_of
from rl_core.models import Decision, Policy, Segment, Status, VersionRecord
from rl_core.store import Store, Stored, keys
from rl_core.store.fields import strict
from rl_core.store.items import DECISION
from rl_core.store.policies import read_policy, read_record

NAMES = (
    "pk", "sk", "status", "segment", "state", "eligible", "chances", "action", "epsilon", "version", "explored",
    "fallback", "reward", "next", "barred", "learned", "parked", "facts",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Holds the rows of the sessions that were decided and closed, and counts the other sessions by reason."""

    rows: list[Row]
    left_out: Mapping[str, int]

    @property
    def log(self) -> Log:
        return log_of(self.rows, self.left_out)


def scanned(store: Store) -> Found:
    """Returns the table's sessions, by a scan in pages of at most 1 MB.

    Only for an operator: the scan reads every item of the table once.
    """
    return found_in(item for page in _pages(store) for item in page)


def _pages(store: Store) -> Iterator[list[Stored]]:
    names = {f"#{name}": name for name in NAMES}
    arguments: dict[str, Any] = {
        "ProjectionExpression": ", ".join(names),
        "FilterExpression": "begins_with(#sk, :session)",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {":session": {"S": keys.SESSION_PREFIX}},
    }
    while True:
        answer = store.call("scan", **arguments)
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def found_in(items: Iterable[Stored]) -> Found:
    """Returns the rows of those items that are sessions.

    Raises UnreadableItemError, which names the item's key only.
    """
    rows: list[Row] = []
    left_out = Counter[str]()
    for item in items:
        if not item["sk"]["S"].startswith(keys.SESSION_PREFIX):
            continue
        if reason := _reason_against(item):
            left_out[reason] += 1
        else:
            rows.append(_row(item))
    return Found(rows, left_out)


def _reason_against(item: Stored) -> str | None:
    """Returns why the session cannot be a row, or None if it can: it is parked, still open, or was never seen."""
    status = item["status"]["S"]
    if "parked" in item:
        return "parked"
    return status if status in (Status.OPEN, Status.UNSEEN) else None


@strict
def _row(item: Stored) -> Row:
    decision = Decision(**DECISION.read(item))
    return Row(
        user=item["pk"]["S"].removeprefix(keys.user_pk("")),
        session=int(item["sk"]["S"].removeprefix(keys.SESSION_PREFIX)),
        segment=Segment.by_code(item["segment"]["S"]),
        state=decision.state.row,
        eligible=decision.eligible,
        action=decision.action,
        propensity=decision.propensity,
        epsilon=decision.epsilon,
        version=decision.policy_version,
        explored=decision.explored,
        fallback=decision.fallback,
        reward=float(item["reward"]["N"]),
        next=int(item["next"]["N"]),
        barred=tuple(int(c) for c in item["barred"]["S"]) if "barred" in item else (),
        learned=int(item["learned"]["N"]) if "learned" in item else None,
        facts=decision.facts,
    )


class ExportedStore(Store):
    """Reads the policies' past from an export; only the methods defined here work, no others of Store.

    The folder is DynamoDB's export to S3 in the form DYNAMODB_JSON, copied as it is: `.json.gz` files with an item a
    line, and `manifest-files.json`, which says how many items each file has. Raises LogError if a file is missing,
    cut short or of another form.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def every(self) -> list[Stored]:
        files = sorted(self.folder.rglob("*.json.gz"))
        if not files:
            raise LogError(f"{self.folder}: no .json.gz file of an export in it")
        read = {file.name: list(_lines(file)) for file in files}
        for name, count in _promised(self.folder):
            if len(read.get(name, ())) != count:
                raise LogError(f"{self.folder}: {name} has {len(read.get(name, ()))} items, the manifest says {count}")
        return [item for lines in read.values() for item in lines]

    def found(self) -> Found:
        return found_in(self.every)

    def policy(self, segment: Segment, *, consistent: bool = True) -> Policy:
        del consistent
        item = self._policies.get((keys.segment_pk(segment), keys.POLICY_SK))
        return read_policy(item) if item else Policy(segment)

    def records(self, segment: Segment, after: int = 0, last: int = keys.LAST_VERSION) -> Iterator[VersionRecord]:
        first, end = ((keys.segment_pk(segment), keys.version_sk(version)) for version in (after + 1, last))
        yield from (read_record(self._policies[place]) for place in self._places if first <= place <= end)

    def snapshot(self, segment: Segment, version: int) -> Policy:
        first, last = keys.snapshot_sk(0), keys.snapshot_sk(version)
        pk = keys.segment_pk(segment)
        kept = [place for place in self._policies if place[0] == pk and first <= place[1] <= last]
        return read_policy(self._policies[max(kept)]) if kept else Policy(segment)

    @cached_property
    def _places(self) -> list[tuple[str, str]]:
        return sorted(self._policies)

    @cached_property
    def _policies(self) -> dict[tuple[str, str], Stored]:
        pairs = (((item["pk"]["S"], item["sk"]["S"]), item) for item in self.every)
        return {place: item for place, item in pairs if place[0].startswith("SEGMENT#")}


def _promised(folder: Path) -> Iterator[tuple[str, int]]:
    """Yields name and item count of each data file in the manifest; yields nothing if there is no manifest."""
    for manifest in folder.rglob("manifest-files.json"):
        for line in manifest.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            yield Path(entry["dataFileS3Key"]).name, int(entry["itemCount"])


def _lines(file: Path) -> Iterator[Stored]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield from (_decoded(json.loads(line)["Item"]) for line in lines)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise LogError(f"{file}: not an export of DynamoDB in the form DYNAMODB_JSON ({error})") from error


def _decoded(item: dict[str, Any]) -> dict[str, Any]:
    """Returns the item as the client gives it: an export holds bytes as base64."""
    kinds: dict[str, Callable[[Any], Any]] = {
        "B": b64decode,
        "L": lambda values: [_value(value) for value in values],
        "M": _decoded,
    }

    def _value(value: dict[str, Any]) -> dict[str, Any]:
        return {kind: kinds.get(kind, lambda as_it_is: as_it_is)(inner) for kind, inner in value.items()}

    return {name: _value(value) for name, value in item.items()}
