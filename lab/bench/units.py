"""`make bench-units`: what each request, and a job's run without work, costs in DynamoDB units and in CPU.

Units are what MiniStack reports as ConsumedCapacity, table and index together; those of reads are counted by their
bytes. CPU is this process's own (the data plane runs in another), with the handlers called directly; it is compared,
alternately and in the same run, with a handler that only reads one item through the same stack of libraries. The policy
that is read and written holds the statistics of many sessions, as it would in service.
"""

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lab.bench.explained import SEGMENTS, learn_until_due
from lab.bench.full import fill
from local.clock import SteppedClock, event_time
from local.functions import Context
from local.gateway import Event, HttpRequest, event_of
from local.phone import Json, Phone, RefusedError, bodies, ids, to_functions
from local.powertools import isolate_app
from local.stack import UNCAPPED, Stack
from local.units import Units, bill, client_of_functions
from rl_core.config import settings
from rl_core.store import Store

SEGMENT = "High Anxiety, Low Activity"
WARM_UP, USERS = 50, 40  # below a hundred, because some versions are also kept whole, which costs 4 units more
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ANSWER = {"completed": True, "motivation_before": 2, "motivation_after": 4, "difficulty_rating": 3}
JOBS = ("Learn", "Erasure")
GUARDS = ("guard", "guard, full")
WAITING = (0, 1, 2, 10, 50, 100)  # sessions that wait when their user withdraws
NOTES, SESSION_NOTES = "Felt great", "Good workout, tired now"

app = APIGatewayHttpResolver(enable_validation=True)
logger = Logger()


@lru_cache(maxsize=1)
def _client() -> Any:
    return boto3.client("dynamodb")


@app.get("/one-item")
def one_item() -> dict[str, str]:
    """Makes the cheapest possible request: one consistent read of one item."""
    key = {"pk": {"S": "USER#nobody"}, "sk": {"S": "~PROFILE"}}
    item = _client().get_item(TableName=_TABLE[0], Key=key, ConsistentRead=True).get("Item")
    return {"found": str(item is not None)}


