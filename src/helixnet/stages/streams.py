"""Streams of a worker: output that spills into a file, input that tells its progress."""

import io
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4


class Spill:
    """Something to write to: in memory while small, in a file once it is not.

    Args:
        folder: where the file is made, when there is one.
        limit: bytes that stay in memory.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._path = folder / uuid4().hex
        self._limit = limit
        self._small = bytearray()
        self._file: BinaryIO | None = None
        self._digest = sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of all that was written, hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append all of ``data``."""
        self.size += len(data)
        self._digest.update(data)
        if self._file is None and self.size > self._limit:
            self._file = self._path.open("xb", buffering=1 << 20)
            self._file.write(self._small)
            self._small.clear()
        if self._file is None:
            self._small += data
        else:
            self._file.write(data)
        return len(data)

    def finish(self) -> bytes | Path:
        """Return what was written: bytes, or the complete file, which is then the caller's."""
        if self._file is None:
            return bytes(self._small)
        self._file.close()
        return self._path

    def absorb(self, other: "Spill") -> None:
        """Append what another was given, and leave nothing of it behind."""
        content = other.finish()
        if isinstance(content, bytes):
            self.write(content)
            return
        with content.open("rb") as stream:
            while block := stream.read(1 << 20):
                self.write(block)
        other.discard()

    def discard(self) -> None:
        """Leave nothing behind; a full disk may fail once more at the flush."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._path.unlink(missing_ok=True)


class _Told(io.FileIO):
    """A file that says when it is read, so that a long read counts as progress."""

    def __init__(self, path: Path, tell: Callable[[], None]) -> None:
        super().__init__(path)
        self._tell = tell

    def readinto(self, buffer: Any, /) -> int:
        """Read, and tell."""
        self._tell()
        return super().readinto(buffer)


def open_told(path: Path, tell: Callable[[], None]) -> BinaryIO:
    """Open ``path`` for reading; ``tell`` is called with every block."""
    return cast("BinaryIO", io.BufferedReader(_Told(path, tell), 1 << 20))
