"""`make bench-contention`: what one segment takes when many sessions end at once, and what the job drains.

Writers are threads of this process that call the handler of the batch directly; each ends its next session as soon as
the last one is answered. They are threads, not processes, because two cores are soon full either way: this process uses
one (its threads share it), MiniStack the other. So a request waits for the CPU as much as for the table, and from a few
writers on the machine bounds the sessions per second. Only counts carry over to AWS, not times: races lost, policies
written, the share queued, nothing lost, nothing doubled. The handlers are not called over HTTP, because the local
server's 32 threads would limit the writers.
"""

import json
import logging
import os
import statistics
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from lab.bench.races import Person, Races, batch_of, settle
from local.clock import SteppedClock
from local.stack import UNCAPPED, Stack
from local.units import client_of_functions
from rl_core.config import settings
from rl_core.models import Marker, Profile, Segment
from rl_core.store import Store, marker_write

SEGMENT = Segment.HIGH_LOW
NOW = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)  # in an hour's first minute the jobs ask every partition
WRITERS = (1, 2, 4, 8, 16, 32, 64)
SESSIONS = 640  # sessions at each number of writers
BACKLOG = 5_000
QUEUE_ONLY_WRITERS = 64
BESIDE_WRITERS, BESIDE_SESSIONS, BESIDE_BACKLOG = (1, 8), 400, 900
MOST_RUNS = 50
HEADER = ("sessions/s", "learned/s", "retries", "policy writes", "queued", "p50 ms", "p99 ms", "rmw ms", "refused")


@dataclass(frozen=True, slots=True)
class Level:
    """The results of one number of writers."""

    sessions_per_second: float  # answered
    learned_per_second: float  # answered with "applied"
    retries_per_session: float  # races over the policy that the API lost
    policy_writes_per_session: float  # races won, those of the job for queued sessions included
    queued_share: float
    p50_ms: float
    p99_ms: float
    read_modify_write_ms: float  # median
    refused: int  # answers other than 200


class Bench:
    """Runs one stack, and keeps an account of the people whose sessions must have been learned."""

    def __init__(self, stack: Stack, races: Races) -> None:
        self._stack, self._races = stack, races
        self._store = Store(stack.table_name)
        self._people: list[Person] = []  # whose session was accepted

    def people(self, name: str, count: int, *, due: bool) -> list[Person]:
        """Makes new people of the segment, each with a session that is open, or closed and due, and returns them."""
        people = settle(self._store, SEGMENT, [f"{name}-{n}" for n in range(count)], NOW, due=due)
        self._people += people if due else []
        return people

    def level(self, writers: int, name: str) -> Level:
        """Lets `writers` end sessions at once, has the job learn what they left queued, and returns the results."""
        waiting = deque(self.people(name, SESSIONS, due=False))
        before = self._store.policy(SEGMENT).version
        self._races.attempts.clear()
        answers, seconds = self._answers(waiting, writers)
        attempts = list(self._races.attempts)
        self.drain()
        written = self._store.policy(SEGMENT).version - before
        times = statistics.quantiles([took for took, _ in answers], n=100)
        learning = Counter(learning for _, learning in answers)
        return Level(
            sessions_per_second=round((len(answers) - learning["refused"]) / seconds, 1),
            learned_per_second=round(learning["applied"] / seconds, 1),
            retries_per_session=round(sum(a.lost for a in attempts) / len(answers), 3),
            policy_writes_per_session=round(written / len(answers), 3),
            queued_share=round(learning["queued"] / len(answers), 3),
            p50_ms=round(times[49] * 1000, 1),
            p99_ms=round(times[98] * 1000, 1),
            read_modify_write_ms=round(statistics.median(a.seconds for a in attempts) * 1000, 1) if attempts else 0.0,
            refused=learning["refused"],
        )

    def _answers(self, waiting: deque[Person], writers: int) -> tuple[list[tuple[float, str]], float]:
        """Returns seconds and `learning` of each batch request, and the seconds that all took together."""
        start = time.perf_counter()
        with ThreadPoolExecutor(writers) as threads:
            parts = list(threads.map(lambda _: list(self._write(waiting)), range(writers)))
        return [answer for part in parts for answer in part], time.perf_counter() - start

    def _write(self, waiting: deque[Person]) -> Iterator[tuple[float, str]]:
        """Sends a batch for one session after the other, until none is left."""
        while True:
            try:
                person = waiting.popleft()
            except IndexError:
                return
            batch = batch_of(person, NOW)
            start = time.perf_counter()
            answer = self._stack.invoke(*batch)
            took = time.perf_counter() - start
            if good := answer["statusCode"] == 200:
                self._people.append(person)
            yield took, json.loads(answer["body"])["training_metrics"]["learning"] if good else "refused"

    def drain(self) -> dict[str, float]:
        """Runs the job until nothing is due. Raises RuntimeError when sessions are still due after MOST_RUNS runs."""
        before, start = self._store.policy(SEGMENT).version, time.perf_counter()
        learned = runs = 0
        while any(self._store.due(SEGMENT, NOW, 1, range(settings().index_shards))):
            learned += self._stack.run_schedule("Learn")["learned"]
            if (runs := runs + 1) > MOST_RUNS:
                raise RuntimeError(f"still due after {MOST_RUNS} runs of the job")
        seconds = time.perf_counter() - start
        transactions = self._store.policy(SEGMENT).version - before
        return {
            "sessions": learned,
            "seconds": round(seconds, 2),
            "runs": runs,
            "transactions": transactions,
            "per_transaction": round(learned / max(transactions, 1), 1),
            "per_second": round(learned / seconds, 1),
        }

    def beside(self, writers: int) -> dict[str, float]:
        """Runs the job while `writers` end sessions, and returns how many of the job's transactions won and lost."""
        self.people(f"waiting-{writers}", BESIDE_BACKLOG, due=True)
        waiting = deque(self.people(f"beside-{writers}", BESIDE_SESSIONS, due=False))
        self._races.attempts.clear()
        with ThreadPoolExecutor(1) as thread:
            answers = thread.submit(self._answers, waiting, writers)
            while waiting:
                self._stack.run_schedule("Learn")
        seconds = answers.result()[1]
        ends = [a.ended for a in self._races.attempts if not a.by_job]
        jobs = [a for a in self._races.attempts if a.by_job and a.ended < max(ends)]
        self.drain()
        return {
            "writers": writers,
            "seconds": round(seconds, 2),
            "won": sum(not a.lost for a in jobs),
            "lost": sum(a.lost for a in jobs),
            "read_modify_write_ms": round(statistics.median(a.seconds for a in jobs) * 1000, 1) if jobs else 0.0,
        }

    def erase(self) -> dict[str, float]:
        """Erases the first person who was learned from, and returns the time: every version is folded anew."""
        leaver = self._people.pop(0)
        profile = self._store.profile(leaver.user)
        if not isinstance(profile, Profile):
            raise RuntimeError("nobody to erase")
        marker = Marker(profile.user, profile.key, profile.created_at, NOW, profile.revision)
        self._store.write(marker_write(marker, settings().index_shards))
        versions, start = self._store.policy(SEGMENT).version, time.perf_counter()
        if self._stack.run_schedule("Erasure") != {"done": 1}:
            raise RuntimeError("not erased")
        seconds = time.perf_counter() - start
        return {"versions": versions, "seconds": round(seconds, 2), "per_second": round(versions / seconds)}

    def account(self) -> Counter[str]:
        """Counts the sessions in no version record, and those in more than one.

        Raises RuntimeError if the policy and its records differ.
        """
        records = [record.transitions for record in self._store.records(SEGMENT)]
        times = Counter(transition.key for transitions in records for transition in transitions)
        policy = self._store.policy(SEGMENT)
        if (policy.version, policy.episodes) != (len(records), times.total()):
            raise RuntimeError(
                f"{policy.version=}, {policy.episodes=}: {len(records)} records, {times.total()} sessions"
            )
        return Counter(
            lost=sum(times[person.key] == 0 for person in self._people),
            doubled=sum(times[person.key] > 1 for person in self._people),
        )


