"""Builds the tree in which mutmut works: it wants the package under `src/`, and a pyproject.toml that names it.

All but that file are links to the repository; mutmut copies what it needs and mutates the copy.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[3]
STAGE = ROOT / "build" / "mutants"
SOURCE = Path("src", "rl_core")
ROOMS = ("learner", "sessions", "days", "work")  # those whose share of killed mutants counts
STORE = "store"
TESTS = ("tests/core", "tests/functions", "tests/restore", "tests/forms")

# What the tests read besides the package, and pytest's settings.
_BESIDE = ("tests", "functions", "events", "infra", "local", "lab", "operate", "docs", "layers")
_SETTINGS = f"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = {[f"{SOURCE}/{room}/*" for room in (*ROOMS, STORE)]}
also_copy = {list(_BESIDE)}
pytest_add_cli_args_test_selection = {list(TESTS)}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "lab.proofs.mutants.soonest", "--hypothesis-profile=ci"]
timeout_constant = 30.0 # a limit for the whole of a mutant, in which it may sleep; soonest.py limits each test
timeout_multiplier = 2.0
track_dependencies = false
use_git_change_detection = false
use_setproctitle = false
"""


def build() -> None:
    """Deletes the tree and makes it anew."""
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    (STAGE / "src").symlink_to(ROOT / "layers" / "rl_core")
    for folder in _BESIDE:
        (STAGE / folder).symlink_to(ROOT / folder)
    (STAGE / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + _SETTINGS)


def sources(*rooms: str) -> list[Path]:
    """Returns the files of these packages as mutmut names them: relative to the tree's root."""
    return sorted(path.relative_to(STAGE) for room in rooms for path in (STAGE / SOURCE / room).glob("*.py"))
