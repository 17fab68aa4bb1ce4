"""Lists what operators do, and an erasure of somebody of whom the audit speaks, each with what stands before it."""

from typing import Any

from lab.proofs.faults.bench import Bench
from lab.proofs.faults.calls import (
    SEGMENT,
    SOON,
    START,
    Call,
    Scenario,
    batch,
    done,
    issued,
    job,
    learned,
    phone,
    queued,
)
from lab.proofs.faults.commands import OPERATE, carry_out, wish
from local.phone import ids
from rl_core.models import PERSON, Segment
from rl_core.store import Due, Store, keys

HOME = keys.segment_pk(Segment(SEGMENT))


def _wanted(bench: Bench, what: str, **more: Any) -> Call:
    """Returns the call of an operator who looks at the segment as it now stands."""
    acted = Store(bench.table).policy(Segment(SEGMENT)).acted if what != "mend" else 0
    return Call(OPERATE, wish(what, START, SEGMENT, acted, **more), SOON)


def _taught(bench: Bench) -> bytes:
    """Has the service learn from two people, twice from the first of them, and returns the other one's eight bytes."""
    learned(bench)
    done(bench, batch(issued(bench)))
    *_, last = Store(bench.table).records(Segment(SEGMENT))
    done(bench, batch(ids(done(bench, phone("first").recommend())), "first"))
    return last.transitions[0].key[:PERSON]


def _rollback(bench: Bench) -> Call:
    _taught(bench)
    return _wanted(bench, "rollback", to=1)


def _exclude(bench: Bench) -> Call:
    return _wanted(bench, "exclude", person=_taught(bench))


def _include(bench: Bench) -> Call:
    person = _excluded(bench)
    return _wanted(bench, "include", person=person)


def _excluded(bench: Bench) -> bytes:
    """Has a person excluded before, by somebody else's act."""
    person = _taught(bench)
    carry_out(bench.table, bench.client, wish("exclude", START, SEGMENT, 0, person=person))
    bench.restore([i | {"reason": {"S": "another's"}} if "who" in i else i for i in bench.items()])
    return person


def _mend(bench: Bench) -> Call:
    _taught(bench)
    spoilt = [i | {"table": {"B": b"rubbish"}} if i["sk"]["S"] == keys.POLICY_SK else i for i in bench.items()]
    bench.restore(spoilt)
    return _wanted(bench, "mend", shown=Store(bench.table).stored_policy(Segment(SEGMENT)))


def _unpark(bench: Bench) -> Call:
    learned(bench)
    queued(bench, "ana")
    store, pk, sk = Store(bench.table), keys.user_pk("ana"), keys.session_sk(1)
    waiting = next(i for i in bench.items() if (i["pk"]["S"], i["sk"]["S"]) == (pk, sk))
    store.park(Due(waiting["due_shard"]["S"], pk, sk, START), "set aside")
    aside = next(i for i in bench.items() if (i["pk"]["S"], i["sk"]["S"]) == (pk, sk))
    return Call(OPERATE, wish("unpark", START, SEGMENT, 0, pk=pk, sk=sk, revision=int(aside["revision"]["N"])), SOON)


def _erase(bench: Bench) -> Call:
    _excluded(bench)
    done(bench, phone(at=SOON).delete_profile())
    return job("Erasure", SOON)


OPERATORS = (
    Scenario("rollback by an operator", _rollback),
    Scenario("exclusion by an operator", _exclude),
    Scenario("inclusion by an operator", _include),
    Scenario("mend by an operator", _mend),
    Scenario("unpark by an operator", _unpark),
    Scenario("erasure of who was excluded", _erase),
)
