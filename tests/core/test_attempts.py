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


def lose(errors: list[Exception], but: frozenset[str]) -> None:
    """Attempts that end in these errors, one after the other."""
    for attempt in attempts(but=but):
        with attempt:
            raise errors.pop(0)


def test_a_race_over_what_the_caller_wants_to_know_of_is_not_ended_quietly() -> None:
    with pytest.raises(ConflictError) as lost:
        lose([POLICY, SESSION], but=frozenset({"session"}))
    assert lost.value is SESSION


def test_whatever_is_no_lost_race_goes_through_at_once() -> None:
    errors: list[Exception] = [POLICY, UnavailableError(), POLICY]
    with pytest.raises(UnavailableError):
        lose(errors, but=frozenset())
    assert errors == [POLICY]
