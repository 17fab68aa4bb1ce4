"""Estimates the trial's own effect of sending by week and by recent dose, as differences of means."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lab.studies.heartsteps.trial import Trial, walk, with_dose
from operate.log import Bools
from operate.ope.judge import Estimate
from operate.ope.totals import resampled

DOSES = ("0-1", "2-3", "4-5")


def weeks(trial: Trial) -> Iterator[tuple[str, Bools]]:
    for week in range(6):
        yield str(week + 1), trial.day // 7 == week


def doses(trial: Trial) -> Iterator[tuple[str, Bools]]:
    """Yields the decisions by how many of the person's latest five sent something."""
    dose = walk(trial, with_dose).state % 3
    for level, name in enumerate(DOSES):
        yield name, dose == level


def effect(trial: Trial, rows: Bools, replicates: int = 2000, seed: int = 0) -> Estimate:
    """Returns the mean log of steps after sending less that after not sending, among these decisions.

    Sending was randomised with one probability, so the difference of the means is the effect. The
    95 % interval comes from users drawn anew.
    """
    users = int(trial.user.max()) + 1
    draws = np.concatenate([np.ones((1, users)), resampled(users, replicates, seed)])
    means = []
    for arm in (rows & trial.sent, rows & ~trial.sent):
        sums, n = np.bincount(trial.user, arm * trial.reward, users), np.bincount(trial.user, arm, users)
        means.append((draws @ sums) / (draws @ n))
    difference = means[0] - means[1]
    low, high = np.percentile(difference[1:], [2.5, 97.5])
    return Estimate(float(difference[0]), float(low), float(high))
