"""`make bench-erasure`: users leave a segment with a long past, and each run of the erasure's job has only seconds.

The past is written directly: one session in each version, so that no other past of as many sessions has more records.
One leaver taught a tenth of it. Runs are processes: one starts every two seconds, and is killed when its five seconds
are over, so runs overlap and end anywhere. Meanwhile a learner publishes a version every tenth of a second. The bench
ends when the last leaver is gone, and then compares the table with a fold that never saw the leavers.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import boto3

from local import data_plane
from local.functions import Functions, environment
from local.stack import UNCAPPED, variables
from local.template import load
from local.tokens import PARAMETERS
from rl_core import learner
from rl_core.config import Settings, settings
from rl_core.errors import PolicyUnreadableError, UnavailableError
from rl_core.models import (
    ACTIONS,
    STATES,
    Marker,
    Policy,
    Profile,
    Segment,
    State,
    Transition,
    VersionRecord,
    person_of,
)
from rl_core.sessions import issue, learned
from rl_core.store import Hold, Store, publish_writes
from rl_core.store.fields import Item
from rl_core.store.items import marker_item, session_item
from rl_core.store.policies import SNAPSHOT_EVERY, policy_item, record_item, snapshot_item
from rl_core.work import Turn, attempts, next_version, policy_at

SEGMENT = Segment.HIGH_LOW
NOW = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
_PERSONS = 1_000  # who stay
_FEW = 10  # sessions of each leaver but the first
_PATIENCE = 5
_PACE = 0.1  # seconds between two versions of the learner


@dataclass(frozen=True, slots=True)
class Size:
    """Says how much is erased, and how much time a run has."""

    versions: int = 20_000
    leavers: int = 60
    lessons: int = 2_000  # of the first leaver
    limit: float = 5.0  # seconds until a run is killed
    every: float = 2.0  # seconds between two runs
    most: float = 3_600.0  # seconds that all runs together may take


@dataclass(frozen=True, slots=True)
class Figures:
    """Holds the bench's results; `wrong` says what differs from a fold that never saw the leavers."""

    versions_per_second: float
    runs: int
    longest_pause_s: float
    erased: int
    wrong: tuple[str, ...]


def transition(rng: Random, person: bytes, number: int) -> Transition:
    """Returns what one session of the person taught."""
    return Transition(
        key=person + number.to_bytes(8, "big"),
        state=State.from_row(rng.randrange(STATES)),
        action=(action := rng.choice(ACTIONS)),
        reward=rng.uniform(-0.4, 0.9),
        next_state=State.from_row(rng.randrange(STATES)),
        barred=(action,),
        results=(),
    )


class Past:
    """Makes the items of a segment with a long past, and of those who leave."""

    def __init__(self, size: Size, how: Settings) -> None:
        rng = Random(7)
        self.leavers = [Profile(f"leaver-{n}", rng.randbytes(16), SEGMENT, NOW) for n in range(size.leavers)]
        self.items: list[Item] = []
        self.policy = Policy(SEGMENT)
        taught: list[Profile | bytes] = [
            profile for n, profile in enumerate(self.leavers) for _ in range(_FEW if n else size.lessons)
        ]
        stay = [rng.randbytes(8) for _ in range(_PERSONS)]
        who = [*taught, *rng.choices(stay, k=size.versions - len(taught))]
        rng.shuffle(who)
        numbers = dict.fromkeys((profile.user for profile in self.leavers), 0)
        for number, its in enumerate(who):
            person = person_of(its.key) if isinstance(its, Profile) else its
            learnt = transition(rng, person, number)
            self.policy, record = next_version(self.policy, [learnt], how)
            self._keep(record)
            if isinstance(its, Profile):
                numbers[its.user] += 1
                self._session(its, numbers[its.user], learnt.key, how)
        self.items.append(policy_item(self.policy))
        self.items += [marker_item(Marker(p.user, p.key, p.created_at, NOW, 1), how.index_shards) for p in self.leavers]

    def _keep(self, record: VersionRecord) -> None:
        self.items.append(record_item(SEGMENT, record))
        if record.version % SNAPSHOT_EVERY == 0:
            self.items.append(snapshot_item(self.policy))

    def _session(self, profile: Profile, number: int, key: bytes, how: Settings) -> None:
        session = issue(profile, None, Policy(SEGMENT), how, NOW, shown=True).session
        self.items.append(
            session_item(learned(replace(session, number=number, key=key), self.policy), how.index_shards)
        )


def store_all(store: Store, items: list[Item]) -> None:
    """Writes items without any condition, 25 at a time."""
    pages = [items[at : at + 25] for at in range(0, len(items), 25)]

    def page(them: list[Item]) -> None:
        store.client.batch_write_item(RequestItems={store.name: [{"PutRequest": {"Item": item}} for item in them]})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(page, pages))


