"""Starting over when a race was lost."""

import pytest

from rl_core.errors import ConflictError, UnavailableError
from rl_core.work import attempts

POLICY, SESSION = ConflictError(frozenset({"policy"})), ConflictError(frozenset({"session", "policy"}))


def test_no_further_attempt_is_made_after_one_that_goes_through() -> None:
    made = []
    for attempt in attempts():
        with attempt:
            made.append(attempt.number)
            if attempt.number < 2:
                raise POLICY
    assert made == [0, 1, 2]


def test_a_lost_race_can_be_asked_what_was_lost() -> None:
    for attempt in attempts(1):
        with attempt:
            raise SESSION
        assert attempt.lost is SESSION


@pytest.mark.parametrize("most", [0, 1, 3])
def test_after_so_many_lost_races_the_loop_ends(most: int) -> None:
    made = 0
    for attempt in attempts(most):
        with attempt:
            made += 1
            raise POLICY
    assert made == most


def test_a_race_over_what_the_caller_wants_to_know_of_is_not_ended_quietly() -> None:
    made = 0
    with pytest.raises(ConflictError) as lost:
        for attempt in attempts(but=frozenset({"session"})):
            with attempt:
                made += 1
                raise POLICY if made == 1 else SESSION
    assert (made, lost.value) == (2, SESSION)


def test_whatever_is_no_lost_race_goes_through_at_once() -> None:
    made = 0
    with pytest.raises(UnavailableError):
        for attempt in attempts():
            with attempt:
                made += 1
                raise UnavailableError
    assert made == 1
