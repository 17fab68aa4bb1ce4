"""What is known of a person: how it moves, how it is frozen with a draw, and how it is stored."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from rl_core.config import Settings
from rl_core.learner import ALGORITHMS, chances_of, decide, settings_hash
from rl_core.learner.policy import _is_own
from rl_core.models import (
    ACTIONS,
    NO_FACTS,
    Action,
    EndedBy,
    Facts,
    Policy,
    Profile,
    Segment,
    Session,
    State,
    Why,
)
from rl_core.sessions import Answer, Ending, excluded, expire, issue, moved, record, transition_of
from rl_core.store.codecs import FACTS
from rl_core.store.items import profile_item, read_profile, read_session, session_item
from tests.believing import Believing

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
AFTER = datetime(2026, 11, 25, 8, tzinfo=UTC)
BATCH = Ending(EndedBy.BATCH)
HAD = Action.MEDITATION  # of the session in conftest
DONE = {1: Answer(completed=True, motivation_before=2, motivation_after=4), 2: Answer(completed=False)}
REWARD = 450_000  # of DONE, in millionths
KNOWN = Facts((1, 0, 2, 0, 0, 0), (-90_000, 0, 900_000, 0, 0, 0), (0, 3, 0, 0, 0, 0), (Action(0), Action(2), Action(2)))
ELSEWHERE = Segment.LOW_HIGH


def at(place: Action, number: int) -> tuple[int, ...]:
    return tuple(number if action is place else 0 for action in ACTIONS)


def closed(session: Session, profile: Profile, settings: Settings) -> Profile:
    """The user after a batch ended the session with DONE."""
    return record(session, profile, DONE, settings, NOW, BATCH).profile


# How they move.


def test_a_session_that_is_learned_from_counts_with_its_reward_and_is_the_latest_one(
    session: Session, profile: Profile, constants: Settings
) -> None:
    facts = closed(session, profile, constants).facts
    assert facts == Facts(counts=at(HAD, 1), sums=at(HAD, REWARD), latest=(HAD,))


def test_it_adds_to_what_was_known_and_five_latest_actions_are_kept(
    session: Session, profile: Profile, constants: Settings
) -> None:
    known = replace(KNOWN, latest=ACTIONS[:5])
    facts = closed(session, replace(profile, facts=known), constants).facts
    assert (facts.counts, facts.sums) == ((1, 0, 3, 0, 0, 0), (-90_000, 0, 900_000 + REWARD, 0, 0, 0))
    assert (facts.earlier, facts.latest) == (KNOWN.earlier, (*ACTIONS[1:5], HAD))


def test_of_a_session_that_is_not_learned_from_only_its_action_is_known(session: Session, profile: Profile) -> None:
    capped = Settings(table_name="t", learned_per_day=0)
    assert closed(session, profile, capped).facts == Facts(latest=(HAD,))
    fallback = replace(session, decision=replace(session.decision, fallback=True))
    assert closed(fallback, profile, Settings(table_name="t")).facts == Facts(latest=(HAD,))


def test_an_expired_session_counts_as_one_that_was_closed_in_time(
    session: Session, profile: Profile, constants: Settings
) -> None:
    facts = expire(session, profile, constants, AFTER)[1].facts
    assert facts == Facts(counts=at(HAD, 1), latest=(HAD,))


def test_a_session_that_nobody_saw_changes_nothing(session: Session, profile: Profile, constants: Settings) -> None:
    known = replace(profile, facts=KNOWN)
    assert expire(replace(session, shown=False), known, constants, AFTER)[1] == known


def test_who_moves_starts_anew_and_keeps_latest_actions_and_weight(profile: Profile) -> None:
    there = moved(replace(profile, facts=KNOWN), ELSEWHERE)
    assert there.segment is ELSEWHERE
    assert there.facts == Facts(earlier=(1, 3, 2, 0, 0, 0), latest=KNOWN.latest)


def test_who_stays_loses_nothing(profile: Profile) -> None:
    known = replace(profile, facts=KNOWN)
    assert moved(known, known.segment) == known


def test_a_session_of_the_former_segment_adds_to_the_weight_alone(
    session: Session, profile: Profile, constants: Settings
) -> None:
    there = moved(replace(profile, facts=KNOWN), ELSEWHERE)
    facts = closed(session, there, constants).facts
    assert facts == Facts(earlier=(1, 3, 3, 0, 0, 0), latest=(*KNOWN.latest, HAD))


@pytest.mark.parametrize("segment", [Segment.HIGH_LOW, ELSEWHERE])
def test_what_an_excluded_session_added_is_taken_back_except_that_it_was_had(
    session: Session, profile: Profile, constants: Settings, segment: Segment
) -> None:
    there = moved(replace(profile, facts=KNOWN), segment)
    ended = record(session, there, DONE, constants, NOW, BATCH)
    out, user = excluded(ended.session, ended.profile)
    assert (out.why, user.facts) == (Why.EXCLUDED, there.facts.had(HAD))


def test_an_action_of_a_newer_release_is_had_and_has_no_count(
    session: Session, profile: Profile, constants: Settings
) -> None:
    newer = Action(7)
    decision = replace(session.decision, action=newer, eligible=(newer,), chances=(1.0,))
    assert closed(replace(session, decision=decision), profile, constants).facts == Facts(latest=(newer,))


def test_a_close_that_is_tried_again_gives_the_same_facts(
    session: Session, profile: Profile, constants: Settings
) -> None:
    first, again = (closed(session, replace(profile, facts=KNOWN), constants) for _ in range(2))
    assert first == again


# How a draw freezes them.


def test_the_draw_sees_the_facts_after_the_session_before_was_closed(
    session: Session, profile: Profile, constants: Settings
) -> None:
    policy = Policy(profile.segment, version=3)
    issued = issue(replace(profile, facts=KNOWN), session, policy, constants, AFTER, shown=True)
    after = KNOWN.learned(HAD, 0.0).had(HAD)
    assert (issued.session.decision.facts, issued.profile.facts) == (after, after)


def test_a_first_session_freezes_that_nothing_is_known(profile: Profile, constants: Settings) -> None:
    for policy in (Policy(profile.segment), None):
        decision = issue(profile, None, policy, constants, NOW, shown=True).session.decision
        assert (decision.facts, decision.settings) == (NO_FACTS, settings_hash(constants))


def test_what_is_learned_of_a_session_are_the_facts_of_its_draw(
    session: Session, profile: Profile, constants: Settings
) -> None:
    drawn = replace(session, decision=replace(session.decision, facts=KNOWN))
    later = replace(profile, facts=KNOWN.moved())
    assert transition_of(record(drawn, later, DONE, constants, NOW, BATCH).session).facts == KNOWN


# Whose answers made an action the best.


@pytest.fixture
def table() -> Believing:
    """A table of a segment in which journaling is a little better than the others."""
    made = Believing(30)
    made.action_advantages[Action.JOURNALING] = 0.005
    return made


def own_of(table: Believing, facts: Facts | None) -> tuple[tuple[Action, ...], tuple[Action, ...]]:
    state = State(0, 0)
    chances = chances_of(table, state, ACTIONS, 10, Settings(table_name="t"), facts)
    return chances.best, tuple(a for a in ACTIONS if _is_own(table, state, chances, a, facts))


def test_what_is_the_best_for_everybody_is_not_the_best_by_ones_own_answers(table: Believing) -> None:
    assert own_of(table, None) == ((Action.JOURNALING,), ())
    assert own_of(table, NO_FACTS.learned(Action.JOURNALING, 0.9)) == ((Action.JOURNALING,), ())


def test_what_one_answered_well_is_the_best_by_ones_own_answers(table: Believing) -> None:
    assert own_of(table, NO_FACTS.learned(HAD, 0.9)) == ((HAD,), (HAD,))


def test_what_is_the_best_because_another_was_had_is_not_so_by_ones_own_answers(table: Believing) -> None:
    worn = NO_FACTS.had(Action.JOURNALING)
    best = tuple(a for a in ACTIONS if a is not Action.JOURNALING)
    assert own_of(table, worn) == (best, ())
    assert own_of(table, worn.learned(Action.LIGHTEN, 0.0)) == (best, ())


def test_a_decision_says_so_only_of_the_action_that_was_drawn(
    table: Believing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ALGORITHMS, "posterior/2", Believing)
    policy = Policy(Segment.LOW_LOW, version=1, learner="posterior/2", table=table.encode())
    facts = NO_FACTS.learned(HAD, 0.9)
    often = Settings(table_name="t", min_probability=0.16)
    drawn = [decide(policy, State(0, 0), ACTIONS, often, Random(n), facts) for n in range(40)]
    assert {(d.action is HAD, d.own, d.explored) for d in drawn} == {(True, True, False), (False, False, True)}
    assert {d.facts for d in drawn} == {facts}


# Under which settings a draw was made.

POSTERIOR = Settings(table_name="t")
EPSILON = Settings(table_name="t", exploration="epsilon")


@pytest.mark.parametrize(
    "changed",
    [
        {"pooling_visits": 31},
        {"discount": 0.1},
        {"posterior_scale": 0.9},
        {"min_probability": 0.01},
        {"max_probability": 0.8},
        {"action_cooldown": 2},
        {"exploration": "epsilon"},
    ],
)
def test_another_setting_of_the_draw_gives_another_hash(changed: dict[str, object]) -> None:
    assert settings_hash(Settings.model_validate({"table_name": "t"} | changed)) != settings_hash(POSTERIOR)


@pytest.mark.parametrize("changed", [{"epsilon_min": 0.1}, {"epsilon_start": 0.5}, {"epsilon_decay": 0.9}])
def test_the_settings_of_epsilon_decide_the_draws_of_epsilon_alone(changed: dict[str, object]) -> None:
    assert settings_hash(Settings.model_validate({"table_name": "t"} | changed)) == settings_hash(POSTERIOR)
    greedy: dict[str, object] = {"table_name": "t", "exploration": "epsilon"}
    assert settings_hash(Settings.model_validate(greedy | changed)) != settings_hash(EPSILON)


@pytest.mark.parametrize("changed", [{"session_hours": 3}, {"table_name": "u"}, {"learned_per_day": 9}])
def test_what_decides_no_draw_changes_no_hash(changed: dict[str, object]) -> None:
    assert settings_hash(Settings.model_validate({"table_name": "t"} | changed)) == settings_hash(POSTERIOR)


# How they are stored.


def test_facts_are_stored_in_a_few_bytes() -> None:
    packed = FACTS.write(KNOWN)["B"]
    assert packed.hex() == "010002000000" + "9ffe0a00c0ee6d000000" + "000300000000" + "000202"
    ten_years = Facts((1250,) * 6, (1250 * 900_000,) * 6, (1250,) * 6, ACTIONS[:5])
    assert len(FACTS.write(ten_years)["B"]) == 59


def test_no_facts_are_not_stored_in_a_profile_but_are_in_a_session(session: Session, profile: Profile) -> None:
    assert "facts" not in profile_item(profile)
    assert "facts" not in session_item(session, 1)
    item = session_item(replace(session, decision=replace(session.decision, facts=NO_FACTS)), 1)
    assert item["facts"] == {"B": bytes(18)}
    assert read_session(item).decision.facts == NO_FACTS
    read = read_profile(profile_item(profile))
    assert isinstance(read, Profile)
    assert read.facts == NO_FACTS


@pytest.mark.parametrize("data", [b"", bytes(17), bytes(24), bytes(18) + b"\x0a", bytes(18) + b"\x80"])
def test_bytes_that_are_no_facts_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        FACTS.read({"B": data})
