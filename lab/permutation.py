"""`python -m lab.permutation log.csv`: is the personalisation real, or would any deal of the labels do as well?

Two questions, each asked of a log (columns: `lab.log`) by a permutation test:

    segments  do actions work differently in different segments? If not, every segment could have any other's policy:
              the segments of the users are shuffled, each user keeping all of their sessions.
    states    within a segment, do actions work differently in different states? If not, a segment needs one policy for
              all of its states: the states of each user's sessions are shuffled among these sessions.

From each session's reward is taken what an additive model of the user, the (segment, state) and the action explains;
e is left. With propensity p of the action served and m eligible actions, the session's contrast is the vector

    c(a) = e (served(a) / p - 1 / (m p))    over the eligible actions, 0 for the others

whose mean, over the draw of the action, is how much better an action works here than its own general effect, whatever
the policy leaned to. Summed over the sessions of a label,

    T = sum over labels of |sum of c|^2     and     p-value = (1 + shuffles whose T is as large) / (1 + shuffles)

Unweighted sums have the same mean in every deal, however unlike the contrasts' variances are. Shuffling whole users,
and states within users only, keeps what makes one person's sessions alike from being taken for an effect. The spread is
the standard deviation between labels of what an action earns, chance taken off; where p is not small it means nothing.

What this cannot tell: whether a policy uses the difference (`lab.evaluate` estimates that), or why it is there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.log import Floats, Ints, Log, LogError, read_csv
from rl_core.models import ACTIONS, STATES

SHUFFLES = 999
SMALL = 0.05
ROUNDS = 30  # of alternating projections: the additive fit changes by less than noise long before
LEAST = 200  # sessions: below, silence proves nothing
Shuffle = Callable[[], Ints]


@dataclass(frozen=True)
class Answer:
    """A test's outcome: p-value, spread between labels in units of reward, and the sessions that it rests on."""

    p: float
    spread: float
    sessions: int

    @property
    def real(self) -> bool:
        return self.p < SMALL


def additive_residuals(reward: Floats, *factors: Ints) -> Floats:
    """What no sum of one effect for each level of each factor explains, by least squares (alternating projections)."""
    left: Floats = reward - reward.mean()
    for _ in range(ROUNDS):
        for factor in factors:
            left = left - (np.bincount(factor, left) / np.maximum(np.bincount(factor), 1))[factor]
    return left


def contrasts(log: Log) -> Floats:
    """c of the module's docstring, shape (n, 6), less its mean over the log."""
    left = additive_residuals(log.reward, log.user, log.segment * STATES + log.state, log.action)
    share = 1 / log.propensity
    c = np.where(log.eligible, -(left * share / log.eligible.sum(1))[:, None], 0.0)
    c[np.arange(len(log)), log.action] += left * share
    centred: Floats = c - c.mean(0)
    return centred


def segments_differ(log: Log, shuffles: int = SHUFFLES, seed: int = 0) -> Answer:
    """The first question; who has moved counts where they are now. `seed` decides the shuffles."""
    rng = np.random.default_rng(seed)
    of_user = np.zeros(log.users, dtype=np.int64)
    of_user[log.user] = log.segment

    def shuffled() -> Ints:
        labels: Ints = rng.permutation(of_user)[log.user]
        return labels

    return _answer(log, of_user[log.user], shuffled, shuffles)


def states_differ(log: Log, shuffles: int = SHUFFLES, seed: int = 0) -> Answer:
    """The second question, over all segments at once."""
    rng = np.random.default_rng(seed)
    state = log.segment * STATES + log.state
    own = np.argsort(log.user, kind="stable")

    def shuffled() -> Ints:
        labels = np.empty_like(state)
        labels[own] = state[np.lexsort((rng.random(len(state)), log.user))]
        return labels

    return _answer(log, state, shuffled, shuffles)


def _answer(log: Log, labels: Ints, shuffled: Shuffle, shuffles: int) -> Answer:
    c = contrasts(log)
    true, chance = apart(c, labels), np.array([apart(c, shuffled()) for _ in range(shuffles)])
    # The tolerance keeps shuffles that change nothing (one label, one session a user) from counting as smaller.
    as_large = int((chance >= true * (1 - 1e-9)).sum())
    sizes = np.bincount(labels).astype(float)
    spread = max(true - chance.mean(), 0.0) / float((sizes**2).sum() * len(ACTIONS))
    return Answer((1 + as_large) / (1 + shuffles), float(np.sqrt(spread)), len(log))


def apart(c: Floats, labels: Ints) -> float:
    """T of the module's docstring."""
    return float(sum((np.bincount(labels, column) ** 2).sum() for column in c.T))


def in_words(question: str, answer: Answer) -> str:
    """The answer for somebody who does not know what a p-value is."""
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
    """0 where the questions could be asked, 2 where not."""
    parser = argparse.ArgumentParser(prog="python -m lab.permutation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("log", type=Path, help="CSV of logged decisions (lab.log)")
    parser.add_argument("--shuffles", type=int, default=SHUFFLES)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        log = read_csv(options.log)
    except (LogError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    if not len(log) or np.isnan(log.propensity).any():
        print("every decision must have its propensity, and there must be one", file=sys.stderr)
        return 2
    print(f"{len(log)} decisions of {log.users} users")
    for question, ask in (("segments", segments_differ), ("states", states_differ)):
        print(f"{question:<9} {in_words(question, ask(log, options.shuffles, options.seed))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
