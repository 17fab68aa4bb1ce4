"""The rules of the house that neither ruff nor import-linter (pyproject.toml) can hold."""

import ast
import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import load
from tests.conftest import READERS, READS, granted

ROOT = Path(__file__).parents[1]
TEMPLATE = load()
CORE = ROOT / "layers" / "rl_core" / "rl_core"
FUNCTIONS = sorted(path for path in (ROOT / "functions").iterdir() if path.is_dir())
HANDLERS = [folder / "handler.py" for folder in FUNCTIONS]
SHIPPED = [*sorted(CORE.rglob("*.py")), *HANDLERS]
RULES = [
    CORE / "models.py",
    *(p for room in ("learner", "sessions", "days") for p in sorted((CORE / room).glob("*.py"))),
]
DOORS = {room: importlib.import_module(f"rl_core.{room}") for room in ("learner", "sessions", "days", "store", "work")}
SIDE_DOORS = {"rl_core.store.queue"}  # loads boto3, which one function needs

CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}
DRAWS = {"choice", "choices", "sample", "shuffle", "uniform", "gauss", "normalvariate", "randrange", "randint", "seed"}
# Imports all handlers of requests, and prints what was imported with them.
LOADED = f"""
import sys
from tests.conftest import handler_of

for name in {sorted({TEMPLATE.functions[route.function].folder.name for route in TEMPLATE.routes})}:
    handler_of(name)
print(*sys.modules)
"""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[ast.ImportFrom]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom))


def attributes_called_of(path: Path) -> set[str]:
    calls = (node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    return {func.attr for func in calls if isinstance(func, ast.Attribute)}


@pytest.mark.parametrize("path", RULES, ids=name_of)
def test_a_rule_reads_no_clock_and_draws_from_the_generator_that_it_was_given(path: Path) -> None:
    taken = {alias.name for node in imports_of(path) if node.module == "random" for alias in node.names}
    assert attributes_called_of(path) & (CLOCKS | DRAWS) == set()
    assert taken <= {"Random"}


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_a_room_is_entered_by_its_door(path: Path) -> None:
    """From outside a room only what its `__init__` lists may be imported."""
    outside = {room: door for room, door in DOORS.items() if path.parent != CORE / room}
    for node in imports_of(path):
        package, _, deeper = (node.module or "").removeprefix("rl_core.").partition(".")
        if (node.module or "").startswith("rl_core.") and package in outside and node.module not in SIDE_DOORS:
            assert not deeper, f"{name_of(path)} reaches into {node.module}"
            assert {alias.name for alias in node.names} <= set(outside[package].__all__)


@pytest.mark.parametrize("folder", FUNCTIONS, ids=name_of)
def test_a_function_is_one_file_and_has_one_event_of_its_name(folder: Path) -> None:
    assert [path.name for path in folder.iterdir() if path.name != "__pycache__"] == ["handler.py"]
    assert (ROOT / "events" / f"{folder.name}.json").is_file()


def test_every_event_belongs_to_a_function() -> None:
    events = {path.stem for path in (ROOT / "events").glob("*.json")}
    assert events <= {folder.name for folder in FUNCTIONS}


@pytest.mark.parametrize("function", sorted({route.function for route in TEMPLATE.routes}))
def test_a_function_that_answers_requests_opens_the_store_in_init(function: str) -> None:
    body = tree_of(TEMPLATE.functions[function].folder / "handler.py").body
    calls = [ast.unparse(node.value) for node in body if isinstance(node, ast.Expr)]
    assert "open_store()" in calls


def test_a_function_that_answers_requests_loads_neither_lights_nor_refolds() -> None:
    """What only the guard, the jobs and an operator need would make each cold start longer."""
    loaded = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "rl_core.store.table" in loaded.split()
    assert (
        set(loaded.split())
        & {f"rl_core.{its}" for its in ("days.lights", "store.watch", "work.looking", "work.refold")}
        == set()
    )


def test_whoever_issues_or_closes_a_session_asks_what_is_allowed() -> None:
    lifecycle = CORE / "sessions" / "lifecycle.py"
    texts = {node.name: ast.unparse(node) for node in tree_of(lifecycle).body if isinstance(node, ast.FunctionDef)}
    issues = {name for name, text in texts.items() if "Session(" in text.replace("-> Session", "")}
    closes = {name for name, text in texts.items() if "status=Status.CLOSED" in text}
    asks = {name for name, text in texts.items() if "allowed(" in text or "may_learn(" in text}
    elsewhere = [path for path in SHIPPED if path != lifecycle and "status=Status.CLOSED" in path.read_text("utf-8")]
    assert (issues, closes, elsewhere) == ({"_drawn"}, {"_close"}, [])
    assert asks == {"_drawn", "issue", "_close", "_why"}


def test_history_and_stats_only_read() -> None:
    assert {"History", "Stats"} <= set(READERS)


@pytest.mark.parametrize("function", READERS)
def test_a_function_that_only_reads_is_granted_no_write(function: str) -> None:
    assert granted(function) <= READS


def test_only_the_settings_read_the_environment() -> None:
    readers = [path for path in SHIPPED if "os.environ" in path.read_text(encoding="utf-8")]
    assert readers == [CORE / "config.py"]


def test_class_names_are_unique_as_merged_openapi_schemas_overwrite_each_other() -> None:
    with_models = [CORE / "edge" / "http.py", *HANDLERS]
    classes = [node.name for path in with_models for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)]
    assert [name for name, count in Counter(classes).items() if count > 1] == []
