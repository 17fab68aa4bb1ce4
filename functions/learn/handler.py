"""Closes the sessions that expired and learns from those that are due, every minute; the event carries the time."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rl_core.config import settings
from rl_core.edge import measures
from rl_core.errors import (
    ConflictError,
    ErasingError,
    OversizeError,
    PolicyUnreadableError,
    UnavailableError,
    UnreadableItemError,
)
from rl_core.models import Segment
from rl_core.store import Due, Store, open_store, partitions_to_ask
from rl_core.work import close_expired, learn_due

logger = Logger()
metrics = Metrics()

_PAGE = 90
_METRICS = {
    "learned": "SessionsLearned",
    "parked": "SessionsParked",
    "conflicts": "PolicyConflicts",
}
_HOUR = 3600
_RESERVE_MS = 10_000  # enough to finish the transaction under way
_CLOSING_RESERVE_MS = 30_000  # closing stops here, so that a backlog of expired sessions leaves time for learning


def run(store: Store, now: datetime, time_left: Callable[[], int]) -> Counter[str]:
    """Closes expired sessions, learns from those due, and returns how many it closed, learned, dropped and parked.

    Repeating a run with the same time is safe.
    """
    totals = Counter(closed=0, learned=0, dropped=0, parked=0, conflicts=0)
    partitions = partitions_to_ask(settings().index_shards, now)
    for due in (due for page in _aged(store.expiring(now, _PAGE, partitions), now) for due in page):
        if time_left() < _CLOSING_RESERVE_MS:
            break
        _close(store, due, now, totals)
    segments = tuple(Segment)
    first = int(now.timestamp() // 60) % len(segments)  # rotates, so that no backlog keeps one waiting
    for segment in (*segments[first:], *segments[:first]):
        pages = _aged(store.due(segment, now, _PAGE, partitions), now)
        _learn_segment(store, segment, pages, time_left, totals)
    return totals


def _close(store: Store, due: Due, now: datetime, totals: Counter[str]) -> None:
    try:
        closed = close_expired(store, due, settings(), now)
    except (ConflictError, ErasingError, UnavailableError):
        return  # another writer moved the session, or the table is busy: the next run finds what is left
    except UnreadableItemError as error:
        _park(store, due, str(error), totals)
    except OversizeError as error:
        if error.keys:
            _park(store, due, str(error), totals)
    else:
        if closed is not None:
            totals["closed"] += 1
            measures.session_expired(closed)


def _aged(pages: Iterator[tuple[Due, ...]], now: datetime) -> Iterator[tuple[Due, ...]]:
    """Yields the pages unchanged, and before each adds the age of its oldest place, if any, to the metric OldestDueAge.

    The first run of an hour also finds places that only it asks for; the hour that they waited for it is not counted.
    """
    for page in pages:
        hourly = page[0].ordinal >= settings().index_shards
        age = (now - page[0].at).total_seconds() - (_HOUR if hourly else 0)
        if age > 0:
            metrics.add_metric(name="OldestDueAge", unit=MetricUnit.Seconds, value=age)
        yield page


def _learn_segment(
    store: Store,
    segment: Segment,
    pages: Iterator[tuple[Due, ...]],
    time_left: Callable[[], int],
    totals: Counter[str],
) -> None:
    """Learns from the sessions at these places, and parks those that cannot be read.

    Reads the policy before the sessions: if it cannot be read, no session is loaded, and the next run tries again.
    """
    try:
        for page in pages:
            if time_left() < _RESERVE_MS:
                return
            store.policy(segment)
            sessions, broken = store.load(page)
            for due, reason in broken:
                _park(store, due, reason, totals)
            learn_due(store, sessions, settings(), totals)
    except (OversizeError, PolicyUnreadableError, UnavailableError) as error:
        logger.error("segment left for the next run", extra={"segment": segment.value, "reason": str(error)})
        metrics.add_metric(name="SegmentsSkipped", unit=MetricUnit.Count, value=1)


def _park(store: Store, due: Due, reason: str, totals: Counter[str]) -> None:
    with suppress(ConflictError):
        store.park(due, reason)
        totals["parked"] += 1


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    now = datetime.fromisoformat(event["time"])
    totals = run(open_store(), now, context.get_remaining_time_in_millis)
    for name, metric in _METRICS.items():
        if totals[name]:
            metrics.add_metric(name=metric, unit=MetricUnit.Count, value=totals[name])
    if any(totals.values()):
        logger.info("learned", extra=dict(totals))
    return dict(totals)
