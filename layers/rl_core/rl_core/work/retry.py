"""Starts over when a race was lost. This is the only module that waits."""

import time
from collections.abc import Iterator
from random import SystemRandom
from types import TracebackType

from rl_core.errors import ConflictError

_ATTEMPTS = 10
_RANDOM = SystemRandom()  # a generator seeded at import would draw the same in every sandbox of one snapshot


class Attempt:
    """Guards one attempt, which reads anew: `with attempt:` suppresses a lost race, and the loop goes on."""

    def __init__(self, number: int, but: frozenset[str]) -> None:
        """Makes the attempt after `number` lost ones; a lost race over what `but` names is not suppressed."""
        self.number = number
        self.lost: ConflictError | None = None
        self._but = but

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, ConflictError) and not error.lost & self._but:
            self.lost = error
        return self.lost is not None


def attempts(most: int = _ATTEMPTS, but: frozenset[str] = frozenset()) -> Iterator[Attempt]:
    """Yields attempts until one goes through, at most `most`, with pauses between them.

    for attempt in attempts():
        with attempt:
            return read_decide_and_write()
    raise UnavailableError
    """
    for number in range(most):
        if number:
            pause(number - 1)
        attempt = Attempt(number, but)
        yield attempt
        if attempt.lost is None:
            return


def pause(attempt: int) -> None:
    """Waits with full jitter: up to 10, 20, 40, ... 160 milliseconds."""
    time.sleep(_RANDOM.random() * 0.01 * 2 ** min(attempt, 4))
