"""`make bench-learning`: runs the comparison, writes its figures, plots and page, and prints them; JSON comes last."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lab.learning import drawings, page
from lab.learning.cells import Cell, cells
from lab.learning.runs import BIN
from lab.learning.summary import last_line, summarise
from lab.world.tastes import World

SEEDS, EPISODES = 12, 20_000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.learning", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--episodes", type=int, default=EPISODES, help=f"per course, from {BIN}")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where learning.md is")
    parser.add_argument("--runs", type=Path, default=Path("build/learning"), help="where finished runs are kept")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.episodes < BIN:
        parser.error(f"at least one seed and {BIN} episodes")
    found: list[Cell] = []
    for cell in cells(options.seeds, options.episodes, options.runs):
        found.append(cell)
        print(f"{len(found)} of {options.seeds * len(World)}: {cell.world.value}, seed {cell.seed}", file=sys.stderr)
    write(found, options.seeds, options.episodes, options.docs)
    print(json.dumps(last_line(summarise(found))))
    return 0


def write(found: Sequence[Cell], seeds: int, episodes: int, docs: Path) -> None:
    """The page's section, its two plots, and the figures that they show."""
    standings = summarise(found)
    drawings.save(drawings.shares(standings), docs / "learning" / "shares.svg")
    drawings.save(drawings.regret(standings), docs / "learning" / "regret.svg")
    figures = {
        world.value: {name: asdict(standing) for name, standing in methods.items()}
        for world, methods in standings.items()
    }
    rounded = json.loads(json.dumps(figures), parse_float=lambda text: round(float(text), 4))
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in rounded.items())
    (docs / "learning" / "comparison.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    text = page.comparison(standings, seeds, episodes, "learning")
    page.replace_section(docs / "learning.md", "comparison", text)
    print(text)


if __name__ == "__main__":
    sys.exit(main())
