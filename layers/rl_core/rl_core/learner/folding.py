"""The learner: one-step Q-learning with value and advantage apart, in two ways (docs/decisions.md has their sources).

Both keep the same table and go by the same estimate:

    Q(s,b) = V(s) + A(b) + n(s,b) / (n(s,b) + k) * (A(s,b) - A(b))
    next   = max over b of Q(s',b)                          b: all but what the cool-down bars in s'

By averages, where actions are drawn by epsilon-greedy (each count raised by one first; k is the setting):

    y      = r + gamma * next
    d      = y - V(s) if s was seen before, else 0
    V(s)   += (y - V(s)) / min(n(s), w)
    A(s,a) += (d - A(s,a)) / n(s,a)
    A(a)   += (d - A(a)) / n(a)

By Kalman temporal differences (Geist and Pietquin, Kalman Temporal Differences, JAIR 39, 2010), where they are drawn by
posterior probability. V, A and what a state adds to an action, I(s,b) = Q(s,b) - V(s) - A(b), are normal, with
variances u in units of one reward's. Of the covariance the diagonal is kept, and between an action and what states add
to it what their visits say, as in a random-effects model (Robinson, That BLUP Is a Good Thing, Statistical Science
6(1), 1991): given A(b), I(s,b) has mean n / (n + k) * (A(s,b) - A(b)) and variance 1 / (n + k). What follows counts
relative to a reference, its running mean over the latest w episodes (relative value iteration: Abounadi, Bertsekas and
Borkar, SIAM J. Control Optim. 40(3), 2001), so that y does not grow while the table fills, to the credit of whatever is
then served:

    y          = r + gamma * (next - reference), or r where s' was never seen
    u(s), u(b) += drift for all s and b
    rest       = k / (n(s,a) + k)                            what the state's own visits do not yet say
    c          = rest * u(a)                                 covariance of A(a) with Q(s,a)
    v          = rest * c + 1 / (n(s,a) + k)                 variance of Q(s,a) - V(s)
    e          = y - Q(s,a);   S = 1 + u(s) + v
    V(s)       += u(s) / S * e;   A(a) += c / S * e;   Q(s,a) - V(s) += v / S * e, by a new A(s,a)
    u(s)       -= u(s)^2 / S;     u(a) -= c^2 / S;     n(s,a) += 1
    noise      += (e^2 / S - noise) / min(episodes + 20, 1000)    a reward's variance, 0.0001 at least

How much the state matters differs between segments, so k is estimated from the table at every tenth episode, by the
method of moments (DerSimonian and Laird, Controlled Clinical Trials 7(3), 1986), its setting k0 counting as much as
two cells that are known well:

    weight(s,b) = n(s,b) / (n(s,b) + k0)
    excess(s,b) = (A(s,b) - A(b))^2 / noise - 1 / n(s,b)
    1 / k       = (2 / k0 + sum of weight * excess) / (2 + sum of weight), kept between 1/300 and 1/5

Nothing but + - * / touches a float, and sums run in one order: the same transitions give the same bits on
every Python and every processor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from rl_core.config import Learner
from rl_core.models import ACTIONS, CELLS, STATES, Action, ActivityStats, Policy, Result, State, Transition

_WIDTH = len(ACTIONS)
_NOISE_FIRST, _NOISE_WINDOW, _NOISE_LEAST = 20, 1000, 1e-4
_K_EVERY, _K_WEIGHT, _K_LEAST, _K_MOST = 10, 2.0, 5.0, 300.0


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
    @property
    def pooling(self) -> float: ...


def q_values(policy: Estimates, state: State) -> tuple[float, ...]:
    """Q(s, b) for every action b, shape (6,)."""
    row = state.row
    here, value, k = slice(row * _WIDTH, (row + 1) * _WIDTH), policy.values[row], policy.pooling
    cells = zip(policy.action_advantages, policy.counts[here], policy.state_advantages[here], strict=True)
    return tuple([value + pooled + n / (n + k) * (advantage - pooled) for pooled, n, advantage in cells])


class _Table:
    """A policy's arrays while sessions are folded into them."""

    def __init__(self, policy: Policy) -> None:
        self.values, self.state_advantages = list(policy.values), list(policy.state_advantages)
        self.action_advantages, self.counts = list(policy.action_advantages), list(policy.counts)
        self.variances, self.reference, self.episodes = policy.variances, policy.reference, policy.episodes
        self.noise, self.pooling = policy.noise, policy.pooling

    def seen(self, s: int) -> int:
        return sum(self.counts[s * _WIDTH : (s + 1) * _WIDTH])

    def estimated_pooling(self, k0: float) -> float:
        """k from how far the states' advantages lie from their actions', beyond what noise alone would do."""
        ratio, weights = _K_WEIGHT / k0, _K_WEIGHT
        for cell, n in enumerate(self.counts):
            if n:
                own, weight = self.state_advantages[cell] - self.action_advantages[cell % _WIDTH], n / (n + k0)
                ratio += weight * (own * own / self.noise - 1 / n)
                weights += weight
        return weights / min(max(ratio, weights / _K_MOST), weights / _K_LEAST)

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
        s, a, sa, k = t.state.row, int(t.action), t.state.row * _WIDTH + t.action, self.pooling
        y = t.reward
        if self.seen(t.next_state.row):
            y += learner.discount * (follows - self.reference)
            self.reference += (follows - self.reference) / min(self.episodes + 1, learner.value_window)
        n, pooled, value = self.counts[sa], self.action_advantages[a], self.values[s]
        u = [variance + learner.drift for variance in self.variances]
        rest = k / (n + k)
        advantage = pooled + (1 - rest) * (self.state_advantages[sa] - pooled)
        shared = rest * u[STATES + a]
        variance = rest * shared + 1 / (n + k)
        error, total = y - (value + advantage), 1 + u[s] + variance
        self.values[s] = value + u[s] / total * error
        self.action_advantages[a] = pooled = pooled + shared / total * error
        advantage += variance / total * error
        u[s] -= u[s] / total * u[s]
        u[STATES + a] -= shared / total * shared
        self.counts[sa], self.variances = n + 1, tuple(u)
        self.state_advantages[sa] = pooled + (advantage - pooled) * (n + 1 + k) / (n + 1)
        met = (error * error / total - self.noise) / min(self.episodes + _NOISE_FIRST, _NOISE_WINDOW)
        self.noise = max(self.noise + met, _NOISE_LEAST)
        if self.episodes % _K_EVERY == 0:
            self.pooling = self.estimated_pooling(learner.pooling_visits)


def fold(policy: Policy, transitions: Iterable[Transition], learner: Learner) -> Policy:
    """The policy after all transitions, in order: the one fold behind the API, the job and any replay.

    `version` is the caller's to raise.
    """
    table, activities = _Table(policy), policy.activities
    if learner.exploration == "posterior":
        update = table.filter
    else:
        update, table.pooling = table.average, learner.pooling_visits
    for t in transitions:
        follows = best_next(table, t.next_state, t.barred)
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
        noise=table.noise,
        pooling=table.pooling,
        activities=activities,
    )


def learn(policy: Policy, t: Transition, learner: Learner) -> Policy:
    """The policy after one more transition."""
    return fold(policy, (t,), learner)


def best_next(policy: Estimates, state: State, barred: tuple[Action, ...]) -> float:
    """max over the actions not barred of Q(s', b)."""
    return max(q for action, q in zip(ACTIONS, q_values(policy, state), strict=True) if action not in barred)


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


def q_table(policy: Policy) -> tuple[tuple[float, ...], ...]:
    """The whole table, shape (9, 6)."""
    return tuple(q_values(policy, State.from_row(row)) for row in range(STATES))
