"""Loads the template's functions into this process, with their environment and Lambda context."""

import hashlib
import importlib.util
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from local.facts import Function, Template
from local.intrinsics import ACCOUNT, REGION
from local.permissions import Caller, calling, watch
from local.powertools import isolate_app, isolate_threads
from local.units import bill

Handler = Callable[[Any, "Context"], Any]


@dataclass(frozen=True, slots=True)
class Context:
    """The context that Lambda gives a function with each invocation."""

    function_name: str
    memory_limit_in_mb: int
    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    log_stream_name: str = "local"

    @property
    def invoked_function_arn(self) -> str:
        """Returns the ARN of the function."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Returns the name of the function's log group."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Returns what is left of the template's timeout, at least 0; nothing here ends a function after it."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class Functions:
    """Holds all handlers of a template, imported once and called by logical id.

    A call to the table that a function's role does not allow raises NotGrantedError; `refused` lists these calls.
    """

    def __init__(self, template: Template, seed: int = 0, *, fresh: bool = True) -> None:
        """Imports the handlers with their own copy of the layer, or without `fresh` with the process's copy.

        `seed` decides the keys of the profiles that the handlers make.
        """
        isolate_threads()
        self._functions = template.functions
        self.refused: list[str] = []
        with _fresh(_packages(template.layers)) if fresh else nullcontext():
            self._modules = {name: _load(function, seed) for name, function in template.functions.items()}

    def invoke(self, name: str, event: Any) -> Any:
        """Calls a function as Lambda does, and returns its answer."""
        function, module = self._functions[name], self._modules[name]
        handler: Handler = getattr(module, function.handler.rpartition(".")[2])
        _prepare(module)
        with calling(Caller(name, function.statements, self.refused)):
            return handler(event, Context(name, function.memory_mb, time.monotonic() + function.timeout_seconds))


def _prepare(module: ModuleType) -> None:
    """Has the client of the function's table judge and bill each call as AWS does."""
    for door in ("open_store", "open_day_table"):
        if door in vars(module):
            client = vars(module)[door]().client
            watch(client)
            bill(client)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets these variables and hides the machine's own AWS and Powertools settings, until the end of the block."""
    hidden = [name for name in os.environ if name.startswith(("AWS_", "BOTO_", "POWERTOOLS_"))]
    before = {name: os.environ.get(name) for name in (*hidden, *variables)}
    for name in hidden:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _packages(layers: tuple[Path, ...]) -> frozenset[str]:
    return frozenset(found.parent.name for layer in layers for found in layer.glob("*/__init__.py"))


@contextmanager
def _fresh(packages: frozenset[str]) -> Iterator[None]:
    """Imports the layer's packages anew in the block, and gives the process its own copies back at the end.

    What the layer keeps from its first use (settings, a client) belongs to one stack, as it belongs to one sandbox on
    Lambda; a second stack or a test with other settings in the same process must not inherit it.
    """
    before = _loaded(packages)
    for name in before:
        del sys.modules[name]
    try:
        yield
    finally:
        if before:
            for name in _loaded(packages):
                del sys.modules[name]
            sys.modules.update(before)


def _loaded(packages: frozenset[str]) -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in packages}


def derived_keys(module: ModuleType, seed: int = 0) -> None:
    """Replaces a handler's random keys by keys computed from seed, user and moment, so that a run can be repeated."""

    def new_key(user: str, now: datetime) -> bytes:
        return hashlib.sha256(f"{seed} {now.timestamp():.0f} {user}".encode()).digest()[:16]

    if hasattr(module, "new_key"):
        module.__dict__["new_key"] = new_key


def _load(function: Function, seed: int) -> ModuleType:
    """Imports a function's file under a name of its own, because all are called handler.py, and returns the module."""
    module_name = function.handler.rpartition(".")[0]
    name, path = f"{function.folder.name}_{module_name}", function.folder / f"{module_name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.exists():
        raise FileNotFoundError(f"{function.name} has no {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    derived_keys(module, seed)
    if hasattr(module, "app"):
        isolate_app(module.app)
    return module
