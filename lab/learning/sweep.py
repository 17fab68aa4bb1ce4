"""`python -m lab.learning.sweep`: one setting changed at a time, in every world, on seeds that the comparison has not.

Shares are of the gain of the planning oracle with the settings as they are, also where the cool-down differs. The
figures go into the page's section "settings"; they are evidence for the defaults, not a search for the best: a setting
is judged over all worlds, since nobody knows which of them people live in.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from statistics import fmean

from lab.learning.cells import PROCESSES
from lab.learning.methods import Fettle, Uniform
from lab.learning.oracles import Planner
from lab.learning.page import replace_section, table
from lab.learning.runs import BIN, length_of, run, settings
from lab.learning.summary import Interval, interval
from lab.world.tastes import World, draw_tastes
from rl_core.config import Settings

FIRST_SEED, SEEDS, EPISODES = 100, 6, 20_000
AS_IS = "as it is"
CHANGES: Mapping[str, Mapping[str, object]] = {
    AS_IS: {},
    "k = 30": {"pooling_visits": 30},
    "k = 100": {"pooling_visits": 100},
    "discount 0": {"discount": 0.0},
    "discount 0.45": {"discount": 0.45},
    "discount 0.6": {"discount": 0.6},
    "ramp 50": {"discount_ramp": 50},
    "drift 0": {"drift": 0.0},
    "drift 0.0002": {"drift": 2e-4},
    "scale 0.65": {"posterior_scale": 0.65},
    "scale 0.95": {"posterior_scale": 0.95},
    "first scale 0.4": {"posterior_scale_first": 0.4},
    "correlation 0": {"person_correlation": 0.0},
    "limit 4": {"innovation_limit": 4},
    "least 0.012": {"min_probability": 0.012},
    "least 0.05, most 0.8": {"min_probability": 0.05, "max_probability": 0.8},
    "cool-down 2": {"action_cooldown": 2},
    "epsilon": {"exploration": "epsilon"},
    "epsilon, floor 0.02": {"exploration": "epsilon", "epsilon_min": 0.02},
}
UNIFORM, PLANNING = "uniform", "planning"

Means = dict[tuple[str, World, int], float]
Effects = Mapping[str, Mapping[World, Interval]]


def mean_of(job: tuple[str, World, int, int]) -> float:
    """Returns the mean score of one course; the job is (change, world, seed, episodes)."""
    change, world, seed, episodes = job
    tastes, config = draw_tastes(world, seed), settings(**CHANGES.get(change, {}))
    if change == UNIFORM:
        return run(tastes, seed, Uniform(seed), episodes, config)[0].mean
    if change == PLANNING:
        return run(tastes, seed, Planner(tastes, config.action_cooldown), episodes, config)[0].mean
    return run(tastes, seed, Fettle(config), episodes, config)[0].mean


def effects_of(means: Means, seeds: Sequence[int], worlds: Sequence[World]) -> Effects:
    """Returns change -> world -> interval: for the settings as they are, their share of the gain.

    For a change, it is what the change adds to that share, seed by seed.
    """

    def share(change: str, world: World, seed: int) -> float:
        least = means[UNIFORM, world, seed]
        return (means[change, world, seed] - least) / (means[PLANNING, world, seed] - least)

    def more(change: str, world: World, seed: int) -> float:
        return share(change, world, seed) - (share(AS_IS, world, seed) if change != AS_IS else 0.0)

    return {
        change: {world: interval([more(change, world, seed) for seed in seeds]) for world in worlds}
        for change in CHANGES
    }


def section(found: Effects, seeds: int, episodes: int) -> str:
    """Returns the page's section."""
    rows = [_row(change, list(by_world.values())) for change, by_world in found.items()]
    return (
        "## Settings\n\n"
        f"One setting changed at a time, {seeds} seeds of {episodes:,} episodes, not those of the comparison. The "
        "first row is the share of the gain in %, the others what a change adds to it in points, seed by seed, with "
        f"95 % intervals. As it is: by posterior probability with {_said(settings())}; epsilon is epsilon-greedy with "
        f"{_said(settings(exploration='epsilon'))}.\n\n"
        + table(["", *(world.value for world in found[AS_IS]), "mean"], rows)
    )


def _row(change: str, effects: Sequence[Interval]) -> list[str]:
    form = ".0f" if change == AS_IS else "+.0f"
    cells = [f"{100 * e.mean:{form}} ± {50 * (e.high - e.low):.0f}" for e in effects]
    return [change, *cells, f"{100 * fmean(e.mean for e in effects):{form}}"]


def _said(at: Settings) -> str:
    exploring = (
        f"ramp {at.discount_ramp:g}, scale {at.posterior_scale:g}, first scale {at.posterior_scale_first:g}, least "
        f"{at.min_probability:g}, drift {at.drift:g}, correlation {at.person_correlation:g}, limit "
        f"{at.innovation_limit:g}"
        if at.exploration == "posterior"
        else f"floor {at.epsilon_min:g}"
    )
    return f"k = {at.pooling_visits:g}, discount {at.discount:g}, {exploring}, cool-down {at.action_cooldown}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.learning.sweep", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--episodes", type=int, default=EPISODES, help=f"per course, from {BIN}")
    parser.add_argument("--worlds", nargs="+", type=World, choices=list(World), default=list(World))
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where learning.md is")
    options = parser.parse_args(arguments)
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    every = product(options.worlds, seeds, (UNIFORM, PLANNING, *CHANGES))
    jobs = [(change, world, seed, length_of(world, options.episodes)) for world, seed, change in every]
    means: Means = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        for (change, world, seed, _), mean in zip(jobs, pool.map(mean_of, jobs), strict=True):
            means[change, world, seed] = mean
            print(f"{len(means)} of {len(jobs)}: {world.value}, seed {seed}, {change}", file=sys.stderr)
    found = effects_of(means, seeds, options.worlds)
    text = section(found, options.seeds, options.episodes)
    replace_section(options.docs / "learning.md", "settings", text)
    print(text)
    print(json.dumps({c: {w.value: round(s.mean, 4) for w, s in by.items()} for c, by in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
