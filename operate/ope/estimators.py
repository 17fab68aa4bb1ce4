"""The estimators, row by row: n logged decisions, each with context x, action a, reward r and propensity p(a|x).

With pi the target policy, w = pi(a|x) / p(a|x) its importance weights and q(x,b) a model of the rewards:

    IPS    = mean(w r)                                        Horvitz & Thompson, JASA 47, 1952
    SNIPS  = sum(w r) / sum(w)                                Swaminathan & Joachims, NIPS 2015
    DM     = mean(sum over b of pi(b|x) q(x,b))
    DR     = mean(sum over b of pi(b|x) q(x,b) + w (r - q(x,a)))     Dudik, Langford & Li, ICML 2011

All estimate the mean one-step reward that pi would have had in the contexts that were logged: the contexts are those
to which the logging policy led. IPS and DR are unbiased if p is right and positive wherever pi is; SNIPS is biased by
O(1/n) and varies less; DM is as biased as its model.
"""

from __future__ import annotations

from operate.log import Floats, Ints


def importance_weights(target: Floats, action: Ints, propensity: Floats) -> Floats:
    """w, shape (n,), from the target's probabilities, shape (n, actions)."""
    return logged(target, action) / propensity


def logged(table: Floats, action: Ints) -> Floats:
    """The logged action's column of each row, shape (n,)."""
    chosen: Floats = table[range(len(action)), action]
    return chosen


def ips(reward: Floats, weights: Floats) -> float:
    return float((weights * reward).mean())


def snips(reward: Floats, weights: Floats) -> float:
    return float((weights * reward).sum() / weights.sum())


def direct_method(model_under_target: Floats) -> float:
    """From the model's value under the target of each row, sum over b of pi(b|x) q(x,b), shape (n,)."""
    return float(model_under_target.mean())


def doubly_robust(reward: Floats, weights: Floats, model_logged: Floats, model_under_target: Floats) -> float:
    """`model_logged` is q(x,a) of the logged action."""
    return float((model_under_target + weights * (reward - model_logged)).mean())


def effective_sample_size(weights: Floats) -> float:
    """(sum w)^2 / sum w^2, Kish 1965: how many equally weighted rows would vary as little; 0 without any weight."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0
