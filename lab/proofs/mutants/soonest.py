"""A pytest plugin for a mutant's tests: the shortest run first, and none runs for ever.

How long each takes was measured by mutmut beforehand, without a mutant. A limit is of CPU time, so that a busy machine
makes no mutant look like an endless loop.
"""

import json
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

MEASURED = Path("mutmut-stats.json")  # of mutmut, in the folder in which it runs the tests
TIMEOUT = 36  # the exit code that mutmut takes for a timeout
_FACTOR, _SECONDS = 10, 10.0
_DURATIONS = pytest.StashKey[dict[str, float]]()


def pytest_configure(config: pytest.Config) -> None:
    """Reads the seconds of each test; there are none yet while mutmut measures them."""
    config.stash[_DURATIONS] = json.loads(MEASURED.read_text())["duration_by_test"] if MEASURED.exists() else {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the shortest first."""
    items.sort(key=lambda item: config.stash[_DURATIONS].get(item.nodeid, 0.0))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Ends the process when a test takes ten times as long as without a mutant, and ten seconds more."""
    known = item.config.stash[_DURATIONS]
    if known:
        signal.signal(signal.SIGPROF, lambda *_: os._exit(TIMEOUT))
        signal.setitimer(signal.ITIMER_PROF, known.get(item.nodeid, 0.0) * _FACTOR + _SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
