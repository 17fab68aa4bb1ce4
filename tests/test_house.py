"""The rules of the house that ruff cannot hold."""

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import load

ROOT = Path(__file__).parents[1]
TEMPLATE = load()
CORE = ROOT / "layers" / "rl_core" / "rl_core"
FUNCTIONS = sorted(path for path in (ROOT / "functions").iterdir() if path.is_dir())
HANDLERS = [folder / "handler.py" for folder in FUNCTIONS]
ROOMS = sorted(path for path in (ROOT / "lab").iterdir() if path.is_dir() and path.name != "__pycache__")
SHIPPED = [*sorted(CORE.rglob("*.py")), *HANDLERS]

PURE = (
    "models",
    *(f"{room}.{p.stem}" for room in ("learner", "sessions", "days") for p in sorted((CORE / room).glob("*.py"))),
)
WORLD = {"boto3", "botocore", "os", "time", "logging", "aws_lambda_powertools", "secrets", "uuid", "numpy"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}
DRAWS = {"choice", "choices", "sample", "shuffle", "uniform", "gauss", "normalvariate", "randrange", "randint", "seed"}
HANDLERS_MAY = {"rl_core", "aws_lambda_powertools", "pydantic", *sys.stdlib_module_names} - {"os", "time", "random"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[str]:
    """Every module that the file imports, in full."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: relative import"
            yield node.module or ""


def packages_of(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in imports_of(path)}


def attributes_called_of(path: Path) -> set[str]:
    calls = (node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    return {func.attr for func in calls if isinstance(func, ast.Attribute)}


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_touches_neither_world_nor_clock_nor_global_randomness(module: str) -> None:
    path = CORE / f"{module.replace('.', '/')}.py"
    assert packages_of(path) & WORLD == set()
    assert attributes_called_of(path) & (CLOCKS | DRAWS) == set()


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_takes_nothing_from_random_but_the_generators_type(module: str) -> None:
    nodes = list(ast.walk(tree_of(CORE / f"{module.replace('.', '/')}.py")))
    taken = {a.name for n in nodes if isinstance(n, ast.ImportFrom) and n.module == "random" for a in n.names}
    assert taken <= {"Random"}
    assert "random" not in {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_imports_no_module_of_ours_that_does_io(module: str) -> None:
    ours = {m for m in imports_of(CORE / f"{module.replace('.', '/')}.py") if m.startswith("rl_core")}
    rooms = {"rl_core.learner", "rl_core.sessions", "rl_core.days"}
    assert ours <= {"rl_core", "rl_core.config", *rooms, *(f"rl_core.{pure}" for pure in PURE)}


@pytest.mark.parametrize("path", HANDLERS, ids=name_of)
def test_a_handler_imports_only_the_core_powertools_pydantic_and_the_standard_library(path: Path) -> None:
    assert packages_of(path) - HANDLERS_MAY == set()


@pytest.mark.parametrize("folder", FUNCTIONS, ids=name_of)
def test_a_function_is_one_file_and_has_one_event_of_its_name(folder: Path) -> None:
    assert [path.name for path in folder.iterdir() if path.name != "__pycache__"] == ["handler.py"]
    assert (ROOT / "events" / f"{folder.name}.json").is_file()


def test_every_event_belongs_to_a_function() -> None:
    events = {path.stem for path in (ROOT / "events").glob("*.json")}
    assert events <= {folder.name for folder in FUNCTIONS}


def test_only_the_store_talks_to_aws() -> None:
    talkers = {path for path in SHIPPED if packages_of(path) & {"boto3", "botocore"}}
    assert {path.parent for path in talkers} == {CORE / "store"}


def test_nothing_shipped_takes_numpy() -> None:
    assert [path.name for path in SHIPPED if "numpy" in packages_of(path)] == []


@pytest.mark.parametrize("path", HANDLERS, ids=name_of)
def test_importing_a_handler_does_not_import_numpy(path: Path) -> None:
    code = "import runpy, sys; runpy.run_path(sys.argv[1]); sys.exit('numpy' in sys.modules)"
    environment = {"AWS_DEFAULT_REGION": "eu-central-1", "TABLE_NAME": "any", "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=environment)


@pytest.mark.parametrize("function", sorted({route.function for route in TEMPLATE.routes}))
def test_a_function_that_answers_requests_opens_the_store_in_init(function: str) -> None:
    body = tree_of(TEMPLATE.functions[function].folder / "handler.py").body
    calls = [ast.unparse(node.value) for node in body if isinstance(node, ast.Expr)]
    assert "open_store()" in calls


def test_only_the_settings_read_the_environment() -> None:
    assert [path.name for path in SHIPPED if "os" in packages_of(path)] == ["config.py"]


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_a_room_of_the_lab_imports_no_test_and_of_the_other_rooms_only_the_world(room: Path) -> None:
    imported = {module for path in room.rglob("*.py") for module in imports_of(path)}
    rooms = {".".join(module.split(".")[:2]) for module in imported if module.startswith(("lab.", "tests"))}
    assert rooms <= {f"lab.{room.name}", "lab.world"}


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_what_is_shipped_imports_nothing_of_the_workshop(path: Path) -> None:
    assert packages_of(path) & {"tests", "local", "lab", "functions", "moto", "pytest"} == set()


def test_class_names_are_unique_as_merged_openapi_schemas_overwrite_each_other() -> None:
    classes = [node.name for path in SHIPPED for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)]
    assert [name for name, count in Counter(classes).items() if count > 1] == []


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_a_file_is_short_enough_to_be_read_at_once(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300
