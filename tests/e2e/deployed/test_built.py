"""What `sam build` made: bytecode that is never checked, nothing that Lambda has, nothing that nobody imports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from operate.release import LAYER_LIMIT, sizes
from tests.e2e.deployment import Deployment, version_of_lambda

UNCHECKED_HASH = 1  # PEP 552: bit 0 says hash, bit 1 would say that it is checked


@pytest.fixture(scope="module")
def layer(deployment: Deployment) -> Path:
    return deployment.build / "RlCoreLayer" / "python"


def modules(folder: Path) -> Iterator[Path]:
    """Source files that somebody may import; a name with a dash is a template for another tool."""
    return (path for path in folder.rglob("*.py") if path.stem.isidentifier())


def test_every_module_has_bytecode_of_lambdas_python_that_is_never_checked(deployment: Deployment) -> None:
    tag = f"cpython-{version_of_lambda().replace('.', '')}"
    for path in modules(deployment.build):
        compiled = path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc"
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == UNCHECKED_HASH, path


def test_the_bytecode_names_where_it_will_run(layer: Path) -> None:
    (compiled,) = (layer / "rl_core" / "__pycache__").glob("errors.*.pyc")
    assert b"/opt/python/rl_core/errors.py" in compiled.read_bytes()


def test_the_layer_leaves_to_the_runtime_what_the_runtime_has(layer: Path) -> None:
    assert {it.name for it in layer.iterdir()} & {"boto3", "botocore", "s3transfer", "pip", "setuptools"} == set()


def test_no_tests_stubs_or_programs_are_shipped(layer: Path) -> None:
    assert [it for name in ("tests", "test", "bin") for it in layer.rglob(name)] == []
    assert [it for pattern in ("*.h", "*.a") for it in layer.rglob(pattern)] == []
    own = layer / "rl_core"  # whose stubs are the lists by which its faces load their modules
    assert sorted(layer.rglob("*.pyi")) == [own / room / "__init__.pyi" for room in ("days", "store", "work")]


def test_every_package_keeps_its_name_version_and_licence(layer: Path) -> None:
    for metadata in layer.glob("*.dist-info"):
        assert "Version: " in (metadata / "METADATA").read_text()
        text = (metadata / "METADATA").read_text()
        assert any("licen" in it.name.lower() for it in metadata.rglob("*")) or "License" in text, metadata


def test_the_layer_is_far_below_lambdas_limit_and_the_build_says_how_large(deployment: Deployment, layer: Path) -> None:
    assert sum(it.stat().st_size for it in layer.rglob("*") if it.is_file()) < LAYER_LIMIT / 2
    told = "\n".join(sizes(deployment.build))
    assert "RlCoreLayer" in told
    assert "NO BYTECODE" not in told
