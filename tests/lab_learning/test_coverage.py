"""The check of the learner's intervals, where the answer is known."""

from collections.abc import Sequence
from random import Random
from statistics import fmean, pstdev

import pytest

from lab.learning import coverage
from lab.learning.coverage import AVERAGE, MET, RESTED, Hits, Truth, held, interval
from lab.learning.methods import Former
from lab.learning.runs import settings
from lab.world.crowd import Crowd
from lab.world.tastes import Tastes, World, draw_tastes
from rl_core.learner.posterior import Posterior
from rl_core.learner.posterior_1 import Posterior1
from rl_core.models import ACTIONS, Action, Facts, State

START = {"pooling_visits": 30.0}


class Certain(Posterior):
    """A table that says what it was told."""

    means: Sequence[float] = ()
    sd = 0.0

    def estimates(self, state: State, facts: Facts | None = None) -> tuple[float, ...]:
        del state, facts
        return tuple(self.means)

    def spread(self, state: State, scale: float) -> tuple[float, ...]:
        """Of six independent and equal ones, a contrast has five sixths of the variance."""
        del state, scale
        return (self.sd**2 * 6 / 5,) * len(ACTIONS)


def told(means: Sequence[float], sd: float) -> Certain:
    table = Certain.start(START)
    table.counts = [5] * len(table.counts)
    table.means, table.sd = means, sd
    return table


def truth_of(means: Sequence[float], row: int = 4) -> Truth:
    truth = Truth()
    for a in ACTIONS:
        truth.numbers[row, a] = 2
        for name in coverage.TRUTHS:
            truth.sums[name, row, a] = 2 * means[a]
    return truth


def test_an_interval_holds_the_truth_up_to_its_width() -> None:
    truth = truth_of((0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    right = [-0.25, -0.15, -0.05, 0.05, 0.15, 0.25]
    assert held(told(right, 1e-9), truth)[MET] == Hits(6, 6)
    wrong = [its + 0.1 * (-1) ** place for place, its in enumerate(right)]
    assert held(told(wrong, 0.1 / 1.95), truth)[MET] == Hits(6, 6)
    assert held(told(wrong, 0.1 / 1.97), truth)[MET] == Hits(0, 6)


def test_only_cells_of_five_visits_count_and_states_where_every_action_was_open() -> None:
    table, truth = told([0.0] * 6, 1.0), truth_of([0.3] * 6)
    table.counts[4 * 6 + 2] = 4
    assert held(table, truth)[MET] == Hits(5, 5)
    truth.numbers[4, Action.PHYSICAL] = 0
    assert held(table, truth)[MET] == Hits(0, 0)


def test_the_former_learners_spread_of_a_contrast_is_that_of_independent_actions() -> None:
    table, rng = Posterior1.start(START), Random(1)
    table.variances[9:] = [0.1, 0.2, 0.3, 0.1, 0.4, 0.2]
    state, options = State(1, 1), ACTIONS[:5]
    spread = table.spread(state, 1.0)
    draws = [[rng.gauss(0.0, spread[a] ** 0.5) for a in options] for _ in range(20_000)]
    means, sds = interval(table, state, options)
    for place in range(5):
        assert sds[place] == pytest.approx(pstdev(draw[place] - fmean(draw) for draw in draws), rel=0.03)
    assert sum(means) == pytest.approx(0)


def test_the_truths_differ_by_wear_and_by_the_persons_own() -> None:
    tastes = {s: Tastes((0.5,) * 6, wear=0.3, deviation=0.3) for s in draw_tastes(World.OLD, 1)}
    crowd, method, truth = Crowd(tastes, 1, settings()), Former(), Truth()
    average = coverage._average(*next(iter(tastes.items())))
    for _ in range(400):
        caller = crowd.call()
        truth.add(caller, average)
        crowd.serve(caller, method.decide(caller))
    row = max(range(9), key=lambda row: min(truth.numbers[row, a] for a in ACTIONS))
    mean = {t: fmean(truth.sums[t, row, a] / truth.numbers[row, a] for a in ACTIONS) for t in coverage.TRUTHS}
    assert mean[MET] < mean[RESTED] - 0.01
    apart = {t: max(map(abs, truth.contrasts(t, row) or ())) for t in coverage.TRUTHS}
    assert apart[AVERAGE] < 0.03 < apart[RESTED]


def test_a_course_is_looked_at_when_each_segment_has_learned_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "IN_NINE", (20, 60))
    found = coverage.course("former", World.BASE, 1, 9)
    assert list(found) == [20, 60]
    assert found[60][MET].cells > found[20][MET].cells
    assert 0 < found[60][MET].held <= found[60][MET].cells
