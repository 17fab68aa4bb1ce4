"""How a session moves: issued, shown, answered, closed, rated later."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rl_core.config import Settings
from rl_core.models import (
    ACTIONS,
    Action,
    Activity,
    EndedBy,
    Learning,
    Policy,
    Profile,
    Result,
    Segment,
    Session,
    State,
    Status,
    Streak,
    Why,
    entry_code,
    person_of,
)
from rl_core.sessions import (
    Answer,
    Ending,
    Recorded,
    accepts_answers,
    add_rating,
    catalogue,
    completed_today,
    engagement_delta,
    expire,
    is_due,
    issue,
    key_of,
    learned,
    learning_of,
    record,
    show,
    state_of,
    transition_of,
    why_not,
    with_answers,
)
from tests.core.test_slate import favourites

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
AFTER = datetime(2026, 11, 25, 8, tzinfo=UTC)
BATCH = Ending(EndedBy.BATCH)
FULL: Answer = {
    "completed": True,
    "motivation_before": 2,
    "motivation_after": 4,
    "difficulty_rating": 3,
    "notes": "Felt great",
}


SKIPPED: Answer = {"completed": False, "motivation_before": 2, "motivation_after": 2}
DONE: Answer = {"completed": True, "motivation_before": 2, "motivation_after": 4}


def in_full(session: Session) -> Session:
    """The worked example: one completed 2 -> 4, one not."""
    return with_answers(session, {1: DONE, 2: SKIPPED}, NOW)


# Issuing.


def test_a_users_first_session_is_drawn_from_the_policy_and_counted(profile: Profile, constants: Settings) -> None:
    new = replace(profile, sessions=0, recent=())
    issued = issue(new, None, Policy(new.segment, version=4, episodes=4), constants, NOW, shown=True)
    session = issued.session
    assert (session.number, session.status, session.shown) == (1, Status.OPEN, True)
    assert (session.decision.policy_version, session.decision.eligible) == (4, ACTIONS)
    assert (issued.profile.sessions, issued.profile.recent) == (1, (session.decision.action,))
    assert session.expires_at - session.issued_at == timedelta(hours=48)


def test_issuing_the_same_session_again_gives_the_same_session(profile: Profile, constants: Settings) -> None:
    policy = Policy(profile.segment, version=4)
    first, second = (issue(profile, None, policy, constants, NOW, shown=True) for _ in range(2))
    assert first == second


def test_the_state_of_a_session_is_the_users_when_it_was_issued(profile: Profile, constants: Settings) -> None:
    moved = replace(profile, engagement=0.7, motivation=-0.2)
    session = issue(moved, None, Policy(profile.segment), constants, NOW, shown=True).session
    assert (session.decision.state, session.engagement) == (State(2, 0), 0.7)


def test_the_action_just_had_is_not_issued_again(profile: Profile, constants: Settings) -> None:
    policies = (Policy(profile.segment, version=v) for v in range(200))
    drawn = {issue(profile, None, p, constants, NOW, shown=True).session.decision.action for p in policies}
    assert drawn == set(ACTIONS) - {Action.MEDITATION}


def test_five_latest_actions_are_kept(profile: Profile, constants: Settings) -> None:
    veteran = replace(profile, recent=ACTIONS[:5])
    issued = issue(veteran, None, Policy(profile.segment), constants, NOW, shown=True)
    assert issued.profile.recent == (*ACTIONS[1:5], issued.session.decision.action)


def test_without_a_policy_a_fallback_is_issued_that_counts_as_previous(profile: Profile, constants: Settings) -> None:
    issued = issue(profile, None, None, constants, NOW, shown=True)
    decision = issued.session.decision
    assert decision.fallback
    assert (decision.policy_version, decision.propensity) == (0, 1 / 5)
    assert issued.profile.recent == (Action.MEDITATION, decision.action)


def test_the_next_session_shares_at_most_half_of_its_names(profile: Profile, constants: Settings) -> None:
    previous: Session | None = None
    policy = Policy(profile.segment, activities=dict(favourites(profile.segment)))
    for _ in range(30):
        session, profile, _, _ = issue(profile, previous, policy, constants, NOW, shown=True)
        before = {catalogue().by_slug[a.slug].name for a in previous.activities} if previous else set()
        now = {catalogue().by_slug[a.slug].name for a in session.activities}
        assert len(now & before) <= len(now) / 2
        previous = session


def test_a_session_keeps_what_was_completed_before_it_on_its_day(
    session: Session, profile: Profile, constants: Settings
) -> None:
    ended = record(session, profile, {1: DONE, 2: DONE}, constants, NOW)
    next_one = issue(ended.profile, ended.session, None, constants, LATER, shown=True)
    assert (next_one.session.done_before, next_one.session.issued_on) == (2, NOW.date())
    third = issue(next_one.profile, next_one.session, None, constants, LATER, shown=True).session
    assert completed_today(third, NOW.date()) == 2
    days_later = issue(ended.profile, ended.session, None, constants, AFTER, shown=True).session
    assert (days_later.done_before, days_later.issued_on) == (0, None)


def test_what_the_user_avoids_is_not_issued(profile: Profile, constants: Settings) -> None:
    careful = replace(profile, avoid=tuple(catalogue().tags))
    session = issue(careful, None, Policy(profile.segment), constants, NOW, shown=True).session
    assert not any(catalogue().by_slug[a.slug].tags for a in session.activities)


def test_a_sessions_key_begins_with_the_person_and_goes_on_with_its_own(profile: Profile, constants: Settings) -> None:
    session = issue(profile, None, None, constants, NOW, shown=True).session
    assert session.key == key_of(profile, 2)
    assert (session.key[:8], len(session.key)) == (person_of(profile.key), 16)
    assert key_of(profile, 2)[8:] != key_of(profile, 3)[8:]


def test_another_life_of_the_same_user_has_other_keys_that_stay_what_they_were_when_first_stored(
    profile: Profile,
) -> None:
    again = replace(profile, key=bytes(range(16)))
    assert key_of(profile, 1)[:8] != key_of(again, 1)[:8]
    assert key_of(profile, 1)[8:] != key_of(again, 1)[8:]
    assert key_of(again, 1).hex() == "18ab9abdd20083f157a71706773e4240"


def test_a_session_still_open_is_closed_as_it_stands_before_the_next_one_is_drawn(
    session: Session, profile: Profile, constants: Settings
) -> None:
    half = with_answers(session, {1: DONE}, NOW)
    issued = issue(profile, half, None, constants, AFTER, shown=True)
    closed, moved = expire(half, profile, constants, AFTER)
    assert issued.expired == closed
    assert issued.session.number == 2
    assert issued.session.engagement == moved.engagement > profile.engagement
    assert issued.mark is not None
    assert (issued.mark.session, issued.mark.engagement, issued.mark.streak) == (2, moved.engagement, moved.streak)


def test_a_session_that_has_ended_is_left_alone_by_the_next_one(
    closed: Session, profile: Profile, constants: Settings
) -> None:
    for latest in (closed, None):
        issued = issue(profile, latest, None, constants, AFTER, shown=True)
        assert issued.expired is None
        assert issued.profile.motivation == profile.motivation


def test_only_a_session_that_is_shown_begins_a_day_of_the_user(profile: Profile, constants: Settings) -> None:
    shown, prefetched = (issue(profile, None, None, constants, NOW, shown=shown) for shown in (True, False))
    assert shown.mark is not None
    assert (shown.session.day, shown.profile.seen, shown.mark.session) == (NOW.date(), NOW.date(), 2)
    assert (prefetched.session.day, prefetched.profile.seen, prefetched.mark) == (None, None, None)
    assert not prefetched.session.shown


# Showing.


def test_showing_a_prefetched_session_gives_it_its_day_and_marks_the_users(session: Session, profile: Profile) -> None:
    found = show(replace(session, shown=False), profile, NOW)
    assert found.session == replace(session, shown=True, day=NOW.date())
    assert found.profile == replace(profile, seen=NOW.date())
    assert found.mark is not None


def test_showing_it_again_on_the_same_day_changes_nothing(session: Session, profile: Profile) -> None:
    first = show(session, profile, NOW)
    assert show(first.session, first.profile, LATER) == Recorded(first.session, first.profile, None)


# Answering.


def test_an_answer_is_kept_with_the_time_of_completion(session: Session) -> None:
    answered = with_answers(session, {1: FULL}, NOW)
    assert answered.activities[0] == Activity("478-breathing-5", True, NOW, None, 2, 4, 3, "Felt great")
    assert answered.activities[1] == session.activities[1]


def test_the_same_answer_again_changes_nothing(session: Session) -> None:
    answered = with_answers(session, {1: FULL}, NOW)
    assert with_answers(answered, {1: FULL}, LATER) == answered
    assert with_answers(answered, {1: {"completed": True}}, LATER) == answered


def test_a_field_left_out_keeps_what_is_stored(session: Session) -> None:
    answered = with_answers(
        with_answers(session, {1: FULL}, NOW), {1: {"completed": True, "difficulty_rating": 5}}, LATER
    )
    assert answered.activities[0] == Activity("478-breathing-5", True, NOW, None, 2, 4, 5, "Felt great")


def test_null_clears_a_field(session: Session) -> None:
    cleared: Answer = {"completed": True, "motivation_after": None, "difficulty_rating": None, "notes": ""}
    answered = with_answers(with_answers(session, {1: FULL}, NOW), {1: cleared}, LATER)
    assert answered.activities[0] == Activity("478-breathing-5", True, NOW, None, 2, None, None, "")


def test_a_completion_taken_back_loses_its_time_and_gets_a_new_one_when_done_again(session: Session) -> None:
    taken_back = with_answers(with_answers(session, {1: FULL}, NOW), {1: {"completed": False}}, LATER)
    assert taken_back.activities[0].completed_at is None
    assert with_answers(taken_back, {1: FULL}, LATER).activities[0].completed_at == LATER


def test_a_session_is_fully_answered_once_each_activity_is_done_or_skipped(session: Session) -> None:
    half = with_answers(session, {2: {"completed": False}}, NOW)
    assert (session.answered, half.answered, half.fully_answered) == (False, True, False)
    assert with_answers(half, {1: FULL}, NOW).fully_answered


def test_answers_are_taken_until_the_moment_of_expiry(session: Session) -> None:
    assert accepts_answers(session, AFTER - timedelta(seconds=1))
    assert not accepts_answers(session, AFTER)
    assert not accepts_answers(replace(session, status=Status.CLOSED), NOW)


def test_an_answer_gives_an_unseen_session_its_day_and_marks_the_users(
    session: Session, profile: Profile, constants: Settings
) -> None:
    found = record(replace(session, shown=False), profile, {1: FULL}, constants, NOW)
    assert (found.session.status, found.session.day, found.session.shown) == (Status.OPEN, NOW.date(), False)
    assert found.session.activities[0].completed_on == NOW.date()
    assert found.profile == replace(profile, seen=NOW.date())
    assert found.mark is not None
    assert record(found.session, found.profile, {1: FULL}, constants, LATER) == Recorded(*found[:2], None)


# Closing.


def test_a_session_closes_by_itself_with_its_last_answer(
    session: Session, profile: Profile, constants: Settings
) -> None:
    found = record(session, profile, {1: DONE, 2: SKIPPED}, constants, LATER)
    assert (found.session.status, found.session.ended_by) == (Status.CLOSED, EndedBy.COMPLETIONS)
    batch = record(session, profile, {1: DONE, 2: SKIPPED}, constants, LATER, BATCH)
    assert batch.session == replace(found.session, ended_by=EndedBy.BATCH)
    assert batch.profile == found.profile


def test_the_user_is_active_before_the_session_closes(session: Session, profile: Profile, constants: Settings) -> None:
    away = replace(profile, engagement=0.5, seen=NOW.date() - timedelta(days=2))
    found = record(replace(session, engagement=0.5), away, {1: DONE}, constants, NOW, BATCH)
    assert found.mark is not None
    assert (found.mark.engagement, found.mark.motivation, found.mark.streak) == (0.4, 0.0, Streak())
    assert found.profile.engagement == 0.5
    assert found.profile.streak == Streak(1, NOW.date())


def test_closing_freezes_the_reward_and_moves_the_scores(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved, _ = record(in_full(session), profile, {}, constants, LATER, Ending(EndedBy.BATCH, 4, "Good workout"))
    assert closed.closing is not None
    assert round(closed.closing.reward, 4) == 0.45
    assert (round(moved.engagement, 4), round(moved.motivation, 4)) == (0.2, 0.08)
    assert (closed.status, closed.closed_at, closed.ended_by) == (Status.CLOSED, LATER, EndedBy.BATCH)
    assert (closed.closing.rating, closed.closing.notes) == (4, "Good workout")


def test_a_session_moves_the_score_from_where_it_stood_when_it_was_issued(
    session: Session, profile: Profile, constants: Settings
) -> None:
    moved_since = replace(profile, engagement=0.9, motivation=0.5)
    closed, moved, _ = record(replace(session, engagement=0.4), moved_since, {}, constants, LATER, BATCH)
    assert round(moved.engagement, 4) == 0.32
    assert round(engagement_delta(closed), 4) == -0.08
    assert round(moved.motivation, 4) == 0.4


def test_the_next_state_is_that_of_the_moved_scores(session: Session, profile: Profile, constants: Settings) -> None:
    nearly = replace(profile, engagement=0.32, motivation=0.05)
    closed, moved, _ = record(in_full(replace(session, engagement=0.32)), nearly, {}, constants, LATER, BATCH)
    assert closed.closing is not None
    assert closed.closing.next_state == State(1, 2)
    assert state_of(moved.engagement, moved.motivation) == State(1, 2)
    assert closed.decision.state == State(0, 1)


def test_what_follows_is_barred_by_the_sessions_own_action(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, _, _ = record(session, profile, {}, constants, LATER, BATCH)
    assert closed.closing is not None
    assert closed.closing.barred == (Action.MEDITATION,)


def test_before_closing_the_delta_says_what_closing_would_give(
    session: Session, profile: Profile, constants: Settings
) -> None:
    half = with_answers(session, {1: FULL}, NOW)
    assert round(engagement_delta(half), 4) == 0.15
    closed, _ = expire(half, profile, constants, LATER)
    assert engagement_delta(closed) == engagement_delta(half)


def test_closing_extends_the_streak_by_the_users_own_days(
    session: Session, profile: Profile, constants: Settings
) -> None:
    islander = replace(profile, timezone="Pacific/Kiritimati", streak=Streak(2, date(2026, 11, 23)))
    morning = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    found = record(session, islander, {1: FULL}, constants, morning, BATCH)
    assert found.profile.streak == Streak(3, date(2026, 11, 24))


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
    assert not is_due(closed)


def test_a_prefetched_session_with_an_answer_expires_as_it_stands(
    session: Session, profile: Profile, constants: Settings
) -> None:
    answered = with_answers(replace(session, shown=False), {2: {"completed": False}}, NOW)
    assert expire(answered, profile, constants, AFTER)[0].status is Status.CLOSED


# Rating later.


def test_a_later_rating_moves_the_score_but_neither_reward_nor_next_state(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved, _ = record(session, profile, {1: DONE, 2: SKIPPED}, constants, LATER)
    rated, again = add_rating(closed, moved, 5, "Good workout", LATER)
    assert closed.closing is not None
    expected = replace(closed.closing, rating=5, notes="Good workout", rated_at=LATER)
    assert rated.closing == replace(expected, engagement_after=again.engagement)
    assert again == replace(moved, engagement=again.engagement)
    assert round(engagement_delta(rated), 4) == 0.3


def test_notes_that_come_after_the_rating_leave_when_it_came(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved, _ = record(session, profile, {1: DONE, 2: SKIPPED}, constants, LATER)
    rated, again = add_rating(closed, moved, 5, "", LATER)
    noted, same = add_rating(rated, again, 5, "Good workout", LATER + timedelta(days=1))
    assert rated.closing is not None
    assert noted.closing == replace(rated.closing, notes="Good workout")
    assert same == again


def test_a_rating_after_the_next_session_was_issued_moves_no_score(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved, _ = record(session, profile, {1: DONE, 2: SKIPPED}, constants, LATER)
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
    closed, _, _ = record(session, profile, {}, constants, LATER, BATCH)
    assert is_due(closed)
    assert not is_due(session)
    assert not is_due(replace(closed, decision=replace(closed.decision, fallback=True)))
    assert not is_due(replace(closed, parked="too large"))
    assert not is_due(learned(closed, Policy(Segment.HIGH_LOW)))


def test_a_transition_is_what_the_session_recorded(session: Session, profile: Profile, constants: Settings) -> None:
    closed, _, _ = record(in_full(session), replace(profile, motivation=0.9), {}, constants, LATER, BATCH)
    t = transition_of(closed)
    assert (t.key, t.state, t.action) == (session.key, State(0, 1), Action.MEDITATION)
    assert (t.next_state, t.barred) == (State(0, 2), (Action.MEDITATION,))
    assert t.results == (
        Result(entry_code("478-breathing-5"), True, 2),
        Result(entry_code("body-scan-10"), False, None),
    )


def test_an_unanswered_activity_is_learned_as_not_completed(
    session: Session, profile: Profile, constants: Settings
) -> None:
    closed, _ = expire(with_answers(session, {1: FULL}, NOW), profile, constants, LATER)
    assert transition_of(closed).results[1] == Result(entry_code("body-scan-10"), False, None)


def test_a_learned_session_names_the_version_and_episodes_it_was_learned_into(session: Session) -> None:
    found = learned(session, Policy(Segment.HIGH_LOW, version=15, episodes=17))
    assert found == replace(session, status=Status.LEARNED, learned_version=15, learned_episodes=17)


def test_what_became_of_a_closed_sessions_learning_is_told_from_the_session(closed: Session, session: Session) -> None:
    fallback = replace(closed, decision=replace(closed.decision, fallback=True))
    unseen = replace(session, status=Status.UNSEEN)
    assert learning_of(learned(closed, Policy(Segment.HIGH_LOW, version=1))) is Learning.APPLIED
    assert learning_of(closed) is learning_of(replace(closed, parked="too large")) is Learning.QUEUED
    assert learning_of(fallback) is learning_of(unseen) is Learning.NONE


def test_only_a_fallback_has_a_reason_for_which_nothing_is_learned(closed: Session, session: Session) -> None:
    fallback = replace(closed, decision=replace(closed.decision, fallback=True))
    assert why_not(fallback) is Why.FALLBACK
    assert why_not(closed) is why_not(replace(fallback, closing=None)) is None
