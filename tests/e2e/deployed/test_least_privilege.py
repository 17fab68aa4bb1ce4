"""What each deployed role allows, found by trying; and whose packages a function runs on."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local.template import load
from tests.conftest import READERS, READS, granted
from tests.e2e.deployed import probe
from tests.e2e.deployment import Deployment

FUNCTIONS = load().functions
BY_HTTP = {route.function for route in load().routes}
PROBE = Path(__file__).with_name("probe.py")
LAYERED = {"aws_lambda_powertools", "pydantic", "pydantic_core", "rl_core"}  # by every function; others by some


def stated(function: str) -> set[str]:
    """What the template's policy of that function says about the table, in the probe's words."""
    return {action for action in granted(function) if action.startswith("dynamodb:")}


@pytest.fixture(scope="module")
def probed(deployment: Deployment) -> dict[str, Any]:
    """What a function with the same role, layer and variables finds, for each function."""
    physical = deployment.resources("AWS::Lambda::Function")
    return {name: _probe(deployment, name, physical[name]) for name in FUNCTIONS}


def _probe(deployment: Deployment, name: str, physical: str) -> Any:
    awslambda = deployment.client("lambda")
    its = awslambda.get_function_configuration(FunctionName=physical)
    awslambda.create_function(
        FunctionName=f"probe-{name}",
        Code={"ZipFile": _zipped(deployment.build / name)},
        Handler="probe.lambda_handler",
        Layers=[layer["Arn"] for layer in its["Layers"]],
        Timeout=30,
        Environment={"Variables": its["Environment"]["Variables"] | {"PROBED_ERASURES": deployment.erasures_name}},
        **{key: its[key] for key in ("Runtime", "Role", "Architectures", "MemorySize")},
    )
    answer = awslambda.invoke(FunctionName=f"probe-{name}", Payload="{}")
    found = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    return found


def _zipped(built: Path) -> bytes:
    """The function as it was built, with the probe beside its handler."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.write(PROBE, "probe.py")
        for path in (it for it in built.rglob("*") if it.is_file()):
            file.write(path, str(path.relative_to(built)))
    return archive.getvalue()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_what_its_policy_says_and_nothing_else(probed: dict[str, Any], name: str) -> None:
    known = {action.removesuffix(" index") for action in probe.CALLS}
    assert {action.removesuffix(" index") for action in stated(name)} <= known  # else the probe does not try it
    assert set(probed[name]["allowed"]) == stated(name)


@pytest.mark.parametrize("name", READERS)
def test_a_function_that_only_reads_cannot_write(probed: dict[str, Any], name: str) -> None:
    assert set(probed[name]["allowed"]) <= READS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_its_packages_come_from_the_layer_and_the_sdk_from_the_runtime(
    deployment: Deployment, probed: dict[str, Any], name: str
) -> None:
    packages = probed[name]["packages"]
    layered = {it.stem for it in (deployment.build / "RlCoreLayer" / "python").iterdir()} & packages.keys()
    assert layered >= LAYERED
    assert {it for it in layered if "/layer_0/python/" not in packages[it]} == set()
    assert "/layer_0/" not in packages["botocore"]
    assert "/layer_0/" not in packages["boto3"]


@pytest.mark.parametrize("name", sorted(BY_HTTP))
def test_a_function_of_the_api_does_not_load_numpy(probed: dict[str, Any], name: str) -> None:
    assert "numpy" not in probed[name]["packages"]
