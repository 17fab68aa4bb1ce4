"""Kinds of plan that a user never wants: they are not drawn, and not counted on."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rl_core.config import Settings
from rl_core.learner import fold, fold_of
from rl_core.models import ACTIONS, Action, EndedBy, Policy, Profile, Segment, Session, State
from rl_core.sessions import Ending, issue, record, transition_of
from tests.core.histories import EMPTY, transition

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SETTINGS = Settings(table_name="none")
UNWANTED = (Action.PHYSICAL, Action.JOURNALING, Action.INTENSITY, Action.LIGHTEN)
LEFT = (Action.MAINTAIN, Action.MEDITATION)
ANA = Profile("ana", bytes(16), Segment.LOW_LOW, NOW, without=UNWANTED)


def lived(profile: Profile, policy: Policy | None, cooldown: int, sessions: int = 12) -> list[Session]:
    """So many sessions of a user, each ended by a batch, the last one open."""
    settings = Settings(table_name="none", action_cooldown=cooldown, sessions_per_day=1000)
    had: list[Session] = []
    for _ in range(sessions):
        issued = issue(profile, had[-1] if had else None, policy, settings, NOW, shown=True)
        closed = record(issued.session, issued.profile, {}, settings, NOW, Ending(EndedBy.BATCH))
        had, profile = [*had, closed.session], closed.profile
    return had


@pytest.mark.parametrize("cooldown", range(6))
@pytest.mark.parametrize("policy", [Policy(Segment.LOW_LOW), None])
def test_no_plan_is_of_an_unwanted_kind(cooldown: int, policy: Policy | None) -> None:
    assert {s.decision.eligible for s in lived(ANA, policy, cooldown)} == {LEFT}


def test_who_wants_no_personal_plans_is_without_those_kinds_too() -> None:
    assert {s.decision.eligible for s in lived(replace(ANA, personalise=False), None, cooldown=1)} == {LEFT}


@pytest.mark.parametrize("cooldown", range(6))
def test_at_least_two_kinds_can_be_drawn_and_at_most_four_are_barred(cooldown: int) -> None:
    for without in ((), UNWANTED[:1], UNWANTED[:3]):
        had = lived(replace(ANA, without=without), Policy(Segment.LOW_LOW), cooldown)
        assert min(len(s.decision.eligible) for s in had) >= 2
        assert all(s.closing and set(without) <= set(s.closing.barred) for s in had)
        assert max(len(s.closing.barred) for s in had if s.closing) <= 4


def test_what_a_user_never_gets_is_not_what_the_next_state_is_worth() -> None:
    taught = [transition(state=0, action=int(a), reward=0.8 if a in UNWANTED else 0.1) for a in ACTIONS * 30]
    policy = fold(EMPTY, taught, fold_of(SETTINGS))
    anybody, ana = (lived(its, policy, cooldown=0, sessions=1)[0] for its in (replace(ANA, without=()), ANA))
    assert (transition_of(anybody).barred, transition_of(ana).barred) == ((), UNWANTED)
    last = replace(transition_of(anybody), next_state=State(0, 0), state=State(1, 1), reward=0.3)
    wanting, unwanting = (fold(policy, [replace(last, barred=b)], fold_of(SETTINGS)) for b in ((), UNWANTED))
    assert wanting.table != unwanting.table
