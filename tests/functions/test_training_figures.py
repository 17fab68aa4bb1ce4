"""What POST /activity/feedback-batch/ says of training, and which decisions count as a try."""

from collections.abc import Callable
from typing import Any

import pytest

from local.phone import Json, Phone, bodies, ids, to_functions
from rl_core import learner
from rl_core.config import settings
from rl_core.models import Decision
from tests.functions.conftest import NOW, SEGMENT, World
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_learning_job import (
    BROKEN_TABLE,
    OF_A_LATER_RELEASE,
    POLICY,
    always,
    learn,
    spoil,
    spoil_policy,
    stored_policy,
)

UNKNOWN = {"total_episodes": None, "epsilon": None, "policy_version": None, "exploration_rate": None}


def phone_of(user: str) -> Phone[Json]:
    return Phone(bodies(to_functions(FUNCTIONS.invoke, user, NOW)))


def plan_for(user: str = "ana") -> Any:
    """A new user's first plan."""
    phone = phone_of(user)
    phone.put_profile(segment=SEGMENT)
    return phone.recommend()


def end(plan: Any, user: str = "ana") -> Any:
    """Everything of the plan is done: the figures that the batch's answer has."""
    items = [{"activity_id": identifier, "completed": True} for identifier in ids(plan)]
    return phone_of(user).batch(items)["training_metrics"]


def teach(*users: str) -> None:
    for user in users:
        assert end(plan_for(user), user)["learning"] == "applied"


def best_of(world: World, decision: Decision) -> list[int]:
    """The eligible actions of the greatest estimate under the policy as it now stands."""
    values = learner.estimates(world.store.policy(SEGMENT))[decision.state.row]
    return [a for a in decision.eligible if values[a] == max(values[b] for b in decision.eligible)]


def rate_of(world: World, user: str = "ana") -> float:
    """1 - the probability of these in a draw for the user's session, made now."""
    decision, policy = world.session(user).decision, world.store.policy(SEGMENT)
    again = learner.decide(policy, decision.state, decision.eligible, settings(), learner.generator(b"", 0))
    best = best_of(world, decision)
    return round(1 - sum(p for a, p in zip(again.eligible, again.chances, strict=True) if a in best), 4)


def test_what_was_learned_at_once_is_told_with_the_version_that_learned_it(world: World) -> None:
    told = end(plan_for())
    assert 0 < told["exploration_rate"] < 1
    assert told == {
        "total_episodes": 1,
        "epsilon": round(0.3 * 0.993, 4),
        "policy_version": 1,
        "learning": "applied",
        "why": None,
        "exploration_rate": rate_of(world),
    }


def test_what_is_queued_is_told_with_the_policy_as_it_was_read(
    world: World, setting: Callable[[str, str], None]
) -> None:
    teach("ben")
    setting("LEARN_ATTEMPTS", "0")
    told = end(plan_for())
    assert (told["learning"], told["why"]) == ("queued", None)
    assert (told["total_episodes"], told["policy_version"]) == (1, 1)
    assert told["exploration_rate"] == rate_of(world) < 1


@pytest.mark.usefixtures("store")
def test_the_rate_is_one_while_all_eligible_actions_are_held_alike(setting: Callable[[str, str], None]) -> None:
    setting("LEARN_ATTEMPTS", "0")
    told = end(plan_for())
    assert (told["learning"], told["policy_version"], told["exploration_rate"]) == ("queued", 0, 1)


def test_a_fallback_session_says_why_nothing_is_learned_and_its_rate_is_one(world: World) -> None:
    teach("ben")
    well = stored_policy()
    spoil_policy()
    plan = plan_for()
    spoil_policy(**well)
    told = end(plan)
    assert (told["learning"], told["why"], told["exploration_rate"]) == ("none", "fallback", 1)
    assert (told["total_episodes"], told["policy_version"]) == (1, 1)
    assert rate_of(world) < 1


