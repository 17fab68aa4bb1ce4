"""DATA chooses where the table is: in MiniStack, or in Dynoxide beside it."""

import os
import platform
from pathlib import Path

import boto3
import httpx
import pytest

from local import data_plane, dynoxide
from local.clock import SteppedClock
from local.engine import EngineError
from local.stack import Stack
from tests.local.conftest import START


def server_of(url: str) -> str:
    return str(httpx.get(url, trust_env=False).headers.get("server", ""))


def test_without_data_it_is_ministack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATA", raising=False)
    assert data_plane.chosen() == "ministack"
    monkeypatch.setenv("DATA", "")
    assert data_plane.chosen() == "ministack"


def test_an_unknown_name_is_told_the_known_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA", "mysql")
    with pytest.raises(EngineError, match=r"DATA=mysql .* ministack or dynoxide"), data_plane.running(tmp_path):
        pass


def test_where_it_is_not_installed_it_says_how_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dynoxide, "PLATFORMS", {(platform.system(), platform.machine()): "here"})
    with pytest.raises(EngineError, match="make dynoxide"), dynoxide.running(tmp_path, tmp_path):
        pass


def test_another_machine_is_told_where_it_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "s390x")
    with pytest.raises(EngineError, match=r"on Linux x86_64; this is \w+ s390x"), dynoxide.running(tmp_path):
        pass


@pytest.mark.usefixtures("dynoxide_installed")
def test_dynoxide_serves_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with dynoxide.running(tmp_path) as url:
        assert server_of(url).startswith("Dynoxide/")
        assert any(tmp_path.glob("dynoxide-*"))
    assert not any(tmp_path.glob("dynoxide-*"))
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


@pytest.mark.usefixtures("dynoxide_installed")
def test_two_dynoxides_share_nothing(tmp_path: Path) -> None:
    session = boto3.Session("local", "local", region_name="us-east-1")
    with dynoxide.running(tmp_path) as one, dynoxide.running(tmp_path) as other:
        first, second = (session.client("dynamodb", endpoint_url=url) for url in (one, other))
        first.create_table(
            TableName="mine",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        assert (first.list_tables()["TableNames"], second.list_tables()["TableNames"]) == (["mine"], [])


@pytest.mark.usefixtures("dynoxide_installed")
def test_the_stacks_table_is_in_dynoxide_and_its_queues_are_in_ministack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA", "dynoxide")
    with Stack(clock=SteppedClock(START), quiet=True, folder=tmp_path) as stack:
        assert server_of(stack.data_url).startswith("Dynoxide/")
        assert os.environ["AWS_ENDPOINT_URL_DYNAMODB"] == stack.data_url
        assert "Dynoxide" not in server_of(os.environ["AWS_ENDPOINT_URL"])
        sent = stack.run_schedule("DailyDispatch")["messages"]
        assert (sent > 0, stack.drain()) == (True, sent)
        assert stack.dynamodb.scan(TableName=stack.table_name, Select="COUNT")["Count"] > 0
