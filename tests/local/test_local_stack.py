"""A small project served whole: MiniStack, handlers, HTTP, schedules."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from local.server import PortError, Server, bind
from local.stack import Stack


def test_a_user_is_the_tokens_sub(client: httpx.Client) -> None:
    context = client.get("/things/7").json()["event"]["requestContext"]
    assert context["authorizer"]["jwt"]["claims"]["sub"] == "ana"


def test_now_is_the_stacks_clock(client: httpx.Client, stack: Stack) -> None:
    context = client.get("/things/7").json()["event"]["requestContext"]
    assert context["timeEpoch"] == stack.clock.now().timestamp() * 1000


@pytest.mark.parametrize("path", ["/things/7", "/things/7/", "/things/a%20b"])
def test_routes_answer_as_the_template_lists_them(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json()["event"]["pathParameters"] == {"id": answer.json()["event"]["rawPath"].split("/")[2]}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("PUT", "/thing/"),
        ("POST", "/thing"),
        ("OPTIONS", "/thing"),
        ("GET", "/things/"),
        ("GET", "/things/7/8"),
        ("GET", "//things/7"),
        ("POST", "/docs"),
    ],
)
def test_everything_else_is_not_found(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_head_is_not_answered_for_a_get(client: httpx.Client) -> None:
    assert client.head("/things/7").status_code == 404


def test_without_a_token_nobody_comes_in(stack: Stack) -> None:
    answer = httpx.get(f"{stack.url}/things/7", trust_env=False)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_foreign_token_is_no_token(stack: Stack) -> None:
    headers = {"authorization": f"Bearer {stack.token('ana')[:-8]}AAAAAAAA"}
    assert httpx.get(f"{stack.url}/things/7", headers=headers, trust_env=False).status_code == 401


def test_a_route_may_be_open(stack: Stack) -> None:
    assert httpx.get(f"{stack.url}/open", trust_env=False).json() == {"open": "yes"}


def test_a_failure_says_nothing_outside_and_all_in_the_log(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/fail")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    assert "a secret" in caplog.text


def test_bodies_come_back_as_they_went(client: httpx.Client) -> None:
    answer = client.put("/thing", content="grüezi", headers={"content-type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.text) == (201, "grüezi")


def test_a_body_over_ten_megabytes_is_refused(client: httpx.Client) -> None:
    answer = client.put("/thing", content=b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()) == (413, {"message": "Request Too Long"})


def test_requests_at_the_same_time_keep_their_own_event(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    def ask(number: int) -> bool:
        headers = {"authorization": f"Bearer {stack.token(f'user-{number}')}"}
        answer = httpx.get(f"{stack.url}/things/{number}", headers=headers, trust_env=False).json()
        user = answer["event"]["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
        return bool(answer["thing"] == str(number) and user == f"user-{number}")

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(100)))
    lines = capsys.readouterr().out.replace('}{"_aws"', '}\n{"_aws"').split()  # print() writes its line end apart
    metrics = [json.loads(line) for line in lines]
    assert [(it["Called"], it["Answered"], it["service"]) for it in metrics] == [([1.0], [1.0], "local-test")] * 100


def test_advancing_fires_what_came_due(stack: Stack) -> None:
    stack.advance_to(stack.clock.now() + timedelta(hours=5, minutes=30))
    items = stack.dynamodb.scan(TableName=stack.table_name)["Items"]
    assert [item["pk"]["S"] for item in items] == ["2026-11-23T13:00:00Z"]


def test_a_schedule_can_be_run_out_of_turn(stack: Stack) -> None:
    now = f"{stack.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    assert stack.run_schedule("Tick") == {"time": now, "function": "Tick", "memory": 256}
    with pytest.raises(KeyError, match="Echo"):
        stack.run_schedule("Echo")


def test_the_root_leads_to_the_page(stack: Stack) -> None:
    answer = httpx.get(stack.url, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "/docs")


def test_the_key_set_is_public(stack: Stack) -> None:
    answer = httpx.get(f"{stack.url}/.well-known/jwks.json", trust_env=False).json()
    assert [key["alg"] for key in answer["keys"]] == ["RS256"]


def test_there_is_one_stack_at_a_time(stack: Stack, small_template: Path) -> None:
    with pytest.raises(RuntimeError, match="another Stack"), Stack(template=small_template):
        pass


def test_a_busy_port_is_one_clear_line() -> None:
    with bind(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"127.0.0.1:{port}"):
            bind(port)


def test_a_server_whose_thread_ends_before_it_is_woken_stops_cleanly(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(lambda *_: [], bind(0))
    server.start()
    wake = server._server.pull_trigger

    def late() -> None:
        server._thread.join()
        wake()

    monkeypatch.setattr(server._server, "pull_trigger", late)
    server.stop()
    assert not server._sockets


def test_the_machines_own_aws_settings_stay_out(stack: Stack) -> None:
    assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert os.environ["AWS_CONFIG_FILE"] == os.devnull
