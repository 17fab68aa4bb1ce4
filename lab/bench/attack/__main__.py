"""`make bench-attack`: runs the courses, prints a table of what honest people lose, and last one line of JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence

from lab.bench.attack.attackers import Case
from lab.bench.attack.cells import Cell, Plan, cells, in_order
from lab.bench.attack.page import last_line, table
from rl_core.config import Settings

SEEDS, DAYS, BEFORE, PEOPLE, PROCESSES = 8, 30, 5000, (20, 200), 2
LEAST_DAYS = 4  # on the third at the latest, the first people come


def plan_of(arguments: Sequence[str] | None) -> tuple[Plan, int]:
    """Returns what is to be run, by how many processes; ends the program where that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.attack", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="each has nine segments, so nine courses a case")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--before", type=int, default=BEFORE, help="honest sessions that an old segment has behind it")
    parser.add_argument("--people", type=int, nargs="+", default=PEOPLE, help="honest people in a segment")
    parser.add_argument("--cases", type=Case, nargs="+", default=tuple(Case), choices=list(Case), metavar="CASE")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a field of config.Settings")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    given = parser.parse_args(arguments)
    if min(given.seeds, given.before, given.processes, *given.people) < 1 or given.days < LEAST_DAYS:
        parser.error(f"days are at least {LEAST_DAYS}; seeds, sessions before, people and processes at least 1")
    try:
        settings = _settings(dict(pair.partition("=")[::2] for pair in given.set))
    except ValueError as error:  # pydantic's ValidationError is one
        parser.error(str(error))
    people, cases = tuple(dict.fromkeys(given.people)), tuple(dict.fromkeys(given.cases))
    return Plan(given.seeds, given.days, given.before, people, cases, settings), given.processes


def _settings(given: Mapping[str, str]) -> Settings:
    """Returns the service's defaults with these; it has no table here. Raises ValueError for what does not fit."""
    if unknown := given.keys() - Settings.model_fields.keys():
        raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
    return Settings.model_validate({"table_name": "none", **given})


def main(arguments: Sequence[str] | None = None) -> int:
    plan, processes = plan_of(arguments)
    began, found = time.monotonic(), list[Cell]()
    for cell in cells(plan, processes):
        found.append(cell)
        of = plan.seeds * 9 * len(plan.people)
        print(f"{len(found)} of {of}: {cell.people} people, seed {cell.seed}, {cell.segment}", file=sys.stderr)
    ordered = in_order(found)
    print(table(plan, ordered))
    print(json.dumps(last_line(plan, ordered) | {"seconds": round(time.monotonic() - began)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
