"""How a session moves: issued, answered, closed, rated later."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rl_core.config import Settings
from rl_core.models import (
    ACTIONS,
    Action,
    Activity,
    EndedBy,
    Policy,
    Profile,
    Result,
    Segment,
    Session,
    State,
    Status,
    Streak,
)
from rl_core.sessions import lifecycle
from rl_core.sessions.catalogue import catalogue, crc
from rl_core.sessions.lifecycle import Answer, add_rating, answer, close, expire, issue, on_day, transition_of
from rl_core.sessions.outcome import state_of

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
AFTER = datetime(2026, 11, 25, 8, tzinfo=UTC)
KEY = bytes(16)
FULL: Answer = {
    "completed": True,
    "motivation_before": 2,
    "motivation_after": 4,
    "difficulty_rating": 3,
    "notes": "Felt great",
}


def in_full(session: Session) -> Session:
    """The worked example: one completed 2 -> 4, one not."""
    skipped: Answer = {"completed": False, "motivation_before": 2, "motivation_after": 2}
    done: Answer = {"completed": True, "motivation_before": 2, "motivation_after": 4}
    return answer(answer(session, 1, done, NOW), 2, skipped, NOW)


# Issuing.


def test_a_users_first_session_is_drawn_from_the_policy_and_counted(profile: Profile, constants: Settings) -> None:
    new = replace(profile, sessions=0, recent=())
    session, counted = issue(new, Policy(new.segment, version=4, episodes=4), None, constants, NOW, KEY, shown=True)
    assert (session.number, session.status, session.shown) == (1, Status.OPEN, True)
    assert (session.decision.policy_version, session.decision.eligible) == (4, ACTIONS)
    assert (counted.sessions, counted.recent) == (1, (session.decision.action,))
    assert session.expires_at - session.issued_at == timedelta(hours=48)


def test_issuing_the_same_session_again_gives_the_same_session(profile: Profile, constants: Settings) -> None:
    policy = Policy(profile.segment, version=4)
    first, second = (issue(profile, policy, None, constants, NOW, KEY, shown=True) for _ in range(2))
    assert first == second


def test_the_state_of_a_session_is_the_users_when_it_was_issued(profile: Profile, constants: Settings) -> None:
    moved = replace(profile, engagement=0.7, motivation=-0.2)
    session, _ = issue(moved, Policy(profile.segment), None, constants, NOW, KEY, shown=True)
    assert (session.decision.state, session.engagement) == (State(2, 0), 0.7)


def test_the_action_just_had_is_not_issued_again(profile: Profile, constants: Settings) -> None:
    policies = (Policy(profile.segment, version=v, values=(0.5,) * 9) for v in range(200))
    drawn = {issue(profile, p, None, constants, NOW, KEY, shown=True)[0].decision.action for p in policies}
    assert drawn == set(ACTIONS) - {Action.MEDITATION}


def test_five_latest_actions_are_kept(profile: Profile, constants: Settings) -> None:
    veteran = replace(profile, recent=ACTIONS[:5])
    session, counted = issue(veteran, Policy(profile.segment), None, constants, NOW, KEY, shown=True)
    assert counted.recent == (*ACTIONS[1:5], session.decision.action)


def test_without_a_policy_a_fallback_is_issued_that_counts_as_previous(profile: Profile, constants: Settings) -> None:
    session, counted = issue(profile, None, None, constants, NOW, KEY, shown=True)
    assert session.decision.fallback
    assert (session.decision.policy_version, session.decision.propensity) == (0, 1 / 5)
    assert counted.recent == (Action.MEDITATION, session.decision.action)


def test_the_next_session_shares_at_most_half_of_its_names(profile: Profile, constants: Settings) -> None:
    previous: Session | None = None
    for _ in range(30):
        session, profile = issue(profile, Policy(profile.segment), previous, constants, NOW, KEY, shown=True)
        before = {catalogue().by_slug[a.slug].name for a in previous.activities} if previous else set()
        now = {catalogue().by_slug[a.slug].name for a in session.activities}
        assert len(now & before) <= len(now) / 2
        previous = session


def test_what_the_user_avoids_is_not_issued(profile: Profile, constants: Settings) -> None:
    careful = replace(profile, avoid=tuple(catalogue().tags))
    session, _ = issue(careful, Policy(profile.segment), None, constants, NOW, KEY, shown=True)
    assert not any(catalogue().by_slug[a.slug].tags for a in session.activities)


# Answering.


def test_an_answer_is_kept_with_the_time_of_completion(session: Session) -> None:
    answered = answer(session, 1, FULL, NOW)
    assert answered.activities[0] == Activity("478-breathing-5", True, NOW, None, 2, 4, 3, "Felt great")
    assert answered.activities[1] == session.activities[1]


def test_the_same_answer_again_changes_nothing(session: Session) -> None:
    answered = answer(session, 1, FULL, NOW)
    assert answer(answered, 1, FULL, LATER) == answered
    assert answer(answered, 1, {"completed": True}, LATER) == answered


def test_a_field_left_out_keeps_what_is_stored(session: Session) -> None:
    answered = answer(answer(session, 1, FULL, NOW), 1, {"completed": True, "difficulty_rating": 5}, LATER)
    assert answered.activities[0] == Activity("478-breathing-5", True, NOW, None, 2, 4, 5, "Felt great")


def test_null_clears_a_field(session: Session) -> None:
    cleared: Answer = {"completed": True, "motivation_after": None, "difficulty_rating": None, "notes": ""}
    answered = answer(answer(session, 1, FULL, NOW), 1, cleared, LATER)
    assert answered.activities[0] == Activity("478-breathing-5", True, NOW, None, 2, None, None, "")


def test_a_completion_taken_back_loses_its_time_and_gets_a_new_one_when_done_again(session: Session) -> None:
    taken_back = answer(answer(session, 1, FULL, NOW), 1, {"completed": False}, LATER)
    assert taken_back.activities[0].completed_at is None
    assert answer(taken_back, 1, FULL, LATER).activities[0].completed_at == LATER


def test_a_session_is_fully_answered_once_each_activity_is_done_or_skipped(session: Session) -> None:
    half = answer(session, 2, {"completed": False}, NOW)
    assert (session.answered, half.answered, half.fully_answered) == (False, True, False)
    assert answer(half, 1, FULL, NOW).fully_answered


def test_answers_are_taken_until_the_moment_of_expiry(session: Session) -> None:
    assert lifecycle.accepts_answers(session, AFTER - timedelta(seconds=1))
    assert not lifecycle.accepts_answers(session, AFTER)
    assert not lifecycle.accepts_answers(replace(session, status=Status.CLOSED), NOW)


# Closing.


def test_closing_freezes_the_reward_and_moves_the_scores(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved = close(in_full(session), profile, constants, LATER, EndedBy.BATCH, 4, "Good workout")
    assert closed.closing is not None
    assert round(closed.closing.reward, 4) == 0.45
    assert (round(moved.engagement, 4), round(moved.motivation, 4)) == (0.2, 0.08)
    assert (closed.status, closed.closed_at, closed.ended_by) == (Status.CLOSED, LATER, EndedBy.BATCH)
    assert (closed.closing.rating, closed.closing.notes) == (4, "Good workout")


def test_the_next_state_is_that_of_the_moved_scores(session: Session, profile: Profile, constants: Settings) -> None:
    nearly = replace(profile, engagement=0.32, motivation=0.05)
    closed, moved = close(in_full(replace(session, engagement=0.32)), nearly, constants, LATER, EndedBy.BATCH)
    assert closed.closing is not None
    assert closed.closing.next_state == State(1, 2)
    assert state_of(moved.engagement, moved.motivation) == State(1, 2)
    assert closed.decision.state == State(0, 1)


def test_what_follows_is_barred_by_the_sessions_own_action(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, _ = close(session, profile, constants, LATER, EndedBy.BATCH)
    assert closed.closing is not None
    assert closed.closing.barred == (Action.MEDITATION,)


def test_before_closing_the_delta_says_what_closing_would_give(
    session: Session, profile: Profile, constants: Settings
) -> None:
    half = answer(session, 1, FULL, NOW)
    assert round(lifecycle.engagement_delta(half), 4) == 0.15
    closed, _ = close(half, profile, constants, LATER, EndedBy.EXPIRY)
    assert lifecycle.engagement_delta(closed) == lifecycle.engagement_delta(half)


def test_closing_extends_the_streak_by_the_users_own_days(
    session: Session, profile: Profile, constants: Settings
) -> None:
    islander = replace(profile, timezone="Pacific/Kiritimati", streak=Streak(2, date(2026, 11, 23)))
    morning = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    answered = on_day(answer(session, 1, FULL, morning), islander, morning)
    assert close(answered, islander, constants, LATER, EndedBy.BATCH)[1].streak == Streak(3, date(2026, 11, 24))


def test_a_session_that_was_shown_expires_as_it_stands(session: Session, profile: Profile, constants: Settings) -> None:
    closed, moved = expire(session, replace(profile, engagement=0.5), constants, AFTER)
    assert (closed.status, closed.ended_by) == (Status.CLOSED, EndedBy.EXPIRY)
    assert closed.closing is not None
    assert closed.closing.reward == 0
    assert moved.engagement == 0


def test_a_session_only_prefetched_expires_unseen_and_moves_nothing(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved = expire(replace(session, shown=False), profile, constants, AFTER)
    assert (closed.status, closed.closing, closed.closed_at) == (Status.UNSEEN, None, AFTER)
    assert moved == profile
    assert not lifecycle.is_due(closed)


def test_a_prefetched_session_with_an_answer_expires_as_it_stands(
    session: Session, profile: Profile, constants: Settings
) -> None:
    answered = answer(replace(session, shown=False), 2, {"completed": False}, NOW)
    assert expire(answered, profile, constants, AFTER)[0].status is Status.CLOSED


# Rating later.


def test_a_later_rating_moves_the_score_but_neither_reward_nor_next_state(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved = close(in_full(session), profile, constants, LATER, EndedBy.COMPLETIONS)
    rated, again = add_rating(closed, moved, 5, "Good workout", LATER)
    assert closed.closing is not None
    expected = replace(closed.closing, rating=5, notes="Good workout", rated_at=LATER)
    assert rated.closing == replace(expected, engagement_after=again.engagement)
    assert again == replace(moved, engagement=again.engagement)
    assert round(lifecycle.engagement_delta(rated), 4) == 0.3


def test_a_rating_after_the_next_session_was_issued_moves_no_score(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved = close(in_full(session), profile, constants, LATER, EndedBy.COMPLETIONS)
    gone_on = replace(moved, sessions=2)
    rated, same = add_rating(closed, gone_on, 5, "Good workout", LATER)
    assert closed.closing is not None
    assert same == gone_on
    assert rated.closing == replace(closed.closing, rating=5, notes="Good workout", rated_at=LATER)


def test_a_session_that_is_not_closed_cannot_be_rated_or_learned_from(session: Session, profile: Profile) -> None:
    with pytest.raises(ValueError, match="not closed"):
        add_rating(session, profile, 5, "", LATER)
    with pytest.raises(ValueError, match="not closed"):
        transition_of(session)


# Learning.


def test_a_closed_session_is_due_unless_it_was_a_fallback_parked_or_learned(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, _ = close(session, profile, constants, LATER, EndedBy.BATCH)
    assert lifecycle.is_due(closed)
    assert not lifecycle.is_due(session)
    assert not lifecycle.is_due(replace(closed, decision=replace(closed.decision, fallback=True)))
    assert not lifecycle.is_due(replace(closed, parked="too large"))
    assert not lifecycle.is_due(*lifecycle.learned([closed], Policy(Segment.HIGH_LOW)))


def test_a_transition_is_what_the_session_recorded(session: Session, profile: Profile, constants: Settings) -> None:
    closed, _ = close(in_full(session), replace(profile, motivation=0.9), constants, LATER, EndedBy.BATCH)
    t = transition_of(closed)
    assert (t.key, t.state, t.action) == (session.key, State(0, 1), Action.MEDITATION)
    assert (t.next_state, t.barred) == (State(0, 2), (Action.MEDITATION,))
    assert t.results == (Result(crc("478-breathing-5"), True, 2), Result(crc("body-scan-10"), False, None))


def test_an_unanswered_activity_is_learned_as_not_completed(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, _ = close(answer(session, 1, FULL, NOW), profile, constants, LATER, EndedBy.EXPIRY)
    assert transition_of(closed).results[1] == Result(crc("body-scan-10"), False, None)


def test_a_learned_session_names_the_version_and_episodes_it_was_learned_into(session: Session) -> None:
    (learned,) = lifecycle.learned([session], Policy(Segment.HIGH_LOW, version=15, episodes=17))
    assert (learned.status, learned.learned_version, learned.learned_episodes) == (Status.LEARNED, 15, 17)
