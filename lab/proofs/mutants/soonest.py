"""A pytest plugin for a mutant's tests: the shortest run first, none runs for ever, and all of them not for long.

How long a test takes is measured once, when mutmut finds out which tests run which function. All is CPU time, so that a
busy machine makes no mutant look like an endless loop.
"""

import json
import os
import signal
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

MEASURED = Path("seconds.json")  # in the folder in which mutmut runs the tests
MOST = 25.0  # seconds of tests for one mutant: a function that everything runs is left to its shorter tests
TIMEOUT = 36  # the exit code that mutmut takes for a timeout
_FACTOR, _SECONDS = 10, 10.0
_KNOWN = pytest.StashKey[dict[str, float]]()
_TAKEN = pytest.StashKey[dict[str, float]]()


def pytest_configure(config: pytest.Config) -> None:
    """Reads how long each test takes; there is nothing to read the first time."""
    config.stash[_KNOWN] = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    config.stash[_TAKEN] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the shortest first, and leaves out those that there is no time for."""
    known = config.stash[_KNOWN]
    items.sort(key=lambda item: known.get(item.nodeid, 0.0))
    if known:
        items[:] = list(_within(items, known))


def _within(items: list[pytest.Item], known: dict[str, float]) -> Iterator[pytest.Item]:
    left = MOST
    for number, item in enumerate(items):
        left -= known.get(item.nodeid, 0.0)
        if left >= 0 or number == 0:
            yield item


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measures a test, or ends the process when it takes ten times as long as without a mutant and ten seconds more."""
    began, known = time.process_time(), item.config.stash[_KNOWN]
    if known:
        signal.signal(signal.SIGPROF, lambda *_: os._exit(TIMEOUT))
        signal.setitimer(signal.ITIMER_PROF, known.get(item.nodeid, 0.0) * _FACTOR + _SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        item.config.stash[_TAKEN][item.nodeid] = time.process_time() - began


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the measures of the first time."""
    if not MEASURED.exists() and session.config.stash[_TAKEN]:
        MEASURED.write_text(json.dumps(session.config.stash[_TAKEN]))
