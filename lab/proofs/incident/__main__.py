"""`make incident`: six stories, each with a light that leaves green and is brought back; the last line is JSON."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from lab.proofs.incident.dried_up import dried_up
from lab.proofs.incident.got_worse import got_worse
from lab.proofs.incident.incident import AmissError, Incident
from lab.proofs.incident.poisoning import poisoning
from lab.proofs.incident.put_off import put_off
from lab.proofs.incident.stage import stage
from lab.proofs.incident.stuck import stuck
from lab.proofs.incident.unreadable import unreadable

STORIES: Mapping[str, Callable[[Incident], None]] = {
    "poisoning": poisoning,
    "unreadable policy": unreadable,
    "tries dried up": dried_up,
    "segment got worse": got_worse,
    "stuck learner": stuck,
    "erasure put off": put_off,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays the stories and returns 0 if each trouble was seen and mended."""
    parser = argparse.ArgumentParser(prog="python -m lab.proofs.incident", description=__doc__)
    parser.add_argument("--story", action="append", choices=STORIES, help="only this one; may be given again")
    names = parser.parse_args(arguments).story or list(STORIES)
    figures = {name: play(name) for name in names}
    print(json.dumps(figures))
    return 0 if all(its["mended"] for its in figures.values()) else 1


def play(name: str) -> dict[str, Any]:
    """Plays one story on a stage of its own, and returns its figures."""
    print(f"\n{name}: {STORIES[name].__doc__}", flush=True)
    with stage(partial(print, flush=True)) as its:
        incident = Incident(its)
        try:
            STORIES[name](incident)
        except AmissError as error:
            its.tell(f"AMISS    {error}")
            return {**incident.figures(), "mended": False, "amiss": str(error)}
        return incident.figures()


if __name__ == "__main__":
    sys.exit(main())
