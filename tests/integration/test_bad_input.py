"""Whatever is sent, the answer is a problem document of the caller's own making, and nothing has changed."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from local.phone import Answer, ids
from local.stack import Stack
from tests.integration.conftest import Phone, Target, done, everything, ok, problem

NewUser = Callable[..., Phone]
SECRET = "xylophone"
JSON = {"content-type": "application/json"}
ID = 7_654_321  # stands for a real activity id in the bodies below
COMPLETE = ("POST", f"/activity/{ID}/complete/")
BATCH = ("POST", "/activity/feedback-batch/")
PROFILE = ("PUT", "/profile/")
ROUTES = (COMPLETE, BATCH, PROFILE)

Route = tuple[str, str]


def short(value: object) -> str:
    """A case's name in the report."""
    return str(value).encode("ascii", "backslashreplace").decode()[:60]


@pytest.fixture(scope="module")
def bob(target: Target, http: httpx.Client) -> Phone:
    """A user with an open session, whom no request here may change."""
    phone = Phone.named("bob", target, http)
    ok(phone.put_profile(segment="Low Anxiety, Low Activity"))
    phone.plan()
    return phone


@contextmanager
def nothing_changes(target: Target) -> Iterator[None]:
    before = everything(target)
    yield
    assert everything(target) == before


def refused(phone: Phone, route: Route, body: bytes, headers: dict[str, str] = JSON) -> Answer:
    """The answer to a body that must be refused, with `ID` filled in; it is a problem and leaks nothing."""
    method, path = route
    its = str(ids(phone.plan())[0])
    with nothing_changes(phone.stack):
        answer = phone.ask(method, path.replace(str(ID), its), body.replace(str(ID).encode(), its.encode()), headers)
    assert 400 <= answer.status < 500, answer.text
    problem(answer, answer.status)
    assert SECRET not in answer.text
    fields = [error["field"] for error in answer.body.get("errors", [])]
    assert all(re.fullmatch(r"[\w.]*", field) for field in fields), fields  # no name of a function or a class
    return answer


WRONG_ANSWERS: list[Any] = [
    {},
    {"completed": None},
    {"completed": "true"},
    {"completed": 1},
    {"completed": True, "motivation_before": 0},
    {"completed": True, "motivation_before": 6},
    {"completed": True, "motivation_after": -1},
    {"completed": True, "motivation_after": 2.5},
    {"completed": True, "difficulty_rating": "3"},
    {"completed": True, "difficulty_rating": True},
    {"completed": True, "difficulty_rating": 10**30},
    {"completed": True, "difficulty_rating": [3]},
    {"completed": True, "notes": 5},
    {"completed": True, "notes": ["a"]},
    {"completed": True, "notes": "x" * 2001},
    {"completed": True, "notes": f"{SECRET}\x00"},
    {"completed": "no", "notes": SECRET},
    {"completed": True, "user": "somebody-else"},
    {"completed": True, "sub": "somebody-else", "notes": SECRET},
    {"completed": True, "motivation_befor": 3},
]


@pytest.mark.parametrize("said", WRONG_ANSWERS, ids=short)
def test_a_wrong_answer_is_refused_alone_and_in_a_batch(bob: Phone, said: dict[str, Any]) -> None:
    assert refused(bob, COMPLETE, json.dumps(said).encode()).status == 422
    item = json.dumps({"activities": [{"activity_id": ID} | said]}).encode()
    assert refused(bob, BATCH, item).status == 422


ITEM = {"activity_id": ID, "completed": True, "notes": SECRET}


