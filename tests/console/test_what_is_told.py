"""What the console tells of an act, by pure functions."""

from datetime import timedelta

import pytest

from operate.console.acting.following import progress_of
from operate.console.acting.outcome import outcome_of
from operate.console.acting.showing import told
from operate.differences import Changed
from rl_core.errors import (
    ActedError,
    ConflictError,
    FettleError,
    OversizeError,
    PolicyUnreadableError,
    RefoldPendingError,
    UnavailableError,
    UnreadableItemError,
    VersionError,
)
from rl_core.models import STATES, Policy, Refold, Segment, State
from tests.functions.conftest import NOW

ERRORS = {
    ActedError(7): "somebody else has acted since, in version 7; look again before you act",
    ConflictError(): "what you looked at has changed since, or a newer release wrote it; look again before you act",
    RefoldPendingError("it is folded; try again"): "it is folded; try again",
    VersionError("no such version"): "no such version",
    UnavailableError(): "the table is out of reach, or too busy; try again",
    PolicyUnreadableError("rubbish"): "the policy cannot be read (rubbish); mend it first",
    UnreadableItemError("rubbish"): "this release cannot read the item (rubbish); deploy one that can",
    OversizeError("TooLarge"): "the table refused the write for its size (TooLarge)",
}


@pytest.mark.parametrize(("error", "reason"), ERRORS.items(), ids=lambda its: type(its).__name__)
def test_each_refusal_says_why_in_one_sentence(error: FettleError, reason: str) -> None:
    assert outcome_of(error, on_record=False) == (False, (f"Nothing was done: {reason}.",))


@pytest.mark.parametrize("error", [ActedError(7), ConflictError(), VersionError("no such version")])
def test_what_the_table_refused_was_not_done_though_it_cannot_be_looked_up(error: FettleError) -> None:
    assert outcome_of(error, on_record=None).done is False


def test_what_is_on_record_was_done_whatever_came_then() -> None:
    assert outcome_of(UnavailableError(), on_record=True).done


def refold(first: int, folded: int, minutes: int | None) -> Refold:
    until = None if minutes is None else NOW + timedelta(minutes=minutes)
    return Refold(9, first, {}, "excluded", Policy(Segment.LOW_LOW, version=folded), NOW, "a run", until)


@pytest.mark.parametrize(
    ("first", "folded", "version", "done", "of"),
    [(3, 2, 9, 0, 7), (3, 5, 9, 3, 7), (3, 9, 9, 7, 7), (3, 0, 9, 0, 7), (1, 0, 1, 0, 1)],
    ids=["begun", "under way", "before it is published", "from a snapshot before", "one version"],
)
def test_a_fold_counts_the_versions_from_the_first_that_it_rewrites(
    first: int, folded: int, version: int, done: int, of: int
) -> None:
    assert progress_of(refold(first, folded, 1), version, NOW)[:2] == (done, of)


@pytest.mark.parametrize(("minutes", "works"), [(1, True), (0, False), (None, False)])
def test_a_run_works_on_a_fold_until_its_lease_is_over(minutes: int | None, works: bool) -> None:
    assert progress_of(refold(3, 5, minutes), 9, NOW).works is works


def test_states_in_which_the_same_action_gives_way_to_the_same_one_share_a_line() -> None:
    changed = [
        Changed(State(0, 1), "Rest", "Walk"),
        Changed(State(2, 0), "Rest", "Walk"),
        Changed(State(0, 0), "A", "B"),
    ]
    assert told(changed) == [
        "Rest → Walk: where engagement low, motivation steady; engagement high, motivation falling",
        "A → B: where engagement low, motivation falling",
    ]
    assert told([Changed(State.from_row(n), "A", "B") for n in range(STATES)]) == ["A → B: in every state"]
