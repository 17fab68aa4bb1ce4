"""Computes the estimators from n logged decisions, each with context x, action a, reward r and propensity p(a|x).

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
    """Returns w, shape (n,), from the target's probabilities, shape (n, actions)."""
    return logged(target, action) / propensity


def logged(table: Floats, action: Ints) -> Floats:
    """Returns each row's value for the logged action, shape (n,), from a table of shape (n, actions)."""
    chosen: Floats = table[range(len(action)), action]
    return chosen


def ips(reward: Floats, weights: Floats) -> float:
    return float((weights * reward).mean())


def snips(reward: Floats, weights: Floats) -> float:
    return float((weights * reward).sum() / weights.sum())


def direct_method(model_under_target: Floats) -> float:
    """Returns DM. `model_under_target` is the sum over b of pi(b|x) q(x,b) of each row, shape (n,)."""
    return float(model_under_target.mean())


def doubly_robust(reward: Floats, weights: Floats, model_logged: Floats, model_under_target: Floats) -> float:
    """Returns DR. `model_logged` is q(x,a) of the logged action; `model_under_target` is as for `direct_method`."""
    return float((model_under_target + weights * (reward - model_logged)).mean())


def effective_sample_size(weights: Floats) -> float:
    """Returns Kish's effective sample size (1965), (sum w)^2 / sum w^2; 0 if all weights are 0.

    So many equally weighted rows would have the same variance.
    """
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0
