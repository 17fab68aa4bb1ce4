"""How large items grow: a write of up to 1 KB costs one unit, of up to 2 KB two."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from rl_core.config import LearnerSettings, Settings
from rl_core.edge.http import MAX_NOTES
from rl_core.learner import fold_of
from rl_core.learner.posterior import Posterior
from rl_core.models import (
    ACTIONS,
    CELLS,
    Activity,
    ActivityStats,
    Bridge,
    EndedBy,
    Facts,
    Pause,
    Policy,
    Profile,
    Result,
    Segment,
    Session,
    State,
    Status,
    Streak,
    Transition,
    VersionRecord,
)
from rl_core.sessions import Ending, catalogue, record
from rl_core.store.budget import LARGEST_SESSION
from rl_core.store.frugal import LARGEST_RECORD
from rl_core.store.items import profile_item, session_item
from rl_core.store.policies import SNAPSHOT_BYTES, policy_item, record_item
from rl_core.store.sizes import size

DONE_AT = datetime(2026, 11, 24, 21, 59, 59, tzinfo=UTC)
AWKWARD = -0.30000000000000004
TEN_YEARS = Facts((1250,) * 6, (1_125_000_000,) * 6, (1250,) * 6, ACTIONS[:5])  # of four learned sessions a day


def test_the_size_function_counts_as_dynamodb_documents() -> None:
    assert size({"pk": {"S": "é"}}) == 4
    assert size({"n": {"N": "-1.25"}}) == 1 + 4
    assert size({"l": {"L": [{"BOOL": True}, {"B": b"abc"}]}}) == 1 + 3 + 1 + 1 + 1 + 3
    assert size({"m": {"M": {"a": {"N": "5"}}}}) == 1 + 3 + 1 + 1 + 2


def statistics() -> dict[int, ActivityStats]:
    """Of 60 entries after 100,000 sessions of six: each assigned a twelfth less often than the one before."""
    rng, found = Random(31), {}
    assigned = 50_000.0
    for _ in range(60):
        n = round(assigned)
        rated = round(n * 0.65 * 0.7)
        found[rng.getrandbits(24)] = ActivityStats(n, round(n * 0.65), rated, round(rated * rng.uniform(-1, 3)))
        assigned *= 11 / 12
    return found


def full_policy() -> Policy:
    """Of the longest name, after 100,000 sessions, with as many excluded as there may be, held by an erasure."""
    table = Posterior(30)
    table.counts = [2**14] * 5 + [369] * (CELLS - 5)  # no other 100,000 visits take more bytes
    table.weights = [2**14] + [2**14 - 1] * (CELLS - 1)  # 128 visits: what fades leaves so many in one cell at most
    return Policy(
        Segment.MODERATE_MODERATE,
        version=123_456,
        episodes=100_000,
        learner="posterior/2",
        table=table.encode(),
        activities=statistics(),
        excluded=tuple(Random(32).randbytes(8) for _ in range(32)),
        hold=123_455,
        counted=123_456,
        since=65_535,
    )


def test_a_policy_that_learned_from_a_hundred_thousand_sessions_stays_within_two_write_units() -> None:
    policy = full_policy()
    assigned = [s.assigned for s in policy.activities.values()]
    assert (len(assigned), max(assigned)) == (60, 50_000)
    assert sum(assigned) == pytest.approx(600_000, rel=0.01)
    assert size(policy_item(policy)) <= 1950


def test_the_largest_profile_stays_within_one_write_unit(profile: Profile) -> None:
    full = replace(
        profile,
        user="u" * 255,
        segment=Segment.MODERATE_MODERATE,
        engagement=-AWKWARD,
        motivation=AWKWARD,
        timezone="America/Argentina/ComodRivadavia",
        avoid=tuple(sorted(catalogue().tags)),
        sessions=12_345_678,
        recent=ACTIONS[1:],
        streak=Streak(12_345, DONE_AT.date()),
        seen=DONE_AT.date(),
        day=DONE_AT.date(),
        issued=999,
        learned=999,
        facts=TEN_YEARS,
        revision=12_345_678,
    )
    assert size(profile_item(full)) <= 900
    pauses = tuple(Pause(DONE_AT + n * timedelta(days=200), DONE_AT + n * timedelta(days=200.9)) for n in range(8))
    bridges = tuple(Bridge(DONE_AT.date() + n * timedelta(days=2), DONE_AT.date()) for n in range(-3, 0))
    assert size(profile_item(replace(full, pauses=pauses, bridges=bridges))) <= 1000


def full_session(session: Session, profile: Profile, constants: Settings) -> Session:
    """Seven activities shown on one day, answered in full on the next, closed with a rating and notes, of a user with
    awkward scores; learned.
    """
    slugs = sorted((e.slug for e in catalogue().entries), key=len)[-7:]
    full = tuple(Activity(s, True, DONE_AT, DONE_AT.date(), 2, 4, 3, "Felt great") for s in slugs)
    decision = replace(
        session.decision,
        eligible=ACTIONS[1:],
        chances=(0.818790408421629, *[0.04530239789459276] * 4),
        action=ACTIONS[2],
        epsilon=0.2265119894729638,
        policy_version=123_456,
        own=True,
        facts=TEN_YEARS,
        settings=bytes(4),
    )
    issued = replace(
        session,
        number=12_345_678,
        revision=9,
        segment=Segment.MODERATE_MODERATE,
        decision=decision,
        activities=full,
        engagement=-AWKWARD,
        day=DONE_AT.date() - timedelta(days=1),
        changes=99,
        done_before=42,
        issued_on=DONE_AT.date() - timedelta(days=1),
    )
    ending = Ending(EndedBy.COMPLETIONS, 4, "Good workout, but late")
    closed = record(issued, replace(profile, motivation=AWKWARD), {}, constants, DONE_AT, ending).session
    return replace(closed, status=Status.LEARNED, learned_version=123_457, learned_episodes=123_457)


def test_a_session_answered_in_full_stays_within_one_write_unit(
    session: Session, profile: Profile, constants: Settings
) -> None:
    learned = full_session(session, profile, constants)
    closed = replace(learned, status=Status.CLOSED, learned_version=None, learned_episodes=None)
    for stored in (replace(closed, status=Status.OPEN, closing=None, closed_at=None), closed, learned):
        assert size(session_item(stored, 1)) <= 1024


def test_a_learned_session_leaves_room_for_a_longer_subject_and_longer_notes(
    session: Session, profile: Profile, constants: Settings
) -> None:
    learned = full_session(session, profile, constants)
    assert (len(learned.user), len(learned.activities), len(learned.decision.chances)) == (36, 7, 5)
    assert size(session_item(learned, 1)) <= 1000
    early = replace(TEN_YEARS, counts=(99,) * 6, sums=(89_100_000,) * 6, earlier=(9,) * 6)
    decision = replace(learned.decision, own=False, facts=early)
    assert size(session_item(replace(learned, decision=decision), 1)) <= 975


def test_the_largest_session_is_within_the_read_units_that_a_page_keeps_for_it(
    session: Session, profile: Profile, constants: Settings
) -> None:
    learned = full_session(session, profile, constants)
    assert learned.closing is not None
    notes = "\N{GRINNING FACE}" * MAX_NOTES  # no other text of this length takes more bytes
    largest = replace(
        learned,
        user="u" * 255,
        activities=tuple(replace(activity, notes=notes) for activity in learned.activities),
        closing=replace(learned.closing, notes=notes),
    )
    assert LARGEST_SESSION - 2 < size(session_item(largest, 1)) / 4096 <= LARGEST_SESSION - 1


def test_a_version_record_of_a_full_learning_batch_fits_in_an_item(constants: Settings) -> None:
    results = tuple(Result(2**24 - n, True, 4) for n in range(1, 8))
    one = Transition(bytes(16), State(2, 2), ACTIONS[5], AWKWARD, State(2, 2), ACTIONS[1:], results, TEN_YEARS)
    most = VersionRecord(123_456, fold_of(LearnerSettings()), (one,) * 90, adopted="epsilon/1")
    assert constants.learn_batch == len(most.transitions)
    largest = size(record_item(Segment.MODERATE_MODERATE, most))
    assert LARGEST_RECORD - 2 < largest / 4096 <= LARGEST_RECORD - 1
    assert largest < SNAPSHOT_BYTES
