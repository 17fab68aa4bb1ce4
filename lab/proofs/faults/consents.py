"""Lists what users do about consent, and what the jobs then do, each with what the table must hold before it."""

from contextlib import suppress
from typing import Any

from lab.proofs.faults.bench import DROPS, Bench
from lab.proofs.faults.calls import (
    EXPIRED,
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
from lab.proofs.faults.client import Fault, Kind
from local.phone import ids
from rl_core.errors import ConflictError
from rl_core.store import Due, Store, keys

BUSY = Fault(Kind.THROTTLE, 0, "transact_write_items")


def said(user: str = "ana", **wish: Any) -> Call:
    """Returns the call that states consent; without a wish the user no longer lets the policies learn."""
    return phone(user, SOON).put_consent(text_version="v1", **(wish or {"learn": False}))


def taught(bench: Bench, user: str = "ana") -> None:
    """Has the service learn from one more session of a user."""
    done(bench, batch(ids(done(bench, phone(user).recommend())), user))


def wait(bench: Bench, count: int, user: str = "ana") -> None:
    """Closes further sessions of a user while the policy is busy, so that they wait to be learned from."""
    for _ in range(count):
        done(bench, batch(ids(done(bench, phone(user).recommend())), user), BUSY)


def _waiting(count: int, then: Call, *, open_one: bool = True) -> Any:
    """Returns a preparation: others taught, one of them waits too, and of the user so many sessions wait."""

    def prepare(bench: Bench) -> Call:
        learned(bench)
        queued(bench, "ben")
        done(bench, put())
        taught(bench)
        wait(bench, count)
        if open_one:
            done(bench, phone().recommend())
        return then

    return prepare


def _parked(bench: Bench) -> Call:
    call: Call = _waiting(1, said())(bench)
    item = Store(bench.table).get(keys.user_pk("ana"), keys.session_sk(2))
    if item is None:
        raise RuntimeError("no session waits")
    Store(bench.table).park(_place(item["due_shard"]["S"]), "set aside")
    return call


def _place(partition: str) -> Due:
    return Due(partition, keys.user_pk("ana"), keys.session_sk(2), START)


def _unpark(bench: Bench) -> None:
    with suppress(ConflictError):
        Store(bench.table).unpark(_place(keys.PARKED), keys.MOST_PARTITIONS)


def _lessons(bench: Bench) -> None:
    """Prepares what is to be taken back: the user taught two segments, with others before and after."""
    learned(bench)
    done(bench, put())
    taught(bench)
    done(bench, batch(issued(bench, "ben"), "ben"))
    taught(bench)
    done(bench, put(segment=OTHER_SEGMENT))
    taught(bench)
    done(bench, batch(issued(bench, "cem", segment=OTHER_SEGMENT), "cem"))
    done(bench, put(segment=SEGMENT))


def _unlearning(bench: Bench) -> Call:
    _lessons(bench)
    wait(bench, 1)
    return said(learn=False, unlearn=True)


def _unlearning_job(bench: Bench) -> Call:
    _lessons(bench)
    done(bench, said(learn=False, unlearn=True))
    return job("Erasure", SOON)


def _returned(bench: Bench) -> Call:
    """Prepares an unlearning of somebody who granted again and taught something new."""
    call = _unlearning_job(bench)
    done(bench, said(learn=True))
    done(bench, batch(ids(done(bench, phone(at=SOON).recommend()))))
    return call


def _leaving(bench: Bench) -> Call:
    call = _unlearning_job(bench)
    done(bench, phone(at=SOON).delete_profile())
    return call


def _leaving_meanwhile(bench: Bench) -> Call:
    """Prepares an erasure of somebody whose unlearning was cut off when it had taken hold of a policy."""
    call = _unlearning_job(bench)
    with suppress(Exception):
        bench.invoke(call.function, call.event, Fault(Kind.OUTAGE, 1, "transact_write_items"))
    done(bench, phone(at=SOON).delete_profile())
    return call


def _expiring(bench: Bench) -> None:
    """Prepares an open session with one answer, which expires after the user said no to everything."""
    learned(bench)
    done(bench, put())
    taught(bench)
    done(bench, complete(ids(done(bench, phone().recommend()))[0]))
    done(bench, said(learn=False, personalise=False))


def _expiring_job(bench: Bench) -> Call:
    _expiring(bench)
    return job("Learn", EXPIRED)


def _expired(bench: Bench) -> Call:
    _expiring(bench)
    return phone(at=EXPIRED).recommend()


def _withdraw(bench: Bench) -> None:
    done(bench, said())


def _learn(bench: Bench) -> None:
    bench.invoke("Learn", {"time": SOON.isoformat()})


def _feedback(bench: Bench) -> Call:
    learned(bench)
    done(bench, put())
    return batch(ids(done(bench, phone().recommend())))


CONSENTS = (
    Scenario("read consent", after(put(), said(), then=phone().get_consent())),
    Scenario("withdrawal, sessions wait", _waiting(DROPS, said())),
    Scenario("withdrawal, more wait than a transaction takes", _waiting(2 * DROPS + 1, said()), ordered=False),
    Scenario("grant after a withdrawal", after(put(), said(), then=said(learn=True, personalise=True))),
    Scenario("withdrawal of personal plans", _waiting(1, said(personalise=False))),
    Scenario("withdrawal, the learner between", _waiting(1, said(), open_one=False), ordered=False, between=_learn),
    Scenario("learn job, a withdrawal between", _waiting(1, job("Learn", SOON)), between=_withdraw),
    Scenario("batch, a withdrawal between", _feedback, between=_withdraw),
    Scenario("withdrawal, an unpark between", _parked, between=_unpark),
    Scenario("expiry after a withdrawal", _expiring_job),
    Scenario("recommend, expired after a withdrawal", _expired),
    Scenario("withdrawal with unlearning", _unlearning),
    Scenario("unlearning", _unlearning_job),
    Scenario("unlearning of somebody who returned", _returned),
    Scenario("erasure that takes an unlearning over", _leaving),
    Scenario("erasure after an unlearning was cut off", _leaving_meanwhile),
)