@contextmanager
def bench(races: Races, **variables: str) -> Iterator[Bench]:
    """Yields a bench on a new stack; `variables` are set beside the template's while it lasts."""
    os.environ.update(variables)
    try:
        with Stack(clock=SteppedClock(NOW), quiet=True, parameters=UNCAPPED) as stack:
            logging.getLogger("fettle").setLevel(logging.CRITICAL)  # the job logs each segment that it leaves for later
            races.watch(client_of_functions())
            yield Bench(stack, races)
    finally:
        for name in variables:
            del os.environ[name]


def show(name: str, level: Level) -> None:
    figures = (f"{value:>14.3f}" if isinstance(value, float) else f"{value:>14}" for value in asdict(level).values())
    print(f"{name:<12}{''.join(figures)}", flush=True)


def main() -> None:
    logging.getLogger("urllib3.connectionpool").setLevel(
        logging.ERROR
    )  # there are more writers than connections of the client
    races, levels, account = Races(), dict[str, Level](), Counter[str]()
    print(f"{'writers':<12}{''.join(f'{name:>14}' for name in HEADER)}")
    with bench(races) as normal:
        normal.people("backlog", BACKLOG, due=True)
        drain = normal.drain()
        for writers in WRITERS:
            levels[str(writers)] = normal.level(writers, f"writers-{writers}")
            show(str(writers), levels[str(writers)])
        beside = [normal.beside(writers) for writers in BESIDE_WRITERS]
        account += normal.account()
        refold = normal.erase()
        account += normal.account()
    with bench(races, LEARN_ATTEMPTS="0") as queue_only:
        only = queue_only.level(QUEUE_ONLY_WRITERS, "queue-only")
        show(f"{QUEUE_ONLY_WRITERS} queue", only)
        account += queue_only.account()
    print(f"the job alone: {drain}")
    for figure in beside:
        print(f"the job beside writers: {figure}")
    print(f"an erasure: {refold}")
    print(f"lost {account['lost']}, doubled {account['doubled']}")
    figures = {
        "writers": {name: asdict(level) for name, level in levels.items()},
        "queue_only": {"writers": QUEUE_ONLY_WRITERS, **asdict(only)},
        "lost": account["lost"],
        "doubled": account["doubled"],
        "drain": drain,
        "job_beside_writers": beside,
        "erasure": refold,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
