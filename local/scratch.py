"""Manages the `.stack` folder, where the local stack keeps its files, with the locks that keep processes apart."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STACK_FOLDER = Path(__file__).parents[1] / ".stack"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Locks the folder for this process and thread; others wait."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def workspace(folder: Path, prefix: str) -> Iterator[Path]:
    """Yields a new folder and deletes it at the end; first deletes folders of processes that died."""
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
    """Deletes the folders that can be locked: the kernel drops a dead process's lock, so no process uses them."""
    for found in folder.glob(f"{prefix}*"):
        with (found / "in-use").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(found, ignore_errors=True)
