"""Operators act on a segment that learns all the time, from far away, and do not undo each other."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from operate.__main__ import main
from rl_core.config import settings
from rl_core.errors import ActedError
from rl_core.models import Segment
from rl_core.store import Put, Store, latest_acts
from rl_core.work import policy_at, roll_back
from tests.acting import act_of, exclude
from tests.functions.conftest import turn
from tests.integration.conftest import START, Phone, Target, done, ok

pytestmark = pytest.mark.local_only("an operator acts on a table that is near enough to be made far")

SEGMENT = Segment.HIGH_LOW
DISTANCE = 0.02  # seconds that each call of an operator takes more
THREADS = 2
REST = 0.08  # seconds between two sessions of a user
NewUser = Callable[..., Phone]


class Far(Store):
    """The table as an operator reaches it from elsewhere."""

    def call(self, operation: str, *given: Any, **arguments: Any) -> Any:
        time.sleep(DISTANCE)
        return super().call(operation, *given, **arguments)

    def write(self, *puts: Put) -> None:
        time.sleep(DISTANCE)
        super().write(*puts)


@contextmanager
def learning(newcomer: NewUser) -> Iterator[None]:
    """Users teach the segment meanwhile: more than ten sessions a second on two idle cores."""
    over = Event()

    def teach(phone: Phone) -> None:
        while not over.wait(REST):
            ok(phone.batch(done(phone.plan(), 2)))

    with ThreadPoolExecutor(THREADS) as pool:
        lives = [pool.submit(teach, newcomer()) for _ in range(THREADS)]
        time.sleep(1)
        try:
            yield
        finally:
            over.set()
        for life in lives:
            life.result()


def test_a_rollback_goes_through_on_a_segment_that_learns_all_the_time(
    target: Target, table: Store, newcomer: NewUser
) -> None:
    far = Far(target.table_name, target.dynamodb)
    with learning(newcomer):
        for _ in range(5):
            shown = table.policy(SEGMENT)
            restored = roll_back(far, SEGMENT, shown.version - 1, act_of("a try"), shown.acted, settings())
            assert restored.version > shown.version + 1  # something was learned since
    policy = table.policy(SEGMENT)
    assert policy.acted == restored.version
    assert policy == policy_at(table, SEGMENT, policy.version, from_start=True)
    assert len(list(latest_acts(table, 99))) == 5


def test_of_two_rollbacks_the_second_is_refused_while_learning_goes_on(
    target: Target, table: Store, newcomer: NewUser
) -> None:
    far = Far(target.table_name, target.dynamodb)
    with learning(newcomer):
        shown = table.policy(SEGMENT)
        first = roll_back(far, SEGMENT, shown.version - 1, act_of("first"), shown.acted, settings())
        with pytest.raises(ActedError, match=f"in version {first.version};"):
            roll_back(far, SEGMENT, 1, act_of("second"), shown.acted, settings())
    reasons = [act.reason for act in latest_acts(table, 99)]
    assert (reasons.count("first"), reasons.count("second")) == (1, 0)


def test_an_exclusion_goes_through_while_learning_goes_on(
    target: Target, table: Store, newcomer: NewUser, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = newcomer()
    ok(bot.batch(done(bot.plan())))
    person = table.head(bot.user).sessions[0].person
    with learning(newcomer):
        assert exclude(table, SEGMENT, person, "one answer for all", turn(START))
        told = ["--endpoint-url", target.dynamodb.meta.endpoint_url, "--table", target.table_name]
        assert main([*told, "include", "HIGH_LOW", person.hex(), "--reason", "it was none"]) == 0
    policy = table.policy(SEGMENT)
    assert policy == policy_at(table, SEGMENT, policy.version, from_start=True)
    assert "learned since version" in capsys.readouterr().out
