"""The simulator: a proper Gymnasium environment, reproducible, and true to the service's own rules."""

import warnings
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from random import Random
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from lab.world.crowd import Caller, Crowd, Feedback
from lab.world.environment import Observation, Visitors
from lab.world.tastes import World, demo_tastes, draw_tastes, worn
from rl_core import learner
from rl_core.config import Settings
from rl_core.models import Action, Activity, Decision, EndedBy, Policy, Profile, Segment, Session
from rl_core.sessions import Ending, issue, key_of, record, transition_of

SETTINGS = Settings(table_name="none")
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def drawn(seen: Observation, rng: np.random.Generator) -> np.int64:
    return np.int64(rng.choice(np.flatnonzero(seen["eligible"])))


def played(world: World, seed: int, steps: int) -> list[tuple[Any, ...]]:
    """A random player's course: (user, segment, state, action, reward) of each step."""
    env, rng, course = Visitors(world, per_segment=4), np.random.default_rng(7), []
    seen, info = env.reset(seed=seed)
    for _ in range(steps):
        action = drawn(seen, rng)
        who = (info["user"], int(seen["segment"]), int(seen["state"]), int(action))
        seen, reward, _, _, info = env.step(action)
        course.append((*who, reward))
    return course


def without_policy(caller: Caller, rng: Random) -> Decision:
    return learner.decide(None, caller.state, caller.eligible, SETTINGS, rng)


def uniform_course(crowd: Crowd, steps: int) -> list[Feedback]:
    rng, heard = Random(3), []
    for _ in range(steps):
        caller = crowd.call()
        crowd.serve(caller, without_policy(caller, rng))
        heard += crowd.heard()
    return heard


@pytest.mark.parametrize("world", list(World))
def test_gymnasiums_own_checker_finds_nothing(world: World) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(Visitors(world, per_segment=2), skip_render_check=True)


@pytest.mark.parametrize("world", list(World))
def test_a_seed_makes_the_same_course_and_another_seed_another(world: World) -> None:
    assert played(world, 5, 200) == played(world, 5, 200)
    assert played(world, 5, 200) != played(world, 6, 200)


def test_an_action_of_the_last_session_is_masked_and_refused() -> None:
    env = Visitors(per_segment=1)
    seen, info = env.reset(seed=1)
    while not info["recent"]:
        seen, _, _, _, info = env.step(drawn(seen, np.random.default_rng(1)))
    barred = info["recent"][-1]
    assert seen["eligible"][barred] == 0
    with pytest.raises(ValueError, match="cool-down"):
        env.step(np.int64(barred))


def test_every_segment_and_most_states_are_met() -> None:
    course = played(World.BASE, 2, 1500)
    assert {segment for _, segment, *_ in course} == set(range(9))
    assert len({state for _, _, state, *_ in course}) >= 6


def test_feedback_comes_late_or_never_for_some_sessions_and_soon_for_most() -> None:
    crowd, rng = Crowd(draw_tastes(World.BASE, 1), 1, SETTINGS), Random(3)
    served = heard = delayed = 0
    for _ in range(3000):
        caller = crowd.call()
        delayed += (before := len(crowd.heard())) > 1
        heard += before
        crowd.serve(caller, without_policy(caller, rng))
        served += 1
    assert 0.9 < heard / served < 1.0
    assert delayed > 30


def test_people_leave_and_others_come() -> None:
    course = played(World.BASE, 3, 3000)
    users = [user for user, *_ in course]
    late, early = set(users[-300:]), set(users[:300])
    assert late - early
    assert early - late


def closed_by_the_lifecycle(
    feedback: Feedback, before: Profile, activities: tuple[Activity, ...]
) -> tuple[Session, Profile]:
    """The same session through `rl_core.sessions.lifecycle`, and the user after it."""
    decision = replace(feedback.decision, facts=before.facts, fallback=False)
    session = Session(
        user="u", number=1, key=b"", segment=feedback.segment, decision=decision, activities=activities,
        engagement=before.engagement, issued_at=NOW, expires_at=NOW, shown=True,
    )  # fmt: skip
    closed, after, _ = record(session, before, {}, SETTINGS, NOW, Ending(EndedBy.BATCH))
    return closed, after