@pytest.mark.parametrize(
    ("status", "batch"),
    [
        (422, {"activities": []}),
        (422, {"activities": None}),
        (422, {"activities": ITEM}),
        (422, {"activities": [[ITEM]]}),
        (422, {"activities": [ITEM, ITEM]}),
        (422, {"activities": [ITEM, ITEM | {"activity_id": 21}]}),
        (422, {"activities": [ITEM, ITEM | {"activity_id": -1}]}),
        (422, {"activities": [ITEM | {"activity_id": n} for n in range(11, 19)]}),
        (422, {"activities": [{"completed": True}]}),
        (422, {"activities": [ITEM | {"activity_id": "11"}]}),
        (422, {"activities": [ITEM | {"activity_id": 11.5}]}),
        (422, {"activities": [ITEM | {"activity_id": True}]}),
        (422, {"activities": [ITEM], "overall_session_rating": 0}),
        (422, {"activities": [ITEM], "overall_session_rating": 6}),
        (422, {"activities": [ITEM], "overall_session_rating": "4"}),
        (422, {"activities": [ITEM], "notes": SECRET * 300}),
        (422, {"activities": [ITEM], "notes": f"{SECRET}\x00"}),
        (422, {"activities": [ITEM], "user": "somebody-else"}),
        (404, {"activities": [ITEM | {"activity_id": 0}]}),
        (404, {"activities": [ITEM | {"activity_id": -11}]}),
        (404, {"activities": [ITEM | {"activity_id": 10**30}]}),
        (404, {"activities": [ITEM | {"activity_id": 10}]}),
        (404, {"activities": [ITEM, ITEM | {"activity_id": 19}]}),
    ],
    ids=short,
)
def test_a_wrong_batch_is_refused_as_a_whole(bob: Phone, status: int, batch: dict[str, Any]) -> None:
    assert refused(bob, BATCH, json.dumps(batch).encode()).status == status


@pytest.mark.parametrize(
    "profile",
    [
        {"segment": "Low"},
        {"segment": "low anxiety, low activity"},
        {"segment": None},
        {"segment": 1},
        {"segment": ["Low Anxiety, Low Activity"]},
        {"segment": SECRET},
        {"gad7_score": 3},
        {"active_minutes_per_week": 3},
        {"gad7_score": 22, "active_minutes_per_week": 10},
        {"gad7_score": -1, "active_minutes_per_week": 10},
        {"gad7_score": 3, "active_minutes_per_week": -1},
        {"gad7_score": 3, "active_minutes_per_week": 10**30},
        {"gad7_score": "3", "active_minutes_per_week": 10},
        {"gad7_score": 3.5, "active_minutes_per_week": 10},
        {"gad7_score": True, "active_minutes_per_week": 10},
        {"gad7_score": None, "active_minutes_per_week": None},
        {"segment": "Low Anxiety, Low Activity", "gad7_score": 3, "active_minutes_per_week": 10},
        {"segment": "Low Anxiety, Low Activity", "gad7_score": 3},
        {"timezone": "../etc/passwd"},
        {"timezone": "/etc/passwd"},
        {"timezone": "America"},
        {"timezone": ""},
        {"timezone": "\x00"},
        {"timezone": "UTC\n"},
        {"timezone": "A" * 500},
        {"timezone": None},
        {"timezone": 3},
        {"timezone": "Mars/Olympus"},
        {"timezone": "localtime"},
        {"timezone": "tzdata.zi"},
        {"avoid": ["unknown-tag"]},
        {"avoid": "floor"},
        {"avoid": None},
        {"avoid": [None]},
        {"avoid": ["floor"] * 101 + [1]},
        {"without": [6]},
        {"without": [-1]},
        {"without": [1, 1]},
        {"without": [0, 1, 2, 3, 4]},
        {"without": ["1"]},
        {"without": [True]},
        {"without": [1.5]},
        {"without": 1},
        {"without": None},
        {"engagement_score": 1.0},
        {"user": "somebody-else"},
    ],
    ids=short,
)
def test_a_wrong_profile_is_refused(bob: Phone, profile: dict[str, Any]) -> None:
    assert refused(bob, PROFILE, json.dumps(profile).encode()).status == 422


