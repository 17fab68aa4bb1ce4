"""`make conformance`: integration tests and faults on each implementation of DynamoDB; the last line is JSON.

1 when a test went differently and accepted.toml does not say why it may, or when one failed everywhere.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from lab.proofs.conformance.compare import Comparison, Result, Results, accepted_differences, compare
from lab.proofs.conformance.runs import faults, integration
from local.data_plane import IMPLEMENTATIONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all on one implementation after the other, compares, and says so."""
    parser = argparse.ArgumentParser(prog="python -m lab.proofs.conformance", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="inject one fault in so many; all by default")
    options = parser.parse_args(arguments)
    if options.every < 1:
        parser.error("--every is 1 or more")
    reasons = accepted_differences()
    comparison = compare({name: _run(name, options.every) for name in IMPLEMENTATIONS}, reasons)
    for line in told(comparison):
        print(line)
    print(json.dumps({"implementations": list(IMPLEMENTATIONS)} | figures(comparison)))
    return 0 if comparison.holds else 1


def _run(name: str, every: int) -> Results:
    """All results of an implementation."""
    began = time.monotonic()
    print(f"{name}:", flush=True)
    found = {**integration(name), **faults(name, every)}
    print(f"{name}: {len(found)} tests and faults in {time.monotonic() - began:.0f} s", flush=True)
    return found


def told(comparison: Comparison) -> Iterator[str]:
    """What is to be read of it: nothing where all went the same."""
    for test, results in comparison.differences.items():
        yield f"DIFFERENT: {test}{_lines(results)}"
    for test, results in comparison.failed.items():
        yield f"FAILED everywhere: {test}{_lines(results)}"
    for test, reason in comparison.accepted.items():
        yield f"accepted: {test}: {reason}"
    for test in comparison.stale:
        yield f"NO LONGER DIFFERENT, so take it out of accepted.toml: {test}"


def figures(comparison: Comparison) -> dict[str, int]:
    """How many of each there are."""
    return {
        "tests": comparison.tests,
        "differences": len(comparison.differences),
        "accepted": len(comparison.accepted),
        "failed": len(comparison.failed),
    }


def _lines(results: Mapping[str, Result]) -> str:
    return "".join(f"\n    {name}: {result.outcome} {result.why}".rstrip() for name, result in results.items())


if __name__ == "__main__":
    sys.exit(main())
