"""Adds up how the sessions of a segment's day were drawn, and why nothing was learned from some of them.

All sums are whole numbers, so that what a user's day added can be taken off again exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rl_core.models import MILLION, Session, Why
from rl_core.sessions import why_not

# The order in which sessions are counted by `why`; a word of a newer release is not counted.
WHYS = (Why.FALLBACK, Why.CONSENT, Why.EXCLUDED, Why.PAUSED, Why.OVER_WEIGHT)
_NONE = (0,) * len(WHYS)


@dataclass(frozen=True, slots=True)
class DrawSums:
    """Holds sums over the sessions that were shown on a day.

    Of `drawn` sessions a policy was read; `fallbacks` were drawn evenly because none could be read. The rest was drawn
    evenly by the user's wish. Of the drawn, `tries` explored; `entropy` sums the entropy of the chances as a share of
    the greatest that so many actions can have, in millionths. `why` counts closed sessions in the order of WHYS.
    """

    drawn: int = 0
    fallbacks: int = 0
    tries: int = 0
    entropy: int = 0
    why: tuple[int, ...] = _NONE

    def plus(self, other: "DrawSums", times: int = 1) -> "DrawSums":
        """Returns the sums with `times` the other's added."""
        return DrawSums.of([a + times * b for a, b in zip(self.numbers(), other.numbers(), strict=True)])

    def numbers(self) -> tuple[int, ...]:
        """Returns all sums in one order: drawn, fallbacks, tries, entropy, then those by `why`."""
        return (self.drawn, self.fallbacks, self.tries, self.entropy, *self.why)

    @classmethod
    def of(cls, numbers: Sequence[int]) -> "DrawSums":
        """Returns the sums from their numbers. Raises ValueError when there are too few or too many."""
        if len(numbers) != len(_NUMBERS):
            raise ValueError(f"{len(numbers)} numbers are no {len(_NUMBERS)} sums of draws")
        drawn, fallbacks, tries, entropy, *why = numbers
        return cls(drawn, fallbacks, tries, entropy, tuple(why))


NO_DRAWS = DrawSums()
_NUMBERS = NO_DRAWS.numbers()


def draws_of(session: Session) -> DrawSums:
    """Returns what one session adds."""
    its, why = session.decision, session.why or why_not(session)
    read = not its.fallback and not its.impersonal
    return DrawSums(
        drawn=int(read),
        fallbacks=int(its.fallback),
        tries=int(read and its.explored),
        entropy=evenness(its.chances) if read else 0,
        why=tuple(int(word == why) for word in WHYS),
    )


def evenness(chances: Sequence[float]) -> int:
    """Returns H(p) / ln m of these m chances in whole millionths: 0 of a certain draw, a million of an even one."""
    if len(chances) < 2:
        return 0
    entropy = -math.fsum(p * math.log(p) for p in chances if p > 0)
    return round(MILLION * entropy / math.log(len(chances)))
