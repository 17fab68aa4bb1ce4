"""Fills a table with as much as the guard may ever have to read: TREND, and segments with a long past."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

from rl_core.config import Settings
from rl_core.days import KEPT, Course, DayRow, DrawSums
from rl_core.models import ACTIONS, MILLION, Facts, Policy, Result, Segment, State, Transition
from rl_core.sessions import catalogue
from rl_core.store import DayTable, Store, Watermark
from rl_core.store.policies import policy_item, record_item, snapshot_item
from rl_core.store.trends import trend_item
from rl_core.work import next_version

VERSIONS = 199  # of which 99 are after the latest snapshot
PERSONS = 40
_SESSIONS = 500_000  # of a segment's day
_LONG = Facts((1250,) * 6, (1_125_000_000,) * 6, (1250,) * 6, ACTIONS[:5])  # of ten years
_BATCH = 25
Item = dict[str, Any]


def lessons() -> Iterator[Transition]:
    """Yields one lesson after another, of forty persons with long histories."""
    rng = Random(7)
    results = tuple(Result(entry.code, True, 2) for entry in catalogue().entries[:7])
    for n in count():
        action = rng.choice(ACTIONS)
        yield Transition(
            key=(n % PERSONS).to_bytes(8, "big") + n.to_bytes(8, "big"),
            state=State.from_row(rng.randrange(9)),
            action=action,
            reward=rng.random(),
            next_state=State.from_row(rng.randrange(9)),
            barred=(action,),
            results=results,
            facts=_LONG,
        )


def past(segment: Segment, settings: Settings, batch: int = 1) -> Iterator[Item]:
    """Yields the items of a segment's 199 versions, each of which learned so many sessions, and of its policy."""
    policy, its = Policy(segment), lessons()
    for version in range(1, VERSIONS + 1):
        policy, record = next_version(policy, [next(its) for _ in range(batch)], settings)
        yield record_item(segment, record)
        if version == 100:
            yield snapshot_item(policy)
    yield policy_item(policy)


def trend(segment: Segment, last: date) -> Item:
    """Returns as much as TREND holds of a large segment."""
    n = _SESSIONS
    draws = DrawSums(n, 0, n // 9, n * MILLION // 2)
    row = DayRow(n, n, n, n, n * MILLION // 2, n * MILLION**2 // 2, 7 * n, 5 * n, draws)
    return trend_item(segment, Course(last, {last - day * timedelta(days=1): row for day in range(KEPT)}))


def fill(store: Store, settings: Settings, last: date) -> None:
    """Puts nine segments with full TREND up to the final day `last`, and a long past each."""
    for segment in Segment:
        put(store, [*past(segment, settings), trend(segment, last)])
    DayTable(store.name, store.client).save_watermark(Watermark(last, 0))


def put(store: Store, items: Iterable[Item]) -> None:
    """Writes items as they are."""
    found = list(items)
    for n in range(0, len(found), _BATCH):
        requests = [{"PutRequest": {"Item": item}} for item in found[n : n + _BATCH]]
        store.client.batch_write_item(RequestItems={store.name: requests})
