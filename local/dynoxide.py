"""Dynoxide: a second DynamoDB, in memory, in a few milliseconds; it has no other service.

Its binary comes from npm's package for the platform, pinned with its hash in requirements/dynoxide/package-lock.json.
"""

import platform
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from local import engine
from local.engine import EngineError, Launch
from local.scratch import STACK_FOLDER

PACKAGES = Path(__file__).parents[1] / "requirements" / "dynoxide" / "node_modules" / "@dynoxide"
PLATFORMS = {("Linux", "x86_64"): "linux-x64"}  # those whose package is pinned

# It does not look at its standard input. So a process between us does, and ends it.
CHILD = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: (sys.stdin.buffer.read(), server.kill()), daemon=True).start()
sys.exit(server.wait())
"""


def running(folder: Path = STACK_FOLDER, packages: Path = PACKAGES) -> AbstractContextManager[str]:
    """Dynoxide's endpoint URL, while it runs."""
    binary = installed(packages)

    def launch(own: Path, port: int) -> Launch:
        python = [sys.executable, "-I", "-S", "-c", CHILD]
        return Launch([*python, binary, "serve", "--host", "127.0.0.1", "--port", str(port)], engine.inherited(), "/")

    return engine.running("Dynoxide", folder, launch)


def installed(packages: Path = PACKAGES) -> Path:
    """The binary. Raises EngineError where there is none for this machine, or it is not installed."""
    here = platform.system(), platform.machine()
    if here not in PLATFORMS:
        known = ", ".join(" ".join(each) for each in PLATFORMS)
        raise EngineError(f"DATA=dynoxide works on {known}; this is {' '.join(here)}: leave DATA out, for MiniStack")
    binary = packages / PLATFORMS[here] / "dynoxide"
    if not binary.exists():
        raise EngineError("DATA=dynoxide needs Dynoxide, which npm has: install Node.js with npm, then `make dynoxide`")
    return binary
