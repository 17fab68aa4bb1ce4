"""Ten users teach a policy; the eleventh gets what worked."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.clock import SteppedClock
from local.phone import ids
from local.stack import UNCAPPED, Stack
from rl_core import learner
from rl_core.models import Policy, Segment, State
from rl_core.store import Store
from tests.integration.conftest import START, Phone, client_of, done, ok

NEW = State(0, 1)  # low engagement, steady motivation: where every new user starts
SEGMENT = Segment.MODERATE_MODERATE
GOOD = {2, 3}


def q_of(policy: Policy) -> tuple[float, ...]:
    return learner.estimates(policy)[NEW.row]


def live_a_session(phone: Phone, one_by_one: bool) -> int:
    """A new user who only completes what GOOD actions plan; the action."""
    ok(phone.put_profile(segment=SEGMENT))
    plan = phone.plan()
    good = plan["rl_action_id"] in GOOD
    ratings = {"motivation_before": 2, "motivation_after": 5}
    if one_by_one:
        for its in ids(plan):
            ok(phone.complete(its, completed=good, **ratings))
    else:
        ok(phone.batch(done(plan, None if good else 0, **ratings)))
    return int(plan["rl_action_id"])


def raw_policy(stack: Stack) -> Mapping[str, Any]:
    key = {"pk": {"S": f"SEGMENT#{SEGMENT.name}"}, "sk": {"S": "POLICY"}}
    return stack.dynamodb.get_item(TableName=stack.table_name, Key=key)["Item"]


@pytest.mark.local_only("makes two stacks of its own, with other parameters")
def test_ten_users_teach_and_the_eleventh_gets_a_winner() -> None:
    with Stack(clock=SteppedClock(START), quiet=True, parameters=UNCAPPED) as stack, client_of(stack) as http:
        table = Store(stack.table_name, stack.dynamodb)
        before = table.policy(SEGMENT)
        actions = [live_a_session(Phone.of(f"user-{n}", stack, http), one_by_one=n % 2 == 0) for n in range(10)]
        after, item = table.policy(SEGMENT), raw_policy(stack)
        epsilon = table.head("user-9").sessions[0].decision.epsilon

    winners = GOOD & set(actions)
    assert winners
    assert set(actions) - GOOD
    assert (before.episodes, after.episodes) == (0, 10)
    assert epsilon < 0.3
    assert all(q_of(after)[a] > q_of(before)[a] for a in winners)
    assert min(q_of(after)[a] for a in winners) > max(q_of(after)[a] for a in set(actions) - GOOD)

    settings = {"Exploration": "epsilon", "EpsilonStart": "0", "EpsilonMin": "0"}
    with (
        Stack(clock=SteppedClock(START), quiet=True, parameters=UNCAPPED | settings) as stack,
        client_of(stack) as http,
    ):
        stack.dynamodb.put_item(TableName=stack.table_name, Item=item)
        eleventh = Phone.of("user-10", stack, http)
        ok(eleventh.put_profile(segment=SEGMENT))
        plan = eleventh.plan()
        assert plan["rl_action_id"] in winners
        assert "the best kind of plan known so far" in plan["reason"]