@pytest.mark.parametrize("damage", [OF_A_LATER_RELEASE, BROKEN_TABLE])
def test_without_a_readable_policy_its_figures_are_null(world: World, damage: dict[str, Any]) -> None:
    teach("ben")
    plan = plan_for()
    spoil_policy(**damage)
    assert end(plan) == UNKNOWN | {"learning": "queued", "why": None}
    fallback = plan_for("cem")
    assert end(fallback, "cem") == UNKNOWN | {"learning": "none", "why": "fallback"}


def test_a_repeat_after_others_taught_differs_in_the_exploration_rate_alone(world: World) -> None:
    plan = plan_for()
    first = end(plan)
    assert end(plan) == first
    teach("ben", "cem", "dora")
    again = end(plan)
    assert again["exploration_rate"] == rate_of(world) != first["exploration_rate"]
    assert again == first | {"exploration_rate": again["exploration_rate"]}


def test_a_repeat_while_the_policy_cannot_be_read_lacks_the_exploration_rate_alone(world: World) -> None:
    plan = plan_for()
    first = end(plan)
    spoil_policy()
    assert end(plan) == first | {"exploration_rate": None}


def test_a_repeat_after_the_job_learned_it_says_which_version_did(
    world: World, setting: Callable[[str, str], None]
) -> None:
    setting("LEARN_ATTEMPTS", "0")
    plan = plan_for()
    assert end(plan)["learning"] == "queued"
    assert learn.run(world.store, NOW, always)["learned"] == 1
    told = end(plan)
    assert (told["learning"], told["total_episodes"], told["policy_version"]) == ("applied", 1, 1)
    assert told["exploration_rate"] == rate_of(world)


def test_a_decision_is_a_try_where_another_action_was_held_for_better(world: World) -> None:
    teach("ben", "cem")
    tries = set()
    for user in (f"later-{n}" for n in range(12)):
        said, decision = plan_for(user)["reason"], world.session(user).decision
        assert decision.explored is (decision.action not in best_of(world, decision))
        assert ("a try" in said) is decision.explored
        tries.add(decision.explored)
    assert tries == {True, False}


def test_a_decision_is_a_try_while_all_actions_are_held_alike(world: World) -> None:
    said = plan_for()["reason"]
    assert "a try" in said
    assert world.session("ana").decision.explored


class Behind:
    """A client whose cheap reads do not see yet what was just written."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def get_item(self, **arguments: Any) -> Any:
        return self._client.get_item(**arguments) if arguments["ConsistentRead"] else {}


def test_a_segments_first_version_is_not_taken_for_lost_while_a_cheap_read_does_not_see_it(world: World) -> None:
    teach("ben")
    world.store.client = Behind(world.store.client)
    plan_for()
    decision = world.session("ana").decision
    assert (decision.fallback, decision.policy_version) == (False, 1)


class Watched:
    """A client that notes how consistently the policy is read."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.reads: list[bool] = []

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def get_item(self, **arguments: Any) -> Any:
        if arguments["Key"] == POLICY:
            self.reads.append(arguments["ConsistentRead"])
        return self._client.get_item(**arguments)


def test_the_policy_is_read_strongly_where_it_is_learned_from_and_nowhere_else(world: World) -> None:
    world.store.client = watched = Watched(world.store.client)
    plan = plan_for()
    assert watched.reads == [False]
    end(plan)
    assert watched.reads == [False, True]
    end(plan)
    assert watched.reads == [False, True, False]


def test_a_policy_that_is_gone_with_an_unreadable_record_fails_no_request(world: World) -> None:
    teach("ben")
    world.store.call("delete_item", Key=POLICY)
    spoil("SEGMENT#HIGH_LOW", "VERSION#0000000001", fold={"S": "rubbish"})
    plan = plan_for()
    assert world.session("ana").decision.fallback
    assert end(plan) == UNKNOWN | {"learning": "none", "why": "fallback"}
