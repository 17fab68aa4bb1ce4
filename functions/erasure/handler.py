"""Erases the users who asked for it: what was learned from them, then every item of theirs, the marker last."""

from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rl_core.config import settings
from rl_core.errors import ConflictError, FettleError, UnavailableError, UnreadableItemError
from rl_core.models import Segment
from rl_core.store import Leaver, Lesson, Store, open_store, partitions_to_ask
from rl_core.work import attempts, forget

logger = Logger()
metrics = Metrics()

_PAGE = 90
_USERS = 900  # in one run: each segment is folded anew once for all of them


def run(store: Store, now: datetime) -> int:
    """Erases the users that are due, and returns how many were erased.

    A run may be cut off anywhere: sessions and marker are deleted last, so the next run goes on where it stopped.
    """
    shards = partitions_to_ask(settings().index_shards, now)
    due = islice((due for page in store.erasing(now, _PAGE, shards) for due in page), _USERS)
    leavers = [leaver for leaver in (Leaver.of(store, d.pk) for d in due) if leaver]
    lessons = {leaver: found for leaver in leavers if (found := _lessons(leaver)) is not None}
    left = {segment for segment in Segment if not _forgotten(store, segment, lessons)}
    erased = 0
    for leaver, found in lessons.items():
        if left.isdisjoint(lesson.segment for lesson in found):
            try:
                with suppress(ConflictError):
                    erased += leaver.remove(now, settings().index_shards)
            except UnreadableItemError as error:
                _put_off(error)
    return erased


def _lessons(leaver: Leaver) -> list[Lesson] | None:
    """Returns what was learned from the user; when that fails, logs and counts the failure and returns None."""
    try:
        for attempt in attempts():
            with attempt:
                return leaver.take_lessons()
        raise UnavailableError
    except FettleError as error:
        _put_off(error)
        return None


def _forgotten(store: Store, segment: Segment, lessons: dict[Leaver, list[Lesson]]) -> bool:
    """Removes what was learned from these users from the segment's policy.

    Returns False, after logging and counting the failure, when that is left for the next run; else True.
    """
    of_segment = [lesson for found in lessons.values() for lesson in found if lesson.segment is segment]
    try:
        if forget(store, segment, of_segment, settings()):
            metrics.add_metric(name="PoliciesRefolded", unit=MetricUnit.Count, value=1)
    except FettleError as error:
        _put_off(error, segment=segment.value)
        return False
    return True


def _put_off(error: FettleError, **where: str) -> None:
    logger.error("erasure left for the next run", extra={"reason": f"{type(error).__name__}: {error}", **where})
    metrics.add_metric(name="ErasuresPutOff", unit=MetricUnit.Count, value=1)


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    del context
    erased = run(open_store(), datetime.fromisoformat(event["time"]))
    metrics.add_metric(name="UsersErased", unit=MetricUnit.Count, value=erased)
    return {"erased": erased}
