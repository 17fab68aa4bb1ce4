"""The learner: one-step Q-learning with value and advantage apart, in two ways (docs/decisions.md has their sources).

Both keep the same table and go by the same estimate:

    Q(s,b) = V(s) + A(b) + n(s,b) / (n(s,b) + k) * (A(s,b) - A(b))
    next   = max over b of Q(s',b)                          b: all but what the cool-down bars in s'

By averages, where actions are drawn by epsilon-greedy (each count raised by one first):

    y      = r + gamma * next
    d      = y - V(s) if s was seen before, else 0
    V(s)   += (y - V(s)) / min(n(s), w)
    A(s,a) += (d - A(s,a)) / n(s,a)
    A(a)   += (d - A(a)) / n(a)

By Kalman temporal differences (Geist and Pietquin, Kalman Temporal Differences, JAIR 39, 2010; of the covariance the
diagonal alone), where they are drawn by posterior probability. V, A and what a state adds to an action,
I(s,b) = Q(s,b) - V(s) - A(b), are normal, with variances u in units of one reward's. What follows counts relative to a
reference, its running mean over the latest w episodes (relative value iteration: Abounadi, Bertsekas and Borkar, SIAM
J. Control Optim. 40(3), 2001), so that y does not grow while the table fills, to the credit of whatever is then served:

    y          = r + gamma * (next - reference), or r where s' was never seen
    u(s), u(b) += drift for all s and b;   u(s,a) = 1 / (n(s,a) + k)
    e          = y - Q(s,a);   S = 1 + u(s) + u(a) + u(s,a)
    V(s)       += u(s) / S * e;   A(a) += u(a) / S * e;   I(s,a) += u(s,a) / S * e
    u(s)       -= u(s)^2 / S;     u(a) -= u(a)^2 / S;     n(s,a) += 1

Nothing but + - * / touches a float, and sums run in one order: the same transitions give the same bits on
every Python and every processor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from rl_core.config import Learner
from rl_core.models import ACTIONS, CELLS, STATES, Action, ActivityStats, Policy, Result, State, Transition

_WIDTH = len(ACTIONS)


class Estimates(Protocol):
    """What Q follows from; shapes as in `Policy`."""

    @property
    def values(self) -> Sequence[float]: ...
    @property
    def state_advantages(self) -> Sequence[float]: ...
    @property
    def action_advantages(self) -> Sequence[float]: ...
    @property
    def counts(self) -> Sequence[int]: ...


def q_values(policy: Estimates, state: State, k: float) -> tuple[float, ...]:
    """Q(s, b) for every action b, shape (6,)."""
    here = slice(state.row * _WIDTH, (state.row + 1) * _WIDTH)
    value, own = policy.values[state.row], zip(policy.counts[here], policy.state_advantages[here], strict=True)
    return tuple(
        [
            value + pooled + n / (n + k) * (advantage - pooled)
            for pooled, (n, advantage) in zip(policy.action_advantages, own, strict=True)
        ]
    )


class _Table:
    """A policy's arrays while sessions are folded into them."""

    def __init__(self, policy: Policy) -> None:
        self.values, self.state_advantages = list(policy.values), list(policy.state_advantages)
        self.action_advantages, self.counts = list(policy.action_advantages), list(policy.counts)
        self.variances, self.reference, self.episodes = policy.variances, policy.reference, policy.episodes

    def seen(self, s: int) -> int:
        return sum(self.counts[s * _WIDTH : (s + 1) * _WIDTH])

    def gains(self, s: int, a: int, drift: float, cell: float) -> tuple[float, float, float]:
        """How much of an error goes to V(s), A(a) and I(s,a), whose variance is `cell`; moves the other variances."""
        u = [variance + drift for variance in self.variances]
        total = 1 + u[s] + u[STATES + a] + cell
        of_state, of_action = u[s] / total, u[STATES + a] / total
        u[s] -= of_state * u[s]
        u[STATES + a] -= of_action * u[STATES + a]
        self.variances = tuple(u)
        return of_state, of_action, cell / total

    def average(self, t: Transition, follows: float, learner: Learner) -> None:
        """One step by averages; `follows` is what the next state promises, the maximum of its Q."""
        s, a, sa, seen = t.state.row, int(t.action), t.state.row * _WIDTH + t.action, self.seen(t.state.row)
        y = t.reward + learner.discount * follows
        d = y - self.values[s] if seen else 0.0
        self.counts[sa] += 1
        self.values[s] += (y - self.values[s]) / min(seen + 1, learner.value_window)
        self.state_advantages[sa] += (d - self.state_advantages[sa]) / self.counts[sa]
        self.action_advantages[a] += (d - self.action_advantages[a]) / sum(self.counts[a:CELLS:_WIDTH])

    def filter(self, t: Transition, follows: float, learner: Learner) -> None:
        """One step of the Kalman filter; arguments as in `average`."""
        s, a, sa, k = t.state.row, int(t.action), t.state.row * _WIDTH + t.action, learner.pooling_visits
        y = t.reward
        if self.seen(t.next_state.row):
            y += learner.discount * (follows - self.reference)
            self.reference += (follows - self.reference) / min(self.episodes + 1, learner.value_window)
        n, pooled = self.counts[sa], self.action_advantages[a]
        own = n / (n + k) * (self.state_advantages[sa] - pooled)
        error = y - (self.values[s] + pooled + own)
        of_state, of_action, of_cell = self.gains(s, a, learner.drift, 1 / (n + k))
        self.values[s] += of_state * error
        self.action_advantages[a] += of_action * error
        for cell in range(a, CELLS, _WIDTH):  # I(s,a) of every state stays as it is
            self.state_advantages[cell] += of_action * error
        self.counts[sa] += 1
        self.state_advantages[sa] = self.action_advantages[a] + (own + of_cell * error) * (n + 1 + k) / (n + 1)


