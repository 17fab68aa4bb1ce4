"""What is run on an implementation: pytest on tests/integration, and the faults, each in processes of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from lab.proofs.conformance.compare import PASSED, Result, Results
from lab.proofs.faults.trial import Share, run_all
from local.functions import environment

ROOT = Path(__file__).parents[3]
_RAN = (0, 1)  # pytest's exit codes for "all passed" and "some failed"; with the others it did not run
_ALL = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "tests/integration")


def integration(implementation: str, arguments: Sequence[str] = _ALL) -> Results:
    """How each test went that pytest runs with these arguments. Raises RuntimeError when it ran none, or not all."""
    with tempfile.TemporaryDirectory(prefix="fettle-conformance-") as folder, environment({"DATA": implementation}):
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments, f"--junitxml={report}"], cwd=ROOT, check=False
        )
        if done.returncode not in _RAN:
            raise RuntimeError(f"pytest ended with {done.returncode} on {implementation}")
        return read_report(report.read_text(encoding="utf-8"))


def read_report(text: str) -> Results:
    """The results in a JUnit report of pytest, by the tests' ids as pytest takes them."""
    cases = ElementTree.fromstring(text).iter("testcase")  # noqa: S314 - pytest has just written it
    return {f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}": _result(case) for case in cases}


def _result(case: ElementTree.Element) -> Result:
    """A test that passed has no element of its own; what teardown raises is an `error` beside a `failure`."""
    for tag, outcome in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        if (found := case.find(tag)) is not None:
            return Result(outcome, found.get("message", ""))
    return PASSED


def faults(implementation: str, every: int) -> Results:
    """How each fault went, or one in so many."""
    with environment({"DATA": implementation}):
        return results_of(run_all(every))


def results_of(shares: Iterable[Share]) -> Results:
    """The results by fault."""
    return {
        f"faults: {report.fault}": Result("failed", "; ".join(report.violations)) if report.violations else PASSED
        for share in shares
        for report in share.reports
    }
