"""Reads the HeartSteps V1 decision points as logged decisions, and as states in which the learner would have met them.

The file is not part of this repository; docs/learning.md says where to get it and how its columns are derived. Points
at which a person was unavailable were not randomised and are left out.

A suggestion was sent with probability 0.6. Its kind (walk, stand up) is told apart by the message's words, with nominal
probabilities of 0.3 each, which do not match what was drawn (`calibrate` rejects them): only sending is judged.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from operate.log import Bools, Floats, Ints, LogError
from operate.ope.sample import Sample
from rl_core.models import LEVELS, STATES, Action, Level, Segment, State
from rl_core.sessions.outcome import state_of

FILE = Path(__file__).parents[4] / "shared" / "data" / "heartsteps_v1" / "decisions.csv"
SENDING = 0.6
# Two of the learner's actions stand for the two arms; the other four are never eligible.
NONE, SEND = Action.MAINTAIN, Action.PHYSICAL
KINDS = ("none", "walk", "antisedentary")
RATE = 0.2  # the step size of the service's own scores (engagement, motivation)


@dataclass(frozen=True)
class Trial:
    """n decision points at which the person was available, in the order of day, slot and person; arrays of shape (n,).

    `segment` is 0-2 by activity at intake; `before` and `after` are steps in the 30 minutes around the decision;
    `reward` is log(after + 0.5); `kind` is an index into KINDS. `unavailable` counts the points left out.
    """

    user: Ints
    day: Ints
    slot: Ints
    segment: Ints
    sent: Bools
    kind: Ints
    before: Floats
    after: Floats
    reward: Floats
    active: Bools
    unavailable: int

    def __len__(self) -> int:
        return len(self.user)


def load(path: Path = FILE) -> Trial:
    """Reads the trial from its CSV. Raises LogError when the file is not as expected."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        available = [row for row in rows if row["avail"] == "True"]
        trial = _trial(available, unavailable=len(rows) - len(available))
        claimed = np.array([float(row["propensity2"]) for row in _ordered(available)])
    except (KeyError, ValueError) as error:
        raise LogError(f"{path}: {error!r}") from error
    if not np.allclose(claimed, np.where(trial.sent, SENDING, 1.0 - SENDING)):
        raise LogError(f"{path}: a propensity is neither that of sending nor that of not sending")
    return trial


def _ordered(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(rows, key=lambda row: (int(row["day"]), int(row["slot"]), int(row["user"])))


def _trial(rows: list[dict[str, str]], unavailable: int) -> Trial:
    rows = _ordered(rows)
    people = np.array([int(row["user"]) for row in rows])
    return Trial(
        user=np.unique(people, return_inverse=True)[1].astype(np.int64),
        day=np.array([int(row["day"]) for row in rows]),
        slot=np.array([int(row["slot"]) for row in rows]),
        segment=np.array([LEVELS.index(Level(row["ipaq3"])) for row in rows]),
        sent=np.array([row["send"] == "True" for row in rows]),
        kind=np.array([KINDS.index(row["arm3"]) for row in rows]),
        before=np.array([float(row["steps30pre"]) for row in rows]),
        after=np.array([float(row["steps30"]) for row in rows]),
        reward=np.array([float(row["reward_log"]) for row in rows]),
        active=np.array([row["reward_bin"] == "1" for row in rows]),
        unavailable=unavailable,
    )


def segments() -> tuple[Segment, ...]:
    """Returns the learner's segments by activity at intake.

    The anxiety in their names means nothing, because the trial did not ask for it.
    """
    return tuple(Segment.of(Level.LOW, level) for level in LEVELS)


@dataclass(frozen=True)
class Walk:
    """Holds each decision's state row as the service would know it, and the row after its outcome; arrays of shape
    (n,).
    """

    state: Ints
    next_state: Ints


@dataclass
class Scores:
    """What is known of one person before a decision. `sends` are the latest five decisions, newest last."""

    engagement: float = 0.0
    motivation: float = 0.0
    sends: tuple[bool, ...] = ()

    def move(self, active: bool, change: float, sent: bool) -> None:
        """Moves both scores a fifth of the way to what was observed, as the service does."""
        self.engagement += RATE * (float(active) - self.engagement)
        self.motivation += RATE * (change - self.motivation)
        self.sends = (*self.sends, sent)[-5:]


def shipped(scores: Scores) -> State:
    """Returns the specification's state: engagement level and motivation level."""
    return state_of(scores.engagement, scores.motivation)


def with_dose(scores: Scores) -> State:
    """Returns the state with the recent dose, 0-1, 2-3 or 4-5 sends in the latest five decisions, as motivation."""
    return State(shipped(scores).engagement, min(sum(scores.sends) // 2, 2))


STATES_OF: Mapping[str, Callable[[Scores], State]] = {"shipped": shipped, "dose": with_dose}


def walk(trial: Trial, state_from: Callable[[Scores], State] = shipped) -> Walk:
    """Returns the states of all decisions.

    Engagement is the running share of active half hours (100 steps or more). Motivation is the running change of the
    log of steps over the decision: a fifth of the change, within -1..1, in place of a fifth of a rating's points.
    """
    people, rows = [Scores() for _ in range(int(trial.user.max()) + 1)], list[tuple[int, int]]()
    change = np.clip((trial.reward - np.log(trial.before + 0.5)) / 5.0, -1.0, 1.0)
    for i, user in enumerate(trial.user):
        before = state_from(people[user]).row
        people[user].move(bool(trial.active[i]), float(change[i]), bool(trial.sent[i]))
        rows.append((before, state_from(people[user]).row))
    return Walk(*np.array(rows, np.int64).T)


def sample_of(trial: Trial, state: Ints, by_kind: bool = False) -> Sample:
    """Returns the trial for the estimators; the actions are 0 none and 1 send, or with `by_kind` the three kinds."""
    probabilities = np.array([0.4, 0.3, 0.3] if by_kind else [1.0 - SENDING, SENDING])
    action = trial.kind if by_kind else trial.sent.astype(np.int64)
    return Sample(
        user=trial.user,
        group=trial.segment,
        state=state,
        eligible=np.ones((len(trial), len(probabilities)), bool),
        action=action,
        propensity=probabilities[action],
        reward=trial.reward,
        groups=len(LEVELS),
        states=STATES,
        all_propensities=np.tile(probabilities, (len(trial), 1)),
    )
