"""What simulated people do to steer the service, and when; drawn apart from all else that they do."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

EXCLUDES = 0.10  # of the people exclude a kind of plan or two
PAUSES = 0.10  # pause for some days
ASKS = 0.25  # ask why they got a plan, several times
EXPORTS = 0.10  # take their data along in the end
ACTIONS = range(6)


class Step(NamedTuple):
    """What a person does when they open the app for the `opening`th time.

    They exclude the kinds of plan `without`, fill in the assessment again if they had done so at first, with a GAD-7
    score `better` by so many points, ask why they got this plan, and after it pause for `pause` days.
    """

    opening: int
    without: tuple[int, ...] = ()
    asks: bool = False
    pause: int = 0
    better: int = 0


class Steps(NamedTuple):
    """What a person does in order, and whether they take their data along in the end."""

    steps: tuple[Step, ...]
    exports: bool


NO_STEPS = Steps((), exports=False)


def steps(seed: int, name: str, days: int) -> Steps:
    """Returns what this person does within so many days."""
    rng = Random(f"{seed}/{name}/steps")
    found = (*_excluding(rng, days), *_pausing(rng, days), *_asking(rng, days))
    exports = rng.random() < EXPORTS
    again = Step(rng.randrange(2, 2 + days // 2), better=rng.randint(-1, 3))
    return Steps(tuple(sorted((*found, again), key=lambda step: step.opening)), exports)


def _excluding(rng: Random, days: int) -> Iterator[Step]:
    if rng.random() < EXCLUDES:
        kinds = rng.sample(ACTIONS, rng.randint(1, 2))
        yield Step(rng.randrange(1, 2 + days // 2), without=tuple(sorted(kinds)))


def _pausing(rng: Random, days: int) -> Iterator[Step]:
    if rng.random() < PAUSES:
        yield Step(rng.randrange(2, 2 + days // 3), pause=rng.randint(2, 6))


def _asking(rng: Random, days: int) -> Iterator[Step]:
    if rng.random() < ASKS:
        for opening in sorted(rng.sample(range(1, 2 + days // 2), 3)):
            yield Step(opening, asks=True)
