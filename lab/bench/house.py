"""`make house`: how far a request travels through our files, measured while it does. Ends with a JSON line.

files    ours of which a function runs in one applied batch after init, without models, errors and config
hops     distinct frames of ours on the deepest stack from the route to botocore
chain    longest chain of imports among the layer's modules and the functions
rooms    packages of the layer
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import grimp

from local.clock import SteppedClock
from local.phone import Phone, bodies, ids, to_functions
from local.stack import UNCAPPED, Stack

ROOT = Path(__file__).parents[2]
OURS = (str(ROOT / "layers"), str(ROOT / "functions"))
GROUND = ("models.py", "errors.py", "config.py")
ROUTE = "feedback_batch"
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Walk:
    """What was run of ours while it was watched."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.deepest: list[str] = []

    def look(self, frame: FrameType, event: str, _: Any) -> None:
        """The profiler's hook: notes each call into our files, and each way from the route into botocore."""
        if event != "call":
            return
        path = frame.f_code.co_filename
        if path.startswith(OURS) and not path.endswith(GROUND):
            self.files.add(str(Path(path).relative_to(ROOT)))
        elif f"{Path('botocore')}/client.py" in path:
            way = list(_way(frame))
            if len(way) > len(self.deepest):
                self.deepest = way


def _way(frame: FrameType | None) -> Iterator[str]:
    """The distinct frames of ours from here up to the route, the route last; nothing outside of a route."""
    seen: list[CodeType] = []
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS) and frame.f_code not in seen:
            seen.append(frame.f_code)
            if frame.f_code.co_name == ROUTE:
                yield from (f"{Path(code.co_filename).stem}.{code.co_name}" for code in seen)
                return
        frame = frame.f_back


@contextmanager
def watched() -> Iterator[Walk]:
    """Watches what this thread runs."""
    walk = Walk()
    sys.setprofile(walk.look)
    try:
        yield walk
    finally:
        sys.setprofile(None)


def applied_batch() -> Walk:
    """One batch that is learned from at once, by a function that has answered one before."""
    with Stack(clock=SteppedClock(NOW), quiet=True, parameters=UNCAPPED) as stack:
        for user in ("first", "second"):
            phone = Phone(bodies(to_functions(stack.invoke, user, NOW)))
            phone.put_profile(segment="High Anxiety, Low Activity")
            said = [{"activity_id": identifier, "completed": True} for identifier in ids(phone.recommend())]
            with watched() as walk:
                answer = phone.batch(said)
            if answer["training_metrics"]["learning"] != "applied":
                raise RuntimeError(f"not learned: {answer}")
    return walk


def longest_chain() -> list[str]:
    """The longest chain of imports, from what imports to what is imported."""
    graph = grimp.build_graph("rl_core", "functions")

    chains: dict[str, list[str]] = {}

    def chain(module: str) -> list[str]:
        if module not in chains:
            below = [chain(m) for m in graph.find_modules_directly_imported_by(module)]
            chains[module] = [module, *max(below, key=len)] if below else [module]
        return chains[module]

    return max([chain(module) for module in graph.modules], key=len)


def main() -> None:
    """Measures, prints what was found, and the figures as JSON."""
    walk, chain = applied_batch(), longest_chain()
    rooms = sorted(p.parent.name for p in (ROOT / "layers" / "rl_core" / "rl_core").glob("*/__init__.py"))
    print("\n".join(sorted(walk.files)))
    print("deepest: " + " <- ".join(walk.deepest))
    print("chain: " + " -> ".join(chain))
    print(json.dumps({"files": len(walk.files), "hops": len(walk.deepest), "chain": len(chain), "rooms": len(rooms)}))


if __name__ == "__main__":
    main()
