"""A folder of one process for files on their way; what a killed process left is cleared away."""

import fcntl
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

_LOCK: Final = ".lock"


@contextmanager
def open_scratch(parent: Path) -> Generator[Path]:
    """Make a folder below ``parent`` that is this process's own until the block ends.

    A lock inside says that it is in use, so that processes which share ``parent`` clear away what
    dead ones left and never what a living one works on.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder, lock = _hold(parent)
    with lock:
        for other in parent.iterdir():
            if other != folder:
                _clear(other)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _hold(parent: Path) -> tuple[Path, IO[str]]:
    """Make a folder and lock it; one that was cleared away before it was locked is made anew."""
    while True:
        folder = parent / uuid4().hex
        folder.mkdir()
        lock = (folder / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder, lock
        lock.close()


def _clear(left: Path) -> None:
    """Remove what nobody holds; a folder without its lock yet is one that is being made."""
    if left.is_file():
        left.unlink(missing_ok=True)
        return
    with suppress(OSError), (left / _LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(left, ignore_errors=True)
