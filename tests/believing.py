"""A learner to which a person's own rewards say everything, for tests of what a person's facts are used for."""

from collections.abc import Sequence

from rl_core.config import Settings
from rl_core.learner.bounds import bounded
from rl_core.learner.posterior import Posterior
from rl_core.learner.shares import shares
from rl_core.models import ACTIONS, NO_FACTS, Action, Facts, State


class Believing(Posterior):
    """Believes a person's own mean reward of an action, and that what was had lately is worth a little less."""

    def estimates(self, state: State, facts: Facts | None = None) -> tuple[float, ...]:
        of_all, facts = super().estimates(state), facts or NO_FACTS
        own = [total / n / 1e6 if n else q for q, n, total in zip(of_all, facts.counts, facts.sums, strict=True)]
        return tuple(q - 0.01 * facts.latest.count(a) for a, q in zip(ACTIONS, own, strict=True))

    def probabilities(
        self, state: State, eligible: Sequence[Action], episodes: int, settings: Settings, values: Sequence[float]
    ) -> tuple[float, ...]:
        del episodes
        share = shares(values, self.spread(state, settings.posterior_scale), eligible)
        return bounded(share, settings.min_probability, settings.max_probability)
