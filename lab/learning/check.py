"""`make check-learner`: whether the learner is as good as the comparison on record says, in a few minutes.

Two worlds, four of the comparison's own seeds, the learner as it is now against its shares on record
(docs/learning/comparison.json), seed by seed. A learner that did not change has the very same shares. One that did
passes unless it is behind in a world: the 95 % interval of the paired differences lies below 0, or their mean is more
than two points below. A change that passes still needs `make bench-learning`, which writes the record anew.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from lab.learning.cells import PROCESSES, ROOT
from lab.learning.methods import Fettle, Method, Uniform
from lab.learning.oracles import Planner
from lab.learning.runs import FETTLE, run, settings
from lab.learning.summary import interval
from lab.world.tastes import World, draw_tastes

WORLDS, SEEDS, EPISODES = (World.BASE, World.STATES), 4, 20_000
MOST = 0.02  # of the planner's gain: how far the mean may lie below the record
RECORD = ROOT / "docs" / "learning" / "comparison.json"


def share(world: World, seed: int, episodes: int = EPISODES) -> float:
    """Returns the learner's share of the planning oracle's gain over uniform play."""
    tastes, config = draw_tastes(world, seed), settings()

    def mean(method: Method) -> float:
        return run(tastes, seed, method, episodes, config)[0].mean

    least = mean(Uniform(seed))
    return (mean(Fettle(config)) - least) / (mean(Planner(tastes, config.action_cooldown)) - least)


def recorded(path: Path = RECORD) -> dict[tuple[World, int], float]:
    """Returns the learner's shares on record, by world and seed."""
    found = json.loads(path.read_text(encoding="utf-8"))
    own = {world: found[world.value][FETTLE] for world in WORLDS}
    return {
        (world, seed): share
        for world, its in own.items()
        for seed, share in enumerate(its["shares"][:SEEDS], its["seed"])
    }


def behind(differences: list[float]) -> bool:
    """Returns whether these differences from the record, seed by seed, show that the learner got worse."""
    found = interval(differences)
    return found.high < 0 or found.mean < -MOST


def main() -> int:
    """Prints each world's shares beside those on record; returns 1 if the learner is behind in a world."""
    before = recorded()
    with ProcessPoolExecutor(PROCESSES) as pool:
        found = dict(zip(before, pool.map(share, *zip(*before, strict=True)), strict=True))
    worse = False
    for world in WORLDS:
        shares = {seed: its for (where, seed), its in found.items() if where is world}
        differences = [round(its, 4) - before[world, seed] for seed, its in shares.items()]
        its, failed = interval(differences), behind(differences)
        same = "the same" if not any(differences) else f"{100 * its.mean:+.1f} points"
        told = " ".join(f"{100 * its:.1f}" for its in shares.values())
        print(f"{world.value:<8} {told} % of the planner's gain: {same}{' BEHIND' if failed else ''}")
        worse = worse or failed
    print("failed: the learner is behind its record" if worse else "passed")
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
