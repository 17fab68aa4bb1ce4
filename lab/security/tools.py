"""Running a scanner of `.venv-security`, and what came of it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-security" / "bin"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether nothing was found, and what to show; `asked` is False where the scanner could not do its work."""

    clean: bool
    said: str
    asked: bool = True


def run(tool: str, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A scanner's run to its end; it reports nothing to its makers."""
    variables = {**os.environ, "BC_SKIP_MAPPING": "TRUE", "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false"}
    return subprocess.run(
        [TOOLS / tool, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
