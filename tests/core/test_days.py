"""Days in the user's own zone: the decay of engagement, what a day came to when it ended, when a day is over."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rl_core.config import Settings
from rl_core.days.figures import closed_day, figures_of, final_day
from rl_core.models import Activity, EndedBy, Mark, Policy, Profile, Session, Streak
from rl_core.sessions import Answer, Ending, active_day, add_rating, engagement_now, expire, issue, record, show
from rl_core.sessions.calendar import decayed

MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
MONDAY = date(2026, 11, 23)
ONE = timedelta(days=1)
DONE: Answer = {"completed": True}


def seen_on(profile: Profile, day: date, engagement: float = 0.5) -> Profile:
    return replace(profile, seen=day, engagement=engagement)


# Decay.


def test_each_whole_day_of_absence_takes_a_fifth_of_the_rest() -> None:
    assert decayed(0.5, MONDAY, MONDAY + 3 * ONE) == 0.5 - 0.2 * 0.5 - 0.2 * (0.5 - 0.2 * 0.5)


@pytest.mark.parametrize("days", [0, 1])
def test_neither_the_same_day_nor_the_next_one_takes_anything(days: int) -> None:
    assert decayed(0.5, MONDAY, MONDAY + days * ONE) == 0.5


def test_decaying_in_two_steps_gives_the_same_bits_as_at_once() -> None:
    halfway = decayed(0.7, MONDAY, MONDAY + 4 * ONE)
    assert decayed(halfway, MONDAY + 3 * ONE, MONDAY + 9 * ONE) == decayed(0.7, MONDAY, MONDAY + 9 * ONE)


def test_years_of_absence_end_near_nothing_and_never_below() -> None:
    assert 0 <= decayed(1.0, MONDAY, MONDAY + 3650 * ONE) < 1e-100


def test_who_was_never_active_loses_nothing() -> None:
    assert decayed(0.5, None, MONDAY) == 0.5


def test_a_flight_across_the_date_line_takes_nobody_back_to_yesterday(profile: Profile, session: Session) -> None:
    honolulu = seen_on(replace(profile, timezone="Pacific/Honolulu"), MONDAY + ONE)
    assert active_day(honolulu, MORNING) == MONDAY + ONE
    assert engagement_now(honolulu, MORNING) == 0.5
    found = show(session, honolulu, MORNING)
    assert (found.profile, found.mark, found.session.day) == (honolulu, None, MONDAY + ONE)


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Pacific/Kiritimati", "2026-11-23T09:59:59Z", 23),
        ("Pacific/Kiritimati", "2026-11-23T10:00:00Z", 24),
        ("Asia/Kathmandu", "2026-11-23T18:14:59Z", 23),
        ("Asia/Kathmandu", "2026-11-23T18:15:00Z", 24),
        ("America/St_Johns", "2026-11-24T03:29:59Z", 23),
        ("America/St_Johns", "2026-11-24T03:30:00Z", 24),
    ],
)
def test_a_day_begins_at_midnight_where_the_user_is(profile: Profile, zone: str, moment: str, day: int) -> None:
    assert active_day(replace(profile, timezone=zone), datetime.fromisoformat(moment)) == date(2026, 11, day)


def test_the_day_on_which_the_clocks_change_is_one_day(profile: Profile) -> None:
    home = seen_on(replace(profile, timezone="America/St_Johns"), date(2026, 10, 31))
    late = datetime(2026, 11, 2, 3, 29, tzinfo=UTC)  # 25 hours after the midnight that began the first of November
    assert active_day(home, late) == date(2026, 11, 1)
    assert engagement_now(home, late) == 0.5
    assert engagement_now(home, late + timedelta(minutes=1)) == 0.4


# The first moment of a day.


def test_the_first_moment_of_a_day_stores_the_decayed_score_and_marks_the_day(
    profile: Profile, session: Session
) -> None:
    fourth, away = replace(session, number=4), seen_on(profile, MONDAY - 3 * ONE)
    _, seen, mark = show(fourth, away, MORNING)
    assert (seen.seen, seen.engagement) == (MONDAY, decayed(0.5, MONDAY - 3 * ONE, MONDAY))
    assert mark is not None
    assert (mark.day, mark.session, mark.engagement, mark.first_ever) == (MONDAY, 4, seen.engagement, False)
    assert show(fourth, seen, MORNING + timedelta(hours=1))[1:] == (seen, None)


def test_the_first_mark_of_a_life_says_so(profile: Profile, session: Session) -> None:
    mark = show(session, profile, MORNING).mark
    assert mark is not None
    assert mark.first_ever


def test_a_session_is_issued_from_the_decayed_score(profile: Profile, constants: Settings) -> None:
    away = seen_on(profile, MONDAY - 2 * ONE, engagement=0.75)
    session, after, *_ = issue(away, None, Policy(profile.segment), constants, MORNING, shown=False)
    assert session.engagement == 0.75 - 0.2 * 0.75
    assert session.decision.state.engagement == 1
    assert session.day is None
    assert (after.engagement, after.seen) == (0.75, MONDAY - 2 * ONE)


def test_a_session_belongs_to_the_day_on_which_it_was_first_shown(profile: Profile, session: Session) -> None:
    shown, seen, _ = show(replace(session, day=None), profile, MORNING)
    assert show(shown, seen, MORNING + ONE).session.day == shown.day == MONDAY


# What a day came to.


@pytest.fixture
def mark(profile: Profile, session: Session) -> Mark:
    found = show(session, replace(profile, streak=Streak(2, MONDAY - ONE)), MORNING).mark
    assert found is not None
    return found


@pytest.fixture
def shown(session: Session) -> Session:
    return replace(session, day=MONDAY)


def ended(session: Session, profile: Profile, constants: Settings, at: datetime) -> Session:
    """The session's first activity completed, and the session ended, at that moment."""
    said: Answer = {"completed": True, "motivation_before": 2, "motivation_after": 4}
    return record(session, profile, {1: said}, constants, at, Ending(EndedBy.BATCH)).session


