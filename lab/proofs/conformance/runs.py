"""Runs pytest on tests/integration, and the faults, on one implementation, each in processes of its own."""

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
_RAN = (0, 1)  # pytest's exit codes for "all passed" and "some failed"; with any other it did not run
_ALL = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "tests/integration")


def integration(implementation: str, arguments: Sequence[str] = _ALL) -> Results:
    """Runs pytest with these arguments and returns the result of each test.

    Raises RuntimeError when pytest ran no test, or not all of them.
    """
    with tempfile.TemporaryDirectory(prefix="fettle-conformance-") as folder, environment({"DATA": implementation}):
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments, f"--junitxml={report}"], cwd=ROOT, check=False
        )
        if done.returncode not in _RAN:
            raise RuntimeError(f"pytest ended with {done.returncode} on {implementation}")
        return read_report(report.read_text(encoding="utf-8"))


def read_report(text: str) -> Results:
    """Reads pytest's JUnit report and returns the results by the tests' ids, in the form that pytest takes."""
    cases = ElementTree.fromstring(text).iter("testcase")  # noqa: S314 - pytest has just written it
    return {f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}": _result(case) for case in cases}


def _result(case: ElementTree.Element) -> Result:
    """Returns the result of a test; a test that passed has no child element.

    An error in teardown is an `error` element beside a `failure`; the failure counts.
    """
    for tag, outcome in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        if (found := case.find(tag)) is not None:
            return Result(outcome, found.get("message", ""))
    return PASSED


def faults(implementation: str, every: int) -> Results:
    """Injects every fault that can be injected on all of them, or one in `every`, and returns the result of each."""
    with environment({"DATA": implementation}):
        return results_of(run_all(every, backups=False))


def results_of(shares: Iterable[Share]) -> Results:
    """Returns the results by fault."""
    return {
        f"faults: {report.fault}": Result("failed", "; ".join(report.violations)) if report.violations else PASSED
        for share in shares
        for report in share.reports
    }