def test_a_session_moves_scores_and_teaches_as_the_services_own_lifecycle_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd, compared = Crowd(draw_tastes(World.BASE, 4), 4, SETTINGS, slates=True), []
    original = Crowd._learn_of

    def beside(self: Crowd, served: Any) -> Feedback:
        life = served.life
        profile = Profile("u", b"", life.segment, NOW, life.engagement, life.motivation, recent=life.recent)
        profile = replace(profile, facts=life.facts)
        feedback = original(self, served._replace(rating=None))
        session, after = closed_by_the_lifecycle(feedback, profile, served.activities)
        assert after.facts == life.facts
        assert transition_of(session) == feedback.transition
        assert session.closing is not None
        assert session.closing.engagement_after == life.engagement
        compared.append(feedback)
        return feedback

    monkeypatch.setattr(Crowd, "_learn_of", beside)
    uniform_course(crowd, 300)
    assert len(compared) > 200


def test_the_slate_is_the_services_own() -> None:
    env = Visitors(per_segment=1)
    env.reset(seed=9)
    life = env.visitor.life
    profile = Profile(life.user, b"", life.segment, NOW, avoid=life.person.avoid)
    session = issue(profile, None, Policy(life.segment), SETTINGS, NOW, shown=True).session
    rng = learner.generator(key_of(profile, 1), 0)
    visitor = env.visitor
    from_policy = learner.decide(Policy(life.segment), visitor.state, visitor.eligible, SETTINGS, rng, life.facts)
    assert from_policy == session.decision
    plan = env._crowd.serve(env.visitor, from_policy, {}, rng)
    assert [entry.slug for entry in plan] == [activity.slug for activity in session.activities]


def test_what_is_expected_is_what_comes_on_average() -> None:
    tastes = demo_tastes()
    crowd, expected, came = Crowd(tastes, 8, SETTINGS), [], []
    rng = Random(5)
    for _ in range(6000):
        caller = crowd.call()
        made = without_policy(caller, rng)
        expected.append(caller.expected(made.action))
        crowd.serve(caller, made)
        came += [feedback.transition.reward for feedback in crowd.heard()]
    # Lost feedback counts as nothing done, and the dispositions of who is there do not quite cancel.
    assert fmean(came) == pytest.approx(fmean(expected), abs=0.02)


def test_what_was_had_lately_wears_off_by_and_by() -> None:
    assert worn(2, ()) == 0
    assert worn(2, (2, 3)) == 0.5
    assert worn(2, (2, 2, 2, 3)) == pytest.approx(1.0)
    assert worn(2, (2, 1, 1, 1, 1)) == 0


def test_the_worlds_differ_in_one_thing_each_over_the_same_people() -> None:
    base = draw_tastes(World.BASE, 6)[Segment.LOW_LOW]
    same = set(World) - {World.DELAYED, World.WORN_OUT}
    for world in same:
        assert draw_tastes(world, 6)[Segment.LOW_LOW].appetites == base.appetites
    assert draw_tastes(World.DELAYED, 6)[Segment.LOW_LOW].regard != base.regard


def test_decisions_keep_the_propensity_they_were_made_with() -> None:
    env = Visitors(per_segment=1)
    env.reset(seed=2)
    caller = env.visitor
    chances = (0.175, 0.175, 0.175, 0.175, 0.175, 0.125)
    env.serve(Decision(caller.state, caller.eligible, chances, Action.LIGHTEN, 0.3, 7, explored=True))
    heard: list[Feedback] = []
    for _ in islice(range(20), 20):
        heard += env._info()["feedback"]
        env.serve(without_policy(env.visitor, Random(1)))
    assert (0.125, 7) in {(f.decision.propensity, f.decision.policy_version) for f in heard}
