"""The service's visitors as a Gymnasium environment: one step is one session, of whoever opens the app next.

    observation  segment 0-8, state row 0-8 (engagement level x 3 + motivation level), `eligible`: six zeros or ones
    action       the strategy, 0-5; one that is not eligible is a ValueError
    reward       the exact mean of what the session brings (`Caller.expected`), not what the answers come to
    terminated   never: people go on coming; a time limit is the caller's, for instance `gymnasium.wrappers.TimeLimit`

`info` holds what the service knows besides, under the names of `rl_core`: `user`, `session` (its number), `recent`
(actions had, newest last), `day`, and `feedback`: the `Feedback` of the sessions that closed since the last step, which
may be none or many. A learner learns from those, never from the reward: it would be told what no service can know.

All draws follow from the seed given to `reset`; without one, from the environment's own generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from lab.world.crowd import PER_SEGMENT, Caller, Crowd
from lab.world.tastes import World, draw_tastes
from rl_core import learner
from rl_core.config import Settings
from rl_core.models import ACTIONS, STATES, Action, ActivityStats, Decision, Segment

Observation = dict[str, Any]
_PLACES = {segment: place for place, segment in enumerate(Segment)}


class Visitors(gymnasium.Env[Observation, np.int64]):
    """The people of a world, one visitor after another. `options={"tastes": ...}` of reset sets tastes of one's own."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self, world: World | str = World.BASE, per_segment: int = PER_SEGMENT, settings: Settings | None = None
    ) -> None:
        self._world, self._per_segment = World(world), per_segment
        self._settings = settings or Settings(table_name="none")
        self.action_space = spaces.Discrete(len(ACTIONS))
        self.observation_space = spaces.Dict(
            segment=spaces.Discrete(len(Segment)),
            state=spaces.Discrete(STATES),
            eligible=spaces.MultiBinary(len(ACTIONS)),
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """A new crowd, before its first visit."""
        super().reset(seed=seed)
        drawn = int(self.np_random.integers(2**31))
        tastes = (options or {}).get("tastes") or draw_tastes(self._world, drawn)
        self._crowd = Crowd(tastes, drawn, self._settings, self._per_segment, slates=True)
        self._caller = self._crowd.call()
        return self._observation(), self._info()

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Serves the action to the visitor, as if drawn evenly and by a policy without statistics; brings the next."""
        caller = self._caller
        chances = learner.even(caller.eligible)
        even = learner.decision(chances, caller.state, Action(int(action)), rate=1.0, version=0)
        reward = self.serve(even)
        return self._observation(), reward, False, False, self._info()

    def serve(
        self, decision: Decision, stats: Mapping[int, ActivityStats] | None = None, rng: Random | None = None
    ) -> float:
        """What `step` does, with a decision of the learner, the policy's statistics and the decision's generator.

        Returns the reward; `visitor` is then the next one.
        """
        caller = self._caller
        reward = caller.expected(decision.action)
        self._crowd.serve(caller, decision, stats or {}, rng)
        self._caller = self._crowd.call()
        return reward

    @property
    def visitor(self) -> Caller:
        """Who has opened the app, hidden tastes and all."""
        return self._caller

    def _observation(self) -> Observation:
        caller = self._caller
        mask: NDArray[np.int8] = np.array([a in caller.eligible for a in ACTIONS], dtype=np.int8)
        return {
            "segment": np.int64(_PLACES[caller.life.segment]),
            "state": np.int64(caller.state.row),
            "eligible": mask,
        }

    def _info(self) -> dict[str, Any]:
        life = self._caller.life
        return {
            "user": life.user,
            "session": life.sessions + 1,
            "recent": life.recent,
            "day": self._caller.day,
            "feedback": self._crowd.heard(),
        }