class Runs:
    """Starts runs of the erasure as processes, and kills each when its time is over."""

    def __init__(self, name: str, size: Size) -> None:
        self._name, self._size = name, size
        self._running: dict[int, float] = {}
        self.started = 0

    def start(self) -> None:
        """Starts a run in a process of its own."""
        self.started += 1
        child = os.fork()
        if not child:
            try:
                ends = time.monotonic() + self._size.limit
                turn = Turn.of(f"run {self.started}", now(), lambda: int(1000 * (ends - time.monotonic())))
                sys.modules["erasure_handler"].__dict__["run"](Store(self._name), turn)
            finally:
                os._exit(0)
        self._running[child] = time.monotonic() + self._size.limit

    def reap(self) -> None:
        """Takes note of the runs that ended, and kills those whose time is over."""
        for child, ends in list(self._running.items()):
            if time.monotonic() > ends:
                os.kill(child, signal.SIGKILL)
            if os.waitpid(child, os.WNOHANG if time.monotonic() <= ends else 0)[0]:
                del self._running[child]

    def wait(self) -> None:
        """Waits for the runs that are left."""
        while self._running:
            self.reap()
            time.sleep(0.02)


_STARTED = time.monotonic()


def now() -> datetime:
    """Returns the bench's time, which runs as the machine's does."""
    return NOW + timedelta(seconds=time.monotonic() - _STARTED)


@contextmanager
def learning(name: str, how: Settings) -> Iterator[list[float]]:
    """Lets a learner publish versions while the block runs; yields the moments at which it did."""
    over, moments, rng, store = Event(), [time.monotonic()], Random(8), Store(name)

    def learn() -> None:
        number = 1_000_000
        while not over.is_set():
            number += 1
            learnt = transition(rng, rng.randbytes(8), number)
            with suppress(PolicyUnreadableError, UnavailableError):  # a busy machine: that is a pause
                for attempt in attempts(1_000):
                    with attempt:
                        store.write(*publish_writes(*next_version(store.policy(SEGMENT), [learnt], how)))
                moments.append(time.monotonic())
            over.wait(_PACE)

    thread = Thread(target=learn)
    thread.start()
    try:
        yield moments
    finally:
        over.set()
        thread.join()


def left(store: Store, past: Past) -> int:
    """Returns how many leavers still have a marker."""
    keys = [(f"USER#{profile.user}", "~PROFILE") for profile in past.leavers]
    for attempt in range(_PATIENCE):
        with suppress(UnavailableError):
            return len(store.items(keys))
        time.sleep(attempt)
    raise UnavailableError


def wrong(store: Store, past: Past) -> tuple[str, ...]:
    """Returns what differs from a table that never saw the leavers: records, policy, snapshots, items of theirs."""
    gone = {person_of(profile.key) for profile in past.leavers}
    policy, expected = store.policy(SEGMENT), Policy(SEGMENT)
    found = []
    for record in store.records(SEGMENT):
        found += ["a record has a leaver"] if any(t.key[:8] in gone for t in record.transitions) else []
        expected = replace(learner.fold(expected, record.transitions, record.fold), version=record.version)
        if record.version % SNAPSHOT_EVERY == 0 and store.snapshot(SEGMENT, record.version) != expected:
            found.append(f"snapshot {record.version} differs")
    found += [] if policy == expected == policy_at(store, SEGMENT, policy.version) else ["the policy differs"]
    found += [f"{p.user} has items" for p in past.leavers if any(store.pages(**_of(p.user)))]
    return tuple(found)


def _of(user: str) -> dict[str, Any]:
    return {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": f"USER#{user}"}}}


def measure(size: Size, folder: Path) -> Figures:
    """Starts a data plane, writes the past, erases the leavers, and returns the figures."""
    template = load(PARAMETERS | UNCAPPED)
    with data_plane.running(folder) as endpoints, environment(variables(template, endpoints)):
        settings.cache_clear()
        template.create_tables(boto3.session.Session().client("dynamodb"))
        Functions(template, fresh=False)
        store, past = Store(template.table.name), Past(size, settings())
        store_all(store, past.items)
        with learning(store.name, settings()) as moments:
            seconds, runs = _erase(store, past, size)
        pauses = [after - before for before, after in pairwise(moments)]
        erased = size.leavers - left(store, past)
        figures = Figures(size.versions / seconds, runs, max(pauses) - _PACE, erased, wrong(store, past))
    settings.cache_clear()
    return figures


def _erase(store: Store, past: Past, size: Size) -> tuple[float, int]:
    """Starts runs until nobody is left; returns the seconds until the policy was published anew, and the runs."""
    began = next_run = time.monotonic()
    runs, swapped = Runs(store.name, size), 0.0
    while left(store, past):
        if time.monotonic() > began + size.most:
            break
        if time.monotonic() >= next_run:
            runs.start()
            next_run += size.every
        runs.reap()
        if not swapped and runs.started > 1 and Hold.of(store, SEGMENT, 1) is None:
            swapped = time.monotonic() - began
        time.sleep(0.05)
    runs.wait()
    return swapped or time.monotonic() - began, runs.started


def main() -> int:
    default = Size()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=default.versions)
    parser.add_argument("--lessons", type=int, default=default.lessons)
    parser.add_argument("--leavers", type=int, default=default.leavers)
    options = parser.parse_args()
    size = Size(versions=options.versions, lessons=options.lessons, leavers=options.leavers)
    with tempfile.TemporaryDirectory(prefix="fettle-erasure-") as folder:
        figures = measure(size, Path(folder))
    print(
        json.dumps(
            {
                "versions_per_second": round(figures.versions_per_second),
                "runs": figures.runs,
                "longest_pause_s": round(figures.longest_pause_s, 2),
                "erased": figures.erased,
                "wrong": figures.wrong,
            }
        )
    )
    return 1 if figures.wrong or figures.erased < size.leavers else 0


if __name__ == "__main__":
    sys.exit(main())
