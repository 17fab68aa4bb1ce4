"""The TypeScript client, generated from docs/openapi.json, type-checked, on a journey against the local stack."""

import os
import shutil
import subprocess
from pathlib import Path

from local.stack import Stack

HERE = Path(__file__).parent


def npm(*command: str, **variables: str) -> str:
    """What a script of package.json says; it must succeed."""
    found = shutil.which("npm")
    assert found, "npm is missing: install Node.js 20 or newer"
    done = subprocess.run(
        [found, *command], cwd=HERE, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_app_in_typescript_lives_through_its_first_days() -> None:
    npm("run", "generate")
    npm("run", "build")
    with Stack(quiet=True) as stack:
        said = npm("run", "journey", URL=stack.url, TOKEN=stack.token("tess"))
    assert "the journey is complete" in said


def test_the_compiler_refuses_what_the_description_does_not_know(tmp_path: Path) -> None:
    npm("run", "generate")
    journey = (HERE / "journey.ts").read_text()
    wrong = journey.replace("gad7_score: 16", 'gad7_score: "16"').replace('.DELETE("/profile/")', '.DELETE("/me/")')
    assert compiled(tmp_path, wrong).count("error TS") == 2


def compiled(folder: Path, journey: str) -> str:
    """What the compiler has against a journey."""
    for name in ("package.json", "tsconfig.json", "node_modules", "build"):
        (folder / name).symlink_to(HERE / name)
    (folder / "journey.ts").write_text(journey)
    tsc = HERE / "node_modules" / ".bin" / "tsc"
    done = subprocess.run([tsc, "--noEmit", "--project", folder], capture_output=True, text=True, check=False)
    return done.stdout
