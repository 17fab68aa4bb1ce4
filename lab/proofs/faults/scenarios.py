"""Lists the operations of the API and the jobs, each with what the table must hold before it."""

import json
import zlib
from datetime import UTC, datetime, timedelta

from lab.proofs.faults.bench import Bench
from lab.proofs.faults.calls import (
    EXPIRED,
    NEXT_DAY,
    OTHER_SEGMENT,
    SEGMENT,
    SOON,
    START,
    Call,
    Scenario,
    after,
    batch,
    complete,
    done,
    issued,
    job,
    learned,
    phone,
    put,
    queued,
)
from lab.proofs.faults.consents import CONSENTS
from lab.proofs.faults.operators import OPERATORS
from lab.proofs.faults.own_data import OWN_DATA
from lab.proofs.faults.pauses import PAUSES
from rl_core.config import settings
from rl_core.models import PERSON, Act, Segment
from rl_core.store import Store
from rl_core.work import Turn, exclude

DISPATCH = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)  # the time of the run after which the 23rd is final
ONE_SHARD = ("user-9", "user-12", "user-25", "user-44")  # all of one shard
DUE = ("finn", "gina", "hugo")  # with two sessions in a transaction, these users make two transactions


def _shown(bench: Bench) -> Call:
    issued(bench, prefetch=True)
    return phone().recommend()


def _expired(bench: Bench) -> Call:
    learned(bench)
    done(bench, complete(issued(bench)[0]))
    return phone(at=EXPIRED).recommend()


def _last(bench: Bench, *, policy: bool) -> Call:
    if policy:
        learned(bench)
    *others, last = issued(bench)
    for activity in others:
        done(bench, complete(activity))
    return complete(last)


def _batch(bench: Bench) -> Call:
    learned(bench)
    return batch(issued(bench)[:1], overall_session_rating=4, notes="Felt great")


def _rating(bench: Bench) -> Call:
    activities = issued(bench)
    for activity in activities:
        done(bench, complete(activity))
    return batch(activities[:1], overall_session_rating=4, notes="Felt great")


def _new_session(bench: Bench) -> Call:
    learned(bench)
    done(bench, put())
    return phone().recommend()


def _learning(bench: Bench) -> Call:
    """Prepares all that the job finds: sessions due in two segments, expired (seen and unseen), and unreadable."""
    learned(bench)
    for user in DUE:
        queued(bench, user)
    queued(bench, "dora", OTHER_SEGMENT)
    issued(bench, "ana")
    issued(bench, "ben", prefetch=True)
    before = bench.items()
    queued(bench, "eve")
    items = bench.items()
    for item in items:
        if item not in before and item["sk"]["S"].startswith("SESSION#"):
            item.pop("state")
    bench.restore(items)
    return job("Learn", EXPIRED)


def _erasing(bench: Bench) -> Call:
    learned(bench)
    done(bench, batch(issued(bench)))
    done(bench, phone(at=SOON).recommend())
    done(bench, phone(at=SOON).delete_profile())
    return job("Erasure", SOON)


def _excluding(bench: Bench) -> Call:
    """Prepares an exclusion that was cut off when it had taken hold of the policy."""
    learned(bench)
    done(bench, batch(issued(bench)))
    store = Store(bench.table)
    *_, last = store.records(Segment(SEGMENT))
    person, turn = last.transitions[0].key[:PERSON], Turn.of("an operator", START, lambda: 0)
    act = Act("an act", START, "an operator", reason="one answer for all", person=person)
    exclude(store, Segment(SEGMENT), act, store.policy(Segment(SEGMENT)).acted, settings(), turn)
    return job("Erasure", SOON)


def _last_on_a_new_day(bench: Bench) -> Call:
    learned(bench)
    *others, last = issued(bench)
    for activity in others:
        done(bench, complete(activity))
    return complete(last, at=NEXT_DAY)


def _stats(bench: Bench) -> Call:
    done(bench, batch(issued(bench)))
    done(bench, phone(at=NEXT_DAY).recommend())
    return phone(at=NEXT_DAY).stats(30)