@pytest.mark.parametrize("route", ROUTES, ids=["complete", "batch", "profile"])
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b" ",
        b"null",
        b"[]",
        b"3",
        b'"text"',
        b"NaN",
        b"true",
        b"[" * 100_000,
        b'{"a":' * 30_000,
        b"[" * 900 + b"]" * 900,
        b"9" * 5000,
        pytest.param(
            b'{"completed": true, "notes": "\xff\xfe"}',
            marks=pytest.mark.local_only("MiniStack replaces what is no UTF-8 before the function sees it"),
        ),
        '{"completed": true}'.encode("utf-16"),
        b'\xef\xbb\xbf{"completed": true}',
        b'{"completed": true, "notes": "\\ud800 xylophone"}',
        b'{"completed": true, "\\ud800": 1}',
        b'{"completed": true, "difficulty_rating": NaN}',
        b'{"completed": true, "difficulty_rating": Infinity}',
        b'{"completed": true, "difficulty_rating": 1e400}',
        b'{"completed": true, "difficulty_rating": ' + b"9" * 5000 + b"}",
        b'{"completed": true, "difficulty_rating": ' + b"9" * 4000 + b"}",
        b'{"timezone": "\\ud800"}',
        b'{"avoid": ["\\ud800"]}',
        b'{"activities": [{"activity_id": ' + b"9" * 5000 + b', "completed": true}]}',
        b'{"activities": [{"activity_id": ' + b"9" * 4000 + b', "completed": true}]}',
        b'{"activities": [{"activity_id": 1e3, "completed": true}]}',
        b'{"completed": true, "notes": "' + b"x" * 300_000 + b'"}',
    ],
    ids=short,
)
def test_a_body_that_is_not_what_the_route_takes_is_refused(bob: Phone, route: Route, body: bytes) -> None:
    assert refused(bob, route, body).status in (404, 413, 422)


def test_nesting_of_any_depth_is_refused(bob: Phone) -> None:
    for depth in range(900, 1000):  # around Python's own limit
        refused(bob, PROFILE, b'{"avoid":' + b"[" * depth + b"]" * depth + b"}")


@pytest.mark.parametrize("route", [COMPLETE, BATCH], ids=["complete", "batch"])
def test_an_empty_body_is_refused(bob: Phone, route: Route) -> None:
    assert refused(bob, route, b"").status == 422


@pytest.mark.parametrize("route", ROUTES, ids=["complete", "batch", "profile"])
@pytest.mark.parametrize("body", [b"", b"completed=true&notes=xylophone", b'{"completed": true}'], ids=short)
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/html",
        "application/xml",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        ";",
        "x" * 2000,
    ],
    ids=short,
)
def test_another_content_type_is_refused(bob: Phone, route: Route, kind: str, body: bytes) -> None:
    assert refused(bob, route, body, {"content-type": kind}).status in (415, 422)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"])
def test_json_is_json_however_it_is_spelt(bob: Phone, kind: str) -> None:
    ok(bob.ask("PUT", "/profile/", b"{}", {"content-type": kind}))


@pytest.mark.parametrize(
    ("status", "its"),
    [
        (404, "0"),
        (404, "10"),
        (404, "18"),
        (404, "19"),
        (404, "21"),
        (404, "-11"),
        (404, "011"),
        (404, "-0"),
        (404, str(10**9)),
        (404, str(10**30)),
        (422, "1e3"),
        (422, "1.5"),
        (422, "11.0"),
        (422, "1_1"),
        (422, "0x0b"),
        (422, "recommended"),
        (422, "9" * 5000),
        (None, "%F0%9F%98%80"),
        (None, 'a"b'),
        (None, "%00"),
        (None, "11%0A"),
        (None, "%FF"),
        (None, "11;21"),
        (None, "..%5c"),
    ],
    ids=short,
)
def test_an_id_that_names_nothing_is_refused(bob: Phone, status: int | None, its: str) -> None:
    body = json.dumps({"completed": True, "notes": SECRET}).encode()
    answer = refused(bob, ("POST", f"/activity/{its}/complete/"), body)
    assert answer.status in ((status,) if status else (404, 422))


@pytest.mark.parametrize(
    "path",
    [
        "/activity/history/?limit=0",
        "/activity/history/?limit=101",
        "/activity/history/?limit=-1",
        "/activity/history/?limit=ten",
        "/activity/history/?limit=",
        "/activity/history/?limit=1e1",
        "/activity/history/?limit=1&limit=2",
        "/stats/?days=7&days=7",
        "/stats/?days=8",
        "/stats/?days=seven",
        f"/activity/history/?limit={'9' * 5000}",
        "/activity/history/?next_token=",
        "/activity/history/?next_token=x",
        "/activity/history/?next_token=-1",
        "/activity/history/?next_token=%00",
        "/activity/history/?next_token=1%0A",
        f"/activity/history/?next_token={'9' * 5000}",
        "/activity/recommended/?prefetch=maybe",
        "/activity/recommended/?prefetch=",
        "/activity/recommended/?prefetch=2",
        "/activity/recommended/?prefetch=true&prefetch=false",
    ],
    ids=short,
)
def test_a_wrong_query_is_refused(bob: Phone, path: str) -> None:
    assert refused(bob, ("GET", path), b"", {}).status == 422


