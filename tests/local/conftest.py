"""A small project of its own, and a stack that runs it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from local import dynoxide
from local.clock import SteppedClock
from local.engine import EngineError
from local.stack import Stack

SMALL_TEMPLATE = Path(__file__).parent / "project" / "infra" / "template.yaml"
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def small_template() -> Path:
    """The template of the small project."""
    return SMALL_TEMPLATE


@pytest.fixture
def dynoxide_installed() -> None:
    """Skips the test where there is no Dynoxide."""
    try:
        dynoxide.installed()
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The small project, running by a clock that stands at eight in the morning."""
    folder = tmp_path_factory.mktemp("stack")
    with Stack(template=SMALL_TEMPLATE, clock=SteppedClock(START), folder=folder) as running:
        yield running


@pytest.fixture(scope="module")
def fettle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Fettle itself, not the small project."""
    with Stack(clock=SteppedClock(START), quiet=True, folder=tmp_path_factory.mktemp("fettle")) as running:
        yield running


@pytest.fixture(scope="module")
def http(fettle: Stack) -> Iterator[httpx.Client]:
    """An HTTP client that is nobody yet, of Fettle."""
    with httpx.Client(base_url=fettle.url, trust_env=False) as its:
        yield its


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """An HTTP client that is ana."""
    headers = {"authorization": f"Bearer {stack.token('ana')}"}
    with httpx.Client(base_url=stack.url, headers=headers, trust_env=False) as its:
        yield its
