"""The deployed stack, made once for all tests of this folder; the last file changes it and removes it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.deployment import Deployment, deployed


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("deployed")) as its:
        yield its


@pytest.fixture(scope="session")
def http(deployment: Deployment) -> Iterator[httpx.Client]:
    with deployment.http() as client:
        yield client
