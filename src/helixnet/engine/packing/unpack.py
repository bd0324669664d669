"""From the file as it came to the plain stream that its format reads.

What a file is packed in is told by its first bytes, never by its name. A packed file is unpacked
once, before anything is read of it: positions and parts are of the unpacked stream.
"""

import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from helixnet.engine.context.model import Source
from helixnet.engine.packing.frames import GZIP_MARKS, ZSTD_MARKS, ZlibFrame, ZstdFrame, frames
from helixnet.engine.packing.zip_file import entries_of, entry_content, only_file
from helixnet.engine.written import Sink
from helixnet.errors import RefusedError

MOST_UNPACKED: Final = 16 * 1024**3  # bytes that a file may unpack to, unless a server says other
RATIO: Final = 200  # times its packed size that a file may unpack to
FREE: Final = 256 * 1024**2  # bytes that any file may unpack to
_MEMORY: Final = 8 * 1024**2  # bytes that are held in memory, and not in a temporary file
_MARK: Final = 4


def packing(stream: BinaryIO, source: Source) -> str:
    """Return what a file is packed in: ``gzip``, ``zstd``, ``zip``, or nothing.

    Args:
        stream: the file, seekable, at its beginning, where it is left.
        source: the contract.
    """
    del source
    head = stream.read(_MARK)
    stream.seek(0)
    return _packing(head)


def _packing(head: bytes) -> str:
    if int.from_bytes(head[:2], "little") in GZIP_MARKS:
        return "gzip"
    if int.from_bytes(head, "little") in ZSTD_MARKS:
        return "zstd"
    return "zip" if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) else ""


def unpack(stream: BinaryIO, source: Source, sink: Sink, *, most: int = MOST_UNPACKED) -> None:
    """Write the plain stream of a packed file.

    Args:
        stream: the file, seekable, at its beginning.
        source: the contract.
        sink: takes the plain stream.
        most: bytes at which unpacking ends; also :data:`RATIO` times the packed size, or
            :data:`FREE` if that is more.

    Raises:
        RefusedError: HX-5050 to HX-5052 it can't be unpacked; HX-6006 it unpacks to too much.
    """
    size = stream.seek(0, 2)
    stream.seek(0)
    limit = min(most, max(size * RATIO, FREE))
    written, head = 0, b""
    for block in _plain(stream, packing(stream, source)):
        if len(head) < _MARK:
            head = (head + block)[:_MARK]
            _refuse_nested(head)
        written += len(block)
        if written > limit:
            raise _too_large(size, limit, most)
        sink.write(block)


def _plain(stream: BinaryIO, kind: str) -> Iterator[bytes]:
    match kind:
        case "gzip":
            return frames(stream, ZlibFrame, GZIP_MARKS)
        case "zstd":
            return frames(stream, ZstdFrame, ZSTD_MARKS)
        case _:
            return entry_content(stream, only_file(entries_of(stream)))


def _refuse_nested(head: bytes) -> None:
    if inner := _packing(head):
        raise RefusedError(
            f"the file is packed twice: there is a {inner} file in it",
            code="HX-5052",
            hint="pack it once",
        )


def _too_large(size: int, limit: int, most: int) -> RefusedError:
    why = f"the limit of {most} bytes" if limit == most else f"{RATIO} times its {size} bytes"
    return RefusedError(
        f"the packed file unpacks to more than {why}",
        code="HX-6006",
        hint="send it unpacked, or in pieces"
        + ("; a server's limit is `max_unpacked`" if limit == most else ""),
    )


@contextmanager
def unpacked(stream: BinaryIO, source: Source, *, most: int = MOST_UNPACKED) -> Generator[BinaryIO]:
    """Lend the plain stream of a file: itself, or a temporary copy if it is packed.

    Args:
        stream: the file, seekable, at its beginning.
        source: the contract.
        most: as :func:`unpack`.

    Raises:
        RefusedError: as :func:`unpack`.
    """
    if not packing(stream, source):
        yield stream
        return
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY) as copy:
        unpack(stream, source, copy, most=most)
        copy.seek(0)
        yield cast("BinaryIO", copy)  # it does all that a binary file does


def unpacked_head(stream: BinaryIO, source: Source, end: int) -> bytes:
    """Return the first ``end`` bytes of the plain stream of a file, seekable, at its beginning."""
    kind = packing(stream, source)
    if not kind:
        return stream.read(end)
    head = b""
    for block in _plain(stream, kind):
        head += block
        if len(head) >= end:
            break
    return head[:end]
