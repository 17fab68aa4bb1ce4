"""Erases the users who asked for it: what was learned from them, then every item of theirs, the marker last."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rl_core.config import settings
from rl_core.errors import ConflictError, FettleError, UnavailableError
from rl_core.models import Segment
from rl_core.store import Due, Erasures, Leaver, Store, open_store, partitions_to_ask
from rl_core.work import Turn, attempts, unlearn

logger = Logger()
metrics = Metrics()

_PAGE = 90
_USERS = 900  # looked at in one run
_LONGEST = 15  # minutes between two tries

People = dict[Due, Leaver]


def run(store: Store, turn: Turn) -> int:
    """Erases the users that are due, and returns how many were erased.

    A user is removed as soon as no segment's policy holds anything of them. Who cannot be erased now waits, each time
    twice as long, so that they keep nobody else waiting. A run may be cut off anywhere: sessions and marker are deleted
    last, so the next run goes on where this one stopped.
    """
    places = list(_places(store, turn.now))
    erasures = Erasures(settings().erasures_name, store.client)
    people, broken = Leaver.among(store, erasures, [due for due in places if due.segment is None])
    for due, reason in broken:
        _put_off(store, {due: 0}, turn, reason)
    people = _prepared(store, people, turn)
    waits = {due: set(leaver.marker.taught or ()) for due, leaver in people.items()}
    erased = _removed(store, people, waits, turn)
    for segment in _in_turn(turn.now):
        taught = {due: leaver for due, leaver in people.items() if segment in waits[due]}
        if (taught or segment in {due.segment for due in places}) and turn.goes_on:
            for due in _unlearned(store, segment, taught, turn):
                waits[due].discard(segment)
            erased += _removed(store, taught, waits, turn)
    return erased


def _places(store: Store, now: datetime) -> Iterator[Due]:
    """Yields the places of users to be erased and of refolds under way; the same share from each index partition."""
    partitions = partitions_to_ask(settings().index_shards, now)
    for n in partitions:
        pages = store.erasing(now, _PAGE, range(n, n + 1))
        yield from islice((due for page in pages for due in page), _USERS // len(partitions))


def _in_turn(now: datetime) -> tuple[Segment, ...]:
    """Returns the segments, each minute another one first, so that no long refold keeps the others waiting."""
    segments, first = tuple(Segment), int(now.timestamp() // 60) % len(Segment)
    return (*segments[first:], *segments[:first])


def _prepared(store: Store, people: People, turn: Turn) -> People:
    """Returns the users from whom nothing more can be learned, as far as the time goes; puts off who fails."""
    ready: People = {}
    for due, leaver in people.items():
        if not turn.goes_on:
            break
        try:
            ready[due] = _prepare(leaver, turn.now)
        except FettleError as error:
            _put_off(store, {due: leaver.marker.failures}, turn, error)
    return ready


def _prepare(leaver: Leaver, now: datetime) -> Leaver:
    for attempt in attempts():
        with attempt:
            return leaver.prepare(now)
    raise UnavailableError


def _unlearned(store: Store, segment: Segment, taught: People, turn: Turn) -> Iterable[Due]:
    """Removes what was learned from these users from the segment's policy, and returns those of whom nothing is left.

    Puts all of them off when that fails.
    """
    versions = {leaver.marker.person: (leaver.marker.taught or {})[segment] for leaver in taught.values()}
    try:
        done = unlearn(store, segment, versions, settings(), turn)
    except FettleError as error:
        failures = {due: leaver.marker.failures for due, leaver in taught.items()}
        _put_off(store, failures, turn, error, segment=segment.value)
        return []
    return [due for due, leaver in taught.items() if leaver.marker.person in done]


def _removed(store: Store, people: People, waits: dict[Due, set[Segment]], turn: Turn) -> int:
    """Removes the items of users who wait for no segment, as far as the time goes; returns how many were removed."""
    erased = 0
    for due, leaver in people.items():
        if not waits[due] and turn.goes_on:
            try:
                erased += leaver.remove(turn.now, settings().index_shards)
            except ConflictError:
                continue  # another run removes them
            except FettleError as error:
                _put_off(store, {due: leaver.marker.failures}, turn, error)
    return erased


def _put_off(store: Store, failures: dict[Due, int], turn: Turn, why: FettleError | str, **where: str) -> None:
    """Logs and counts the failure, and lets these users wait, twice as long as the last time.

    Who waits because the table could not be reached is tried again by the next run.
    """
    reason = why if isinstance(why, str) else f"{type(why).__name__}: {why}"
    logger.error("erasure left for a later run", extra={"reason": reason, "users": len(failures), **where})
    metrics.add_metric(name="ErasuresPutOff", unit=MetricUnit.Count, value=1)
    if isinstance(why, UnavailableError):
        return
    for due, times in failures.items():
        with suppress(ConflictError, UnavailableError):
            store.put_off(due, turn.now + timedelta(minutes=min(2**times, _LONGEST)))


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    now = datetime.fromisoformat(event["time"])
    turn = Turn.of(context.aws_request_id, now, context.get_remaining_time_in_millis)
    erased = run(open_store(), turn)
    if erased:
        metrics.add_metric(name="UsersErased", unit=MetricUnit.Count, value=erased)
    return {"erased": erased}
