"""`make mutants`: a sample of mutants, and the share of them that the unit tests kill (docs/mutants.md).

mutmut makes the mutants, finds by itself which tests run which function, and runs these in forks of one process. What
is drawn and counted is ours. The survivors are written to build/mutants/survivors.txt.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from lab.proofs.mutants import stage
from local import data_plane

LEAST = 0.85
SURVIVORS = stage.STAGE / "survivors.txt"
SHARED = "FETTLE_TESTS_DYNAMODB"  # of tests/conftest.py: the DynamoDB that all forks use


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the sample, prints its figures, and returns 0 if the share of killed mutants is reached."""
    parser = argparse.ArgumentParser(prog="python -m lab.proofs.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=400, help="mutants drawn of learner, sessions, days and work")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="draw of files whose path contains this")
    options = parser.parse_args(arguments)
    stage.build()
    os.chdir(stage.STAGE)  # mutmut looks for its settings here when it is imported
    rooms, store = mutants_of(stage.ROOMS, options.only), mutants_of([stage.STORE], options.only)
    drawn = draw(rooms, options.sample, options.seed)
    beside = draw(store, round(options.sample * len(store) / len(rooms)) if rooms else options.sample, options.seed)
    mutmut = Path(sys.executable).with_name("mutmut")
    with data_plane.running() as endpoints:
        environment = os.environ | {SHARED: endpoints.dynamodb}
        subprocess.run([mutmut, "run", *drawn, *beside], check=True, env=environment)
    figures = counted(drawn, beside)
    print(json.dumps(figures | {"of": len(rooms), "store_of": len(store), "seed": options.seed}))
    return int(figures["killed_share"] < LEAST)


def mutants_of(rooms: Iterable[str], only: str) -> list[str]:
    """Returns the names of all mutants of these rooms, in the order of files and lines."""
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name

    return [
        get_mutant_name(path, name)
        for path in stage.sources(*rooms)
        if only in str(path)
        for name in mutate_file_contents(str(path), path.read_text()).mutant_names
    ]


def draw(names: Sequence[str], most: int, seed: int) -> list[str]:
    """Returns up to `most` names, drawn without replacement; a larger sample contains every smaller one."""
    return sorted(Random(seed).sample(names, len(names))[:most])


def counted(drawn: Sequence[str], beside: Sequence[str]) -> dict[str, float]:
    """Returns the figures, and writes the survivors with what was changed in each."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.stats import status_by_exit_code

    status: dict[str, str] = {}
    path_of: dict[str, Path] = {}
    for path in stage.sources(*stage.ROOMS, stage.STORE):
        meta = Path("mutants", f"{path}.meta")
        codes = json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}
        status |= {name: status_by_exit_code[code] for name, code in codes.items()}
        path_of |= dict.fromkeys(codes, path)
    alive = [name for name in (*drawn, *beside) if status[name] not in {"killed", "timeout"}]
    texts = [f"# {name}: {status[name]}\n{get_diff_for_mutant(name, path=path_of[name])}\n" for name in alive]
    SURVIVORS.write_text("\n".join(texts))
    of = Counter(status[name] for name in drawn)
    return {
        "killed_share": _share(drawn, alive),
        "sampled": len(drawn),
        **{name.replace(" ", "_"): of[name] for name in ("killed", "timeout", "survived")},
        "other": len(drawn) - of["killed"] - of["timeout"] - of["survived"],
        "store_killed_share": _share(beside, alive),
        "store_sampled": len(beside),
    }


def _share(drawn: Sequence[str], alive: Sequence[str]) -> float:
    """Returns the share of the drawn mutants that a test killed, by failing or by not ending in time."""
    left = set(alive)
    return round(sum(name not in left for name in drawn) / len(drawn), 4) if drawn else 1.0


if __name__ == "__main__":
    sys.exit(main())
