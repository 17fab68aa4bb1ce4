"""Starts Dynoxide, a second DynamoDB: it is in memory, starts in a few milliseconds and has no other service.

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

# Dynoxide ignores its standard input, so a process between it and this one reads it, and ends Dynoxide.
CHILD = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: (sys.stdin.buffer.read(), server.kill()), daemon=True).start()
sys.exit(server.wait())
"""


def running(folder: Path = STACK_FOLDER, packages: Path = PACKAGES) -> AbstractContextManager[str]:
    """Starts Dynoxide, yields its endpoint URL, and stops it at the end."""
    binary = installed(packages)

    def launch(own: Path, port: int) -> Launch:
        python = [sys.executable, "-I", "-S", "-c", CHILD]
        return Launch([*python, binary, "serve", "--host", "127.0.0.1", "--port", str(port)], engine.inherited(), "/")

    return engine.running("Dynoxide", folder, launch)


def installed(packages: Path = PACKAGES) -> Path:
    """Returns the path of the binary.

    Raises EngineError when there is none for this machine, or when it is not installed.
    """
    here = platform.system(), platform.machine()
    if here not in PLATFORMS:
        known = ", ".join(" ".join(each) for each in PLATFORMS)
        raise EngineError(f"DATA=dynoxide works on {known}; this is {' '.join(here)}: leave DATA out, for MiniStack")
    binary = packages / PLATFORMS[here] / "dynoxide"
    if not binary.exists():
        raise EngineError("DATA=dynoxide needs Dynoxide, which npm has: install Node.js with npm, then `make dynoxide`")
    return binary
