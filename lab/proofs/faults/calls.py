"""Makes the calls of the API and the jobs, and fills the table with what a scenario needs before its call."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.proofs.faults.bench import Bench
from lab.proofs.faults.client import Fault, Kind
from local.phone import Json, Phone, ids, invocation

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
# Jobs run a minute after an hour begins: in its first minute they ask every partition, and each call is made to fail.
SOON, NEXT_DAY, EXPIRED = (START + timedelta(hours=hours, minutes=1) for hours in (1, 24, 49))
SEGMENT, OTHER_SEGMENT = "High Anxiety, Low Activity", "Low Anxiety, High Activity"
ANSWER = {"completed": True, "motivation_before": 2, "motivation_after": 4, "difficulty_rating": 3}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, and the time at which the jobs run after it."""

    function: str
    event: Json
    jobs_at: datetime

    @property
    def is_job(self) -> bool:
        """Returns whether a schedule makes the call, not a phone."""
        return "requestContext" not in self.event


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named operation; `prepare` fills the table and returns the call to make.

    `between` is what somebody else does just before the call's first transaction, and once more after the call.
    `backups` says that the call needs a DynamoDB that has point-in-time recovery. Of the calls that read, every
    `reads`-th is made to fail, of the others each.
    """

    name: str
    prepare: Callable[[Bench], Call]
    ordered: bool = True
    between: Callable[[Bench], object] | None = None
    backups: bool = False
    reads: int = 1


def phone(user: str = "ana", at: datetime = START) -> Phone[Call]:
    """Returns a phone that sends nothing: its methods return the call that the request comes to."""
    return Phone(lambda request: Call(*invocation(request, user, at), at + timedelta(minutes=1)))


def put(user: str = "ana", **fields: Any) -> Call:
    """Returns the call that puts a profile with these fields, or with only a segment if there are none."""
    return phone(user).put_profile(**(fields or {"segment": SEGMENT}))


def complete(activity: int, user: str = "ana", at: datetime = SOON) -> Call:
    """Returns the call that completes the activity."""
    return phone(user, at).complete(activity, **ANSWER)


def batch(activities: list[int], user: str = "ana", at: datetime = SOON, **more: Any) -> Call:
    """Returns the call that ends the session with these activities completed."""
    return phone(user, at).batch([{"activity_id": activity, **ANSWER} for activity in activities], **more)


def job(function: str, at: datetime) -> Call:
    """Returns a schedule's call; the jobs after it run with the same time, as a repeated run does."""
    return Call(function, {"time": at.isoformat()}, at)


def done(bench: Bench, call: Call, fault: Fault | None = None) -> Json:
    """Makes the call and returns the body of its answer. Raises RuntimeError when it failed."""
    answer = bench.invoke(call.function, call.event, fault)
    if answer["statusCode"] not in {200, 204}:
        raise RuntimeError(f"{call.function}: {answer}")
    body: Json = json.loads(answer.get("body") or "{}")
    return body


def issued(bench: Bench, user: str = "ana", *, prefetch: bool | None = None, segment: str = SEGMENT) -> list[int]:
    """Makes a new user with a first session, and returns the ids of its activities."""
    done(bench, put(user, segment=segment))
    return ids(done(bench, phone(user).recommend(prefetch)))


def learned(bench: Bench) -> None:
    """Has the service learn from one session, so that the policy exists."""
    done(bench, batch(issued(bench, "first"), "first"))


def queued(bench: Bench, user: str, segment: str = SEGMENT) -> None:
    """Closes a session while the policy is busy, so that the session is queued."""
    busy = Fault(Kind.THROTTLE, 0, "transact_write_items")
    body = done(bench, batch(issued(bench, user, segment=segment), user), busy)
    if body["training_metrics"]["learning"] != "queued":
        raise RuntimeError(f"{user}'s session is not queued")


def after(*calls: Call, then: Call) -> Callable[[Bench], Call]:
    """Returns a preparation that makes these calls, and whose scenario's call is `then`."""

    def prepare(bench: Bench) -> Call:
        for call in calls:
            done(bench, call)
        return then

    return prepare
