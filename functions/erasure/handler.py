"""Takes what was learned from users who asked for it out of the policies, and erases those who asked to be erased."""

from collections.abc import Iterable, Iterator, Mapping
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
from rl_core.store import Due, Erasures, Leaver, Store, Unlearner, open_store, partitions_to_ask
from rl_core.work import Turn, attempts, unlearn

logger = Logger()
metrics = Metrics()

_PAGE = 90
_USERS = 900  # looked at in one run
_LONGEST = 15  # minutes between two tries

Person = Leaver | Unlearner
People = Mapping[Due, Person]


def run(store: Store, turn: Turn) -> int:
    """Erases or unlearns the users that are due, and returns how many were done with.

    A user is done with as soon as no segment's policy holds anything of them. Who cannot be erased now waits, each time
    twice as long, so that they keep nobody else waiting. A run may be cut off anywhere: sessions and marker are deleted
    last, so the next run goes on where this one stopped.
    """
    places = list(_places(store, turn.now))
    erasures = Erasures(settings().erasures_name, store.client)
    leavers, broken = Leaver.among(store, erasures, [d for d in places if d.segment is None and not d.is_request])
    unlearners, broken_too = Unlearner.among(store, [d for d in places if d.is_request])
    for due, reason in (*broken, *broken_too):
        _put_off(store, {due: 0}, turn, reason)
    people = _prepared(store, {**leavers, **unlearners}, turn)
    waits = {due: set(person.taught or ()) for due, person in people.items()}
    done = _removed(store, people, waits, turn)
    for segment in _in_turn(turn.now):
        taught = {due: person for due, person in people.items() if segment in waits[due]}
        if (taught or segment in {due.segment for due in places}) and turn.goes_on:
            for due in _unlearned(store, segment, taught, turn):
                waits[due].discard(segment)
            done += _removed(store, taught, waits, turn)
    return done


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
    ready: dict[Due, Person] = {}
    for due, person in people.items():
        if not turn.goes_on:
            break
        try:
            ready[due] = _prepare(person, turn.now)
        except FettleError as error:
            _put_off(store, {due: person.failures}, turn, error)
    return ready


def _prepare(person: Person, now: datetime) -> Person:
    for attempt in attempts():
        with attempt:
            return person.prepare(now)
    raise UnavailableError


def _unlearned(store: Store, segment: Segment, taught: People, turn: Turn) -> Iterable[Due]:
    """Removes what was learned from these users from the segment's policy, and returns those of whom nothing is left.

    Puts all of them off when that fails.
    """
    versions = {person.person: (person.taught or {})[segment] for person in taught.values()}
    staying = {person.person for person in taught.values() if person.stays}
    try:
        done = unlearn(store, segment, versions, settings(), turn, staying)
    except FettleError as error:
        failures = {due: person.failures for due, person in taught.items()}
        _put_off(store, failures, turn, error, segment=segment.value)
        return []
    return [due for due, person in taught.items() if person.person in done]


def _removed(store: Store, people: People, waits: dict[Due, set[Segment]], turn: Turn) -> int:
    """Erases, or ends the request of, users who wait for no segment, as far as the time goes; returns how many."""
    done = 0
    for due, person in people.items():
        if not waits[due] and turn.goes_on:
            try:
                removed = person.remove(turn.now, settings().index_shards)
            except ConflictError:
                continue  # another run does it, or the user did something meanwhile: the next run sees
            except FettleError as error:
                _put_off(store, {due: person.failures}, turn, error)
            else:
                done += removed
                if removed:
                    _count(person)
    return done


def _count(person: Person) -> None:
    if isinstance(person, Leaver):
        metrics.add_metric(name="UsersErased", unit=MetricUnit.Count, value=1)
    else:
        metrics.add_metric(name="UsersUnlearned", unit=MetricUnit.Count, value=1)


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
    return {"done": run(open_store(), turn)}
