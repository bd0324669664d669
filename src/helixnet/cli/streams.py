"""Where ``helixnet run`` reads and writes: files, pipes, one JSON array, a progress bar."""

import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile, TemporaryFile
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self, cast

from helixnet.cli.aside import writing
from helixnet.engine.source import SourceIndex
from helixnet.engine.transform import Progress
from helixnet.engine.written import Sink
from helixnet.errors import UsageError

STDIN: Final = "-"
_HELD: Final = 8 * 1024 * 1024


@contextmanager
def opened(path: str) -> Generator[BinaryIO]:
    """Lend a file that can be read twice; ``-`` and pipes are copied to a temporary file first.

    Raises:
        UsageError: the file can't be read.
        UnavailableError: no room for the copy.
    """
    try:
        stream = sys.stdin.buffer if path == STDIN else open(path, "rb")  # noqa: SIM115, PTH123 - closed below; the name is the user's own word
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        if path != STDIN and stream.seekable():
            yield cast("BinaryIO", stream)
            return
        with writing("the temporary folder"), TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
            copy.seek(0)
            yield cast("BinaryIO", copy)
    finally:
        if path != STDIN:
            stream.close()


@contextmanager
def held_back() -> Generator[BinaryIO]:
    """Lend a temporary file, in memory while small, for what may not be shown yet."""
    with SpooledTemporaryFile(max_size=_HELD) as held:
        yield cast("BinaryIO", held)  # it does all that a binary file does


class StandardOutput:
    """Standard output as a sink; a reader that went away ends the command quietly."""

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``."""
        with writing("standard output"):
            return sys.stdout.buffer.write(data)


class JsonArray:
    """Turns lines of JSON into one array, a line an element."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._begun = False

    def write(self, data: bytes, /) -> int:
        """Take whole lines; JSON text itself has no line ends in it."""
        self._sink.write((b",\n" if self._begun else b"[\n") + data[:-1].replace(b"\n", b",\n"))
        self._begun = True
        return len(data)

    def close(self) -> None:
        """End the array."""
        self._sink.write(b"\n]\n" if self._begun else b"[]\n")


class Bar(Protocol):
    """What is used of a tqdm bar."""

    def close(self) -> None:
        """Take it away."""
        ...


class ProgressBar:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        """Nothing is shown before the number of records is known."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self.end()

    def begin(self, index: SourceIndex) -> Progress | None:
        """Show the bar; return what moves it on."""
        if not sys.stderr.isatty():
            return None
        from tqdm import tqdm  # slow to import, and seldom needed

        total = sum(part.records for part in index.parts)
        bar = tqdm(total=total, desc=self._name, unit=" records", leave=False)
        self._bar = bar
        return bar.update

    def end(self) -> None:
        """Take the bar away, so that lines can be printed."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
