"""Injects every fault and prints a report; the last line is JSON."""

import json
import sys
import time
from collections import Counter

from lab.proofs.faults.client import Kind
from lab.proofs.faults.trial import run_all
from local.data_plane import chosen


def main() -> int:
    start = time.monotonic()
    shares = run_all(backups=chosen() != "dynoxide")  # which has no point-in-time recovery
    for share in shares:
        bad = sum(bool(report.violations) for report in share.reports)
        print(f"{share.scenario:<32}{share.calls:>4} calls{len(share.reports):>5} faults{bad:>4} violations")
    reports = [report for share in shares for report in share.reports]
    kinds = Counter(report.kind for report in reports)
    violations = sum(bool(report.violations) for report in reports)
    figures = {
        "faults": len(reports),
        "violations": violations,
        "operations": len(shares),
        "kinds": {kind.name.lower(): kinds[kind] for kind in Kind},
        "seconds": round(time.monotonic() - start, 1),
    }
    print(json.dumps(figures))
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
