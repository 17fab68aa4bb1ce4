"""A policy that cannot be read, and a user who asks to be erased."""

import runpy
from datetime import timedelta
from typing import Any

import pytest

from local.phone import Phone, RefusedError, bodies, ids, to_functions
from rl_core.edge.http import caller
from rl_core.errors import PolicyUnreadableError, UnauthorizedError
from rl_core.models import Status
from tests.conftest import ROOT, TEMPLATE, handler_of, table_client
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_learning_job import always, learn, spoil, spoil_policy

erasure = handler_of("erasure")
PHONE = Phone(bodies(to_functions(FUNCTIONS.invoke, "ana", NOW)))


def fall_back(world: World) -> Any:
    """A plan issued while the segment's policy is unreadable."""
    spoil_policy()
    PHONE.put_profile(segment=SEGMENT)
    return PHONE.recommend()


def test_without_a_policy_a_plan_is_drawn_at_random_and_says_so(world: World) -> None:
    plan = fall_back(world)
    decision = world.session("ana").decision
    assert (decision.fallback, decision.policy_version, decision.propensity) == (True, 0, 1 / 6)
    assert "random" in plan["reason"]


def test_a_fallback_session_moves_scores_and_is_never_learned(world: World) -> None:
    plan = fall_back(world)
    items = [{"activity_id": activity, "completed": True} for activity in ids(plan)]
    answer = PHONE.batch(items)
    assert (answer["engagement_delta"], answer["training_metrics"]["learning"]) == (0.2, "none")
    assert learn.run(world.store, NOW, always)["learned"] == 0
    assert world.session("ana").status is Status.CLOSED


def test_an_erased_user_leaves_no_item(world: World) -> None:
    PHONE.put_profile(segment=SEGMENT)
    PHONE.recommend()
    PHONE.delete_profile()
    assert erasure.run(world.store, turn(NOW + timedelta(minutes=1))) == 1
    items = table_client().scan(TableName=TEMPLATE.table.name)["Items"]
    assert not [item for item in items if "ana" in str(item)]


def test_who_comes_back_after_an_erasure_is_another_person(world: World) -> None:
    keys = set()
    for at in (NOW, NOW + timedelta(hours=1)):
        phone = Phone(bodies(to_functions(FUNCTIONS.invoke, "ana", at)))
        phone.put_profile(segment=SEGMENT)
        phone.recommend()
        keys.add(world.session("ana").key[:8])
        phone.delete_profile()
        erasure.run(world.store, turn(at))
    assert len(keys) == 2


def test_in_a_deployment_the_key_of_a_life_is_random() -> None:
    shipped = runpy.run_path(str(ROOT / "functions" / "profile" / "handler.py"))["new_key"]
    assert len({shipped("ana", NOW) for _ in range(20)}) == 20


def test_a_marker_of_erasure_says_nothing_of_the_person(world: World) -> None:
    PHONE.put_profile(segment=SEGMENT)
    PHONE.delete_profile()
    key = {"pk": {"S": "USER#ana"}, "sk": {"S": "~PROFILE"}}
    marker = table_client().get_item(TableName=TEMPLATE.table.name, Key=key)["Item"]
    its = {"form", "pk", "sk", "revision", "key", "created_at", "erasing", "due_shard", "due_at", "asked"}
    assert set(marker) == its


def test_a_user_with_an_unreadable_session_can_still_be_erased(world: World) -> None:
    PHONE.put_profile(segment=SEGMENT)
    PHONE.recommend()
    spoil("USER#ana", "SESSION#00000001", segment={"S": "rubbish"})
    with pytest.raises(RefusedError, match="unavailable"):
        PHONE.recommend()
    PHONE.delete_profile()
    assert erasure.run(world.store, turn(NOW)) == 1


def test_a_policy_item_that_got_lost_is_not_started_anew(world: World) -> None:
    world.due("ben")
    learn.run(world.store, NOW, always)
    world.due("cem")
    client, name = table_client(), TEMPLATE.table.name
    client.delete_item(TableName=name, Key={"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "POLICY"}})
    with pytest.raises(PolicyUnreadableError, match="is gone"):
        world.store.policy(SEGMENT)
    assert learn.run(world.store, NOW, always)["learned"] == 0
    assert world.session("cem").status is Status.CLOSED


@pytest.mark.parametrize("subject", [None, "", 7, "x" * 256])
def test_a_token_without_a_usable_subject_is_nobody(subject: Any) -> None:
    event = {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": subject}}}}}
    with pytest.raises(UnauthorizedError):
        caller(event)
