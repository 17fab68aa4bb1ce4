"""The job of each minute: closes what expired, learns from what is due. Its event carries the time."""

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
    RefoldPendingError,
    UnavailableError,
    UnreadableItemError,
)
from rl_core.models import Segment
from rl_core.store import Due, Store, open_store, shards_to_ask
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
_CLOSING_RESERVE_MS = 30_000  # a backlog of expired sessions leaves this much for learning


def run(store: Store, now: datetime, time_left: Callable[[], int]) -> Counter[str]:
    """One run: counts of what it closed, learned, dropped and parked. Repeating it with the same time is safe."""
    totals = Counter(closed=0, learned=0, dropped=0, parked=0, conflicts=0)
    shards = shards_to_ask(settings().index_shards, now)
    for due in (due for page in _aged(store.expiring(now, _PAGE, shards), now) for due in page):
        if time_left() < _CLOSING_RESERVE_MS:
            break
        _close(store, due, now, totals)
    segments = tuple(Segment)
    first = int(now.timestamp() // 60) % len(segments)  # each minute another, so that no backlog keeps one waiting
    for segment in (*segments[first:], *segments[:first]):
        pages = _aged(store.due(segment, now, _PAGE, shards), now)
        _learn_segment(store, segment, pages, time_left, totals)
    return totals


def _close(store: Store, due: Due, now: datetime, totals: Counter[str]) -> None:
    try:
        closed = close_expired(store, due, settings(), now)
    except (ConflictError, ErasingError, UnavailableError):
        return  # somebody moved it just now, or the table is busy: what is left to do is found in the next run
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
    """Yields the pages, each after it was measured how long its oldest place has waited.

    A place that only an hour's first run finds has waited for that run; this hour is not counted.
    """
    for page in pages:
        hourly = page[0].partition >= settings().index_shards
        age = (now - page[0].at).total_seconds() - (_HOUR if hourly else 0)
        metrics.add_metric(name="OldestDueAge", unit=MetricUnit.Seconds, value=max(age, 0))
        yield page


def _learn_segment(
    store: Store,
    segment: Segment,
    pages: Iterator[tuple[Due, ...]],
    time_left: Callable[[], int],
    totals: Counter[str],
) -> None:
    """Learns from these places, unless the policy cannot be read: that is asked first, so nothing is loaded for it."""
    try:
        for page in pages:
            if time_left() < _RESERVE_MS or store.policy(segment).refolding is not None:
                return  # while an erasure folds the policy anew, what is due waits for it
            sessions, broken = store.load(page)
            for due, reason in broken:
                _park(store, due, reason, totals)
            learn_due(store, sessions, settings(), totals)
    except RefoldPendingError:
        return  # an erasure publishes the policy anew; what is due waits for it
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
    metrics.add_metric(name="OldestDueAge", unit=MetricUnit.Seconds, value=0)  # also when nothing waits: the job runs
    totals = run(open_store(), now, context.get_remaining_time_in_millis)
    for name, metric in _METRICS.items():
        metrics.add_metric(name=metric, unit=MetricUnit.Count, value=totals[name])
    if any(totals.values()):
        logger.info("learned", extra=dict(totals))
    return dict(totals)
