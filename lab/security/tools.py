"""Runs a scanner of `.venv-security`."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-security" / "bin"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a scan: whether nothing was found, and what to show; `asked` is False if it could not be done."""

    clean: bool
    said: str
    asked: bool = True


def run(tool: str, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs a scanner to its end, without reports to its makers, and returns the process."""
    variables = {**os.environ, "BC_SKIP_MAPPING": "TRUE", "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false"}
    return subprocess.run(
        [TOOLS / tool, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