def test_a_day_holds_what_its_sessions_came_to(
    mark: Mark, shown: Session, profile: Profile, constants: Settings
) -> None:
    closed = ended(shown, profile, constants, MORNING)
    figures = figures_of(mark, [closed])
    assert closed.closing is not None
    assert (figures.sessions, figures.assigned, figures.completed) == (1, 2, 1)
    assert (figures.rated, figures.lift_points, figures.types[1].minutes) == (1, 2, 5)
    assert (figures.engagement, figures.motivation) == (
        closed.closing.engagement_after,
        closed.closing.motivation_after,
    )
    assert (figures.streak_days, figures.settled) == (3, True)


def test_answers_given_the_next_day_count_for_the_day_but_do_not_move_its_last_score(
    mark: Mark, shown: Session, profile: Profile, constants: Settings
) -> None:
    figures = figures_of(mark, [ended(shown, profile, constants, MORNING + ONE)])
    assert figures.completed == 1
    assert (figures.engagement, figures.motivation, figures.streak_days) == (0.0, 0.0, 2)


def test_a_completion_stays_on_the_day_it_had_where_the_user_then_was(
    profile: Profile, session: Session, constants: Settings
) -> None:
    islander = replace(profile, timezone="Pacific/Kiritimati", seen=MONDAY)
    three = replace(session, activities=(*session.activities, Activity("walking-10")))
    at_home = record(three, islander, {1: DONE}, constants, MORNING).session
    abroad = replace(islander, timezone="Pacific/Honolulu")
    both = record(at_home, abroad, {2: DONE}, constants, MORNING + ONE).session
    assert [a.completed_on for a in both.activities] == [MONDAY, MONDAY, None]
    later = MORNING + ONE + ONE
    taken_back = record(both, abroad, {1: {"completed": False}}, constants, later).session
    assert taken_back.activities[0].completed_on is None
    again = record(taken_back, abroad, {1: DONE}, constants, later).session
    assert [a.completed_on for a in again.activities] == [MONDAY + ONE, MONDAY, None]


