"""What one account can do at full speed, with the bounds of a deployment that sets nothing.

The tests tell two days of Ana's, in their order.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from local.clock import SteppedClock
from local.phone import Answer, ids
from local.stack import Stack
from rl_core.models import Segment
from rl_core.store import Store
from tests.integration.conftest import SEGMENT, START, Phone, at_once, client_of, done, ok, problem

pytestmark = pytest.mark.local_only("the bounds are a deployment's parameters")


@pytest.fixture(scope="module")
def capped() -> Iterator[Stack]:
    """A stack whose parameters are the template's."""
    with Stack(clock=SteppedClock(START), quiet=True, short=True) as running:
        yield running


@pytest.fixture(scope="module")
def line(capped: Stack) -> Iterator[httpx.Client]:
    with client_of(capped) as client:
        yield client


@pytest.fixture
def ana(capped: Stack, line: httpx.Client) -> Phone:
    phone = Phone.of("ana", capped, line)
    ok(phone.put_profile(segment=SEGMENT))
    return phone


def hostile(phone: Phone) -> Callable[[], Counter[str]]:
    """A client that asks and answers as fast as it can, twenty times; what its batches came to."""

    def run() -> Counter[str]:
        said: Counter[str] = Counter()
        for _ in range(20):
            plan = phone.recommend()
            if plan.status == 429:
                said["refused"] += 1
                continue
            batch = phone.batch(done(ok(plan), 1))
            said[batch.body["training_metrics"]["learning"] if batch.status == 200 else str(batch.status)] += 1
        return said

    return run


def test_sixteen_clients_at_full_speed_get_twelve_sessions_and_teach_two(capped: Stack, ana: Phone) -> None:
    said = sum(at_once(16, hostile(ana)), Counter[str]())
    assert said["refused"] > 0
    assert not [word for word in said if word.startswith("5")]
    sessions = ana.sessions(limit=100)
    assert len(sessions) == 12
    capped.run_schedule("Learn")
    policy = Store(capped.table_name, capped.dynamodb).policy(Segment(SEGMENT))
    assert (policy.episodes, sum(s["status"] == "learned" for s in ana.sessions(limit=100))) == (2, 2)


def test_the_refusal_says_when_to_come_back_and_writes_nothing(capped: Stack, ana: Phone) -> None:
    before = capped.dynamodb.scan(TableName=capped.table_name)["Items"]
    refused = ana.recommend(prefetch=True)
    assert (problem(refused, 429, "support"), refused.headers["retry-after"]) == ("too-many-sessions", str(16 * 3600))
    assert capped.dynamodb.scan(TableName=capped.table_name)["Items"] == before


def test_who_deletes_the_account_finds_the_day_used_up_until_it_is_over(capped: Stack, ana: Phone) -> None:
    assert ana.delete_profile().status == 204
    capped.advance_to(capped.clock.now() + timedelta(minutes=2))
    assert (ana.get_profile().status, ana.delete_profile().status) == (404, 204)
    assert problem(ana.put_profile(segment=SEGMENT), 409) == "erasing"
    capped.advance_to(START.replace(hour=0) + timedelta(days=1, minutes=1))
    assert ok(ana.put_profile(segment=SEGMENT))["engagement_score"] == 0
    assert ana.plan()["session_id"] == 1


def test_an_open_session_always_comes_back_and_its_repeats_agree(ana: Phone) -> None:
    for _ in range(11):
        ok(ana.batch(done(ana.plan(), 1)))
    plan = ana.plan()
    assert ids(ana.plan()) == ids(plan)
    first, again = (ana.batch(done(plan, 2)) for _ in range(2))
    assert body(first) == body(again)
    assert first.body["training_metrics"]["why"] == "over-weight"
    assert ana.recommend().status == 429


def body(answer: Answer) -> object:
    return ok(answer)["training_metrics"] | {"exploration_rate": None}
