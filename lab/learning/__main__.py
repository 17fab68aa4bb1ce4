"""`make bench-learning`: runs the comparison, writes its figures, plots and page, and prints them; JSON comes last."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.learning import drawings, page
from lab.learning.cells import Cell, cells, wanted_cells
from lab.learning.runs import BIN, EPISODES, SEEDS
from lab.learning.summary import Standing, interval, last_line, summarise
from lab.learning.times import ROUNDS, Times, measure
from lab.world.tastes import World


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.learning", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="at most, in each world")
    parser.add_argument("--episodes", type=int, default=EPISODES, help=f"per course, from {BIN}; half more in old")
    parser.add_argument("--worlds", nargs="+", type=World, choices=list(World), default=list(World))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="in which the methods' times are measured")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where learning.md is")
    parser.add_argument("--runs", type=Path, default=Path("build/learning"), help="where finished runs are kept")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.episodes < BIN:
        parser.error(f"at least one seed and {BIN} episodes")
    found, wanted = list[Cell](), len(wanted_cells(options.seeds, options.worlds))
    for cell in cells(options.seeds, options.episodes, options.runs, options.worlds):
        found.append(cell)
        print(f"{len(found)} of {wanted}: {cell.world.value}, seed {cell.seed}", file=sys.stderr)
    times = measure(options.rounds)
    write(found, times, options.episodes, options.docs)
    print(json.dumps(last_line(summarise(found), times)))
    return 0


def write(found: Sequence[Cell], times: Mapping[str, Times], episodes: int, docs: Path) -> None:
    """Writes the page's section, its two plots and the figures that they show, and prints the section."""
    standings = summarise(found)
    drawings.save(drawings.shares(standings), docs / "learning" / "shares.svg")
    drawings.save(drawings.regret(standings), docs / "learning" / "regret.svg")
    figures = {
        world.value: {name: _figures(its, times[name]) for name, its in methods.items()}
        for world, methods in standings.items()
    }
    lines = (
        f'"{name}": {{\n' + ",\n".join(f'  "{m}": {json.dumps(f)}' for m, f in its.items()) + "\n}"
        for name, its in figures.items()
    )
    (docs / "learning" / "comparison.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    text = page.comparison(standings, times, episodes, "learning")
    page.replace_section(docs / "learning.md", "comparison", text)
    print(text)


def _figures(standing: Standing, times: Times) -> dict[str, object]:
    """Returns what is kept of a standing; regret and spans are (mean, low, high), regret at the end of each bin."""
    spans = {name: interval(shares) for name, shares in standing.spans.items()}
    return {
        "seed": standing.seed,
        "first": [round(score, 6) for score in standing.first],
        "shares": [round(share, 4) for share in standing.shares],
        "share": [round(x, 4) for x in (standing.share.mean, standing.share.low, standing.share.high)],
        "reached": standing.reached,
        "spans": {name: [round(x, 4) for x in (s.mean, s.low, s.high)] for name, s in spans.items()},
        "after": [round(share, 4) for share in standing.after],
        "again": standing.again,
        "decide_us": round(times.us[0], 1),
        "update_us": round(times.us[1], 1),
        "regret": [[round(x, 1) for x in (r.mean, r.low, r.high)] for r in standing.regret],
    }


if __name__ == "__main__":
    sys.exit(main())
