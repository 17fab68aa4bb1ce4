"""A stack that a demo left up, the console of it, and Debian's Chromium that walks through it: `make console-test`.

`--kept` takes the stack that runs here instead, and `--segment` another segment, which nobody has poisoned there yet.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from operate.source import LOCAL_STACK
from rl_core.models import Segment
from tests.console.gated import ROOT, Running, running
from tests.console_walk.browsing import Reader

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "console-test needs Chromium: `apt-get install chromium`, or Google Chrome"
PICTURES = ROOT / "build" / "console"
# So many people that none of them has a tenth of a segment's lessons; and nobody's day bounds what they teach.
DEMO = ("--people", "24", "--days", "8", "--set", "SessionsPerDay=1000", "--set", "LearnedPerDay=1000")

# Versions since the first lie, so that their fold outlasts the turn of the page.
PAST = 15_000 if os.environ.get("DATA") == "dynoxide" else 6_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kept", action="store_true", help="walk through the stack that runs here")
    parser.addoption("--segment", default="HIGH_LOW", choices=Segment.__members__, help="which is poisoned")


def pytest_sessionstart(session: pytest.Session) -> None:
    if _chromium() is None:
        pytest.exit(MISSING, returncode=2)


def _chromium() -> str | None:
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def segment(request: pytest.FixtureRequest) -> Segment:
    """The segment that is poisoned."""
    return Segment[request.config.getoption("--segment", "HIGH_LOW")]


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stack with the past of a demo, as `make demo KEEP=1` leaves it; the file that says where it is."""
    if request.config.getoption("--kept", default=False):
        yield ROOT / LOCAL_STACK
        return
    report = tmp_path_factory.mktemp("demo") / "report.html"
    command = [str(ROOT / ".venv/bin/python"), "-m", "lab.demo", "--keep", "--report", str(report), *DEMO]
    with subprocess.Popen(command, cwd=ROOT, env=_plain(), stdout=subprocess.PIPE, text=True) as demo:
        try:
            said = _until_ready(demo)
            assert "ready" in said[-1], "".join(said[-20:])
            yield ROOT / LOCAL_STACK
        finally:
            demo.send_signal(signal.SIGTERM)


def _plain() -> dict[str, str]:
    """The environment without what the tests of functions set: a console and a stack have their own."""
    return {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH", "DATA"}}


def _until_ready(demo: "subprocess.Popen[str]") -> list[str]:
    assert demo.stdout is not None
    said: list[str] = []
    for line in demo.stdout:
        said.append(line)
        if line == "ready\n":
            break
    return said


@pytest.fixture(scope="session")
def console(stack: Path) -> Iterator[Running]:
    """The console of that stack, as `make console` starts it."""
    assert stack.exists()
    with running(environment=_plain()) as its:
        yield its


@pytest.fixture(scope="session")
def liar(stack: Path, segment: Segment) -> str:
    """The account that lies, as the console names it."""
    assert stack.exists()
    command = [sys.executable, "-m", "lab.proofs.console.poison", segment.name, "--past", f"{PAST}"]
    said = subprocess.run(command, cwd=ROOT, env=_plain(), capture_output=True, text=True, check=True).stdout
    return said.split()[-1]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window. Only root has to do without its sandbox."""
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        its = playwright.chromium.launch(executable_path=_chromium(), args=args)
        yield its
        its.close()


@pytest.fixture(scope="session")
def reader(console: Running, browser: Browser) -> Reader:
    """An operator who opened the address that the console printed."""
    return Reader.enter(browser, console, PICTURES)


@pytest.fixture(scope="session")
def another(console: Running, browser: Browser, reader: Reader) -> Reader:
    """A second operator, in a browser of their own."""
    assert reader.page
    return Reader.enter(browser, console, PICTURES)