def fold(policy: Policy, transitions: Iterable[Transition], learner: Learner) -> Policy:
    """The policy after all transitions, in order: the one fold behind the API, the job and any replay.

    `version` is the caller's to raise.
    """
    table, activities = _Table(policy), policy.activities
    update = table.filter if learner.exploration == "posterior" else table.average
    for t in transitions:
        follows = best_next(table, t.next_state, t.barred, learner.pooling_visits)
        update(t, follows, learner)
        table.episodes += 1
        activities = count_results(activities, t.results)
    return replace(
        policy,
        episodes=table.episodes,
        values=tuple(table.values),
        state_advantages=tuple(table.state_advantages),
        action_advantages=tuple(table.action_advantages),
        counts=tuple(table.counts),
        variances=table.variances,
        reference=table.reference,
        activities=activities,
    )


def learn(policy: Policy, t: Transition, learner: Learner) -> Policy:
    """The policy after one more transition."""
    return fold(policy, (t,), learner)


def best_next(policy: Estimates, state: State, barred: tuple[Action, ...], k: float) -> float:
    """max over the actions not barred of Q(s', b)."""
    return max(q for action, q in zip(ACTIONS, q_values(policy, state, k), strict=True) if action not in barred)


def count_results(activities: dict[int, ActivityStats], results: Iterable[Result]) -> dict[int, ActivityStats]:
    """The statistics with one more session's results counted in."""
    counted = dict(activities)
    for r in results:
        old = counted.get(r.entry, ActivityStats())
        counted[r.entry] = ActivityStats(
            assigned=old.assigned + 1,
            completed=old.completed + r.completed,
            rated=old.rated + (r.lift is not None),
            lift_points=old.lift_points + (r.lift or 0),
        )
    return counted


def q_table(policy: Policy, k: float) -> tuple[tuple[float, ...], ...]:
    """The whole table, shape (9, 6)."""
    return tuple(q_values(policy, State.from_row(row), k) for row in range(STATES))
