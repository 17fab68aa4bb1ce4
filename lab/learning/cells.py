"""Makes the runs of the comparison, two at a time, and keeps them under build/ until the code that made them changes.

Each world and seed is one line. A comparison that was stopped goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from lab.learning.runs import FIRST_SEED, Course, compare, length_of, seeds_of
from lab.world.tastes import World

PROCESSES = 2
ROOT = Path(__file__).parents[2]
SOURCES = ("lab/world", "lab/learning/lookahead.py", "lab/learning/methods.py", "lab/learning/oracles.py",
           "lab/learning/packages.py", "lab/learning/runs.py", "layers/rl_core/rl_core/config.py",
           "layers/rl_core/rl_core/models.py", "layers/rl_core/rl_core/learner",
           "layers/rl_core/rl_core/sessions", "requirements/lab.txt")  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """The courses of all methods in one world with one seed."""

    world: World
    seed: int
    courses: dict[str, Course]


def code() -> str:
    """Returns a hash over all sources that decide the figures, 12 hexadecimal digits."""
    digest = sha256()
    for source in SOURCES:
        path = ROOT / source
        files = [path] if path.is_file() else sorted(path.glob("*.py"))
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def cells(seeds: int, episodes: int, folder: Path, worlds: Sequence[World] = tuple(World)) -> Iterator[Cell]:
    """Yields each of these worlds with its seeds, at most so many: the kept ones, then each as it is made."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{code()}-{episodes}.jsonl"
    kept = {(cell.world, cell.seed): cell for cell in _read(path)}
    wanted = wanted_cells(seeds, worlds)
    yield from (kept[key] for key in wanted if key in kept)
    missing = [key for key in wanted if key not in kept]
    if not missing:
        return
    with ProcessPoolExecutor(PROCESSES) as pool, path.open("a", encoding="utf-8") as out:
        jobs = [pool.submit(_cell, world, seed, length_of(world, episodes)) for world, seed in missing]
        for done in as_completed(jobs):
            cell = done.result()
            out.write(json.dumps(asdict(cell)) + "\n")
            out.flush()
            yield cell


def wanted_cells(seeds: int, worlds: Sequence[World] = tuple(World)) -> list[tuple[World, int]]:
    """Returns each of these worlds with its seeds, at most so many, seed by seed."""
    every = range(FIRST_SEED, FIRST_SEED + seeds)
    return [(world, seed) for seed in every for world in worlds if seed in seeds_of(world, seeds)]


def _cell(world: World, seed: int, episodes: int) -> Cell:
    return Cell(world, seed, compare(world, seed, episodes))


def _read(path: Path) -> Iterable[Cell]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        courses = {name: Course.of(course) for name, course in raw["courses"].items()}
        yield Cell(World(raw["world"]), raw["seed"], courses)