@logger.inject_lambda_context
def baseline(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


_TABLE = [""]


class Meter:
    """Measures units and CPU seconds of each kind of request, those of the one-item handler included."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.read: dict[str, list[float]] = defaultdict(list)
        self.write: dict[str, list[float]] = defaultdict(list)
        self.cpu: dict[str, list[float]] = defaultdict(list)
        bill(client_of_functions())  # before the units are counted: MiniStack reports 1 for a read of any size
        self._units = Units(client_of_functions(), _client())

    def phone(self, user: str, kind: str, at: datetime = NOW) -> Phone[Json]:
        """Returns a phone whose requests are made at this time and count as that kind."""

        def invoke(function: str, event: Event) -> Any:
            return self._noted(kind, partial(self._stack.invoke, function, event))

        return Phone(bodies(to_functions(invoke, user, at)))

    def job(self, function: str, at: datetime, kind: str = "") -> None:
        """Runs a job, which counts as that kind; one of each minute, which finds nothing to do, as idle."""
        self._noted(kind or f"idle {function}", partial(self._stack.invoke, function, {"time": event_time(at)}))

    def one_item(self, kind: str) -> None:
        """Calls the handler that reads one item. Raises RuntimeError unless it answers 200."""
        request = HttpRequest("GET", "/one-item")
        event = event_of(request, route_key="GET /one-item", path_parameters={}, claims=None, now=NOW)
        answer = self._noted(kind, partial(baseline, event, Context("baseline", 512, time.monotonic() + 10)))
        if answer["statusCode"] != 200:
            raise RuntimeError(f"{kind}: {answer}")

    def _noted(self, kind: str, call: Callable[[], Any]) -> Any:
        """Returns the result of the call, and notes its units and CPU time."""
        self._units.take()
        start = time.process_time()
        answer = call()
        self.cpu[kind].append(time.process_time() - start)
        read, written = self._units.take()
        self.read[kind].append(read)
        self.write[kind].append(written)
        return answer


def live_one_session(meter: Meter, user: str, prefix: str = "") -> None:
    """Puts a profile, asks for a session, completes each activity, and adds the rating by a batch."""
    meter.phone(user, f"{prefix}profile").put_profile(segment=SEGMENT)
    *most, last = ids(meter.phone(user, f"{prefix}recommend").recommend())
    for activity in most:
        meter.phone(user, f"{prefix}completion").complete(activity, **ANSWER, notes=NOTES)
    meter.phone(user, f"{prefix}last completion").complete(last, **ANSWER, notes=NOTES)
    again = [{"activity_id": most[0], **ANSWER}]
    meter.phone(user, f"{prefix}batch").batch(again, overall_session_rating=4, notes=SESSION_NOTES)
    meter.one_item(f"{prefix}one item")


def withdraw(meter: Meter, waiting: int) -> None:
    """Withdraws while so many sessions wait to be learned from: each expired, and the next request closed it.

    Repeats the request until it is done.
    """
    user, at = f"withdraws-{waiting}", NOW
    meter.phone(user, "profile").put_profile(segment=SEGMENT)
    for _ in range(waiting + 1):
        meter.phone(user, "waiting", at).recommend()
        at += timedelta(hours=49)
    done = False
    while not done:
        with suppress(RefusedError):
            meter.phone(user, f"withdrawal {waiting}", at).put_consent(learn=False, text_version="2026-11")
            done = True


def ask_why(meter: Meter, kind: str) -> int:
    """Asks why a plan was given that was drawn just before the policy is kept whole: open, answered, and after that.

    Returns the version that the plan was drawn from. Raises RuntimeError when an explanation is not exact.
    """
    segment, each = SEGMENTS[kind]
    due = learn_until_due(_TABLE[0], segment, each)
    user = f"asks-{each}-0123456789abcdef0123456789abcdef"
    phone = meter.phone(user, "asking")
    phone.put_profile(segment=segment.value)
    plan = phone.recommend()
    phone.explanation(plan["session_id"])  # from a function's first call on, units are billed by DynamoDB's rule
    asked = [meter.phone(user, kind).explanation(plan["session_id"])]
    store = Store(_TABLE[0])
    store.write(*due)
    asked.append(meter.phone(user, kind).explanation(plan["session_id"]))
    phone.batch([{"activity_id": its, **ANSWER, "notes": NOTES} for its in ids(plan)], notes=SESSION_NOTES)
    asked.append(meter.phone(user, kind).explanation(plan["session_id"]))
    if not all(body["exact"] for body in asked):
        raise RuntimeError(f"{kind}: {asked}")
    return store.policy(segment).version - 2


def guard(meter: Meter, store: Store) -> None:
    """Runs the guard on what the users left, and on nine segments with a full TREND and 200 lessons each."""
    meter.job("Guard", NOW + timedelta(days=9), GUARDS[0])
    fill(store, settings(), NOW.date())
    meter.job("Guard", NOW + timedelta(days=9, hours=1), GUARDS[1])


def main() -> None:
    isolate_app(app)
    with Stack(
        clock=SteppedClock(NOW), quiet=True, parameters=UNCAPPED | {"EpsilonStart": "1", "EpsilonMin": "1"}
    ) as stack:
        _TABLE[0], meter = stack.table_name, Meter(stack)
        for n in range(WARM_UP):
            live_one_session(meter, f"warm-{n}", "warm ")
        for n in range(USERS):
            live_one_session(meter, f"user-{n}-0123456789abcdef0123456789ab")
        for minute in range(1, USERS + 1):  # from 1: an hour's first minute asks more of the index
            for job in JOBS:
                meter.job(job, NOW + timedelta(minutes=minute))
        for waiting in WAITING:
            withdraw(meter, waiting)
        versions = {kind: ask_why(meter, kind) for kind in SEGMENTS}
        guard(meter, Store(stack.table_name, stack.dynamodb))
    print(f"{'request':<16}{'read units':>11}{'write units':>12}{'CPU ms':>9}{'x one item':>12}  (quartiles)")
    kinds = ["one item", "profile", "recommend", "completion", "last completion", "batch", *(f"idle {j}" for j in JOBS)]
    for kind in kinds:
        ratios = _ratios(meter, kind)
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{kind:<16}{max(meter.read[kind]):>11.1f}{max(meter.write[kind]):>12.1f}"
            f"{statistics.median(meter.cpu[kind]) * 1000:>9.2f}{middle:>12.2f}  ({low:.2f}-{high:.2f})"
        )
    for waiting in WAITING:
        kind = f"withdrawal {waiting}"
        requests = f"(in {len(meter.read[kind])} requests; the number is of sessions that wait)"
        print(f"{kind:<16}{sum(meter.read[kind]):>11.1f}{sum(meter.write[kind]):>12.1f}  {requests}")
    for kind, version in versions.items():
        print(f"{kind:<33}{max(meter.read[kind]):>5.1f} read units at most (a plan drawn from version {version})")
    for kind in GUARDS:
        print(f"{kind:<16}{max(meter.read[kind]):>11.1f}{max(meter.write[kind]):>12.1f}")
    print(json.dumps(_figures(meter, kinds)))


def _ratios(meter: Meter, kind: str) -> list[float]:
    """Returns, for each session, the mean CPU of this kind over the CPU of that session's one-item request."""
    base, times = meter.cpu["one item"], meter.cpu[kind]
    each = len(times) // len(base)
    return [statistics.fmean(times[i * each : (i + 1) * each]) / b for i, b in enumerate(base)]


def _figures(meter: Meter, kinds: list[str]) -> dict[str, Any]:
    """Returns the figures of a session of six activities, with the largest units seen of each kind.

    The session has one recommend, five completions, the last completion and one batch.
    """
    shares = {"recommend": 1, "completion": 5, "last completion": 1, "batch": 1}
    return {
        "write_units_per_session": sum(max(meter.write[kind]) * n for kind, n in shares.items()),
        "read_units_per_session": sum(max(meter.read[kind]) * n for kind, n in shares.items()),
        "withdrawal": {n: [sum(its[f"withdrawal {n}"]) for its in (meter.read, meter.write)] for n in WAITING},
        "explanation": {kind: max(meter.read[kind]) for kind in SEGMENTS},
        "guard": {kind: [max(its[kind]) for its in (meter.read, meter.write)] for kind in GUARDS},
        "cpu_ms": {kind: round(statistics.median(meter.cpu[kind]) * 1000, 3) for kind in kinds},
        "cpu_ratio": {kind: round(statistics.median(_ratios(meter, kind)), 2) for kind in kinds},
    }


if __name__ == "__main__":
    main()
