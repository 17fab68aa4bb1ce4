"""Builds the folders that a function finds on Lambda: its own, the layer, and what the runtime brings.

The layer is one that was built (`--layer`), or one that is put together here from the same sources and pins, with
bytecode by the same Python. The runtime's boto3 is that of our development pins; Lambda's may be another version.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local.intrinsics import REGION
from local.template import load
from local.tokens import PARAMETERS

ROOT = Path(__file__).parents[3]
UV = Path(sys.executable).with_name("uv")
RUNTIME = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
TEMPLATE = load(PARAMETERS)


class SandboxError(Exception):
    """Raised when the folders cannot be put together as asked."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Holds a Python and the folders on its path; `functions` contains a copy of each function, with bytecode."""

    python: Path
    functions: Path
    layer: Path
    runtime: Path
    client: Path

    def path(self, function: str = "") -> str:
        """Returns the search path of a function, or of the bare client if none is named."""
        own = (self.functions / function, self.layer) if function else ()
        return os.pathsep.join(map(str, (*own, self.runtime)))

    def variables(self, function: str = "") -> dict[str, str]:
        """Returns the variables that Lambda sets; of this machine's variables only PATH is kept."""
        return {
            **TEMPLATE.environment,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": function or "bare",
            "HOME": os.devnull,
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",  # because on Lambda /opt and /var/task are read-only
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": self.path(function),
        }


def request_handlers() -> list[str]:
    """Returns the folder names of the functions that answer requests, from the template."""
    return sorted({TEMPLATE.functions[route.function].folder.name for route in TEMPLATE.routes})


def interpreter(wanted: str) -> Path:
    """Returns the path of that Python's own program, not of a shim or a virtual environment."""
    show = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
    program = shutil.which(wanted)
    found = subprocess.run([program or "false", "-c", show], capture_output=True, text=True, check=False)
    if program is None or found.returncode:
        raise SandboxError(f"no such Python here: {wanted}")
    return Path(found.stdout.strip()).resolve()


def make(folder: Path, python: Path, layer: Path | None) -> Sandbox:
    """Makes all that a sandbox needs in the folder, which is emptied first and must be an absolute path."""
    shutil.rmtree(folder, ignore_errors=True)
    made = Sandbox(python, folder / "functions", layer or folder / "layer", folder / "runtime", folder / "client")
    development = ROOT / "requirements" / "dev.txt"
    _install(python, made.runtime, pins(development, RUNTIME))
    _install(python, made.client, pins(ROOT / "requirements" / "sam.txt", RUNTIME_CLIENT))
    shutil.copytree(ROOT / "functions", made.functions, ignore=shutil.ignore_patterns("__pycache__"))
    bare = made.functions / "bare"
    bare.mkdir()
    (bare / "handler.py").write_text(BARE_HANDLER)
    if layer is None:
        _install(python, made.layer, (ROOT / "layers" / "rl_core" / "requirements.txt").read_text())
        source = ROOT / "layers" / "rl_core" / "rl_core"
        shutil.copytree(source, made.layer / "rl_core", ignore=shutil.ignore_patterns("__pycache__"))
        compile_all(python, made.layer)
    for each in (made.runtime, made.client, made.functions):
        compile_all(python, each)
    return made


BARE_HANDLER = """import boto3

boto3.client("dynamodb")


def lambda_handler(event, context):
    return {}
"""


def compile_all(python: Path, folder: Path) -> None:
    """Compiles bytecode that is never compared with its source, as in the layer."""
    flags = ["-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    if subprocess.run([python, *flags, folder], check=False).returncode:
        raise SandboxError(f"{folder} does not compile")


def strip_bytecode(sandbox: Sandbox) -> None:
    """Deletes the layer's bytecode, as if its build had shipped sources alone."""
    for found in sandbox.layer.rglob("__pycache__"):
        shutil.rmtree(found)


def pins(requirements: Path, names: Iterable[str]) -> str:
    """Returns these packages' pins, with their hashes."""
    lines = requirements.read_text().replace("\\\n", " ").splitlines()
    return "\n".join(line for line in lines if line.partition("==")[0] in names)


def _install(python: Path, target: Path, pins: str) -> None:
    target.mkdir(parents=True)
    listed = target.with_suffix(".txt")
    listed.write_text(pins)
    flags = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    where: list[str | Path] = ["--python", python, "--target", target, "--requirements", listed]
    if subprocess.run([UV, "pip", "install", *flags, *where], check=False).returncode:
        raise SandboxError(f"cannot install into {target.name}")
