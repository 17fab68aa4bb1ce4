"""Releases of the service side by side: each a copy of the tree in a process of its own, all on one table."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from local.phone import Answer, Phone, to_functions
from tests.conftest import ROOT

TREES = ("layers", "functions", "infra", "local")
SERVE = Path(__file__).with_name("serve.py")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a source file: `old` stands in it exactly once."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Changes the file under this root. Raises AssertionError when the source is not as the edit expects it."""
        file = root / self.path
        text = file.read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.path} has moved on: give this edit its new words\n{self.old}"
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


def copied(folder: Path, edits: Sequence[Edit]) -> Path:
    """Returns the folder, with a copy of the tree in it to which these edits were made."""
    for tree in TREES:
        shutil.copytree(ROOT / tree, folder / tree, ignore=shutil.ignore_patterns("*.egg-info"))
    for edit in edits:
        edit.apply(folder)
    return folder


@dataclass(frozen=True, slots=True)
class Release:
    """One release that runs. Every call of a function is answered, or raises AssertionError with what it raised."""

    calls: IO[str]
    answers: IO[str]

    def invoke(self, function: str, event: Any) -> Any:
        """Calls a function as Lambda does."""
        self.calls.write(json.dumps([function, event]) + "\n")
        self.calls.flush()
        said = json.loads(self.answers.readline())
        assert "raised" not in said, f"{function} raised {said['raised']}"
        return said["answer"]

    def phone(self, user: str, at: datetime) -> Phone[Answer]:
        """The phone of that user at that time, on this release."""
        return Phone(to_functions(self.invoke, user, at))

    def job(self, function: str, at: datetime) -> Any:
        """Runs a job of the minute."""
        return self.invoke(function, {"time": at.isoformat()})


@contextmanager
def running(root: Path, variables: dict[str, str]) -> Iterator[Release]:
    """A release from this tree, with these variables, while it lasts."""
    paths = {"PYTHONPATH": os.pathsep.join((str(root), str(root / "layers" / "rl_core")))}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, str(SERVE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=kept | variables | paths) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()).startswith(str(root)), "the release runs another tree's layer"
        yield Release(process.stdin, process.stdout)
        process.stdin.close()
