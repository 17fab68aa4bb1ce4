"""One process serves many users at once: Powertools' shared state must not carry one into another's answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from local.clock import SteppedClock
from local.stack import Stack

USERS = [f"user-{n}" for n in range(12)]


@pytest.fixture(scope="module")
def real_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Fettle itself, not the small project."""
    clock = SteppedClock(datetime(2026, 11, 23, 8, tzinfo=UTC))
    with Stack(clock=clock, quiet=True, folder=tmp_path_factory.mktemp("real")) as running:
        yield running


def live(stack: Stack, user: str) -> set[str]:
    """One user's own doings, and whose name stood in the answers."""
    headers = {"authorization": f"Bearer {stack.token(user)}"}
    with httpx.Client(base_url=stack.url, headers=headers, trust_env=False) as client:
        assert client.put("/profile/", json={"segment": "Low Anxiety, Low Activity"}).status_code == 200
        named: set[str] = set()
        for _ in range(3):
            plan = client.get("/activity/recommended/").json()["activities"]
            for activity in plan:
                answer = client.post(f"/activity/{activity['id']}/complete/", json={"completed": True}).json()
                assert answer["activity"]["activity_name"] == activity["name"]
                named.add(answer["activity"]["user"])
        return named


def test_many_users_at_once_are_each_answered_as_themselves(real_stack: Stack) -> None:
    with ThreadPoolExecutor(len(USERS)) as pool:
        named = list(pool.map(lambda user: live(real_stack, user), USERS))
    assert named == [{user} for user in USERS]
