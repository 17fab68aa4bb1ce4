"""Lists what users do about pauses, and what the jobs then do, each with what the table must hold before it."""

import json
import zlib
from datetime import UTC, datetime, timedelta

from lab.proofs.faults.bench import Bench
from lab.proofs.faults.calls import (
    EXPIRED,
    NEXT_DAY,
    SOON,
    START,
    Call,
    Scenario,
    after,
    batch,
    complete,
    done,
    job,
    learned,
    phone,
    put,
)
from local.phone import ids

AWAY = START - timedelta(days=7)
OVER = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)  # the first run for which the 23rd is over
LATER = timedelta(days=2)  # so many days of those away are paused


def paused(days: float, at: datetime = SOON) -> Call:
    """Returns the call that pauses for so many days."""
    return phone(at=at).put_pause(f"{at + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}")


def _open(bench: Bench, *, prefetch: bool | None = None) -> list[int]:
    """Prepares an open session of somebody who then pauses until it has expired."""
    learned(bench)
    done(bench, put())
    activities = ids(done(bench, phone().recommend(prefetch)))
    done(bench, paused(2))
    return activities


def _expiring(bench: Bench) -> Call:
    _open(bench)
    return job("Learn", EXPIRED)


def _expiring_unseen(bench: Bench) -> Call:
    _open(bench, prefetch=True)
    return job("Learn", EXPIRED)


def _expiring_answered(bench: Bench) -> Call:
    done(bench, complete(_open(bench)[0], at=SOON))
    return job("Learn", EXPIRED)


def _returning(bench: Bench) -> Call:
    _open(bench)
    return phone(at=EXPIRED + timedelta(days=1)).recommend()


def _answered(bench: Bench) -> Call:
    return batch(_open(bench), at=NEXT_DAY)


def _expire(bench: Bench) -> None:
    bench.invoke("Learn", {"time": EXPIRED.isoformat()})


def _end(bench: Bench) -> None:
    call = phone(at=SOON).delete_pause()
    bench.invoke(call.function, call.event)


def _away(bench: Bench) -> None:
    """Prepares a user who has been away for seven days, two of them paused, and one who was not paused."""
    for user in ("user-9", "user-12"):  # both of one shard
        done(bench, put(user))
        done(bench, phone(user, AWAY).recommend())
    done(bench, phone("user-9", AWAY + timedelta(days=2)).put_pause(f"{AWAY + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"))
    bench.jobs(AWAY + timedelta(days=5, minutes=1))


def _shard(day: datetime, at: datetime) -> Call:
    body = {"date": day.date().isoformat(), "shard": zlib.crc32(b"user-9") % 16, "time": at.isoformat()}
    record = {"messageId": "1", "receiptHandle": "1", "body": json.dumps(body)}
    return Call("DailyEngagement", {"Records": [record | {"attributes": {}, "eventSource": "aws:sqs"}]}, at)


def _putting_off(bench: Bench) -> Call:
    _away(bench)
    return _shard(START, OVER)


def _looking_again(bench: Bench) -> Call:
    call = _putting_off(bench)
    bench.invoke(call.function, call.event)
    return _shard(START + LATER, OVER + LATER)


def _looking_late(bench: Bench) -> Call:
    _away(bench)
    return _shard(START, OVER + timedelta(days=9))


PAUSES = (
    Scenario("read pause", after(put(), paused(3), then=phone(at=SOON).get_pause())),
    Scenario("pause", after(put(), phone().recommend(), then=paused(3))),
    Scenario("pause moved", after(put(), paused(3), then=paused(1, NEXT_DAY))),
    Scenario("pause ended", after(put(), paused(3), then=phone(at=NEXT_DAY).delete_pause())),
    Scenario("recommend, the pause is over", after(put(), paused(0.5), then=phone(at=NEXT_DAY).recommend())),
    Scenario("batch while paused", _answered),
    Scenario("expiry under a pause", _expiring),
    Scenario("expiry of a prefetched session under a pause", _expiring_unseen),
    Scenario("expiry of an answered session under a pause", _expiring_answered),
    Scenario("expiry, the pause ends before", _expiring, between=_end),
    Scenario("recommend, expired under a pause", _returning),
    Scenario("recommend, the job closes it before", _returning, between=_expire),
    Scenario("dropout put off", _putting_off),
    Scenario("dropout put off, then counted", _looking_again),
    Scenario("dropout put off and counted in one run", _looking_late),
)
