"""Bugs made by hand: each is put into a copy of the package, and the tests named for it must fail."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest

from tests.bugs.book import PACKAGE, ROOT, Bug, read

BUGS = read()
Try = Callable[[Bug], dict[str, Any]]


@pytest.fixture(scope="module")
def tried() -> Iterator[Try]:
    """What a bug comes to, from a process that tries one after the other."""
    command = [sys.executable, "-m", "tests.bugs.runner"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        said, heard = process.stdin, process.stdout

        def one(bug: Bug) -> dict[str, Any]:
            print(json.dumps(asdict(bug)), file=said, flush=True)
            answer: dict[str, Any] = json.loads(heard.readline())
            return answer

        yield one
        said.close()


def source_of(bug: Bug) -> str:
    return (PACKAGE / bug.file).read_text()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_made_by_hand_is_killed(bug: Bug, tried: Try) -> None:
    bug.made_in(source_of(bug))
    verdict = tried(bug)
    assert not verdict["broken"]
    for test in bug.killed_by:
        assert any(failed.startswith(test) for failed in verdict["failed"]), f"{test} does not see: {bug.wrong}"


def test_each_bug_has_a_name_of_its_own() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)


def test_a_bug_whose_line_has_moved_says_so() -> None:
    moved = replace(BUGS[0], old="a line that is nowhere")
    with pytest.raises(ValueError, match=r"this bug's line in .* has moved: update it"):
        moved.made_in(source_of(moved))
    with pytest.raises(ValueError, match="more than once"):
        replace(moved, old="return").made_in(source_of(moved))


def test_a_change_that_is_no_bug_survives(tried: Try) -> None:
    harmless = replace(BUGS[0], new=f"{BUGS[0].old}  # as it was")
    verdict = tried(harmless)
    assert not verdict["broken"]
    assert not verdict["failed"]
    assert verdict["passed"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from rl_core.models", "import nothing\nfrom rl_core.models", "No module named 'nothing'"),
        ("minutes = ", "minutes = nothing + ", "NameError"),
    ],
)
def test_what_does_not_even_run_is_not_taken_for_killed(tried: Try, old: str, new: str, said: str) -> None:
    verdict = tried(Bug("wrong", "sessions/assessment.py", old, new, "", ("tests/core/test_assessment.py",)))
    assert not verdict["failed"]
    assert any(said in reason for reason in verdict["broken"])
