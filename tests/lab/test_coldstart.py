"""What `make bench-coldstart` compares, and with what."""

from pathlib import Path

import pytest

from lab.bench.coldstart.measure import ratio
from lab.bench.coldstart.sandbox import SandboxError, interpreter, pins, request_handlers
from local.template import load


def test_every_function_with_a_route_is_measured_and_no_other() -> None:
    template = load()
    routed = {template.functions[route.function].folder.name for route in template.routes}
    assert set(request_handlers()) == routed
    assert "learn" not in routed


def test_each_round_is_compared_with_itself() -> None:
    assert ratio([2.0, 90.0, 3.0], [1.0, 30.0, 2.0]) == 2.0


def test_a_pin_is_taken_with_its_hashes_and_alone(tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text(
        "boto3==1 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\nboto3-stubs==2 \\\n    --hash=sha256:c\n"
    )
    assert pins(listed, ("boto3",)).split() == ["boto3==1", "--hash=sha256:a", "--hash=sha256:b"]


def test_a_python_that_is_not_there_is_said() -> None:
    with pytest.raises(SandboxError, match="no such Python"):
        interpreter("/nowhere/python")
