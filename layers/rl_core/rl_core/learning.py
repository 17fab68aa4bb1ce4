"""The learner: one-step Q-learning with value and advantage apart (spec'd equations in docs/decisions.md).

    Q(s,b) = V(s) + A(b) + n(s,b) / (n(s,b) + k) * (A(s,b) - A(b))
    y      = r + gamma * max over b of Q(s',b)              b: all but what the cool-down bars in s'
    d      = y - V(s) if s was seen before, else 0
    V(s)   += (y - V(s)) / min(n(s), w)                     each count raised by one first
    A(s,a) += (d - A(s,a)) / n(s,a)
    A(a)   += (d - A(a)) / n(a)

Nothing but + - * / touches a float, and sums run in one order: the same transitions give the same bits on
every Python and every processor.
"""

from collections.abc import Iterable
from dataclasses import replace

from rl_core.config import Learner
from rl_core.models import ACTIONS, CELLS, STATES, Action, ActivityStats, Policy, Result, State, Transition

_WIDTH = len(ACTIONS)


def q_values(policy: Policy, state: State, k: float) -> tuple[float, ...]:
    """Q(s, b) for every action b, shape (6,)."""
    row = state.row
    value, cells = policy.values[row], range(row * _WIDTH, (row + 1) * _WIDTH)
    return tuple(
        value + pooled + policy.counts[i] / (policy.counts[i] + k) * (policy.state_advantages[i] - pooled)
        for i, pooled in zip(cells, policy.action_advantages, strict=True)
    )


def learn(policy: Policy, t: Transition, learner: Learner) -> Policy:
    """The policy after one more transition; `version` is the caller's to raise."""
    s, a = t.state.row, int(t.action)
    sa = s * _WIDTH + a
    values, state_advantages = list(policy.values), list(policy.state_advantages)
    action_advantages, counts = list(policy.action_advantages), list(policy.counts)

    y = t.reward + learner.discount * best_next(policy, t.next_state, t.barred, learner.pooling_visits)
    seen = sum(counts[s * _WIDTH : (s + 1) * _WIDTH])
    d = y - values[s] if seen else 0.0
    counts[sa] += 1
    values[s] += (y - values[s]) / min(seen + 1, learner.value_window)
    state_advantages[sa] += (d - state_advantages[sa]) / counts[sa]
    action_advantages[a] += (d - action_advantages[a]) / sum(counts[a:CELLS:_WIDTH])

    return replace(
        policy,
        episodes=policy.episodes + 1,
        values=tuple(values),
        state_advantages=tuple(state_advantages),
        action_advantages=tuple(action_advantages),
        counts=tuple(counts),
        activities=count_results(policy.activities, t.results),
    )


def best_next(policy: Policy, state: State, barred: tuple[Action, ...], k: float) -> float:
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


def fold(policy: Policy, transitions: Iterable[Transition], learner: Learner) -> Policy:
    """The policy after all transitions, in order: the one fold behind the API, the job and any replay."""
    for t in transitions:
        policy = learn(policy, t, learner)
    return policy


def q_table(policy: Policy, k: float) -> tuple[tuple[float, ...], ...]:
    """The whole table, shape (9, 6)."""
    return tuple(q_values(policy, State.from_row(row), k) for row in range(STATES))
