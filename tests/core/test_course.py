"""What TREND keeps of a segment's days, how large that grows, and what of it may be shown."""

import math
from dataclasses import replace
from datetime import date, timedelta

import pytest

from rl_core.config import Settings
from rl_core.days import KEPT, ActionSums, Course, DayRow, DrawSums, SegmentDay, evenness, of_user, pooled
from rl_core.models import ACTIONS, MILLION, EndedBy, Mark, Profile, Segment, Session, Why
from rl_core.sessions import Ending, record, show
from rl_core.store.sizes import size
from rl_core.store.trends import read_trend, trend_item

MONDAY = date(2026, 11, 23)
ONE = timedelta(days=1)
SUMS = ActionSums(sessions=2, assigned=12, completed=7, rewarded=2, rewards=-MILLION, reward_squares=3, users=2)
DAY = SegmentDay(users=2, served=2, actions=(SUMS,) * len(ACTIONS), draws=DrawSums(11, 1, 5, 7, (1, 0, 2, 0, 3)))


@pytest.fixture
def mark(profile: Profile, session: Session) -> Mark:
    found = show(session, profile, session.issued_at).mark
    assert found is not None
    return found


def draws(mark: Mark, *sessions: Session) -> DrawSums:
    shown = [replace(session, day=mark.day) for session in sessions]
    return of_user(mark, shown)[mark.segment].draws


def test_a_session_is_drawn_from_a_policy_or_a_fallback_or_neither(mark: Mark, session: Session) -> None:
    its = replace(session.decision, explored=True, fallback=False)
    kinds = [replace(session, decision=d) for d in (its, replace(its, fallback=True), replace(its, impersonal=True))]
    found = draws(mark, *kinds, replace(session, decision=replace(its, explored=False)))
    assert (found.drawn, found.fallbacks, found.tries) == (2, 1, 1)
    assert found.entropy == 2 * evenness(its.chances)


def test_a_closed_session_is_counted_by_why(
    mark: Mark, session: Session, profile: Profile, constants: Settings
) -> None:
    at = session.issued_at
    learned = record(session, profile, {1: {"completed": True}}, constants, at, Ending(EndedBy.BATCH)).session
    fallback = replace(learned, decision=replace(learned.decision, fallback=True))
    closed = [replace(learned, why=why) for why in (Why.CONSENT, Why.PAUSED, Why.PAUSED, Why("later"))]
    unseen = replace(session, why=Why.PAUSED)
    assert draws(mark, session, learned, fallback, *closed, unseen).why == (1, 1, 0, 3, 0)


def test_entropy_is_a_share_of_its_maximum() -> None:
    assert evenness((0.2,) * 5) == evenness((0.5, 0.5)) == MILLION
    assert evenness((1.0, 0.0)) == evenness((1.0,)) == 0
    assert evenness((0.9, 0.1)) == round(-MILLION * (0.9 * math.log(0.9) + 0.1 * math.log(0.1)) / math.log(2))


def test_a_row_has_the_days_sums() -> None:
    assert DayRow.of(DAY) == DayRow(2, 2, 12, 12, -6 * MILLION, 18, 72, 42, DAY.draws)


def test_a_course_keeps_the_latest_120_days_and_no_empty_one() -> None:
    course = Course(MONDAY).moved(MONDAY, {MONDAY: DAY, MONDAY - ONE: None, MONDAY - (KEPT - 1) * ONE: DAY})
    assert list(course.rows) == [MONDAY - (KEPT - 1) * ONE, MONDAY]
    later = course.moved(MONDAY + ONE, {})
    assert (later.upto, list(later.rows)) == (MONDAY + ONE, [MONDAY])
    assert course.moved(MONDAY - ONE, {}) == course


def test_a_row_that_came_to_nothing_goes() -> None:
    course = Course(MONDAY).moved(MONDAY, {MONDAY: DAY})
    assert course.moved(MONDAY, {MONDAY: SegmentDay()}).rows == {}


def test_trend_stays_below_8_kb_with_half_a_million_sessions_a_day_in_each_segment() -> None:
    n, a = 500_000, 3_500_000
    draws = DrawSums(n, n, n, n * MILLION, (n,) * 5)
    row = DayRow(n, n, n, n, -n * MILLION, n * MILLION**2, a, a, draws)
    rows = {MONDAY - day * ONE: row for day in range(KEPT)}
    item = trend_item(Segment.MODERATE_MODERATE, Course(MONDAY, rows, 123_456))
    assert size(item) < 8 * 1024
    assert read_trend(item).rows == rows


def row(users: int, served: int | None = None) -> DayRow:
    return DayRow(users, users if served is None else served, users)


def shown(*users: int) -> list[tuple[int, int, int | None]]:
    """What is shown of a week's days with so many users: first and last day from Monday on, and sessions."""
    found = pooled({MONDAY + n * ONE: row(its) for n, its in enumerate(users)})
    return [((p.first - MONDAY).days, (p.last - MONDAY).days, p.row.sessions if p.row else None) for p in found]


def test_days_of_five_users_are_shown_and_a_week_with_a_smaller_one_as_a_whole() -> None:
    assert shown(5, 9) == [(0, 0, 5), (1, 1, 9)]
    assert shown(5, 4, 9) == [(0, 6, 18)]


def test_a_week_that_may_be_of_fewer_than_five_users_is_withheld() -> None:
    assert shown(4, 4, 4, 4, 4, 4, 4) == [(0, 6, None)]


def test_only_the_week_of_the_small_day_is_pooled() -> None:
    assert [its[:2] for its in shown(5, 4, 5, 5, 5, 5, 5, 6, 7)] == [(0, 6), (7, 7), (8, 8)]


def test_sessions_of_fewer_than_five_users_are_not_shown_beside_more_active_ones() -> None:
    assert [period.row for period in pooled({MONDAY: row(9, served=4)})] == [None]
