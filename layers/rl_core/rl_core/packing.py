"""Packs whole numbers into few bytes, signed ones by zigzag.

The form is LEB128 (DWARF 5, section 7.6): seven bits a byte, the least significant bits first.
"""

from collections.abc import Iterable, Iterator


def pack(numbers: Iterable[int]) -> bytes:
    """Returns the bytes of the numbers, one number after the other. Raises ValueError for a negative number."""
    packed = bytearray()
    for number in numbers:
        if number < 0:
            raise ValueError(f"{number} is negative")
        left = number
        while left > 0x7F:
            packed.append(left & 0x7F | 0x80)
            left >>= 7
        packed.append(left)
    return bytes(packed)


def unpack(data: bytes) -> Iterator[int]:
    """Yields the numbers that were packed. Raises ValueError when the last one is cut off."""
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("the last number is cut off")


def zigzag(number: int) -> int:
    """Returns 0, 1, 2, 3, 4 for 0, -1, 1, -2, 2: small numbers of either sign stay small."""
    return 2 * number if number >= 0 else -2 * number - 1


def unzigzag(number: int) -> int:
    """Returns the number for which `zigzag` returns this one."""
    return number // 2 if number % 2 == 0 else -(number + 1) // 2
