"""Is the personalisation real: small p where it is, even p where it is not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from lab.learning.logs import SETTINGS, logged
from lab.learning.methods import Fettle, Method
from lab.world.tastes import World, draw_tastes
from operate.log import Floats, Log, log_of, write_csv
from operate.permutation import (
    Answer,
    additive_residuals,
    had_lately,
    in_words,
    main,
    segments_differ,
    states_differ,
)
from rl_core.models import ACTIONS, LATEST, STATES, Action, Facts, Segment

NULLS = 120
Make = Callable[[], Method] | None


def learner() -> Method:
    """The service's own, its exploration as shipped."""
    return Fettle(SETTINGS)


def null_log(seed: int, users: int = 45, each: int = 14) -> Log:
    """Where neither question has a yes: levels of segment and state, users with tastes of their own, and what is drawn
    leaning to other actions in each segment and state, as a learner's draws do."""
    rng = np.random.default_rng(seed)
    n = users * each
    user = np.repeat(np.arange(users), each)
    segment = (np.arange(users) % 9)[user]
    state = np.minimum(rng.poisson(2 + rng.random(users)[user] * 3), STATES - 1)
    eligible = np.arange(len(ACTIONS)) != rng.integers(0, len(ACTIONS), n)[:, None]
    lean = np.exp(rng.normal(0, 1.0, (9, STATES, len(ACTIONS))))[segment, state] * eligible
    chance = lean / lean.sum(1, keepdims=True)
    action = (np.cumsum(chance, 1) > rng.random(n)[:, None]).argmax(1)
    own = rng.normal(0, 0.1, (users, len(ACTIONS)))
    reward: Floats = (
        rng.normal(0, 0.1, 9)[segment]
        + rng.normal(0, 0.1, (9, STATES))[segment, state]
        + rng.normal(0, 0.1, len(ACTIONS))[action]
        + rng.normal(0, 0.1, users)[user]
        + own[user, action]
        + rng.normal(0, 0.2, n)
    )
    propensity = chance[np.arange(n), action]
    found = replace(log_of([]), user=user, segment=segment, state=state, eligible=eligible, action=action)
    return replace(found, propensity=propensity, reward=reward, facts=(None,) * n)


def too_small(ps: list[float]) -> bool:
    """Kolmogorov and Smirnov's one-sided distance below even, beyond its 0.1 % limit and a step of p."""
    grid = np.arange(1, len(ps) + 1) / len(ps)
    return bool((grid - np.sort(ps)).max() > 1.86 / len(ps) ** 0.5 + 0.02)


@pytest.mark.parametrize("method", [None, learner], ids=["uniform", "fettle"])
def test_real_differences_between_segments_give_a_small_p(method: Make) -> None:
    log = log_of(logged(draw_tastes(World.BASE, 1), 1500, method=method and method()))
    answer = segments_differ(log, shuffles=199)
    assert answer.p == 1 / 200
    assert 0.03 < answer.spread < 0.3


def test_one_taste_for_everybody_gives_no_small_p() -> None:
    one = draw_tastes(World.BASE, 1)[Segment.LOW_LOW]
    log = log_of(logged(dict.fromkeys(draw_tastes(World.BASE, 1), one), 1500))
    assert segments_differ(log, shuffles=199).p > 0.01
    assert states_differ(log, shuffles=199).p > 0.01


@pytest.mark.parametrize("method", [None, learner], ids=["uniform", "fettle"])
def test_real_differences_between_states_give_a_small_p(method: Make) -> None:
    base = draw_tastes(World.BASE, 1)
    rng = Random(5)
    rows = tuple(tuple(rng.gauss(0, 0.2) for _ in ACTIONS) for _ in range(STATES))
    log = log_of(logged({s: replace(t, by_state=rows) for s, t in base.items()}, 4000, method=method and method()))
    assert states_differ(log, shuffles=199).p == 1 / 200


