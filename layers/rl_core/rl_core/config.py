"""Reads the settings from the environment; a setting's variable is its field's name in upper case."""

import os
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_ACTIONS = 6
FEWEST_ACTIONS = 2  # so many any cool-down leaves, whatever a user wants to be without
MOST_WITHOUT = _ACTIONS - FEWEST_ACTIONS  # actions that a user may want to be without
_POOLING = {"epsilon": 100.0, "posterior": 12.0}
_DISCOUNT = {"epsilon": 0.6, "posterior": 0.9}


class LearnerSettings(BaseModel):
    """Holds the constants of the learner; docs/learning.md says where they come from."""

    model_config = ConfigDict(frozen=True)

    exploration: Literal["epsilon", "posterior"] = Field(
        "posterior", description="how an action is drawn and how its estimate is learned: rl_core/learner/"
    )
    pooling_visits: float = Field(
        default_factory=lambda given: _POOLING[given["exploration"]],
        gt=0,
        description="k: visits at which a state's own advantage weighs half; by posterior, the prior of that",
    )
    discount: float = Field(
        default_factory=lambda given: _DISCOUNT[given["exploration"]], ge=0, lt=1, description="gamma"
    )
    discount_ramp: float = Field(
        200.0, gt=0, description="by posterior, episodes of a segment after which the discount has half of its size"
    )
    value_window: int = Field(
        200, ge=1, description="visits after which a state's value, by averages, and the reference keep their step size"
    )
    drift: float = Field(
        5e-5, ge=0, description="what each episode adds to the variances, in units of one reward's variance"
    )
    person_correlation: float = Field(
        0.1, ge=0, description="by posterior, how alike one person's answers about an action are taken to be at least"
    )
    innovation_limit: float = Field(
        2.0, gt=0, description="by posterior, of how many standard deviations a surprise moves the table at most"
    )


class Settings(LearnerSettings):
    """Holds everything that a deployment may set."""

    table_name: str
    epsilon_start: float = Field(0.3, ge=0, le=1)
    epsilon_decay: float = Field(0.993, gt=0, le=1, description="per episode of the segment")
    epsilon_min: float = Field(0.06, ge=0, le=1)
    posterior_scale: float = Field(
        0.8, gt=0, description="how wide the posterior is taken in the long run, in units of its standard deviation"
    )
    posterior_scale_first: float = Field(0.7, gt=0, description="how wide it is taken in a segment's first session")
    min_probability: float = Field(
        0.0004, ge=0, le=1 / _ACTIONS, description="by posterior, with which each eligible action is drawn at least"
    )
    max_probability: float = Field(
        1.0, gt=0, le=1, description="by posterior, with which each eligible action is drawn at most"
    )
    action_cooldown: int = Field(1, ge=0, le=5, description="latest actions that are not eligible again")
    session_hours: int = Field(48, ge=1, description="hours until an unfinished session expires")
    sessions_per_day: int = Field(12, ge=1, le=1000, description="sessions issued to a user on one of their days")
    learned_per_day: int = Field(
        2, ge=0, le=1000, description="of those that close on a user's day, how many are learned"
    )
    consent_default: Literal["granted", "required"] = Field(
        "granted", description="what holds of a purpose of which a user never said anything"
    )
    keep_assessments: bool = Field(True, description="whether the scores of a PUT of the profile are kept")
    support_text: str = Field("", max_length=500, description="where people with high anxiety find help, in words")
    support_url: str = Field("", pattern=r"^(https://\S+)?$", max_length=2000, description="a page that tells more")
    learn_attempts: int = Field(4, ge=0, description="policy races an API request may lose before it queues")
    daily_queue_url: str = Field("", description="where the daily job's dispatcher puts the shards of a day")
    segment_metrics: bool = Field(False, description="whether the figures of final days are published by segment too")
    index_shards: Annotated[Literal[1, 4, 16], BeforeValidator(int)] = Field(
        1, description="partitions of the index into which each kind of waiting work is spread"
    )
    erasures_name: str = Field("", description="the table that says which lives were erased")
    learn_batch: int = Field(90, ge=1, le=90, description="sessions in one learning transaction of the job")

    @model_validator(mode="after")
    def _bounds_can_be_kept(self) -> Self:
        """Raises ValueError when the actions that the cool-down leaves cannot all keep below the greatest probability.

        All six can always have the least one.
        """
        actions = max(FEWEST_ACTIONS, _ACTIONS - self.action_cooldown)
        if self.max_probability * actions < 1:
            raise ValueError(
                f"max_probability is below 1/{actions}: with action_cooldown {self.action_cooldown}, {actions} actions "
                "are drawn from, and their probabilities sum to 1"
            )
        return self


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Returns the process's settings. Raises pydantic's ValidationError when the environment does not fit."""
    return read_settings()


def read_settings(**given: str) -> Settings:
    """Returns the environment's settings; a value in `given` replaces the environment's. Raises ValidationError."""
    read = {k: os.environ[k.upper()] for k in Settings.model_fields if k.upper() in os.environ}
    return Settings.model_validate(read | given)
