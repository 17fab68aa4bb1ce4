"""Defines what an evaluation needs of a log, whichever service logged it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from operate.log import SEGMENTS, Bools, Floats, Ints, Log
from rl_core.models import STATES


@dataclass(frozen=True)
class Sample:
    """Holds n decisions; every array has shape (n,) except `eligible`, which has shape (n, actions).

    `group` and `state` are the two halves of the context that the reward model knows. `epsilon`, the share of
    decisions drawn evenly, is None where it is not recorded. `all_propensities`, shape (n, actions), are those of every
    action, where they are known.
    """

    user: Ints
    group: Ints
    state: Ints
    eligible: Bools
    action: Ints
    propensity: Floats
    reward: Floats
    groups: int
    states: int
    epsilon: Floats | None = None
    all_propensities: Floats | None = None

    def __len__(self) -> int:
        return len(self.action)

    @property
    def actions(self) -> int:
        return int(self.eligible.shape[1])

    @property
    def users(self) -> int:
        """Returns how many different users the sample has."""
        return len(np.unique(self.user))

    def where(self, mask: Bools) -> Sample:
        """Returns the decisions that the mask keeps, with their users numbered anew from 0."""
        return replace(
            self,
            user=np.unique(self.user[mask], return_inverse=True)[1].astype(np.int64),
            group=self.group[mask],
            state=self.state[mask],
            eligible=self.eligible[mask],
            action=self.action[mask],
            propensity=self.propensity[mask],
            reward=self.reward[mask],
            epsilon=None if self.epsilon is None else self.epsilon[mask],
            all_propensities=None if self.all_propensities is None else self.all_propensities[mask],
        )


def sample_of(log: Log) -> Sample:
    """Returns the sample of one of Fettle's logs; the segments are its groups."""
    recorded = not np.isnan(log.epsilon).any()
    return Sample(
        user=log.user,
        group=log.segment,
        state=log.state,
        eligible=log.eligible,
        action=log.action,
        propensity=log.propensity,
        reward=log.reward,
        groups=len(SEGMENTS),
        states=STATES,
        epsilon=log.epsilon if recorded else None,
    )
