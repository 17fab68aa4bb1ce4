"""Injects every fault, with a bench for each processor, and reports; the last line is JSON."""

import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from lab.proofs.faults.client import Kind
from lab.proofs.faults.trial import run_share


def main() -> int:
    start, workers = time.monotonic(), min(4, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        found = list(pool.map(run_share, range(workers), [workers] * workers))
    total: Counter[Kind] = Counter()
    violations = 0
    for shares in zip(*found, strict=True):
        kinds = sum((share.kinds for share in shares), Counter[Kind]())
        bad = sum(share.violations for share in shares)
        print(f"{shares[0].scenario:<32}{shares[0].calls:>4} calls{kinds.total():>5} faults{bad:>4} violations")
        total += kinds
        violations += bad
    figures = {
        "faults": total.total(),
        "violations": violations,
        "operations": len(found[0]),
        "kinds": {kind.name.lower(): total[kind] for kind in Kind},
        "seconds": round(time.monotonic() - start, 1),
    }
    print(json.dumps(figures))
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
