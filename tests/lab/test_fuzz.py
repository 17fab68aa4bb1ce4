"""A fuzzing run that never got past the first checks proves nothing, and fails."""

import json

import pytest

from lab.proofs.fuzz.__main__ import shallow
from local.pages import OPENAPI

OPERATIONS = [
    f"{method.upper()} {path}"
    for path, methods in json.loads(OPENAPI.read_text())["paths"].items()
    for method in methods
]


def test_a_run_in_which_every_operation_succeeded_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert shallow({operation: {"200": 2, "422": 1} for operation in OPERATIONS}) == 0
    assert f"requests in all: {3 * len(OPERATIONS)}" in capsys.readouterr().out


@pytest.mark.parametrize("missing", OPERATIONS)
def test_an_operation_that_never_succeeded_fails_the_run(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shallow({each: {"422" if each == missing else "200": 1} for each in OPERATIONS}) == 1
    assert missing in capsys.readouterr().err
