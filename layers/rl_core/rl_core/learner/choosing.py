"""Choosing an action among the eligible ones, with the exact propensity: epsilon-greedy, or by posterior probability.

The second draws each action about as often as it is the best one under a normal posterior of its value (Thompson
sampling's distribution, worked out instead of sampled). With the variance u(b) of the action's advantage, as the filter
of rl_core.learner.folding has it, in units of one reward's variance, and rest = k / (n(s,b) + k):

    var(s,b) = scale^2 noise (rest^2 u(b) + 1 / (n(s,b) + k))
    z(b)     = (Q(s,best) - Q(s,b)) / sqrt(var(s,b) + var(s,best))
    share(b) ~ P(N > z(b)) for the others, 1 - the greatest of these for the best; scaled to sum to 1
    p(b)     = floor / m + (1 - floor) share(b)

The shares are exact for two actions and for ties, and near for the rest; the draw is from p itself, so that its
propensity is exact. `noise` is the variance of one reward as the filter has met it. With a scale of less than 1 it
explores for less long than it believes it should (Chapelle and Li, An Empirical Evaluation of Thompson Sampling, NIPS
2011).
"""

import hashlib
import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from rl_core.config import Settings
from rl_core.learner.folding import q_values
from rl_core.models import ACTIONS, STATES, Action, Decision, Policy, State


class Choice(NamedTuple):
    action: Action
    propensity: float
    explored: bool


def generator(user: str, session: int, version: int) -> Random:
    """The generator of one decision. Only `random()` may be drawn from it: that is the same on every Python."""
    name = f"{version}:{session}:{user}".encode()
    return Random(int.from_bytes(hashlib.sha256(name).digest(), "big"))


def epsilon(episodes: int, settings: Settings) -> float:
    """max(epsilon_min, epsilon_start x decay^episodes), the power by squaring: the same bits anywhere."""
    power, base, n = 1.0, settings.epsilon_decay, episodes
    while n:
        if n & 1:
            power *= base
        base *= base
        n >>= 1
    return max(settings.epsilon_min, settings.epsilon_start * power)


def barred(recent: Sequence[Action], cooldown: int) -> tuple[Action, ...]:
    """The actions of the latest sessions that the cool-down keeps from coming back, oldest first."""
    return tuple(recent[-cooldown:]) if cooldown else ()


def eligible(recent: Sequence[Action], cooldown: int) -> tuple[Action, ...]:
    out = barred(recent, cooldown)
    return tuple(a for a in ACTIONS if a not in out)


def pick(options: Sequence[Action], rng: Random) -> Action:
    """One of the options, evenly, from one draw of `random()`."""
    return options[min(int(rng.random() * len(options)), len(options) - 1)]


def choose(values: Sequence[float], options: Sequence[Action], epsilon: float, rng: Random) -> Choice:
    """An action by epsilon-greedy over `options`; `values` is Q(s, .), shape (6,).

    The propensity is epsilon/m, plus (1 - epsilon)/t for each of the t actions that share the greatest value.
    """
    top = max(values[a] for a in options)
    greedy = [a for a in options if values[a] == top]
    explored = rng.random() < epsilon
    action = pick(options, rng) if explored else pick(greedy, rng)
    share = (1 - epsilon) / len(greedy) if action in greedy else 0.0
    return Choice(action, epsilon / len(options) + share, explored)


def tail(z: float) -> float:
    """P(N > z) of a standard normal N, for z >= 0, to 0.00025, by + - * / alone (Abramowitz and Stegun, 26.2.18)."""
    t = 1 + z * (0.196854 + z * (0.115194 + z * (0.000344 + z * 0.019527)))
    return 0.5 / (t * t * t * t)


def variances(policy: Policy, state: State, scale: float) -> tuple[float, ...]:
    """The posterior variance of Q(s, b) - V(s) for every action b, shape (6,)."""
    counts = policy.counts[state.row * len(ACTIONS) : (state.row + 1) * len(ACTIONS)]
    unit, k = scale * scale * policy.noise, policy.pooling
    cells = zip(policy.variances[STATES:], counts, strict=True)
    return tuple([unit * (k / (n + k) * k / (n + k) * u + 1 / (n + k)) for u, n in cells])


def shares(values: Sequence[float], variance: Sequence[float], options: Sequence[Action]) -> tuple[float, ...]:
    """About how probable each option is to be the best, in their order; `values` and `variance` have shape (6,)."""
    best = max(options, key=values.__getitem__)
    top, value, spread = options.index(best), values[best], variance[best]
    weights = [tail((value - values[a]) / math.sqrt(variance[a] + spread)) for a in options]
    weights[top] = 0.0
    weights[top] = 1 - max(weights)
    total = 0.0
    for weight in weights:
        total += weight
    return tuple([weight / total for weight in weights])


def sample(
    values: Sequence[float], variance: Sequence[float], options: Sequence[Action], floor: float, rng: Random
) -> Choice:
    """An action by posterior probability over `options`, from one draw; explored if it is not among the greatest."""
    even, rest, left = floor / len(options), 1 - floor, rng.random()
    mixed = [even + rest * share for share in shares(values, variance, options)]
    place = 0
    while place < len(options) - 1 and left >= mixed[place]:
        left -= mixed[place]
        place += 1
    action = options[place]
    return Choice(action, mixed[place], values[action] < max(map(values.__getitem__, options)))


def decide(policy: Policy, state: State, recent: Sequence[Action], settings: Settings, rng: Random) -> Decision:
    """The decision that the policy makes in this state."""
    return draw(policy, state, eligible(recent, settings.action_cooldown), settings, rng)


def draw(policy: Policy, state: State, options: tuple[Action, ...], settings: Settings, rng: Random) -> Decision:
    """The decision among these eligible actions. Its epsilon is the share of decisions drawn evenly."""
    values = q_values(policy, state)
    if settings.exploration == "posterior":
        rate = settings.posterior_floor
        choice = sample(values, variances(policy, state, settings.posterior_scale), options, rate, rng)
    else:
        rate = epsilon(policy.episodes, settings)
        choice = choose(values, options, rate, rng)
    return Decision(state, options, choice.action, choice.propensity, rate, policy.version, choice.explored)


def decide_without_policy(state: State, recent: Sequence[Action], settings: Settings, rng: Random) -> Decision:
    """A uniform draw over the eligible actions, marked as a fallback: never learned from."""
    return draw_without_policy(state, eligible(recent, settings.action_cooldown), rng)


def draw_without_policy(state: State, options: tuple[Action, ...], rng: Random) -> Decision:
    """The fallback's decision among these eligible actions."""
    action = pick(options, rng)
    return Decision(state, options, action, 1 / len(options), 1.0, policy_version=0, explored=True, fallback=True)


def known_best(decision: Decision) -> bool:
    """Whether the action was, to the policy, among the best of those eligible, and not all were alike.

    An even draw of epsilon-greedy may hit one of the t best: its propensity tells. By posterior probability an action
    that is not the best may be likely too; it is marked as explored.
    """
    even, rate = 1 / len(decision.eligible), decision.epsilon
    if decision.fallback or decision.propensity <= even + 1e-12:
        return False
    greedy = (rate * even + (1 - rate) / t for t in range(1, len(decision.eligible)))
    return not decision.explored or any(abs(decision.propensity - p) < 1e-12 for p in greedy)
