"""From the file as it came to the plain stream that its format reads.

What a file is packed in is told by its first bytes, never by its name. A packed file is unpacked
once, before anything is read of it: positions and parts are of the unpacked stream.
"""

import tempfile
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from helixnet.engine.context.model import Source
from helixnet.engine.formats.excel.plain import sheet_lines
from helixnet.engine.packing.frames import GZIP_MARKS, ZSTD_MARKS, ZlibFrame, frames, zstd_frame
from helixnet.engine.packing.zip_file import entries_of, entry_content, is_document, only_file
from helixnet.engine.written import Sink
from helixnet.errors import RefusedError

MOST_UNPACKED: Final = 16 * 1024**3  # bytes that a file may unpack to, unless a server says other
RATIO: Final = 200  # times its packed size that a file may unpack to
FREE: Final = 256 * 1024**2  # bytes that any file may unpack to
_MEMORY: Final = 8 * 1024**2  # bytes that are held in memory, and not in a temporary file
_MARK: Final = 4


def packing(stream: BinaryIO, source: Source) -> str:
    """Return what a file is packed in: ``gzip``, ``zstd``, ``zip``, ``excel`` or nothing.

    Args:
        stream: the file, seekable, at its beginning, where it is left.
        source: the contract; what is no workbook is refused later where one is expected.
    """
    head = stream.read(_MARK)
    stream.seek(0)
    return "excel" if head and source.format == "excel" else _packing(head)


def _packing(head: bytes) -> str:
    if int.from_bytes(head[:2], "little") in GZIP_MARKS:
        return "gzip"
    if int.from_bytes(head, "little") in ZSTD_MARKS:
        return "zstd"
    return "zip" if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) else ""


@dataclass(frozen=True, slots=True)
class _Limit:
    """How much a file may unpack to."""

    size: int
    most: int

    @property
    def room(self) -> int:
        """In bytes."""
        return min(self.most, max(self.size * RATIO, FREE))

    def hold(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield blocks up to the limit.

        Raises:
            RefusedError: HX-6006 there are more.
        """
        written = 0
        for block in blocks:
            written += len(block)
            if written > self.room:
                raise self._refusal()
            yield block

    def _refusal(self) -> RefusedError:
        absolute = self.room == self.most
        why = f"the limit of {self.most} bytes" if absolute else f"{RATIO} times its size"
        return RefusedError(
            f"the packed file, of {self.size} bytes, unpacks to more than {why}",
            code="HX-6006",
            hint="send it unpacked, or in pieces"
            + ("; a server's limit is `max_unpacked`" if absolute else ""),
        )


def unpack(
    stream: BinaryIO,
    source: Source,
    sink: Sink,
    *,
    used: Collection[str] | None = None,
    most: int = MOST_UNPACKED,
) -> None:
    """Write the plain stream of a packed file.

    Args:
        stream: the file, seekable, at its beginning.
        source: the contract.
        sink: takes the plain stream.
        used: columns that the mapping reads; None = any.
        most: bytes at which unpacking ends; also :data:`RATIO` times the packed size, or
            :data:`FREE` if that is more.

    Raises:
        RefusedError: HX-5050 to HX-5052 it can't be unpacked; HX-5004, HX-5060, HX-5061 it is no
            workbook that can be read; HX-6006 it unpacks to too much.
    """
    limit = _Limit(stream.seek(0, 2), most)
    stream.seek(0)
    if packing(stream, source) == "excel":
        blocks = _sheet(stream, source, used, limit)
    else:
        blocks = _once(_contained(stream))
    for block in limit.hold(blocks):
        sink.write(block)


def _contained(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what a file that is packed holds."""
    head = stream.read(_MARK)
    stream.seek(0)
    match _packing(head):
        case "gzip":
            return frames(stream, ZlibFrame, GZIP_MARKS)
        case "zstd":
            return frames(stream, zstd_frame, ZSTD_MARKS)
        case _:
            return entry_content(stream, only_file(entries_of(stream)))


def _once(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Refuse what is packed again."""
    head = b""
    for block in blocks:
        if len(head) < _MARK:
            head = (head + block)[:_MARK]
            if inner := _packing(head):
                raise RefusedError(
                    f"the file is packed twice: there is a {inner} file in it",
                    code="HX-5052",
                    hint="pack it once",
                )
        yield block


def _sheet(
    stream: BinaryIO, source: Source, used: Collection[str] | None, limit: _Limit
) -> Iterator[bytes]:
    """Yield the lines of a sheet, of a workbook that may be packed once more."""
    head = stream.read(_MARK)
    stream.seek(0)
    kind = _packing(head)
    if not kind or (kind == "zip" and is_document(entries_of(stream))):
        yield from sheet_lines(stream, source, used, limit.room)
        return
    stream.seek(0)
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY) as whole:
        for block in limit.hold(_contained(stream)):
            whole.write(block)
        book = cast("BinaryIO", whole)  # it does all that a binary file does
        yield from sheet_lines(book, source, used, limit.room)


@contextmanager
def unpacked(
    stream: BinaryIO,
    source: Source,
    *,
    used: Collection[str] | None = None,
    most: int = MOST_UNPACKED,
) -> Generator[BinaryIO]:
    """Lend the plain stream of a file: itself, or a temporary copy if it is packed.

    Args:
        stream: the file, seekable, at its beginning.
        source: the contract.
        used: as :func:`unpack`.
        most: as :func:`unpack`.

    Raises:
        RefusedError: as :func:`unpack`.
    """
    if not packing(stream, source):
        yield stream
        return
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY) as copy:
        unpack(stream, source, copy, used=used, most=most)
        copy.seek(0)
        yield cast("BinaryIO", copy)  # it does all that a binary file does


def unpacked_head(stream: BinaryIO, source: Source, end: int) -> bytes:
    """Return the first ``end`` bytes of a file of text, seekable, at its beginning, unpacked."""
    if not packing(stream, source):
        return stream.read(end)
    head = b""
    for block in _contained(stream):
        head += block
        if len(head) >= end:
            break
    return head[:end]
