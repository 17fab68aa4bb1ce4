"""Counts what each technique is worth: the instructions of one handler's init without it, or with one more."""

import shutil
from collections.abc import Callable
from dataclasses import replace

from lab.bench.coldstart.measure import INIT, Start, bare, init
from lab.bench.coldstart.sandbox import Sandbox, compile_all, strip_bytecode

FUNCTION = "profile"

_ALL_DATA = "from rl_core.store import table; table._OneService = table.Loader;"
_LATER = "import rl_core.store; rl_core.store.open_store = lambda: None;"
_WARM = "; from rl_core.sessions.catalogue import catalogue; catalogue()"


def starts(sandbox: Sandbox) -> dict[str, Start]:
    """Returns the processes to count, by name; the first three are those that the others are compared with."""
    return {
        "python alone": Start("pass", sandbox),
        "boto3's client": bare(sandbox),
        "as it is": init(sandbox, FUNCTION),
        "layer without bytecode": init(_changed(sandbox, "sources", strip_bytecode), FUNCTION),
        "all of botocore's data": init(sandbox, FUNCTION, _ALL_DATA),
        "all endpoints, one service's folder": init(_changed(sandbox, "endpoints", _no_endpoints), FUNCTION),
        "boto3 around the client": init(sandbox, FUNCTION, "import boto3;"),
        "client left to the first request": init(sandbox, FUNCTION, _LATER),
        "catalogue read in init": Start(INIT + _WARM, sandbox, FUNCTION),
        "no garbage collection in init": init(sandbox, FUNCTION, "import gc; gc.disable();"),
        "no search for pydantic's plugins": init(sandbox, FUNCTION, more={"PYDANTIC_DISABLE_PLUGINS": "__all__"}),
    }


def _changed(sandbox: Sandbox, name: str, change: Callable[[Sandbox], None]) -> Sandbox:
    """Returns the sandbox with a changed copy of its layer."""
    copy = sandbox.functions.with_name(name)
    shutil.copytree(sandbox.layer, copy)
    changed = replace(sandbox, layer=copy)
    change(changed)
    return changed


def _no_endpoints(sandbox: Sandbox) -> None:
    (sandbox.layer / "rl_core" / "store" / "botocore" / "endpoints.json").unlink()
    compile_all(sandbox.python, sandbox.layer)
