"""`pytest -p tests.e2e.plugin` deploys the stack, once for the whole run; tests/integration then tests it instead."""

from collections.abc import Iterator

import pytest

from tests.e2e.deployment import Deployment, deployed


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployed stack; the last file of tests changes and removes it."""
    with deployed(tmp_path_factory.mktemp("deployed")) as its:
        yield its
