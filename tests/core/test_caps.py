"""One person is one person: what a day of one user may be issued, and may teach."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rl_core.config import Settings
from rl_core.errors import TooManyAnswersError, TooManySessionsError
from rl_core.models import EndedBy, Learning, Policy, Profile, Segment, Session, Why, person_of
from rl_core.sessions import (
    Ending,
    admit,
    counted,
    erased,
    excluded,
    expire,
    is_due,
    issue,
    learning_of,
    record,
    why_not,
)
from rl_core.sessions.lifecycle import MOST_CHANGES

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MONDAY = date(2026, 11, 23)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BATCH = Ending(EndedBy.BATCH)
POLICY = Policy(Segment.HIGH_LOW)


@pytest.fixture
def capped() -> Settings:
    """Two sessions a day, of which one is learned from."""
    return Settings(table_name="t", sessions_per_day=2, learned_per_day=1)


def next_session(
    profile: Profile, latest: Session | None, settings: Settings, at: datetime = NOW
) -> tuple[Session, Profile]:
    """A session issued, shown and ended by a batch without answers; the user after it."""
    issued = issue(profile, latest, POLICY, settings, at, shown=True)
    ended = record(issued.session, issued.profile, {}, settings, at, BATCH)
    return ended.session, ended.profile


@pytest.fixture
def spent(profile: Profile, capped: Settings) -> tuple[list[Session], Profile]:
    """A day of a user with its two sessions, and the user."""
    first, once = next_session(profile, None, capped)
    second, twice = next_session(once, first, capped)
    return [first, second], twice


# Issuing.


def test_a_session_beyond_the_days_is_refused_until_the_users_day_is_over(
    spent: tuple[list[Session], Profile], capped: Settings
) -> None:
    sessions, profile = spent
    with pytest.raises(TooManySessionsError) as refused:
        issue(profile, sessions[-1], POLICY, capped, NOW, shown=True)
    assert refused.value.headers == {"Retry-After": str(15 * 3600)}
    assert issue(profile, sessions[-1], POLICY, capped, NOW + 15 * HOUR, shown=True).profile.issued == 1


def test_prefetched_sessions_count_as_any(profile: Profile, capped: Settings) -> None:
    issued = issue(profile, None, POLICY, capped, NOW, shown=False)
    assert (issued.profile.issued, issued.profile.day) == (1, MONDAY)


def test_the_day_is_the_users_own(profile: Profile, capped: Settings) -> None:
    there = replace(profile, timezone="Pacific/Kiritimati", day=date(2026, 11, 24), issued=2)
    with pytest.raises(TooManySessionsError) as refused:
        admit(there, capped, datetime(2026, 11, 24, 9, 59, 59, tzinfo=UTC))
    assert refused.value.headers == {"Retry-After": "1"}
    assert admit(there, capped, datetime(2026, 11, 24, 10, tzinfo=UTC)).issued == 0


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "America/New_York"])
def test_neither_a_zone_nor_a_clock_runs_the_day_back(profile: Profile, capped: Settings, zone: str) -> None:
    spent = replace(profile, timezone=zone, day=MONDAY + DAY, issued=2, learned=1)
    for at in (NOW, NOW - 3 * DAY):
        assert counted(spent, at) == spent
    with pytest.raises(TooManySessionsError):
        admit(spent, capped, NOW)


def test_a_clock_that_ran_ahead_still_gives_a_time_to_come_back(profile: Profile, capped: Settings) -> None:
    with pytest.raises(TooManySessionsError) as refused:
        admit(replace(profile, day=MONDAY + 30 * DAY, issued=2), capped, NOW)
    assert int(refused.value.headers["Retry-After"]) == 30 * 86_400 + 15 * 3600


# Learning.


def test_beyond_the_days_first_a_session_closes_over_weight_and_moves_scores(
    spent: tuple[list[Session], Profile],
) -> None:
    (first, second), profile = spent
    assert [why_not(first), why_not(second)] == [None, Why.OVER_WEIGHT]
    assert [is_due(first), is_due(second), learning_of(second)] == [True, False, Learning.NONE]
    assert (profile.learned, second.closing is not None) == (1, True)


def test_an_expired_session_takes_a_place_of_the_day_on_which_it_closes(profile: Profile, capped: Settings) -> None:
    issued = issue(profile, None, POLICY, capped, NOW, shown=True)
    closed, after = expire(issued.session, issued.profile, capped, NOW + 2 * DAY)
    assert (closed.why, after.learned, after.day) == (None, 1, MONDAY + 2 * DAY)
    again = replace(after, learned=1)
    assert expire(issued.session, again, capped, NOW + 2 * DAY)[0].why is Why.OVER_WEIGHT


def test_a_fallback_and_an_unseen_session_take_no_place(profile: Profile, capped: Settings) -> None:
    fallback = issue(profile, None, None, capped, NOW, shown=True)
    ended = record(fallback.session, fallback.profile, {}, capped, NOW, BATCH)
    assert (ended.session.why, ended.profile.learned) == (Why.FALLBACK, 0)
    unseen = issue(profile, None, POLICY, capped, NOW, shown=False)
    assert expire(unseen.session, unseen.profile, capped, NOW + 2 * DAY)[1].learned == 0


def test_an_excluded_persons_session_gives_its_place_back(
    spent: tuple[list[Session], Profile], capped: Settings
) -> None:
    (first, _), profile = spent
    closed, after = excluded(first, profile)
    assert (closed.why, is_due(closed), after.learned) == (Why.EXCLUDED, False, 0)


def test_an_issue_settles_the_exclusion_of_the_session_that_it_closes(profile: Profile, capped: Settings) -> None:
    issued = issue(profile, None, POLICY, capped, NOW, shown=True)
    out = replace(POLICY, excluded=(person_of(profile.key),))
    later = issue(issued.profile, issued.session, out, capped, NOW + 2 * DAY, shown=True)
    assert later.expired is not None
    assert (later.expired.why, later.profile.learned) == (Why.EXCLUDED, 0)
    elsewhere = replace(out, segment=Segment.LOW_LOW)
    other = issue(issued.profile, issued.session, elsewhere, capped, NOW + 2 * DAY, shown=True).expired
    assert other is not None
    assert other.why is None


def test_none_is_learned_from_where_a_deployment_allows_none(profile: Profile) -> None:
    session, after = next_session(profile, None, Settings(table_name="t", learned_per_day=0))
    assert (session.why, after.learned) == (Why.OVER_WEIGHT, 0)


# Answers.


def test_a_hundred_changed_answers_are_taken_and_a_batch_still_ends_the_session(
    session: Session, profile: Profile, constants: Settings
) -> None:
    for n in range(MOST_CHANGES):
        session = record(session, profile, {1: {"completed": n % 2 == 0}}, constants, NOW).session
    assert session.changes == 100
    with pytest.raises(TooManyAnswersError):
        record(session, profile, {1: {"completed": True}}, constants, NOW)
    assert record(session, profile, {1: {"completed": True}}, constants, NOW, BATCH).session.closing is not None


# Erasure.


def test_the_marker_of_a_life_that_used_up_a_cap_holds_its_day(
    spent: tuple[list[Session], Profile], capped: Settings
) -> None:
    _, profile = spent
    marker = erased(profile, capped, NOW)
    assert (marker.day, marker.held_until) == (MONDAY, datetime(2026, 11, 24, tzinfo=UTC))
    assert erased(profile, capped, NOW + DAY).held_until is None


def test_the_marker_of_any_other_life_holds_nothing(profile: Profile) -> None:
    session, after = next_session(profile, None, Settings(table_name="t"))
    marker = erased(after, Settings(table_name="t"), NOW)
    assert (marker.day, marker.held_until, session.why) == (None, None, None)
    assert erased(after, Settings(table_name="t", learned_per_day=0), NOW).held_until is None
