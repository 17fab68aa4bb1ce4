"""What simulated people say of consent, and when; drawn apart from all else that they do, and so moves none of it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

IMPERSONAL = 0.04  # of the people want no personal plans
WITHDRAWS = 0.14  # take back their consent to learning
UNLEARNS, AT_ONCE = 0.5, 0.5  # of these ask for what was learned to be taken back; of these again, together with the no
RETURNS = 0.5  # of those who withdraw grant it again


class Wish(NamedTuple):
    """What a person says when they open the app for the `opening`th time; None: nothing of that purpose."""

    opening: int
    personalise: bool | None = None
    learn: bool | None = None
    unlearn: bool = False


def wishes(seed: int, name: str, days: int, asked: bool = False) -> tuple[Wish, ...]:
    """What this person says within so many days, in order; who is `asked` first grants both purposes to begin with."""
    rng = Random(f"{seed}/{name}/consent")
    granted = (Wish(1, personalise=True, learn=True),) if asked else ()
    return (*granted, *sorted((*_of_plans(rng, days), *_of_learning(rng, days)), key=lambda wish: wish.opening))


def _of_plans(rng: Random, days: int) -> Iterator[Wish]:
    if rng.random() < IMPERSONAL:
        yield Wish(rng.randrange(2, 2 + days // 2), personalise=False)


def _of_learning(rng: Random, days: int) -> Iterator[Wish]:
    if rng.random() >= WITHDRAWS:
        return
    no = 2 + rng.randrange(days // 4, days // 2)
    later = rng.randint(1, 3)
    match rng.random() < UNLEARNS, rng.random() < AT_ONCE:
        case True, True:
            yield Wish(no, learn=False, unlearn=True)
        case True, False:
            yield Wish(no, learn=False)
            yield Wish(no + later, unlearn=True)
        case _:
            yield Wish(no, learn=False)
    if rng.random() < RETURNS:
        yield Wish(no + later + rng.randint(1, days // 4), learn=True)
