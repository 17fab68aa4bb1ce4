"""`make bench-heartsteps`: the learner over a real trial, and in a simulated world whose effects wear off.

Prints tables and a line of JSON, and writes the tables and pictures of docs/learning-heartsteps.md anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from multiprocessing import Pool

import numpy as np

from lab.studies.heartsteps import page, plots
from lab.studies.heartsteps.effects import doses, effect, weeks
from lab.studies.heartsteps.fading import FADING, KNOWING, RULES, WORLDS, by_rule, gain_of, mean_over
from lab.studies.heartsteps.learning import Replay, as_the_log_goes_by, replay
from lab.studies.heartsteps.trial import FILE, STATES_OF, Scores, Trial, load, sample_of, walk
from operate.ope.calibration import calibrate
from operate.ope.judge import Estimate, Target, Verdict, difference, judge, served
from rl_core.config import Settings
from rl_core.models import State

SETTINGS = Settings(table_name="none", action_cooldown=0, exploration="epsilon")
POSTERIOR = Settings(table_name="none", action_cooldown=0, exploration="posterior")
LEARNERS: Mapping[str, tuple[Callable[[Scores], State], Settings]] = {
    **{name: (know, SETTINGS) for name, know in STATES_OF.items()},
    "shipped, by posterior": (STATES_OF["shipped"], POSTERIOR),
}
RUNS, SEEDS, REPLICATES = 100, 12, 2000

Gains = Mapping[str, Mapping[str, Estimate]]


def trial_figures(trial: Trial) -> tuple[Estimate, list[Verdict], dict[str, Replay], dict[str, Estimate]]:
    """Returns the mean as randomised, the verdicts on all policies, the learner by replay, and differences of policies.

    The differences are the learner less always and less never sending, and always less never.
    """
    n = len(trial)
    always, never = (np.tile(np.array(row), (n, 1)) for row in ([0.0, 1.0], [1.0, 0.0]))
    sample = sample_of(trial, walk(trial).state)
    learners = {name: as_the_log_goes_by(trial, walk(trial, know), at) for name, (know, at) in LEARNERS.items()}
    targets = [Target("always send", always), Target("never send", never)]
    targets += [Target(f"learner, state {name}", chosen) for name, chosen in learners.items()]
    verdicts = judge(sample, targets, REPLICATES)
    replays = {name: replay(trial, walk(trial, know), at, RUNS, REPLICATES) for name, (know, at) in LEARNERS.items()}
    apart = {
        f"{name}, less {other}": difference(sample, chosen, target, REPLICATES)
        for name, chosen in learners.items()
        for other, target in (("always", always), ("never", never))
    }
    apart["always, less never"] = difference(sample, always, never, REPLICATES)
    return served(sample, REPLICATES), verdicts, replays, apart


def fading_figures(settings: Settings, seeds: int = SEEDS) -> tuple[Gains, dict[str, Estimate]]:
    """Returns the learner's gain by world and state, and what also knowing the dose adds, seed by seed."""
    jobs = list(product(WORLDS, KNOWING, range(seeds)))
    with Pool(2) as pool:
        gains = dict(zip(jobs, pool.starmap(gain_of, [(w, k, settings, s) for w, k, s in jobs]), strict=True))
    by_world = {
        world.name: {know: mean_over([gains[world, know, seed] for seed in range(seeds)]) for know in KNOWING}
        for world in WORLDS
    }
    usual, _, dosed, _ = KNOWING
    added = {
        world.name: mean_over([gains[world, dosed, seed] - gains[world, usual, seed] for seed in range(seeds)])
        for world in WORLDS
    }
    return by_world, added


def report_trial(trial: Trial) -> dict[str, object]:
    logged, verdicts, replays, apart = trial_figures(trial)
    by_week, by_dose = ({name: effect(trial, rows) for name, rows in parts(trial)} for parts in (weeks, doses))
    kinds = calibrate(sample_of(trial, walk(trial).state, by_kind=True))
    page.put("trial", page.trial_table(logged, verdicts, replays))
    page.put("apart", page.apart_table(apart, replays))
    plots.save(plots.values(logged, verdicts, replays), "heartsteps-values")
    plots.save(plots.effects(by_week, by_dose), "heartsteps-effects")
    return {
        "decisions": len(trial),
        "unavailable": trial.unavailable,
        "randomised": asdict(logged),
        "policies": [asdict(verdict) for verdict in verdicts],
        "replay": {name: asdict(found) for name, found in replays.items()},
        "apart": {name: asdict(found) for name, found in apart.items()},
        "effect_by_week": {name: asdict(found) for name, found in by_week.items()},
        "effect_by_dose": {name: asdict(found) for name, found in by_dose.items()},
        "kinds_calibration_p": kinds.p,
    }


def report_fading() -> dict[str, object]:
    rules = {world.name: {name: by_rule(world, rule(world)) for name, rule in RULES.items()} for world in FADING}
    figures: dict[str, object] = {"rules": rules}
    for name, settings in (("fading", POSTERIOR), ("fading by epsilon-greedy", SETTINGS)):
        by_world, added = fading_figures(settings)
        page.put(name, page.fading_table(by_world, added, rules))
        if settings is POSTERIOR:
            plots.save(plots.fading(by_world, rules), "heartsteps-fading")
        figures[name] = {
            "gain": {world: {know: asdict(found) for know, found in row.items()} for world, row in by_world.items()},
            "dose_adds": {world: asdict(found) for world, found in added.items()},
        }
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    parts = arguments or ["trial", "fading"]
    figures: dict[str, object] = {}
    if "trial" in parts and not FILE.exists():
        print(f"no trial at {FILE}: docs/learning-heartsteps.md says where to get it", file=sys.stderr)
    elif "trial" in parts:
        figures["trial"] = report_trial(load())
    if "fading" in parts:
        figures["fading"] = report_fading()
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