def _days(bench: Bench) -> None:
    """Prepares users' days: a closed session, an open one, one with an action of another segment, and a user who then
    stays away.
    """
    gone, closed, left, other = ONE_SHARD
    week = timedelta(days=7)
    done(bench, put(gone))
    done(bench, phone(gone, START - week).recommend())
    done(bench, batch(issued(bench, closed), closed))
    issued(bench, left)
    done(bench, complete(issued(bench, other, segment=OTHER_SEGMENT)[0], other))
    bench.jobs(EXPIRED)


def _dispatch(bench: Bench) -> Call:
    _days(bench)
    return job("DailyDispatch", DISPATCH)


def _work(bench: Bench) -> Call:
    _days(bench)
    shard = zlib.crc32(ONE_SHARD[0].encode()) % 16
    body = json.dumps({"date": START.date().isoformat(), "shard": shard, "time": DISPATCH.isoformat()})
    record = {"messageId": "1", "receiptHandle": "1", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
    return Call("DailyEngagement", {"Records": [record]}, DISPATCH)


def _moving(bench: Bench) -> Call:
    """Prepares a day whose shards are all final, over which the watermark moves, and TREND with it."""
    _dispatch(bench)
    bench.invoke("DailyDispatch", {"time": DISPATCH.isoformat()})
    bench.jobs(EXPIRED)
    return job("DailyDispatch", DISPATCH + timedelta(days=1))


def _leaving_trend(bench: Bench) -> Call:
    """Prepares an erasure of somebody whose day is final and in TREND."""
    call = _moving(bench)
    bench.invoke(call.function, call.event)
    bench.jobs(call.jobs_at)
    done(bench, phone(ONE_SHARD[1], call.jobs_at).delete_profile())
    return job("Erasure", call.jobs_at + timedelta(minutes=1))


def _guard(bench: Bench) -> Call:
    """Prepares a guard that has something to read of everything: lessons, draws, what waits, a day in TREND."""
    call = _moving(bench)
    bench.invoke(call.function, call.event)
    bench.jobs(call.jobs_at)
    learned(bench)
    issued(bench, "ana")
    bench.invoke("Guard", {"time": call.jobs_at.isoformat()})
    return job("Guard", call.jobs_at + timedelta(hours=1))


def _delete(bench: Bench) -> Call:
    learned(bench)
    issued(bench)
    return phone(at=SOON).delete_profile()


SCENARIOS = (
    Scenario("first profile", after(then=put())),
    Scenario("changed profile", after(put(), then=put(timezone="Europe/Berlin", avoid=[]))),
    Scenario("read profile", after(put(), phone().recommend(), then=phone().get_profile())),
    Scenario("history", after(put(), phone().recommend(), then=phone().history())),
    Scenario("recommend, first of all", after(put(), then=phone().recommend())),
    Scenario("recommend", _new_session),
    Scenario("recommend, open session", after(put(), phone().recommend(), then=phone().recommend())),
    Scenario("recommend, prefetched session", _shown),
    Scenario("recommend, expired session", _expired),
    Scenario("completion", lambda bench: complete(issued(bench)[0])),
    Scenario("last completion", lambda bench: _last(bench, policy=True)),
    Scenario("last completion, first policy", lambda bench: _last(bench, policy=False)),
    Scenario("first look of a day", after(put(), phone().recommend(), then=phone(at=NEXT_DAY).recommend())),
    Scenario("first answer of a day", lambda bench: complete(issued(bench)[0], at=NEXT_DAY)),
    Scenario("last completion on a new day", _last_on_a_new_day),
    Scenario("batch", _batch),
    Scenario("batch on a new day", lambda bench: batch(issued(bench)[:1], at=NEXT_DAY)),
    Scenario("batch adding a rating", _rating),
    Scenario("stats", _stats),
    Scenario("delete", _delete),
    Scenario("daily dispatch", _dispatch),
    Scenario("daily worker", _work),
    Scenario("daily dispatch, a day becomes final", _moving),
    Scenario("erasure job, a day in TREND", _leaving_trend),
    Scenario("guard", _guard),
    Scenario("learn job", _learning, ordered=False),
    Scenario("erasure job", _erasing),
    Scenario("exclusion, finished by the erasure job", _excluding),
    *CONSENTS,
    *PAUSES,
    *OWN_DATA,
    *OPERATORS,
)
