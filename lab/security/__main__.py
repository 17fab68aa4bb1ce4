"""`make security`: the scanners one after the other, with their times; 1 when one finds something.

Where a scanner could not do its work, that is said loudly, and fails when --complete is given (COMPLETE=1), as it
should be wherever there is a network.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.security import packages, secrets, template
from lab.security.tools import ROOT, Outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all scanners, also after one that found something; returns 1 when one fails."""
    parser = argparse.ArgumentParser(prog="python -m lab.security", description=__doc__)
    parser.add_argument("--complete", action="store_true", help="fail where a scanner could not do its work")
    complete: bool = parser.parse_args(arguments).complete
    return max([shown(name, scanner, complete) for name, scanner in SCANNERS.items()])


def code() -> Outcome:
    """Runs ruff's S rules, those of Bandit, over all code but the tests; pyproject.toml has the exceptions."""
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--select", "S", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return Outcome(done.returncode == 0, done.stdout.strip())


SCANNERS: dict[str, Callable[[], Outcome]] = {
    "cfn-lint": template.lint,
    "checkov": template.policies,
    "pip-audit": packages.audit,
    "ruff S": code,
    "detect-secrets": secrets.scan,
}


def shown(name: str, scanner: Callable[[], Outcome], complete: bool) -> int:
    """Runs one scanner and prints its outcome; returns 1 when it must fail the whole."""
    began = time.perf_counter()
    outcome = scanner()
    verdict = ("clean" if outcome.clean else "FOUND") if outcome.asked else "NOT DONE, NOTHING IS KNOWN"
    print(f"{name}: {verdict} ({time.perf_counter() - began:.0f} s)", flush=True)
    for line in outcome.said.splitlines():
        print(f"    {line}", flush=True)
    return int(complete if not outcome.asked else not outcome.clean)


if __name__ == "__main__":
    sys.exit(main())
