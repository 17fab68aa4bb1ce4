"""Starting over when a race was lost: the one place that waits."""

import time
from collections.abc import Callable
from random import SystemRandom
from typing import TypeVar

from rl_core.errors import ConflictError, UnavailableError

T = TypeVar("T")

_ATTEMPTS = 10
_RANDOM = SystemRandom()  # a generator seeded at import would be the same in every sandbox restored from one snapshot


def pause(attempt: int) -> None:
    """Full jitter: up to 10, 20, 40, ... 160 milliseconds."""
    time.sleep(_RANDOM.random() * 0.01 * 2 ** min(attempt, 4))


def until_settled(attempt: Callable[[], T]) -> T:
    """Runs an attempt, which reads anew each time, until its writes go through. Raises UnavailableError after ten."""
    for n in range(_ATTEMPTS):
        try:
            return attempt()
        except ConflictError:
            pause(n)
    raise UnavailableError
