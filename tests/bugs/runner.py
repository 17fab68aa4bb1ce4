"""A process that tries bugs: for each a fork, in which `rl_core` is a copy with the bug, runs the tests that must fail.

What the tests import beside the package is imported once, before the forks, which share one DynamoDB. The process
reads the names of bugs from its standard input and answers each with one line of JSON.
"""

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from local import data_plane
from local.template import load
from tests.bugs.book import PACKAGE, ROOT, Bug

# Slow to import, and without our package: without these every bug would take some seconds more.
WARM = (
    "aws_lambda_powertools.event_handler.openapi.models",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.typing",
    "hypothesis.strategies",
    "local.phone",
    "local.stack",
    "moto",
    "numpy",
    "pydantic",
    "yaml",
)
OPTIONS = (
    *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "--tb=no"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
SECONDS = 60
# A bug that only breaks a name or a call says nothing about the tests: it is badly made.
CLUMSY = (ImportError, SyntaxError, NameError, AttributeError, TypeError)


@dataclass(eq=False)
class Verdict:
    """`failed`: the tests that failed, with the error's first line. `broken`: what kept this from being a trial.

    Once a test that is `named` for the bug has failed, its further cases are left out.
    """

    named: tuple[str, ...] = ()
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken.append(f"{report.nodeid} cannot be collected: {report.longrepr}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        names = [name for name in self.named if item.nodeid.startswith(name)]
        if names and all(any(failed.startswith(name) for failed in self.failed) for name in names):
            pytest.skip("another case of this test has failed")

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is None:
            self.passed += [item.nodeid] if call.when == "call" else []
        elif call.excinfo.errisinstance(pytest.skip.Exception):
            pass
        elif call.when != "call" or call.excinfo.errisinstance(CLUMSY):
            self.broken.append(f"{item.nodeid}, {call.when}: {call.excinfo.exconly()}")
        else:
            self.failed[item.nodeid] = call.excinfo.exconly().partition("\n")[0]


def tried(bug: Bug) -> dict[str, Any]:
    """Returns the verdict of a fork in which the bug is there."""
    with tempfile.TemporaryDirectory(prefix="fettle-bug-") as folder:
        copy = Path(folder) / "rl_core"
        shutil.copytree(PACKAGE, copy)
        source = copy / bug.file
        source.write_text(bug.made_in(source.read_text()))
        answer = Path(folder) / "verdict.json"
        if (child := os.fork()) == 0:
            signal.alarm(SECONDS)
            _run(bug, copy, answer)
        _, status = os.waitpid(child, 0)
        if not answer.exists():
            return asdict(Verdict(broken=[f"the tests came to no end: status {status}"]))
        verdict: dict[str, Any] = json.loads(answer.read_text())
        return verdict


def _run(bug: Bug, copy: Path, answer: Path) -> None:
    """Runs the tests on the copy, writes the verdict, and ends the process."""
    try:
        verdict, said = Verdict(bug.killed_by), copy.with_name("said.txt")
        sys.path.insert(0, str(copy.parent))
        sys.dont_write_bytecode = True
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream.fileno())
        code = pytest.main([*bug.killed_by, *OPTIONS], plugins=[verdict])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            verdict.broken.append(f"pytest ended with {code}: {said.read_text()}")
        elif (package := str(sys.modules["rl_core"].__path__[0])) != str(copy):
            verdict.broken.append(f"the tests ran on {package}")
        answer.write_text(json.dumps(asdict(verdict)))
    finally:
        os._exit(0)  # whatever happened: the parent's code must not go on in this process


def warm_up() -> None:
    """Imports what the tests import beside the package."""
    for module in WARM:
        import_module(module)
    hypothesis.settings.register_profile("bugs", phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
    hypothesis.settings.load_profile("bugs")  # nobody reads the smallest example of a bug that is known
    load()  # the template is kept
    gc.freeze()  # what is there already need not be looked at again in each fork


def main() -> None:
    """Answers for each bug, one a line, until there is no further line."""
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    warm_up()
    assert "rl_core" not in sys.modules, "a fork would have the package without the bug"
    with data_plane.running() as endpoints:
        os.environ["FETTLE_TESTS_DYNAMODB"] = endpoints.dynamodb
        for line in sys.stdin:
            print(json.dumps(tried(Bug(**json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
