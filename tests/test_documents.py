"""The pages for people: what they link to is there, and what they tell to run can be run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
TARGETS = set(re.findall(r"(?m)^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
TOOLS = ("local", "operate", "lab")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def headings_of(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"(?m)^#+ (.+)$", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links_of(path: Path) -> Iterator[tuple[Path, str]]:
    """The pages of ours that a page links to, each with the anchor or none; what stands as code is no link."""
    text = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://")):
            file, _, anchor = target.partition("#")
            yield (path.parent / file if file else path), anchor


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_what_a_page_links_to_is_there(path: Path) -> None:
    for target, anchor in links_of(path):
        assert target.exists(), f"{path.name} links to {target.name}"
        assert not anchor or anchor in headings_of(target), f"{path.name} links to #{anchor} of {target.name}"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_make_command_that_a_page_shows_is_in_the_makefile(path: Path) -> None:
    shown = re.findall(r"(?m)(?:`|^    )(?:[A-Z]+=\S+ )?make ([a-z0-9-]+)", path.read_text(encoding="utf-8"))
    assert set(shown) <= TARGETS


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_module_that_a_page_tells_to_run_is_there(path: Path) -> None:
    for module in re.findall(r"python -m ([a-z_.]+)", path.read_text(encoding="utf-8")):
        place = ROOT.joinpath(*module.rstrip(".").split("."))
        if module.split(".")[0] in TOOLS:
            assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module