@pytest.mark.parametrize("question", [segments_differ, states_differ])
def test_where_there_is_nothing_p_is_not_smaller_than_by_chance(question: type) -> None:
    ps = [question(null_log(seed), shuffles=49, seed=seed).p for seed in range(NULLS)]
    assert not too_small(ps)
    assert 0.0 < np.mean(np.array(ps) <= 0.1) < 0.2


def test_nor_where_a_learner_has_learned_that_there_is_nothing() -> None:
    found: dict[str, list[float]] = {"segments": [], "states": []}
    for seed in range(20):
        one = draw_tastes(World.BASE, seed)[Segment.LOW_LOW]
        log = log_of(logged(dict.fromkeys(Segment, one), 600, seed, learner()))
        found["segments"].append(segments_differ(log, shuffles=49, seed=seed).p)
        found["states"].append(states_differ(log, shuffles=49, seed=seed).p)
    for ps in found.values():
        assert not too_small(ps)
        assert 0.3 < np.mean(ps) < 0.7


def worn(log: Log, each: int, wear: float) -> Log:
    """The log, where each of a user's latest five sessions of the same action takes something off."""
    mine = [log.action[row - row % each : row][-LATEST:] for row in range(len(log))]
    facts = tuple(Facts(latest=tuple(Action(int(a)) for a in actions)) for actions in mine)
    had = np.array([f.latest.count(Action(int(a))) for f, a in zip(facts, log.action, strict=True)])
    return replace(log, facts=facts, reward=log.reward - wear * had)


def test_what_wears_off_is_not_taken_for_a_segments_own_effect() -> None:
    ps: dict[str, list[float]] = {"worn": [], "as new": [], "not told": []}
    for seed in range(10):
        log = null_log(seed, users=90, each=20)
        tired, fresh = worn(log, 20, 0.2), worn(log, 20, 0.0)
        for name, its in zip(ps, (tired, fresh, replace(tired, facts=(None,) * len(log))), strict=True):
            ps[name].append(segments_differ(its, shuffles=49, seed=seed).p)
    assert ps["worn"] == pytest.approx(ps["as new"])
    assert np.mean(ps["not told"]) < 0.4 < np.mean(ps["worn"])


def test_an_action_that_was_had_lately_is_counted_and_what_is_not_recorded_is_a_case_of_its_own() -> None:
    log = replace(null_log(1, users=1, each=3), facts=(None, Facts(), Facts(latest=(Action(2), Action(3), Action(2)))))
    assert had_lately(replace(log, action=np.array([2, 2, 2]))).tolist() == [LATEST + 1, 0, 2]


def test_small_ps_would_be_noticed() -> None:
    rng = np.random.default_rng(1)
    assert not too_small(list(rng.random(NULLS)))
    assert too_small(list(rng.random(NULLS) ** 2))


def test_the_residuals_of_an_additive_reward_are_nothing() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.integers(0, 5, 500), rng.integers(0, 4, 500)
    reward = rng.normal(0, 1, 5)[one] + rng.normal(0, 1, 4)[other] + 3
    assert np.abs(additive_residuals(reward, one, other)).max() < 1e-9


@pytest.mark.parametrize("question", [segments_differ, states_differ])
def test_a_log_needs_no_propensities(question: Callable[..., Answer]) -> None:
    log = null_log(3)
    without = replace(log, propensity=np.full(len(log), np.nan))
    assert question(without, shuffles=49) == question(log, shuffles=49)


def test_a_log_without_anything_to_shuffle_proves_nothing() -> None:
    log = null_log(1, users=1)
    assert segments_differ(log, shuffles=49).p == 1.0
    assert "1" in in_words("segments", segments_differ(log, shuffles=49))


def test_the_command_answers_both_questions_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log.csv"
    write_csv(path, logged(draw_tastes(World.BASE, 1), 1200))
    assert main([str(path), "--shuffles", "99"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1].startswith("segments  what works differs between segments")
    assert told[2].startswith("states")
    assert main([str(tmp_path / "none.csv")]) == 2
