"""Choosing an action: epsilon-greedy over the eligible ones, with the exact propensity."""

import hashlib
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from rl_core.config import Settings
from rl_core.learning import q_values
from rl_core.models import ACTIONS, Action, Decision, Policy, State


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
    return tuple(a for a in ACTIONS if a not in barred(recent, cooldown))


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


def decide(policy: Policy, state: State, recent: Sequence[Action], settings: Settings, rng: Random) -> Decision:
    """The decision that the policy makes in this state."""
    return draw(policy, state, eligible(recent, settings.action_cooldown), settings, rng)


def draw(policy: Policy, state: State, options: tuple[Action, ...], settings: Settings, rng: Random) -> Decision:
    """The decision among these eligible actions."""
    rate = epsilon(policy.episodes, settings)
    choice = choose(q_values(policy, state, settings.pooling_visits), options, rate, rng)
    return Decision(state, options, choice.action, choice.propensity, rate, policy.version, choice.explored)


def decide_without_policy(state: State, recent: Sequence[Action], settings: Settings, rng: Random) -> Decision:
    """A uniform draw over the eligible actions, marked as a fallback: never learned from."""
    return draw_without_policy(state, eligible(recent, settings.action_cooldown), rng)


def draw_without_policy(state: State, options: tuple[Action, ...], rng: Random) -> Decision:
    """The fallback's decision among these eligible actions."""
    action = pick(options, rng)
    return Decision(state, options, action, 1 / len(options), 1.0, policy_version=0, explored=True, fallback=True)


def known_best(decision: Decision) -> bool:
    """Whether the action was, to the policy, among the best of those eligible, and not all were alike."""
    return not decision.fallback and decision.propensity > 1 / len(decision.eligible) + 1e-12
