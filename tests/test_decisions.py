"""docs/decisions: every decision has a name, a status and a place in the index."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "decisions"
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
DECISIONS = sorted(path for path in FOLDER.iterdir() if path.name != "README.md")

DAY = r"\d{4}-\d{2}-\d{2}"
ACCEPTED = re.compile(rf"Status: accepted, ({DAY})")
SUPERSEDED = re.compile(rf"Status: superseded by \[(?P<title>.+)\]\((?P<file>{DAY}-[a-z0-9-]+\.md)\), (?P<day>{DAY})")
ROW = re.compile(rf"(?m)^\| ({DAY}) \| \[(.+?)\]\((\S+?)\) \| (accepted|superseded by .+) \|$")
LONGEST = 16  # lines of text: a decision is short


def parts_of(path: Path) -> tuple[str, str, str]:
    """The title, the status and the text of a decision."""
    title, empty, status, rest = path.read_text(encoding="utf-8").split("\n", 3)
    assert title.startswith("# ")
    assert empty == ""
    return title.removeprefix("# "), status, rest


def status_in_the_index(status: str) -> str:
    """What the index says of a decision with this status."""
    found = SUPERSEDED.fullmatch(status)
    return f"superseded by [{found['title']}]({found['file']})" if found else "accepted"


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_named_by_its_day_and_has_a_status_of_that_day_or_later(path: Path) -> None:
    assert re.fullmatch(rf"{DAY}-[a-z0-9-]+\.md", path.name)
    status = parts_of(path)[1]
    accepted, superseded = ACCEPTED.fullmatch(status), SUPERSEDED.fullmatch(status)
    assert accepted or superseded, f"{status!r} is no status"
    assert not accepted or accepted[1] == path.name[:10]
    assert not superseded or path.name[:10] <= superseded["day"] == superseded["file"][:10]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_what_supersedes_a_decision_is_there_under_its_title(path: Path) -> None:
    found = SUPERSEDED.fullmatch(parts_of(path)[1])
    if found:
        assert found["title"] == parts_of(FOLDER / found["file"])[0]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_why_and_is_short(path: Path) -> None:
    lines = [line for line in parts_of(path)[2].split("\n") if line]
    assert 0 < len(lines) <= LONGEST


def test_the_index_lists_every_decision_once_with_its_title_and_status_by_date() -> None:
    told = {path.name: parts_of(path) for path in DECISIONS}
    rows = ROW.findall(INDEX)
    assert sorted(file for _, _, file, _ in rows) == sorted(told)
    assert all(file.startswith(day) for day, _, file, _ in rows)
    assert [(title, status) for _, title, _, status in rows] == [
        (told[file][0], status_in_the_index(told[file][1])) for _, _, file, _ in rows
    ]
    assert [day for day, *_ in rows] == sorted(day for day, *_ in rows)
