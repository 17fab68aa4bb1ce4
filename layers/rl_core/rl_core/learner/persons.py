"""Derives from a person's facts how the person differs from the segment, and how much their answers weigh.

docs/learner.md has the equations and their sources. Variances are in units of one reward's variance; floats are
computed with + - * / and sqrt alone and sums run in one order, so the same facts give the same bits on every Python.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from rl_core.models import ACTIONS, MILLION, Action, Facts

_WIDTH = len(ACTIONS)
_WEAR = tuple(its / 2.8 for its in (1.0, 0.7, 0.5, 0.35, 0.25))  # of the latest session, the one before, ...; sum 1
_OFFSET_VARIANCE = 0.1  # of what a person's rewards lie above the segment's, whatever the action
_FREEDOM = 2.0  # degrees of freedom of the t distribution that persons are taken from
_EVIDENCE_VISITS, _CONTRAST = 5.0, 2.0


class Person(NamedTuple):
    """Holds what a person's answers say of the person.

    `effects` P(b), shape (6,), is what each action gives them beyond what it gives the segment; `offset` D is what any
    action does. `distance` is the squared distance of the person from the segment, in as many dimensions as `actions`.
    """

    effects: tuple[float, ...]
    offset: float
    distance: float
    actions: int

    def trust(self, scale: float) -> float:
        """Returns the share of a full observation's precision that the next answer of this person has.

        It is the weight of a t distribution, (f + m) / (f + d / scale), at most 1.
        """
        return min(1.0, (_FREEDOM + self.actions) / (_FREEDOM + self.distance / scale))


NOBODY = Person((0.0,) * _WIDTH, 0.0, 0.0, 0)


def worn(latest: Sequence[Action]) -> list[float]:
    """Returns x(b), shape (6,): how much of the latest sessions, newest last, was action b; 1 if all of five were."""
    x = [0.0] * _WIDTH
    for weight, action in zip(_WEAR, reversed(latest), strict=False):
        if action < _WIDTH:
            x[action] += weight
    return x


def person(facts: Facts, usual: Sequence[float], correlation: float, noise: float) -> Person:
    """Returns the best linear unbiased prediction of a person's offset and effects, and their distance.

    `usual` is the mean reward of each action in the segment, shape (6,); `correlation` is the variance of the effects,
    `noise` that of one reward.
    """
    if not any(facts.counts):
        return NOBODY
    apart, precisions = [0.0] * _WIDTH, [0.0] * _WIDTH
    total, weighted, squared, actions = 1 / _OFFSET_VARIANCE, 0.0, 0.0, 0
    for b, n in enumerate(facts.counts):
        if not n:
            continue
        apart[b] = facts.sums[b] / MILLION / n - usual[b]
        precisions[b] = its = n / (n * correlation + 1)
        total += its
        weighted += its * apart[b]
        squared += its * apart[b] * apart[b]
        actions += 1
    offset = weighted / total
    effects = tuple([correlation * q * (m - offset) if q else 0.0 for q, m in zip(precisions, apart, strict=True)])
    return Person(effects, offset, (squared - weighted * offset) / noise, actions)


class Evidence(NamedTuple):
    """Holds what one answer says of the correlation: `product` is an unbiased estimate of it, times its `weight`."""

    product: float
    weight: float


def evidence(
    facts: Facts, action: Action, innovation: float, usual: Sequence[float], prior: float, noise: float
) -> Evidence:
    """Returns what an answer says of how much one person's answers about one action are alike.

    An `innovation` from the segment's estimate, times the person's mean so far for the same action less that for the
    others, is the correlation on average. The contrast is cut at two of its standard deviations under the `prior`; the
    weight falls with the number of the person's answers, which all tell of the same few effects.
    """
    same = facts.counts[action]
    others = sum(facts.counts) - same
    if not same or not others:
        return Evidence(0.0, 0.0)
    rest = 0.0
    for b in ACTIONS:
        if b != action and facts.counts[b]:
            rest += facts.sums[b] / MILLION - facts.counts[b] * usual[b]
    contrast = facts.sums[action] / MILLION / same - usual[action] - rest / others
    limit = _CONTRAST * math.sqrt(noise * (prior + 1 / same + 1 / others))
    contrast = min(max(contrast, -limit), limit)
    pairs = same * others / (same + others)
    weight = pairs / ((1 + prior * pairs) * (1 + prior * pairs)) / (1 + (same + others) / _EVIDENCE_VISITS)
    return Evidence(weight * innovation * contrast / noise, weight)
