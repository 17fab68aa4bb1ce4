"""One process serves many users at once: Powertools' shared state must not carry one into another's answer."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from local.phone import Json, Phone, bodies, over_http
from local.stack import Stack

USERS = [f"user-{n}" for n in range(12)]


def live(phone: Phone[Json]) -> set[str]:
    """One user's own doings, and whose name stood in the answers."""
    phone.put_profile(segment="Low Anxiety, Low Activity")
    named: set[str] = set()
    for _ in range(3):
        for activity in phone.recommend()["activities"]:
            told = phone.complete(activity["id"])["activity"]
            assert told["activity_name"] == activity["name"]
            named.add(told["user"])
    return named


def test_many_users_at_once_are_each_answered_as_themselves(fettle: Stack, http: httpx.Client) -> None:
    phones = [Phone(bodies(over_http(http, fettle.token(user)))) for user in USERS]
    with ThreadPoolExecutor(len(USERS)) as pool:
        assert list(pool.map(live, phones)) == [{user} for user in USERS]
