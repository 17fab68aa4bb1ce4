"""The template's functions in this process: their environment, their modules, their Lambda context."""

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
from local.powertools import isolate_app, isolate_threads

Handler = Callable[[Any, "Context"], Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a function about its invocation."""

    function_name: str
    memory_limit_in_mb: int
    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    log_stream_name: str = "local"

    @property
    def invoked_function_arn(self) -> str:
        """The function's address."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Where its log would be."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the template's timeout; nothing ends a function that overstays it here."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class Functions:
    """All handlers of a template, imported once and called by logical id."""

    def __init__(self, template: Template, seed: int = 0, *, fresh: bool = True) -> None:
        """Imports the handlers, with a copy of the layer of their own; with the process's copy unless `fresh`.

        `seed` decides the keys of the profiles that they make.
        """
        isolate_threads()
        self._functions = template.functions
        with _fresh(_packages(template.layers)) if fresh else nullcontext():
            self._handlers = {name: _load(function, seed) for name, function in template.functions.items()}

    def invoke(self, name: str, event: Any) -> Any:
        """Call a function as Lambda does."""
        function = self._functions[name]
        return self._handlers[name](
            event, Context(name, function.memory_mb, time.monotonic() + function.timeout_seconds)
        )


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set these variables and hide the machine's own AWS and Powertools settings, until the end."""
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
    """Import the layer's packages anew, and give the process its own copies back.

    What the layer remembers from its first use (settings, a client) belongs to one stack, as it belongs to one sandbox
    on Lambda; a second stack or a test with other settings in the same process must not inherit it.
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
    """Makes a handler's new profiles have keys that follow from seed, user and moment: a run can be repeated."""

    def new_key(user: str, now: datetime) -> bytes:
        return hashlib.sha256(f"{seed} {now.timestamp():.0f} {user}".encode()).digest()[:16]

    if hasattr(module, "new_key"):
        module.__dict__["new_key"] = new_key


def _load(function: Function, seed: int) -> Handler:
    """Import a function's one file under a name of its own: they are all called handler.py."""
    module_name, _, attribute = function.handler.rpartition(".")
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
    handler: Handler = getattr(module, attribute)
    return handler
