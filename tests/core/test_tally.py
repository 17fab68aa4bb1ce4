"""What users' days add to a segment's day: taken off again it leaves nothing, in whatever order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import permutations
from random import Random

import pytest

from rl_core.config import Settings
from rl_core.days import Parts, SegmentDay, added, merged, of_dropout, of_user
from rl_core.models import ACTIONS, Action, Assessment, EndedBy, Mark, Profile, Segment, Session
from rl_core.sessions import Answer, Ending, record, show

MONDAY = date(2026, 11, 23)


@pytest.fixture
def mark(profile: Profile, session: Session) -> Mark:
    found = show(session, profile, session.issued_at).mark
    assert found is not None
    return found


def ended(session: Session, profile: Profile, constants: Settings, done: int = 1) -> Session:
    """The session shown on Monday, its first activities completed, and closed by a batch."""
    said: Answer = {"completed": True, "motivation_before": 2, "motivation_after": 3}
    answers = dict.fromkeys(range(1, done + 1), said)
    closed = record(replace(session, day=MONDAY), profile, answers, constants, session.issued_at, Ending(EndedBy.BATCH))
    return closed.session


def test_a_reward_is_added_in_millionths(mark: Mark, session: Session, profile: Profile, constants: Settings) -> None:
    closed = ended(session, profile, constants)
    assert closed.closing is not None
    third = replace(closed, closing=replace(closed.closing, reward=1 / 3))
    total = of_user(mark, [third, third])[session.segment].total()
    assert (total.sessions, total.rewards, total.reward_squares) == (2, 666_666, 2 * 333_333**2)


def test_a_user_with_two_sessions_is_one_user(
    mark: Mark, session: Session, profile: Profile, constants: Settings
) -> None:
    closed = ended(session, profile, constants)
    part = of_user(mark, [closed, closed])[session.segment]
    action = part.actions[session.decision.action]
    assert (part.users, part.served, action.sessions, action.users) == (1, 1, 2, 1)
    assert {(entry.assigned, entry.users) for entry in part.entries.values()} == {(2, 1)}


def test_an_open_session_has_no_reward_and_one_of_another_day_is_not_of_the_day(mark: Mark, session: Session) -> None:
    shown = replace(session, day=MONDAY)
    total = of_user(mark, [shown, replace(shown, day=None), replace(shown, day=date(2026, 11, 24))])[session.segment]
    assert (total.total().sessions, total.total().rewarded) == (1, 0)


def test_a_user_counts_where_they_were_and_a_session_where_it_was_issued(mark: Mark, session: Session) -> None:
    parts = of_user(replace(mark, segment=Segment.LOW_LOW), [replace(session, day=MONDAY)])
    assert {s: (part.users, part.served) for s, part in parts.items()} == {
        Segment.LOW_LOW: (1, 0),
        session.segment: (0, 1),
    }


def test_an_action_of_a_newer_release_counts_for_no_action() -> None:
    assert of_dropout(Segment.LOW_LOW, Action(6)) == {Segment.LOW_LOW: SegmentDay()}
    assert of_dropout(Segment.LOW_LOW, ACTIONS[2])[Segment.LOW_LOW].dropouts == (0, 0, 1, 0, 0, 0)


@pytest.fixture
def shares(mark: Mark, session: Session, profile: Profile, constants: Settings) -> Sequence[Parts]:
    """What four users' days add, whose rewards are no round numbers."""
    rng, closed = Random(1), ended(session, profile, constants, 2)
    assert closed.closing is not None
    rewarded = [replace(closed, closing=replace(closed.closing, reward=rng.uniform(-0.4, 0.9))) for _ in range(6)]
    segments = (Segment.HIGH_LOW, Segment.LOW_LOW)
    days = [of_user(replace(mark, segment=segments[n % 2]), rewarded[n : n + 1 + n % 2]) for n in range(3)]
    return [*days, of_dropout(Segment.HIGH_LOW, Action.MEDITATION)]


def together(shares: Sequence[Parts], times: int = 1, begin: Parts | None = None) -> Parts:
    parts = begin or {}
    for share in shares:
        parts = added(parts, share, times)
    return parts


def test_the_sums_are_the_same_in_whatever_order_users_are_added(shares: Sequence[Parts]) -> None:
    assert all(together(order) == together(shares) for order in permutations(shares))


def test_what_is_taken_off_in_whatever_order_leaves_what_the_others_added(shares: Sequence[Parts]) -> None:
    for order in permutations(shares):
        for n in range(len(shares)):
            left = together(order[n:])
            taken = together(order[:n], -1, together(shares))
            assert {segment: part for segment, part in taken.items() if part != SegmentDay()} == left


def test_a_whole_is_the_sum_of_its_parts(shares: Sequence[Parts]) -> None:
    parts = [share[Segment.HIGH_LOW] for share in shares if Segment.HIGH_LOW in share]
    assert merged(parts) == merged(parts[::-1]) == together(shares)[Segment.HIGH_LOW]


def assessments(*scores: int) -> tuple[Assessment, ...]:
    """Assessments of successive days."""
    return tuple(Assessment(date(2026, 11, 1 + n), score, 30) for n, score in enumerate(scores))


def test_the_change_of_gad7_counts_once_for_a_user_and_day_where_the_user_then_was(
    mark: Mark, session: Session
) -> None:
    elsewhere = replace(session, day=MONDAY, segment=Segment.LOW_LOW)
    parts = of_user(replace(mark, assessments=assessments(16, 12)), [elsewhere, replace(elsewhere, number=2)])
    told = {s: (part.assessed, part.gad7_change, part.gad7_change_squares) for s, part in parts.items()}
    assert told == {mark.segment: (1, -4, 16), Segment.LOW_LOW: (0, 0, 0)}


@pytest.mark.parametrize("scores", [[], [16]])
def test_a_user_with_fewer_than_two_assessments_adds_no_change(mark: Mark, scores: list[int]) -> None:
    (part,) = of_user(replace(mark, assessments=assessments(*scores)), []).values()
    assert part == SegmentDay(users=1, new_users=1)


def test_changes_of_gad7_add_up_and_come_off_again(mark: Mark) -> None:
    days = [of_user(replace(mark, assessments=assessments(*scores)), []) for scores in ((16, 12), (3, 9), (5, 5))]
    whole: Parts = {}
    for parts in days:
        whole = added(whole, parts)
    (day,) = whole.values()
    assert (day.assessed, day.gad7_change, day.gad7_change_squares) == (3, 2, 52)
    for parts in days:
        whole = added(whole, parts, -1)
    assert whole == {mark.segment: SegmentDay()}
