"""`make daily-month`: 2,000 people's month against the recount, also after some were erased; the daily job's costs."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from lab.proofs.month.compare import courses, segment_days, user_days
from lab.proofs.month.recount import Life, lives_of
from lab.proofs.month.run import FIRST, leave, live, queue_only, start
from lab.proofs.month.sizes import measure
from local.stack import UNCAPPED, Stack
from rl_core.store import DayTable

LATER = 5  # days after the month on which the job runs too, for the dropouts
ONE_IN = 10  # of so many people one is erased at the end


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the month and returns 0 if the roll-ups equal the recount."""
    parser = argparse.ArgumentParser(prog="python -m lab.proofs.month", description=__doc__)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-sizes", action="store_true", help="leave out what it costs")
    options = parser.parse_args(arguments)
    figures = month(options.people, options.days, options.seed)
    if not options.no_sizes:
        figures["sizes"] = sizes()
    print(json.dumps(figures))
    return 1 if figures["differences"] else 0


def month(people: int, days: int, seed: int) -> dict[str, Any]:
    """Simulates the month, compares it with the recount, prints the result and returns its figures."""
    began = time.monotonic()
    with queue_only(), Stack(clock=start(), quiet=True, parameters=UNCAPPED, short=True) as stack:
        log = live(stack, people, days, seed=seed)
        lives = lives_of(log, everything(stack))
        wrong = differences(stack, lives, days)
        active = sum(len(life.days) for life in lives.values())
        gone = sorted(lives)[::ONE_IN]
        leave(stack, gone)
        after = differences(stack, {name: life for name, life in lives.items() if name not in gone}, days)
    print(f"{people} people, {days} days from {FIRST}: {len(log)} lines of the log, {active} days of users")
    tell(wrong, "the roll-ups")
    tell(after, f"without {len(gone)} people who were erased then, the roll-ups")
    return {
        "people": people,
        "days": days,
        "log": len(log),
        "user_days": active,
        "erased": len(gone),
        "differences": len(wrong) + len(after),
        "seconds": round(time.monotonic() - began),
    }


def differences(stack: Stack, lives: dict[str, Life], days: int) -> list[str]:
    """Returns every difference between what is stored and the recount of these lives."""
    diary = DayTable(stack.table_name, stack.dynamodb)
    segments = [*segment_days(diary, lives, FIRST, days + LATER), *courses(diary, lives, FIRST, days + LATER)]
    return [*user_days(everything(stack), lives), *segments]


def tell(wrong: list[str], what: str) -> None:
    """Prints the first differences, and how many there are."""
    print("\n".join(wrong[:50]))
    print(f"{what} {'DIFFER from' if wrong else 'equal'} the recount: {len(wrong)} differences", flush=True)


def everything(stack: Stack) -> list[dict[str, Any]]:
    """Returns every item of the table by a scan, which only a check may use."""
    pages = stack.dynamodb.get_paginator("scan").paginate(TableName=stack.table_name, ConsistentRead=True)
    return [dict(item) for page in pages for item in page["Items"]]


def sizes() -> list[dict[str, Any]]:
    """Prints and returns a table of what a day costs, for 1,000 users."""
    print("for 1,000 users        first run: read    write  seconds     again: read    write  seconds")
    rows = []
    for first, again in measure():
        one, two = first.per_thousand(), again.per_thousand()
        print(
            f"{first.users:>6} users a day        {one[0]:>9.0f}{one[1]:>9.0f}{one[2]:>9.2f}"
            f"       {two[0]:>9.0f}{two[1]:>9.0f}{two[2]:>9.2f}",
            flush=True,
        )
        rows.append({"users": first.users, "first": one, "again": two})
    return rows


if __name__ == "__main__":
    sys.exit(main())
