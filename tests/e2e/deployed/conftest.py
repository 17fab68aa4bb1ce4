"""HTTP to the deployed stack, which `-p tests.e2e.plugin` makes."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.deployment import Deployment
from tests.integration.conftest import client_of


@pytest.fixture(scope="session")
def http(deployment: Deployment) -> Iterator[httpx.Client]:
    with client_of(deployment) as client:
        yield client
