"""`python -m operate.permutation log.csv`: is the personalisation real, or would any deal of the labels do as well?

Two questions, each asked of a log (columns: `operate.log`) by a permutation test:

    segments  do actions work differently in different segments? If not, every segment could have any other's policy:
              the segments of the users are shuffled, each user keeping all of their sessions.
    states    within a segment, do actions work differently in different states? If not, a segment needs one policy for
              all of its states: the states of each user's sessions are shuffled among these sessions.

An additive model explains a part of each session's reward by the user, by the segment and state, by the action (for the
second question, by the action in that segment), and by how often the user had that action lately. That part is
subtracted from the reward; e is the rest. After each deal, the means of e per dealt label are subtracted too, as those
per true label were. Where actions work alike, e has mean 0 whichever action was served, so policies may lean to any
actions in any label, and no weights are needed. With sums over the sessions of a label with the same action,

    T = sum over labels and actions of (sum of e)^2     and     p-value = (1 + deals whose T is as large) / (1 + deals)

Sums, unlike means, have the same expectation however often a learner went on serving what did well at first. Shuffling
whole users, and states within users only, keeps what makes one person's sessions alike from being taken for an effect.
The spread is the root mean square, over sessions, of what the served action earns more or less in its label than in
general, after subtracting what chance alone gives; where p is not small it means nothing.

What this cannot tell: whether a policy uses the difference (`operate.evaluate` estimates that), or why it is there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from operate.log import Floats, Ints, Log, LogError, read_csv
from rl_core.models import ACTIONS, LATEST, STATES

SHUFFLES = 999
SMALL = 0.05
ROUNDS = 30  # rounds of alternating projections; the additive fit converges below the noise much earlier
LEAST = 200  # sessions: with fewer, finding no difference proves nothing
Shuffle = Callable[[], Ints]


@dataclass(frozen=True)
class Answer:
    """A test's outcome: p-value, spread between labels in units of reward, and the number of sessions tested."""

    p: float
    spread: float
    sessions: int

    @property
    def real(self) -> bool:
        return self.p < SMALL


def additive_residuals(reward: Floats, *factors: Ints) -> Floats:
    """Returns the rewards less a least-squares fit of one effect for each level of each factor (alternating
    projections).
    """
    left: Floats = reward - reward.mean()
    for _ in range(ROUNDS):
        for factor in factors:
            left = left - (np.bincount(factor, left) / np.maximum(np.bincount(factor), 1))[factor]
    return left


def had_lately(log: Log) -> Ints:
    """Returns how many of the user's latest sessions had the served action, shape (n,); one level more if not recorded.

    What one just had is worth less, in any label: a policy that repeats an action would look like a label's own effect.
    """
    pairs = zip(log.facts, log.action, strict=True)
    counts = [LATEST + 1 if facts is None else facts.latest.count(ACTIONS[action]) for facts, action in pairs]
    return np.array(counts, np.int64)


def segments_differ(log: Log, shuffles: int = SHUFFLES, seed: int = 0) -> Answer:
    """Tests the first question. A user who changed segment counts with the latest one. `seed` decides the shuffles."""
    rng = np.random.default_rng(seed)
    of_user = np.zeros(log.users, dtype=np.int64)
    of_user[log.user] = log.segment

    def shuffled() -> Ints:
        labels: Ints = rng.permutation(of_user)[log.user]
        return labels

    left = additive_residuals(log.reward, log.user, log.segment * STATES + log.state, log.action, had_lately(log))
    return _answer(left, log.action, of_user[log.user], shuffled, shuffles)


def states_differ(log: Log, shuffles: int = SHUFFLES, seed: int = 0) -> Answer:
    """Tests the second question, over all segments at once. `seed` decides the shuffles."""
    rng = np.random.default_rng(seed)
    state = log.segment * STATES + log.state
    own = np.argsort(log.user, kind="stable")

    def shuffled() -> Ints:
        labels = np.empty_like(state)
        labels[own] = state[np.lexsort((rng.random(len(state)), log.user))]
        return labels

    own_action = log.segment * len(ACTIONS) + log.action
    left = additive_residuals(log.reward, log.user, state, own_action, had_lately(log))
    return _answer(left, log.action, state, shuffled, shuffles)


def _answer(left: Floats, action: Ints, labels: Ints, shuffled: Shuffle, shuffles: int) -> Answer:
    true, earned = apart(left, action, labels)
    chance, by_chance = np.array([apart(left, action, shuffled()) for _ in range(shuffles)]).T
    # The tolerance counts shuffles that change nothing (one label, one session a user) as equally large.
    as_large = int((chance >= true * (1 - 1e-9)).sum())
    spread = max(earned - by_chance.mean(), 0.0) ** 0.5
    return Answer((1 + as_large) / (1 + shuffles), float(spread), len(left))


def apart(left: Floats, action: Ints, labels: Ints) -> tuple[float, float]:
    """Returns T of the module's docstring, and the mean over sessions of the square that label and action explain of
    `left`.
    """
    left = left - (np.bincount(labels, left) / np.maximum(np.bincount(labels), 1))[labels]
    cell = labels * len(ACTIONS) + action
    sums, n = np.bincount(cell, left), np.maximum(np.bincount(cell), 1)
    return float((sums**2).sum()), float((sums**2 / n).sum() / len(left))


def in_words(question: str, answer: Answer) -> str:
    """Returns the answer as a sentence for a reader who does not know what a p-value is."""
    what = f"what works differs between {question}"
    if answer.real:
        return (
            f"{what}: labels dealt at random did as well in {answer.p:.1%} of the deals only (p = {answer.p:.3f}). "
            f"From one to the next, the same action typically earns {answer.spread:.3f} more or less."
        )
    few = f" {answer.sessions} sessions are few: ask again with more." if answer.sessions < LEAST else ""
    return (
        f"no sign that {what}: labels dealt at random did as well in {answer.p:.0%} of the deals "
        f"(p = {answer.p:.3f}). That does not prove that they are alike.{few}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the answers to both questions; returns 0 when they could be asked, 2 when not."""
    parser = argparse.ArgumentParser(prog="python -m operate.permutation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("log", type=Path, help="CSV of logged decisions (operate.log)")
    parser.add_argument("--shuffles", type=int, default=SHUFFLES)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        log = read_csv(options.log)
    except (LogError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    if not len(log):
        print("there must be a decision", file=sys.stderr)
        return 2
    print(f"{len(log)} decisions of {log.users} users")
    for question, ask in (("segments", segments_differ), ("states", states_differ)):
        print(f"{question:<9} {in_words(question, ask(log, options.shuffles, options.seed))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
