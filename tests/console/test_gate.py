"""The gate: nothing is shown or done without the token, or for another page or host; and what every answer says."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from operate.console.gate import HEADERS
from tests.console.gated import HOST, Gated, Running, running

PATHS = (
    "/",
    "/segment?segment=HIGH_LOW",
    "/static/js/index.js",
    "/_stcore/health",
    "/_stcore/script-health-check",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/upload_file/s/f",
    "/_stcore/agent/openapi.json",
    "/_stcore/agent/interact",
    "/_stcore/agent/mcp",
    "/_stcore/bidi-components/x",
    "/component/x/index.html",
    "/media/x.png",
    "/auth/login",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


@pytest.fixture
def gated() -> Gated:
    return Gated()


@pytest.fixture(scope="module")
def console() -> Iterator[Running]:
    """A console that runs; nobody's table is read, since no test opens a page's socket and waits for it."""
    with running("--table", "nobodys") as its:
        yield its


@pytest.fixture(scope="module")
def cookie(console: Running) -> str:
    return enter(console)


def enter(console: Running) -> str:
    """Takes the token that was printed last, and returns the cookie."""
    answer = httpx.get(f"http://{console.host}/?token={console.token}")
    console.next_token()
    return answer.headers["set-cookie"].partition(";")[0]


# Without the token.


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_no_route_answers_without_the_token(gated: Gated, path: str, method: str) -> None:
    assert gated.get(path, method).status == 403
    assert not gated.let_in


def test_the_socket_is_closed_without_the_cookie_and_nothing_runs(gated: Gated) -> None:
    assert gated.connect().status == 4403
    assert not gated.let_in


@pytest.mark.parametrize(
    "target", ["/?token=", "/?token=wrong", "/?token=%ff%00", "/?token=é", "/?TOKEN={}", "/x?token={}"]
)
def test_a_wrong_token_or_one_at_another_place_lets_nobody_in(gated: Gated, target: str) -> None:
    assert gated.get(target.format(gated.tokens[0])).status == 403
    assert len(gated.tokens) == 1


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
def test_only_a_get_takes_the_token(gated: Gated, method: str) -> None:
    assert gated.get(f"/?token={gated.tokens[0]}", method).status == 403
    assert len(gated.tokens) == 1


def test_the_refusal_says_where_the_address_is(gated: Gated) -> None:
    assert "the address that `make console` printed last" in gated.get().body


# With it.


def test_the_token_is_changed_for_a_cookie_and_leaves_the_address(gated: Gated) -> None:
    answer = gated.get(f"/?token={gated.tokens[0]}")
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert gated.get(cookie=answer.cookie).body == "the console"


def test_the_token_works_once_and_the_next_one_is_printed(gated: Gated) -> None:
    first = gated.tokens[0]
    gated.enter()
    assert gated.get(f"/?token={first}").status == 403
    assert len(gated.tokens) == 2
    assert gated.get(f"/?token={gated.tokens[1]}").status == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(gated: Gated) -> None:
    said = gated.get(f"/?token={gated.tokens[0]}").headers["set-cookie"].split("; ")
    assert {"Path=/", "HttpOnly", "SameSite=Strict"} < set(said)


def test_the_token_is_not_the_cookie(gated: Gated) -> None:
    cookie = gated.enter()
    assert not [token for token in gated.tokens if token in cookie]


def test_two_consoles_on_one_machine_do_not_take_each_others_cookie() -> None:
    """A browser keeps the cookies of all ports of a host in one jar."""
    one, other = Gated(), Gated(host="127.0.0.1:8502")
    jar = f"{one.enter()}; {other.enter()}"
    assert one.get(cookie=jar).status == 200
    assert other.get(cookie=jar).status == 200
    assert other.get(cookie=one.enter()).status == 403


def test_the_socket_opens_with_the_cookie(gated: Gated) -> None:
    assert gated.connect(cookie=gated.enter(), origin=f"http://{HOST}").status == 101


# From elsewhere.

FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": f"https://{HOST}"},
    {"origin": "http://127.0.0.1:9999"},
    {"origin": "http://localhost:8501"},
    {"host": "evil.example:8501"},  # a name that was bound to 127.0.0.1 anew
    {"host": "127.0.0.1"},
    {"host": ""},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},  # another port of this machine
)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_or_host_gets_nothing_although_the_cookie_comes_along(
    gated: Gated, headers: dict[str, str]
) -> None:
    cookie = gated.enter()
    assert gated.get(cookie=cookie, **headers).status == 403
    assert gated.connect(cookie=cookie, **headers).status == 4403
    assert not gated.let_in


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_or_host_cannot_use_up_the_token(gated: Gated, headers: dict[str, str]) -> None:
    assert gated.get(f"/?token={gated.tokens[0]}", **headers).status == 403
    assert len(gated.tokens) == 1


# What every answer says.


def test_every_answer_forbids_requests_to_elsewhere_and_frames(gated: Gated) -> None:
    cookie = gated.enter()
    for answer in (gated.get(), gated.get(cookie=cookie), gated.get(f"/?token={gated.tokens[-1]}")):
        assert answer.headers.items() >= HEADERS.items()
    policy = HEADERS["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "//" not in policy
    assert "*" not in policy


def test_what_the_console_says_itself_stays(gated: Gated) -> None:
    assert gated.get(cookie=gated.enter()).headers["x-frame-options"] == "DENY"


# A console that runs.


def test_a_running_console_serves_its_page_and_refuses_all_else(console: Running, cookie: str) -> None:
    with httpx.Client(base_url=f"http://{console.host}") as http:
        assert [path for path in PATHS if http.get(path).status_code != 403] == []
        page = http.get("/", headers={"cookie": cookie})
    assert page.status_code == 200
    assert page.headers.items() >= HEADERS.items()


def test_a_running_console_listens_on_the_loopback_address_alone(console: Running) -> None:
    others = {"127.0.0.2", "::1", socket.gethostbyname(socket.gethostname())} - {"127.0.0.1"}
    for other in others:
        with pytest.raises(OSError), socket.create_connection((other, console.port), timeout=1):
            pass


def test_a_running_console_opens_its_socket_for_the_cookie_and_its_own_pages_only(
    console: Running, cookie: str
) -> None:
    url = f"ws://{console.host}/_stcore/stream"
    with connect(url, additional_headers={"cookie": cookie, "origin": f"http://{console.host}"}):
        pass
    foreign = {"cookie": cookie, "origin": "https://evil.example"}
    for headers in ({}, {"cookie": "fettle_console_1=x"}, foreign):
        with pytest.raises(InvalidStatus, match="403"), connect(url, additional_headers=headers):
            pass


BROKEN = (
    "=",
    ";;;",
    "fettle_console",
    "fettle_console=",
    'fettle_console="',
    "a b=c; fettle_console=\xff",
    "x" * 8_000,
)


@pytest.mark.parametrize("cookie", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_cookie_is_no_cookie(gated: Gated, cookie: str) -> None:
    assert gated.get(cookie=cookie).status == 403
    assert gated.connect(cookie=cookie).status == 4403


def test_a_hostile_client_is_refused_and_the_console_goes_on(console: Running, cookie: str) -> None:
    with httpx.Client(base_url=f"http://{console.host}") as http:
        statuses = {http.get("/", params={"token": "x" * n}).status_code for n in range(0, 2_000, 40)}
        statuses |= {http.post("/_stcore/upload_file/s/f", content=b"x" * 1_000_000).status_code}
    assert statuses == {403}
    assert {sent(console, request) // 100 for request in HOSTILE} == {4}
    assert httpx.get(f"http://{console.host}/_stcore/health", headers={"cookie": cookie}).status_code == 200
    assert enter(console) == cookie  # the next address is the next line that the console prints


HOSTILE = (
    b"GARBAGE\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET /?token=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
)


def sent(console: Running, request: bytes) -> int:
    """The status that is answered to a request as no client of ours would send it."""
    with socket.create_connection(("127.0.0.1", console.port), timeout=5) as its:
        its.sendall(request)
        return int(its.recv(100).split()[1])


def test_a_port_that_is_taken_is_said(console: Running, capfd: pytest.CaptureFixture[str]) -> None:
    from operate.console.__main__ import main

    assert main(["--table", "nobodys", "--port", str(console.port)]) == 1
    assert "make console PORT=8502" in capfd.readouterr().err
