"""A phone over HTTP and one straight to the functions are the same phone."""

from collections.abc import Callable
from functools import partial
from uuid import uuid4

import httpx
import pytest

from local.phone import (
    Answer,
    NoRouteError,
    Phone,
    RefusedError,
    bodies,
    ids,
    invocation,
    over_http,
    pages,
    to_functions,
)
from local.stack import Stack
from tests.local.conftest import START

SEGMENT = "Low Anxiety, High Activity"


class Twins:
    """Two phones of one user, over HTTP and straight to the functions."""

    def __init__(self, stack: Stack, http: httpx.Client, user: str) -> None:
        self.direct = Phone(to_functions(stack.invoke, user, stack.clock.now()))
        self.remote = Phone(over_http(http, stack.token(user)))

    def agree(self, ask: Callable[[Phone[Answer]], Answer]) -> Answer:
        """The answer that both get to the same request, one after the other."""
        first, second = ask(self.remote), ask(self.direct)
        assert (first.status, first.text) == (second.status, second.text)
        assert first.headers.get("content-type") == second.headers.get("content-type")
        return second


@pytest.fixture
def twins(fettle: Stack, http: httpx.Client) -> Twins:
    return Twins(fettle, http, f"user-{uuid4()}")


@pytest.fixture
def settled(twins: Twins) -> Twins:
    """The phones of a user with a profile."""
    twins.direct.put_profile(segment=SEGMENT)
    return twins


def test_both_give_the_same_answers_from_the_first_profile_to_the_last(twins: Twins) -> None:
    assert twins.agree(Phone.get_profile).status == 404
    assert twins.agree(lambda phone: phone.put_profile(segment=SEGMENT, avoid=["floor"])).body["segment"] == SEGMENT
    plan = twins.agree(Phone.recommend).body
    first, second, *_ = ids(plan)
    said = twins.agree(lambda phone: phone.complete(first, notes="grün")).body
    assert (said["activity"]["completed"], said["activity"]["notes"]) == (True, "grün")
    items = [{"activity_id": second, "completed": False}]
    assert twins.agree(lambda phone: phone.batch(items, overall_session_rating=4)).body["activities_updated"] == 1
    assert twins.agree(Phone.history).body["sessions"][0]["status"] == "learned"
    assert twins.agree(lambda phone: phone.stats(30)).body["totals"]["completed"] == 1
    assert twins.agree(Phone.delete_profile) == Answer(204, twins.direct.delete_profile().headers, b"")


def test_a_prefetched_session_is_the_one_that_is_shown(settled: Twins) -> None:
    early = settled.agree(lambda phone: phone.recommend(prefetch=True)).body
    assert settled.agree(lambda phone: phone.recommend(prefetch=False)).body == early


@pytest.mark.parametrize("target", ["/nothing", "/profile//", "/activity/1/2/complete/", "/activity/history/x?limit=1"])
def test_both_answer_an_unknown_path_with_404(twins: Twins, target: str) -> None:
    answer = twins.agree(lambda phone: phone.ask("GET", target))
    assert (answer.status, answer.body) == (404, {"message": "Not Found"})


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("PATCH", "/profile/", None, 404),
        ("PUT", "/profile", {"timezone": "UTC"}, 200),
        ("PUT", "/profile/", b"{", 422),
        ("GET", "/activity/history/?limit=1&limit=2", None, 422),
        ("GET", "/activity/history/?next_token=%00", None, 422),
        ("POST", "/activity/%F0%9F%98%80/complete/", {"completed": True}, 404),
        ("POST", "/activity/%FF/complete/", {"completed": True}, 404),
        ("POST", "/activity/11%2Fcomplete/", {"completed": True}, 404),
    ],
)
def test_both_answer_an_odd_request_alike(settled: Twins, method: str, target: str, body: object, status: int) -> None:
    json = {"content-type": "application/json"}
    assert settled.agree(lambda phone: phone.ask(method, target, body, json)).status == status


def test_both_answer_another_content_type_alike(settled: Twins) -> None:
    text = {"content-type": "text/plain"}
    assert settled.agree(lambda phone: phone.ask("PUT", "/profile/", b"{}", text)).status == 415


def test_pages_give_every_session_once_newest_first(settled: Twins) -> None:
    phone = Phone(bodies(settled.direct.send))
    for _ in range(3):
        phone.batch([{"activity_id": ids(phone.recommend())[0], "completed": True}])
    found = [[session["session_id"] for session in page] for page in pages(partial(phone.history, 2))]
    assert found == [[3, 2], [1]]


def test_bodies_are_of_successes_and_a_refusal_is_raised_in_the_problems_words(twins: Twins) -> None:
    phone = Phone(bodies(twins.direct.send))
    assert phone.delete_profile() == {}
    with pytest.raises(RefusedError, match=r"GET /profile/ answered 404: .*No profile"):
        phone.get_profile()


def test_what_a_function_raises_reaches_its_caller() -> None:
    def fails(function: str, event: object) -> None:
        raise OSError(function)

    with pytest.raises(OSError, match="Recommend"):
        Phone(to_functions(fails, "ana", START)).recommend()


def test_an_invocation_names_the_function_and_carries_user_and_time() -> None:
    function, event = Phone(partial(invocation, user="ana", at=START)).complete(11)
    assert (function, event["pathParameters"]) == ("Complete", {"id": "11"})
    assert event["requestContext"]["authorizer"]["jwt"]["claims"] == {"sub": "ana"}
    assert event["requestContext"]["timeEpoch"] == START.timestamp() * 1000


def test_there_is_no_invocation_of_a_route_that_the_template_does_not_have() -> None:
    with pytest.raises(NoRouteError, match="GET /nothing"):
        Phone(partial(invocation, user="ana", at=START)).ask("GET", "/nothing")