def test_an_open_session_is_not_settled_and_moves_no_score(mark: Mark, shown: Session) -> None:
    figures = figures_of(mark, [shown])
    assert (figures.sessions, figures.completed, figures.engagement, figures.settled) == (1, 0, 0.0, False)


def test_a_day_is_settled_once_each_of_its_sessions_has_ended(
    mark: Mark, shown: Session, profile: Profile, constants: Settings
) -> None:
    closed = record(shown, profile, {1: DONE}, constants, MORNING, Ending(EndedBy.BATCH)).session
    assert figures_of(mark, [closed]).settled
    assert not figures_of(mark, [closed, replace(shown, number=2)]).settled


def test_of_two_sessions_the_later_one_leaves_the_score(
    mark: Mark, shown: Session, profile: Profile, constants: Settings
) -> None:
    first = ended(shown, profile, constants, MORNING)
    second = ended(replace(shown, number=2, engagement=0.3), profile, constants, MORNING + timedelta(hours=2))
    assert second.closing is not None
    figures = figures_of(mark, [first, second])
    assert (figures.sessions, figures.engagement) == (2, second.closing.engagement_after)


def test_yesterdays_session_answered_today_moves_todays_score_and_counts_for_yesterday(
    mark: Mark, shown: Session, profile: Profile, constants: Settings
) -> None:
    closed = ended(replace(shown, day=MONDAY - ONE), profile, constants, MORNING)
    figures = figures_of(mark, [closed])
    assert closed.closing is not None
    assert (figures.sessions, figures.assigned, figures.engagement) == (0, 0, closed.closing.engagement_after)


def test_an_expired_session_ended_when_its_time_was_over_however_late_it_was_closed(
    mark: Mark, shown: Session, profile: Profile, constants: Settings
) -> None:
    short = replace(shown, expires_at=MORNING + timedelta(hours=1), engagement=0.5)
    figures = [figures_of(mark, [expire(short, profile, constants, MORNING + late)[0]]) for late in (ONE, 9 * ONE)]
    assert figures[0] == figures[1]
    assert figures[0].engagement == 0.4


def test_a_rating_that_came_after_the_day_does_not_move_its_score(
    mark: Mark, shown: Session, profile: Profile, constants: Settings
) -> None:
    closed, moved, _ = record(shown, profile, {1: DONE, 2: DONE}, constants, MORNING)
    at_once = add_rating(closed, moved, 5, "", MORNING)[0]
    late = add_rating(closed, moved, 5, "", MORNING + ONE)[0]
    assert at_once.closing is not None
    assert figures_of(mark, [at_once]).engagement == at_once.closing.engagement_after
    assert figures_of(mark, [late]) == figures_of(mark, [closed])


def test_the_zone_of_the_days_first_moment_decides_when_it_ends(
    mark: Mark, shown: Session, profile: Profile, constants: Settings
) -> None:
    midnight_in_london = datetime(2026, 11, 24, tzinfo=UTC)
    closed = ended(shown, profile, constants, midnight_in_london)
    assert closed.closing is not None
    assert figures_of(mark, [closed]).engagement == 0.0
    assert figures_of(replace(mark, timezone="America/St_Johns"), [closed]).engagement > 0


# When a day is over.


def test_a_day_is_closed_when_the_last_zone_has_left_it() -> None:
    assert closed_day(datetime(2026, 11, 24, 11, 59, 59, tzinfo=UTC)) == MONDAY - ONE
    assert closed_day(datetime(2026, 11, 24, 12, tzinfo=UTC)) == MONDAY


def test_a_day_is_final_when_its_last_sessions_have_expired_and_been_closed() -> None:
    assert final_day(datetime(2026, 11, 26, 12, 14, 59, tzinfo=UTC), 48) == MONDAY - ONE
    assert final_day(datetime(2026, 11, 26, 12, 15, tzinfo=UTC), 48) == MONDAY
