"""Changes of code alone and of the layer alone are published and served; at the end nothing is left. Runs last."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from operate.release import code_sha
from tests.e2e.deployment import BUCKET, STACK, Deployment
from tests.integration.conftest import Phone, ok

RESTORED = "fettle-restored"


def change(path: Path, old: str, new: str) -> None:
    """Put other words into a copied source file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def published(deployment: Deployment) -> Callable[[], dict[str, str]]:
    """The version that each function's alias serves."""
    awslambda = deployment.client("lambda")

    def versions() -> dict[str, str]:
        names = deployment.resources("AWS::Lambda::Function").items()
        return {it: awslambda.get_alias(FunctionName=name, Name="live")["FunctionVersion"] for it, name in names}

    return versions


def update(deployment: Deployment) -> None:
    """Deploy what the copied source says now, as `make deploy` does."""
    deployment.deploy(CodeSha256=code_sha(deployment.source, deployment.overrides))


def test_a_change_of_one_functions_code_is_served(
    deployment: Deployment, http: httpx.Client, published: Callable[[], dict[str, str]]
) -> None:
    dan = Phone.of("dan", deployment, http)
    ok(dan.put_profile(segment="High Anxiety, High Activity"))
    assert "Based on your" in dan.plan()["reason"]
    before = published()
    change(deployment.source / "functions" / "recommend" / "handler.py", "Based on your", "Made for your")
    update(deployment)
    assert published().items() & before.items() == set()
    assert "Made for your" in dan.plan()["reason"]


def test_a_change_of_the_layer_alone_is_served(
    deployment: Deployment, http: httpx.Client, published: Callable[[], dict[str, str]]
) -> None:
    eve = Phone.of("eve", deployment, http)
    before = published()
    assert eve.get_profile().body["title"] == "No profile"
    change(deployment.source / "layers/rl_core/rl_core/errors.py", '"No profile"', '"No profile so far"')
    update(deployment)
    assert published().items() & before.items() == set()
    assert eve.get_profile().body["title"] == "No profile so far"


def erase(deployment: Deployment) -> Any:
    """Runs the erasure's job, and returns its answer."""
    event = json.dumps({"time": datetime.now(UTC).isoformat()})
    erasure = deployment.resources("AWS::Lambda::Function")["Erasure"]
    answer = deployment.client("lambda").invoke(FunctionName=f"{erasure}:live", Payload=event)
    return json.loads(answer["Payload"].read())


def test_the_stack_goes_over_to_a_restored_table(deployment: Deployment, http: httpx.Client) -> None:
    fay, client = Phone.of("fay-of-the-backup", deployment, http), deployment.dynamodb
    ok(fay.put_profile(segment="High Anxiety, High Activity"))
    own, erasures = deployment.table_name, deployment.erasures_name
    backup = client.create_backup(TableName=own, BackupName="fay")["BackupDetails"]["BackupArn"]
    client.restore_table_from_backup(TargetTableName=RESTORED, BackupArn=backup)
    deployment.overrides["TableName"] = RESTORED
    update(deployment)
    assert (deployment.table_name, deployment.erasures_name) == (RESTORED, erasures)
    assert own not in client.list_tables()["TableNames"]  # as ProtectData is false
    assert fay.plan()["session_id"] == 1
    erase(deployment)  # what other tests left to be erased or unlearned
    before = len(client.scan(TableName=erasures)["Items"])
    assert fay.delete_profile().status == 204
    assert erase(deployment) == {"done": 1}
    assert len(client.scan(TableName=erasures)["Items"]) == before + 1
    assert [it for it in client.scan(TableName=RESTORED)["Items"] if fay.user in repr(it)] == []


def test_the_stack_can_be_removed_without_a_trace(deployment: Deployment) -> None:
    deployment.sam("delete", "--stack-name", STACK, "--s3-bucket", BUCKET, "--no-prompts")
    with pytest.raises(ClientError, match="does not exist"):
        deployment.client("cloudformation").describe_stacks(StackName=STACK)
    assert deployment.client("dynamodb").list_tables()["TableNames"] == [RESTORED]  # which is not the stack's
    names = [it["FunctionName"] for it in deployment.client("lambda").list_functions()["Functions"]]
    assert [name for name in names if name.startswith(STACK)] == []
