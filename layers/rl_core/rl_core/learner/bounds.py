"""Keeps the probabilities of a draw within bounds. Floats are computed with + - * / alone and sums run in one order."""

from collections.abc import Iterable, Sequence


def bounded(shares: Sequence[float], least: float, most: float) -> tuple[float, ...]:
    """Returns shares that sum to 1 as probabilities, each of which is within `least` and `most`.

    Clips the shares, spreads what is left over the others in proportion, and repeats that until the bounds hold. Shares
    within the bounds stay as they are, bit for bit. Returns equal probabilities where so many options cannot keep them.
    """
    if not possible(len(shares), least, most):
        return (1 / len(shares),) * len(shares)
    drawn, free = list(shares), list(range(len(shares)))
    while min(drawn) < least or max(drawn) > most:
        clipped = _clipped(drawn, free, least, most)
        for i, bound in clipped.items():
            drawn[i] = bound
        free = [i for i in free if i not in clipped]
        left = 1 - _total(p for i, p in enumerate(drawn) if i not in free)
        whole = _total(shares[i] for i in free)
        for i in free:
            drawn[i] = shares[i] / whole * left if whole else left / len(free)
    return tuple(drawn)


def possible(options: int, least: float, most: float) -> bool:
    """Returns whether the probabilities of so many options can all be within `least` and `most`."""
    return least * options <= 1 <= most * options


def even_share(options: int, least: float, most: float) -> float:
    """Returns the share of draws that is spread evenly over so many options, whatever is known of them."""
    return least * options if possible(options, least, most) else 1.0


def _clipped(drawn: Sequence[float], free: Sequence[int], least: float, most: float) -> dict[int, float]:
    """Returns the bound of each free option of which it is certain that a bound will hold it in the end.

    What is too little and what is too much pull the others in opposite directions. If raising the low ones takes more
    than cutting the high ones gives, the others can only fall, so the low ones stay at `least`; else the high ones stay
    at `most`. Each round settles one option at least, so the rounds end.
    """
    low, high = [i for i in free if drawn[i] < least], [i for i in free if drawn[i] > most]
    taken, given = _total(least - drawn[i] for i in low), _total(drawn[i] - most for i in high)
    settled = dict.fromkeys(low, least) if taken >= given else {}
    return settled | (dict.fromkeys(high, most) if given >= taken else {})


def _total(numbers: Iterable[float]) -> float:
    total = 0.0
    for number in numbers:
        total += number
    return total
