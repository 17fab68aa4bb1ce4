"""The `.stack` folder: what the local stack writes on this machine, and the locks that keep processes apart."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STACK_FOLDER = Path(__file__).parents[1] / ".stack"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder for this process (and thread) alone; others wait."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def workspace(folder: Path, prefix: str) -> Iterator[Path]:
    """A fresh folder of ours, removed afterwards; those that died with their process are wiped first."""
    with exclusive(folder):
        _wipe_abandoned(folder, prefix)
        own = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        lock = (own / "in-use").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        lock.close()


def _wipe_abandoned(folder: Path, prefix: str) -> None:
    """The kernel drops a dead process's lock, so whatever can be locked belongs to nobody."""
    for found in folder.glob(f"{prefix}*"):
        with (found / "in-use").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(found, ignore_errors=True)
