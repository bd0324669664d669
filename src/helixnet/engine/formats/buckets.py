"""Bytes sorted into buckets: in memory while they are few, beyond that in one temporary file."""

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Final, Self

MEMORY: Final = 8 * 1024 * 1024  # bytes of all buckets together that wait to be written
_LEAST: Final = 4 * 1024


class Buckets:
    """Takes bytes bucket by bucket and gives those of one bucket back in the order they came.

    The file is one of the operating system's folder for temporary files and has no name there, so
    that it is gone with the process at the latest, however that ends.

    Args:
        count: how many buckets there are.
    """

    def __init__(self, count: int) -> None:
        self._waiting = [bytearray() for _ in range(count)]
        self._written: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        self._most = max(MEMORY // count, _LEAST)
        self._file: IO[bytes] | None = None
        self._end = 0

    def __enter__(self) -> Self:
        """Nothing is opened before it is needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()

    def add(self, bucket: int, data: bytes) -> None:
        """Append ``data``, which is given back in one piece with others."""
        waiting = self._waiting[bucket]
        waiting += data
        if len(waiting) >= self._most:
            self._write(bucket, waiting)
            waiting.clear()

    def _write(self, bucket: int, data: bytearray) -> None:
        file = self._opened()
        file.seek(self._end)
        file.write(data)
        self._written[bucket].append((self._end, len(data)))
        self._end += len(data)

    def read(self, bucket: int) -> Iterator[bytes]:
        """Yield what a bucket holds in pieces, each of whole additions."""
        for start, length in self._written[bucket]:
            yield self._piece(start, length)
        if self._waiting[bucket]:
            yield bytes(self._waiting[bucket])

    def _piece(self, start: int, length: int) -> bytes:
        file = self._opened()
        file.seek(start)
        return file.read(length)

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        return self._file
