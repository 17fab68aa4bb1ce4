"""What a pause changes: no plan meanwhile, no decay, a streak that goes on, and sessions that expire without effect."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rl_core.config import Settings
from rl_core.days import days_missing
from rl_core.errors import InvalidRequestError, TooManyPausesError
from rl_core.models import Bridge, Learning, Pause, Policy, Profile, Segment, Session, Status, Streak, Why
from rl_core.sessions import (
    MOST_PAUSES,
    Answer,
    allowed,
    current_streak,
    engagement_now,
    expire,
    extend_streak,
    is_due,
    issue,
    learning_of,
    pause_at,
    pause_ended,
    pause_until,
    paused_days,
    record,
    show,
    streak_now,
    why_not,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MONDAY = NOW.date()
ONE, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
ANA = Profile("ana", bytes(16), Segment.HIGH_LOW, NOW)
SETTINGS = Settings(table_name="none", sessions_per_day=1000)
POLICY = Policy(Segment.HIGH_LOW)
DONE = Answer(completed=True)


def paused(profile: Profile, days: float, at: datetime = NOW) -> Profile:
    return pause_until(profile, at + days * ONE, at)


# What a user says of a pause.


def test_a_pause_holds_from_now_until_a_moment_that_is_not_in_it() -> None:
    profile = paused(ANA, 2)
    assert profile.pauses == (Pause(NOW, NOW + 2 * ONE),)
    moments = [NOW - SECOND, NOW, NOW + 2 * ONE - SECOND, NOW + 2 * ONE]
    assert [pause_at(profile.pauses, at) is not None for at in moments] == [False, True, True, False]
    assert [allowed(profile, SETTINGS, at).serve for at in moments] == [True, False, False, True]
    assert allowed(profile, SETTINGS, NOW).paused_until == NOW + 2 * ONE


@pytest.mark.parametrize("until", [NOW - ONE, NOW, NOW + 180 * ONE + SECOND])
def test_it_ends_in_the_future_and_within_180_days(until: datetime) -> None:
    with pytest.raises(InvalidRequestError):
        pause_until(ANA, until, NOW)


@pytest.mark.parametrize("until", [NOW + SECOND, NOW + 180 * ONE])
def test_it_may_be_as_short_and_as_long_as_that(until: datetime) -> None:
    assert pause_until(ANA, until, NOW).pauses == (Pause(NOW, until),)


@pytest.mark.parametrize("days", [2, 9])
def test_a_pause_that_holds_is_moved_to_an_earlier_or_a_later_end(days: float) -> None:
    later = NOW + ONE
    assert paused(paused(ANA, 5), days, later).pauses == (Pause(NOW, later + days * ONE),)


def test_the_same_again_changes_nothing() -> None:
    profile = paused(ANA, 5)
    assert pause_until(profile, NOW + 5 * ONE, NOW + ONE) == profile


def test_one_that_ends_just_now_goes_on_and_one_that_ended_before_does_not() -> None:
    profile = paused(ANA, 1)
    assert paused(profile, 1, NOW + ONE).pauses == (Pause(NOW, NOW + 2 * ONE),)
    after = NOW + ONE + SECOND
    assert paused(profile, 1, after).pauses == (Pause(NOW, NOW + ONE), Pause(after, after + ONE))


def test_a_request_that_was_overtaken_by_a_later_one_leaves_pauses_in_order() -> None:
    profile = paused(ANA, 1, NOW + 2 * SECOND)
    assert pause_until(profile, NOW + SECOND, NOW).pauses == (Pause(NOW, NOW + SECOND),)
    assert pause_ended(profile, NOW).pauses == ()


def test_a_pause_ends_now_and_one_without_a_length_is_gone() -> None:
    profile = paused(ANA, 5)
    assert pause_ended(profile, NOW + ONE).pauses == (Pause(NOW, NOW + ONE),)
    assert pause_ended(profile, NOW).pauses == ()
    ended = pause_ended(profile, NOW + ONE)
    assert pause_ended(ended, NOW + 2 * ONE) == ended
    assert pause_ended(ANA, NOW) == ANA


def test_a_ninth_is_refused_until_the_day_is_over_and_one_that_holds_can_still_be_moved() -> None:
    profile = ANA
    for n in range(MOST_PAUSES):
        profile = paused(profile, 1 / 24, NOW + 2 * n * HOUR)
    last = NOW + 2 * (MOST_PAUSES - 1) * HOUR
    assert len(paused(profile, 3, last).pauses) == MOST_PAUSES
    with pytest.raises(TooManyPausesError) as error:
        paused(profile, 1, last + HOUR + SECOND)
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    assert error.value.headers == {"Retry-After": str(int((midnight - last - HOUR - SECOND).total_seconds()))}


# Which days are paused.


@pytest.mark.parametrize(
    ("zone", "since", "until", "days"),
    [
        ("UTC", "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z", [23]),
        ("UTC", "2026-11-23T23:59:59Z", "2026-11-24T00:00:01Z", [23, 24]),
        ("Pacific/Kiritimati", "2026-11-23T09:59:59Z", "2026-11-24T10:00:00Z", [23, 24]),
        ("Etc/GMT+12", "2026-11-23T09:59:59Z", "2026-11-24T10:00:00Z", [22, 23]),
        ("America/St_Johns", "2026-11-23T03:29:59Z", "2026-11-23T03:30:01Z", [22, 23]),
    ],
)
def test_a_day_is_paused_if_a_pause_held_at_any_moment_of_it(
    zone: str, since: str, until: str, days: list[int]
) -> None:
    pause = Pause(datetime.fromisoformat(since), datetime.fromisoformat(until))
    found = paused_days([pause], zone, date(2026, 11, 1), date(2026, 11, 30))
    assert sorted(found) == [date(2026, 11, day) for day in days]
    assert paused_days([pause], zone, date(2026, 11, 25), date(2026, 11, 30)) == set()


def test_paused_days_do_not_decay_and_the_others_do() -> None:
    away = replace(ANA, seen=MONDAY, engagement=0.5, pauses=(Pause(NOW + ONE, NOW + 3 * ONE),))
    scores = [engagement_now(away, NOW + days * ONE) for days in range(1, 7)]
    assert scores == [0.5, 0.5, 0.5, 0.5, 0.5 - 0.2 * 0.5, 0.5 - 0.2 * 0.5 - 0.2 * (0.5 - 0.2 * 0.5)]


def test_a_pause_that_goes_on_counts_as_far_as_it_has_gone() -> None:
    away = replace(ANA, seen=MONDAY - 3 * ONE, engagement=0.5)
    assert engagement_now(paused(away, 30), NOW) == 0.5 - 0.2 * 0.5 - 0.2 * (0.5 - 0.2 * 0.5)
    assert engagement_now(paused(away, 30), NOW + 20 * ONE) == engagement_now(away, NOW)


def test_a_day_is_paused_where_the_user_is_now() -> None:
    """In London Tuesday is paused; in Honolulu it is Monday, and on Monday the user was active."""
    away = replace(ANA, timezone="Europe/London", seen=MONDAY, engagement=0.5)
    away = replace(away, pauses=(Pause(NOW + 15 * HOUR, NOW + 16 * HOUR),))
    thursday = NOW + 3 * ONE + 3 * HOUR
    assert engagement_now(away, thursday) == 0.5 - 0.2 * 0.5
    honolulu = replace(away, timezone="Pacific/Honolulu")
    assert engagement_now(honolulu, thursday) == engagement_now(replace(honolulu, pauses=()), thursday) < 0.35


def test_a_streak_goes_on_over_a_bridge_and_nowhere_else() -> None:
    streak, bridge = Streak(4, MONDAY), Bridge(MONDAY, MONDAY + 5 * ONE)
    assert extend_streak(streak, [MONDAY + 5 * ONE, MONDAY + 6 * ONE], [bridge]) == Streak(6, MONDAY + 6 * ONE)
    assert extend_streak(streak, [MONDAY + 6 * ONE], [bridge]) == Streak(1, MONDAY + 6 * ONE)
    assert [current_streak(streak, MONDAY + n * ONE, [bridge]) for n in (1, 4, 5, 6)] == [4, 0, 4, 0]


def test_a_bridge_needs_that_all_days_between_were_paused() -> None:
    away = replace(ANA, seen=MONDAY, streak=Streak(4, MONDAY), pauses=(Pause(NOW + ONE, NOW + 3 * ONE),))
    assert streak_now(away, [], NOW + 4 * ONE) == 4
    assert streak_now(away, [], NOW + 5 * ONE) == 0
    late = replace(away, pauses=(Pause(NOW + 2 * ONE, NOW + 3 * ONE),))
    assert streak_now(late, [], NOW + 4 * ONE) == 0


def test_bridges_over_which_no_streak_can_go_on_are_dropped_with_the_next_plan() -> None:
    bridges = [Bridge(MONDAY - n * ONE, MONDAY - (n - 2) * ONE) for n in (6, 4, 2)]
    home = replace(ANA, seen=MONDAY, bridges=tuple(bridges), streak=Streak(4, MONDAY - 2 * ONE))
    assert issue(home, None, POLICY, SETTINGS, NOW, shown=True).profile.bridges == (bridges[2],)


def test_an_active_day_without_a_completion_is_not_a_paused_one() -> None:
    """Who looked at the plan in the morning, paused after that and came back four days later has lost the streak."""
    home = replace(ANA, seen=MONDAY - ONE, streak=Streak(4, MONDAY - ONE))
    looked = issue(home, None, POLICY, SETTINGS, NOW, shown=True)
    assert streak_now(looked.profile, [looked.session], NOW) == 4
    back = NOW + 4 * ONE
    later = issue(paused(looked.profile, 3.5, NOW + HOUR), looked.session, POLICY, SETTINGS, back, shown=True)
    assert streak_now(later.profile, [later.session], back) == 0
    assert streak_now(paused(home, 4, NOW - ONE), [], NOW + 4 * ONE) == 4  # who did not look has it still


# Sessions that are open as a pause begins, holds or ends.


def opened(*, shown: bool = True) -> tuple[Session, Profile]:
    made = issue(replace(ANA, seen=MONDAY, engagement=0.5), None, POLICY, SETTINGS, NOW, shown=shown)
    return made.session, made.profile


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("late", [0 * ONE, 90 * ONE])
def test_a_session_that_was_never_answered_expires_under_a_pause_without_any_effect(
    shown: bool, late: timedelta
) -> None:
    session, profile = opened(shown=shown)
    profile = paused(profile, 30)
    closed, after = expire(session, profile, SETTINGS, session.expires_at + late)
    assert (closed.status, closed.why, closed.closing) == (Status.UNSEEN, Why.PAUSED, None)
    assert (why_not(closed), learning_of(closed), is_due(closed)) == (Why.PAUSED, Learning.NONE, False)
    assert after == profile


def test_an_answered_one_closes_as_ever() -> None:
    session, profile = opened()
    half = record(session, paused(profile, 30), {1: Answer(completed=False)}, SETTINGS, NOW + HOUR)
    closed, _ = expire(half.session, half.profile, SETTINGS, session.expires_at)
    assert (closed.status, closed.why, is_due(closed)) == (Status.CLOSED, None, True)


@pytest.mark.parametrize(
    ("begin", "end", "why"), [(-1, 1, Why.PAUSED), (-9, 0, None), (0, 9, Why.PAUSED), (1, 9, None)]
)
def test_what_counts_is_whether_a_pause_held_as_the_session_expired(begin: int, end: int, why: Why | None) -> None:
    session, profile = opened()
    pause = Pause(session.expires_at + begin * SECOND, session.expires_at + end * SECOND)
    closed, _ = expire(session, replace(profile, pauses=(pause,)), SETTINGS, session.expires_at + 9 * ONE)
    assert closed.why is why
    assert closed.status is (Status.UNSEEN if why else Status.CLOSED)


def test_a_session_that_nobody_saw_has_no_reason_without_a_pause() -> None:
    session, profile = opened(shown=False)
    assert expire(session, profile, SETTINGS, session.expires_at)[0].why is None


def test_the_next_plan_closes_it_so_too() -> None:
    session, profile = opened()
    back = NOW + 10 * ONE
    made = issue(paused(profile, 9), session, POLICY, SETTINGS, back, shown=True)
    assert made.expired is not None
    assert (made.expired.status, made.expired.why) == (Status.UNSEEN, Why.PAUSED)
    assert made.session.engagement == 0.5
    assert made.mark is not None
    assert made.mark.pauses == paused(profile, 9).pauses
    assert made.profile.pauses == ()


def test_a_showing_keeps_a_pause_that_is_over_later_on_the_same_day() -> None:
    """Neither the session's expiry nor anything else of that day has come yet."""
    session, profile = opened()
    until = NOW + ONE + HOUR
    pausing = pause_until(profile, until, NOW)
    answered = record(session, pausing, {1: Answer(completed=False)}, SETTINGS, until - SECOND)
    assert (answered.profile.seen, answered.profile.pauses) == (MONDAY + ONE, pausing.pauses)


# Who stays away.


def test_a_user_drops_out_on_the_seventh_day_that_is_not_paused() -> None:
    mark = show(*opened(), NOW + ONE).mark
    assert mark is not None
    tuesday, pauses = mark.day, [Pause(NOW + 3 * ONE, NOW + 5 * ONE)]  # from Thursday to Saturday
    assert days_missing(mark, [], tuesday + 7 * ONE) == 0
    assert [days_missing(mark, pauses, tuesday + n * ONE) for n in (7, 8, 10)] == [3, 2, 0]
