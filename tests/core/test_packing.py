"""Whole numbers in few bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_core.packing import pack, unpack, unzigzag, zigzag

often = settings(derandomize=True, database=None, deadline=None)


@often
@given(numbers=st.lists(st.integers(0, 2**70)))
def test_numbers_come_back_as_they_went(numbers: list[int]) -> None:
    assert list(unpack(pack(numbers))) == numbers


@often
@given(numbers=st.lists(st.integers(0, 2**70), min_size=1))
def test_each_number_takes_a_byte_for_every_seven_bits(numbers: list[int]) -> None:
    assert len(pack(numbers)) == sum(max(1, -(-number.bit_length() // 7)) for number in numbers)


@often
@given(before=st.lists(st.integers(0, 2**30)), last=st.integers(128, 2**70))
def test_a_last_number_that_is_cut_off_is_refused(before: list[int], last: int) -> None:
    with pytest.raises(ValueError, match="cut off"):
        list(unpack(pack([*before, last])[:-1]))


def test_the_bytes_are_those_of_the_dwarf_standards_examples() -> None:
    assert [pack([n]).hex() for n in (2, 127, 128, 129, 12857)] == ["02", "7f", "8001", "8101", "b964"]


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 is negative"):
        pack([3, -1])


@often
@given(number=st.integers())
def test_a_signed_number_comes_back_from_its_zigzag(number: int) -> None:
    assert unzigzag(zigzag(number)) == number


def test_small_numbers_of_either_sign_have_small_zigzags() -> None:
    assert [zigzag(n) for n in (0, -1, 1, -2, 2)] == [0, 1, 2, 3, 4]
