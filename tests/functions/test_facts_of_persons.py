"""What is known of a person, through the functions: kept with the profile, frozen with each plan, recorded, told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.phone import Json, Phone, bodies, ids, to_functions
from operate.__main__ import main
from rl_core import learner
from rl_core.config import settings
from rl_core.models import ACTIONS, NO_FACTS, Facts, Segment
from rl_core.work import explain, training_figures
from rl_core.work.train import Closed
from tests.believing import Believing
from tests.conftest import TEMPLATE
from tests.functions.conftest import NOW, SEGMENT, World
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_learning_job import always, learn

TABLE = ["--table", TEMPLATE.table.name]


@pytest.fixture
def believing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The learner goes by a person's own rewards, wherever there are any."""
    monkeypatch.setitem(learner.ALGORITHMS, "posterior/2", Believing)


def phone_of(user: str = "ana") -> Phone[Json]:
    return Phone(bodies(to_functions(FUNCTIONS.invoke, user, NOW)))


def end(plan: Any, user: str = "ana") -> Any:
    """Everything of the plan is done."""
    return phone_of(user).batch([{"activity_id": identifier, "completed": True} for identifier in ids(plan)])


def facts_of(world: World, user: str = "ana") -> Facts:
    profile = world.store.profile(user)
    assert profile is not None
    return profile.facts


@pytest.fixture
def known(world: World) -> Facts:
    """What is known of a person who has ended one plan, all of it done."""
    phone_of().put_profile(segment=SEGMENT)
    plan = phone_of().recommend()
    end(plan)
    action = ACTIONS[plan["rl_action_id"]]
    assert facts_of(world) == NO_FACTS.learned(action, 0.5).had(action)
    return facts_of(world)


def test_the_next_plan_freezes_what_was_known_and_its_record_keeps_it(world: World, known: Facts) -> None:
    plan = phone_of().recommend()
    assert world.session("ana", 2).decision.facts == known
    end(plan)
    first, second = world.store.records(Segment.HIGH_LOW)
    assert [record.transitions[0].facts for record in (first, second)] == [NO_FACTS, known]


def test_the_same_batch_again_and_a_rating_later_change_nothing_of_what_is_known(world: World, known: Facts) -> None:
    plan = phone_of().recommend()
    end(plan)
    after = facts_of(world)
    end(plan)
    assert facts_of(world) == after != known


def test_a_prefetched_plan_that_nobody_saw_is_no_latest_one(world: World, known: Facts) -> None:
    phone_of().recommend(True)
    later = Phone(bodies(to_functions(FUNCTIONS.invoke, "ana", NOW + timedelta(days=3))))
    later.recommend()
    assert (world.session("ana", 2).status, facts_of(world)) == ("unseen", known)


def test_what_is_queued_counts_at_its_closing_and_learning_it_touches_no_profile(
    world: World, setting: Callable[[str, str], None]
) -> None:
    setting("LEARN_ATTEMPTS", "0")
    phone_of().put_profile(segment=SEGMENT)
    end(phone_of().recommend())
    profile = world.store.profile("ana")
    assert profile is not None
    assert sum(profile.facts.counts) == 1
    assert learn.run(world.store, NOW, always)["learned"] == 1
    assert world.store.profile("ana") == profile


def test_who_moves_starts_anew_and_an_open_plan_of_before_adds_to_the_weight_alone(world: World, known: Facts) -> None:
    plan = phone_of().recommend()
    phone_of().put_profile(segment=SEGMENT, timezone="Asia/Tokyo")
    assert facts_of(world) == known
    phone_of().put_profile(segment=Segment.LOW_HIGH)
    assert facts_of(world) == known.moved() != known
    end(plan)
    action = ACTIONS[plan["rl_action_id"]]
    assert facts_of(world) == known.moved().learned_elsewhere(action).had(action)
    (record,) = list(world.store.records(Segment.HIGH_LOW))[1:]
    assert record.transitions[0].facts == known


def test_of_a_plan_that_closes_as_excluded_only_its_action_is_known(world: World, known: Facts) -> None:
    person = world.session("ana").person.hex()
    assert main([*TABLE, "exclude", "HIGH_LOW", person, "--reason", "one answer for all"]) == 0
    plan = phone_of().recommend()
    assert end(plan)["training_metrics"]["why"] == "excluded"
    assert facts_of(world) == known.had(ACTIONS[plan["rl_action_id"]])


def test_the_job_that_takes_an_excluded_session_off_the_index_changes_nothing_of_what_is_known(
    world: World, known: Facts, setting: Callable[[str, str], None]
) -> None:
    setting("LEARN_ATTEMPTS", "0")
    end(phone_of().recommend())
    after = facts_of(world)
    person = world.session("ana").person.hex()
    assert main([*TABLE, "exclude", "HIGH_LOW", person, "--reason", "one answer for all"]) == 0
    assert learn.run(world.store, NOW, always)["learned"] == 0
    assert (world.session("ana", 2).why, facts_of(world)) == ("excluded", after)


# What is told.


def plans(world: World, users: int) -> Iterator[tuple[str, Any]]:
    """The third plan of each user, who did everything of the first and nothing of the second: reason and decision."""
    for user in (f"user-{n}" for n in range(users)):
        phone_of(user).put_profile(segment=SEGMENT)
        end(phone_of(user).recommend(), user)
        second = phone_of(user).recommend()
        phone_of(user).batch([{"activity_id": ids(second)[0], "completed": False}])
        yield phone_of(user).recommend()["reason"], world.session(user, 3).decision


@pytest.mark.usefixtures("believing")
def test_the_reason_says_that_a_plan_is_the_best_by_what_helped_oneself(world: World) -> None:
    told = set()
    for reason, decision in plans(world, 12):
        assert ("so far, by what helped you, among" in reason) is decision.own
        assert ("plan known so far" in reason) is (not decision.own and not decision.explored)
        told.add(decision.own)
    assert True in told


def test_a_learner_that_takes_everybody_for_alike_never_says_so(
    world: World, setting: Callable[[str, str], None]
) -> None:
    setting("EXPLORATION", "epsilon")
    assert all(not decision.own and "helped you" not in reason for reason, decision in plans(world, 6))


@pytest.mark.usefixtures("believing")
def test_a_plan_and_its_exploration_rate_are_recomputed_from_its_frozen_facts(world: World) -> None:
    (_, decision) = next(plans(world, 1))
    session = world.session("user-0", 3)
    strange = replace(session, decision=replace(decision, facts=NO_FACTS))
    for user in ("ben", "cem"):
        phone_of(user).put_profile(segment=SEGMENT)
        end(phone_of(user).recommend(), user)
    assert explain(world.store, session, settings()).agrees(decision)
    assert not explain(world.store, strange, settings()).agrees(strange.decision)
    rates = [training_figures(world.store, Closed(s), settings()).exploration_rate for s in (session, strange)]
    now = learner.probabilities(
        world.store.policy(SEGMENT), decision.state, decision.eligible, settings(), decision.facts
    )
    assert rates[0] == now.exploration_rate != rates[1]
