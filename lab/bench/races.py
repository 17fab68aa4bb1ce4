"""For the benchmark of contention: many people with one session each, and a watch on the races over their policy."""

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from local.phone import Invocation, Phone, invocation
from rl_core.config import Settings
from rl_core.models import EndedBy, Profile, Segment, Session
from rl_core.sessions import Answer, Ending, issue, record
from rl_core.store import Store, profile_write, session_write

AT_ONCE = 50  # a transaction takes 100 writes


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with one session: its key, by which the version records know it, and how many activities it has."""

    user: str
    key: bytes
    activities: int


def settle(store: Store, segment: Segment, users: Sequence[str], now: datetime, *, due: bool) -> list[Person]:
    """New people with a session each: open, or ended by a batch and waiting to be learned from. Written by the core."""
    settings, policy = Settings(table_name="any"), store.policy(segment)
    people: list[tuple[Session, Profile]] = []
    for user in users:
        life = hashlib.sha256(f"life {user}".encode()).digest()[:16]
        session, profile, *_ = issue(Profile(user, life, segment, now), None, policy, settings, now, shown=True)
        if due:
            said = {n: Answer(completed=n % 2 == 0) for n in range(1, len(session.activities) + 1)}
            session, profile, _ = record(session, profile, said, settings, now, Ending(EndedBy.BATCH))
        people.append((session, profile))
    for first in range(0, len(people), AT_ONCE):
        some = people[first : first + AT_ONCE]
        store.write(*[session_write(s, settings.index_shards) for s, _ in some], *[profile_write(p) for _, p in some])
    return [Person(profile.user, session.key, len(session.activities)) for session, profile in people]


def batch_of(person: Person, now: datetime) -> Invocation:
    """The batch that answers all of a person's first session, not sent yet."""
    said = {"completed": True, "motivation_before": 2, "motivation_after": 4, "difficulty_rating": 3}
    items = [{"activity_id": 10 + position, **said} for position in range(1, person.activities + 1)]
    return Phone(partial(invocation, user=person.user, at=now)).batch(items, overall_session_rating=4)


class Attempt(NamedTuple):
    """One learning transaction: whether the job made it (it moves no profile), and what became of it."""

    by_job: bool
    lost: bool
    seconds: float  # from asking for the policy to the transaction's answer
    ended: float


class Races:
    """The learning transactions of all threads, as the SDK sees them."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._thread = threading.local()

    def watch(self, client: Any) -> None:
        """From now on this client's too."""
        events = client.meta.events
        events.register("before-call.dynamodb.GetItem", self._reads)
        events.register("provide-client-params.dynamodb.TransactWriteItems", self._writes)
        events.register("after-call.dynamodb.TransactWriteItems", self._ends)

    def _reads(self, **_: Any) -> None:
        """Who learns reads one item by its key, the policy."""
        self._thread.read = time.perf_counter()

    def _writes(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        places = [write.get("Put", {}).get("Item", {}).get("sk", {}).get("S") for write in params["TransactItems"]]
        context["by_job"] = "~PROFILE" not in places
        context["policy"] = places.index("POLICY") if "POLICY" in places else None

    def _ends(self, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        if (place := context["policy"]) is not None:
            reasons = (parsed.get("CancellationReasons") or [])[place : place + 2]
            lost = any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)
            now = time.perf_counter()
            self.attempts.append(Attempt(context["by_job"], lost, now - self._thread.read, now))
