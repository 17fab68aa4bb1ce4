"""Runs the month: visits in order of time through the real handlers, with the jobs between them."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from lab.proofs.month.people import Entry, Person
from local.clock import SteppedClock
from local.phone import Phone, bodies, to_functions
from local.stack import Stack

FIRST = date(2026, 10, 17)  # St John's leaves daylight saving time on 1 November, London on 25 October
WORKERS = 4
_HALF_PAST_NOON = timedelta(hours=12, minutes=30)


@contextmanager
def queue_only() -> Iterator[None]:
    """Makes requests leave all learning to the job: the comparison does not depend on it, and the month runs faster."""
    before = os.environ.get("LEARN_ATTEMPTS")
    os.environ["LEARN_ATTEMPTS"] = "0"
    try:
        yield
    finally:
        del os.environ["LEARN_ATTEMPTS"]
        if before is not None:
            os.environ["LEARN_ATTEMPTS"] = before


def start(first: date = FIRST) -> SteppedClock:
    """Returns a clock that starts before the first day in every time zone."""
    return SteppedClock(_noon(first) - timedelta(days=2))


def live(
    stack: Stack,
    people: int,
    days: int,
    *,
    seed: int = 1,
    every: int = 3,
    keenness: float = 1.0,
    first: date = FIRST,
) -> list[Entry]:
    """Runs the month and returns its log.

    The dispatcher runs every `every` days, and after the month daily until all days are final.
    """
    cast = [Person(f"person-{n}", seed, keenness) for n in range(people)]
    diary = sorted((at, n) for n, person in enumerate(cast) for at in person.visits(first, days))
    log: list[Entry] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for day, visits in groupby(diary, key=lambda visit: (visit[0] - _HALF_PAST_NOON).date()):
            mine: dict[int, list[datetime]] = {}
            for at, n in visits:
                mine.setdefault(n, []).append(at)
            for part in pool.map(lambda its: _live(stack, cast[its[0]], its[1]), mine.items()):
                log += part
            _jobs(stack, _noon(day) + timedelta(days=1), dispatch=day.toordinal() % every == 0)
    for n in range(6):
        _jobs(stack, _noon(first) + timedelta(days=days + n), dispatch=True)
    return sorted(log, key=lambda entry: entry.at)


def _live(stack: Stack, person: Person, visits: list[datetime]) -> list[Entry]:
    phones = ((at, Phone(bodies(to_functions(stack.invoke, person.name, at)))) for at in visits)
    return [entry for at, phone in phones for entry in person.visit(at, phone)]


def _jobs(stack: Stack, now: datetime, *, dispatch: bool) -> None:
    """Runs the job that closes and learns, and with `dispatch` the daily job too."""
    if now <= stack.clock.now() or not isinstance(stack.clock, SteppedClock):
        return
    stack.clock.advance_to(now)
    stack.run_schedule("Learn")
    if dispatch:
        stack.run_schedule("DailyDispatch")
        stack.drain()


def leave(stack: Stack, names: Iterable[str]) -> None:
    """Erases these people: their phones ask for it, and a minute later the job runs."""
    now = stack.clock.now()
    for name in names:
        Phone(bodies(to_functions(stack.invoke, name, now))).delete_profile()
    if isinstance(stack.clock, SteppedClock):
        stack.clock.advance_to(now + timedelta(minutes=1))
    stack.run_schedule("Erasure")


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + _HALF_PAST_NOON
