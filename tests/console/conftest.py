"""A console over the tests' table: its screens are run by Streamlit's AppTest, without a browser."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from operate.console import seat
from operate.source import Source
from rl_core.store import Store
from tests.functions.conftest import NOW, World

Opened = Callable[..., AppTest]

# Each AppTest looks for components in the metadata of all installed packages, and finds none: here once.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def script(title: str) -> None:
    """What Streamlit runs; its source is taken out of this file, hence the import."""
    from operate.console.frame import run

    run(title)


@pytest.fixture
def world(store: Store) -> World:
    """The table, with people who live."""
    return World(store)


@pytest.fixture
def opened(store: Store) -> Opened:
    """Opens the console at a screen, at a moment of the stack's clock: `opened("Segment", segment="HIGH_LOW")`."""

    def open_at(title: str, at: datetime = NOW, **query: str) -> AppTest:
        seat.take(Source(store.name, store.client, at - datetime.now(UTC), local=True))
        console = AppTest.from_function(script, args=(title,), default_timeout=30)
        for name, value in query.items():
            console.query_params[name] = value
        return console.run()

    return open_at


def words(console: AppTest) -> str:
    """All that a screen says, one line each."""
    blocks = (
        console.title,
        console.subheader,
        console.markdown,
        console.caption,
        console.error,
        console.warning,
        console.info,
        console.success,
    )
    return "\n".join(str(each.value) for block in blocks for each in block)