def test_anothers_activity_is_as_unknown_as_one_that_never_was(bob: Phone, newcomer: NewUser) -> None:
    ana = newcomer()
    plan = ana.plan()
    ok(ana.batch(done(plan)))
    theirs = ids(ana.plan())[0]
    answer = json.dumps({"completed": True, "notes": SECRET}).encode()
    batch = json.dumps({"activities": [{"activity_id": theirs, "completed": True}]}).encode()
    unknown = refused(bob, ("POST", "/activity/991/complete/"), answer)
    assert refused(bob, ("POST", f"/activity/{theirs}/complete/"), answer).body == unknown.body
    assert refused(bob, BATCH, batch).body == unknown.body


def test_naming_another_user_anywhere_changes_nothing_of_theirs(bob: Phone, newcomer: NewUser) -> None:
    ana = newcomer()
    ana.plan()
    before = (ana.profile(), ana.sessions())
    for path in (f"/profile/?user={ana.user}", f"/activity/history/?user={ana.user}&sub={ana.user}"):
        answer = bob.ask("GET", path, headers={"x-user": ana.user})
        assert ana.user not in answer.text
    assert (ana.profile(), ana.sessions()) == before


def test_the_first_profile_needs_a_segment_or_both_scores(stranger: Callable[[], Phone], target: Target) -> None:
    ana = stranger()
    for fields in ({}, {"timezone": "UTC"}, {"gad7_score": 3}, {"active_minutes_per_week": 100}):
        with nothing_changes(target):
            assert problem(ana.put_profile(**fields), 422) == "invalid-request"


def test_the_largest_batch_that_is_allowed_is_taken(newcomer: NewUser) -> None:
    ana = newcomer()
    notes = "\N{GRINNING FACE}" * 2000
    ok(ana.batch(done(ana.plan(), notes=notes), notes=notes))
    assert {a["notes"] for a in ana.latest()["activities"]} == {notes}


def test_an_integer_may_be_written_with_a_point(newcomer: NewUser) -> None:
    phone = newcomer()
    ok(phone.put_profile(gad7_score=3.0, active_minutes_per_week=10.0))
    first, second, *_ = ids(phone.plan())
    assert ok(phone.complete(first, motivation_after=3.0))["activity"]["motivation_after"] == 3
    ok(phone.batch([{"activity_id": float(second), "completed": True}], overall_session_rating=4.0))


@pytest.mark.parametrize("path", ["/profile/", "/activity/recommended/", "/activity/history/"])
@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer nonsense", "Bearer a.b.c", "Basic YTpi", "\x00"])
def test_without_a_valid_token_nobody_comes_in(http: httpx.Client, path: str, token: str | None) -> None:
    answer = http.get(path, headers={} if token is None else {"authorization": token.replace("\x00", "~")})
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


@pytest.mark.local_only("MiniStack has words of its own for this")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("POST", "/profile/"),
        ("PATCH", "/profile/"),
        ("GET", "/activity/11/complete/"),
        ("DELETE", "/activity/recommended/"),
        ("POST", "/activity//complete/"),
        ("POST", "/activity/1/2/complete/"),
        ("GET", "/activity/../profile/x"),
    ],
)
def test_an_unknown_route_is_the_gateways_404(bob: Phone, method: str, path: str) -> None:
    answer = bob.ask(method, path)
    assert (answer.status, answer.body) == (404, {"message": "Not Found"})


@pytest.mark.parametrize("user", ["x" * 256, "ü" * 300])
def test_a_subject_that_cannot_be_a_key_is_refused(stack: Stack, http: httpx.Client, user: str) -> None:
    assert problem(Phone.of(user, stack, http).get_profile(), 401) == "unauthorized"


@pytest.mark.parametrize("user", ["ana#1", "a b", "~PROFILE", "USER#x", "ü🙂", "a\x00b", "x" * 255])
def test_any_other_subject_is_a_user_of_their_own(stack: Stack, http: httpx.Client, user: str) -> None:
    phone = Phone.of(user, stack, http)
    ok(phone.put_profile(segment="Low Anxiety, Low Activity"))
    ok(phone.complete(ids(phone.plan())[0]))
    assert {a["user"] for a in phone.latest()["activities"]} == {user}
