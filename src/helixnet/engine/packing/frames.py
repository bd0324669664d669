"""Compressed streams: gzip members (RFC 1952), zstd frames (RFC 8878), one deflated zip entry."""

import zlib
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO, Final, Protocol

from helixnet.errors import RefusedError

READ: Final = 64 * 1024  # packed bytes at a time
GZIP_MARKS: Final = frozenset({0x8B1F})
ZSTD_MARKS: Final = frozenset({0xFD2FB528, *range(0x184D2A50, 0x184D2A60)})  # or to be skipped
MOST: Final = 1024 * 1024  # unpacked bytes at a time
_GZIP: Final = 16 + zlib.MAX_WBITS  # as zlib's inflateInit2 calls a gzip member
_MARK: Final = 4


class Frame(Protocol):
    """Unpacks one member or frame, which says itself where it ends."""

    @property
    def ended(self) -> bool:
        """Whether its end was seen; its own checksum held then."""
        ...

    @property
    def rest(self) -> bytes:
        """What was fed and stands behind its end."""
        ...

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` unpacks to, at most 1 MiB a time.

        Raises:
            RefusedError: HX-5050 it is damaged; HX-5052 it asks for too much memory.
        """
        ...


class ZlibFrame:
    """A gzip member, or a raw deflate stream (RFC 1951)."""

    def __init__(self, wbits: int = _GZIP) -> None:
        self._inflate = zlib.decompressobj(wbits)

    @property
    def ended(self) -> bool:
        """See :class:`Frame`."""
        return self._inflate.eof

    @property
    def rest(self) -> bytes:
        """See :class:`Frame`."""
        return self._inflate.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See :class:`Frame`."""
        while True:
            try:
                plain = self._inflate.decompress(data, MOST)
            except zlib.error as error:
                raise damaged(str(error)) from error
            if plain:
                yield plain
            data = self._inflate.unconsumed_tail
            if self.ended or (len(plain) < MOST and not data):
                return


def zstd_frame() -> Frame:
    """Return what unpacks a zstd frame."""
    from helixnet.engine.packing.zstd_frame import ZstdFrame  # noqa: PLC0415 - 4 ms, seldom needed

    return ZstdFrame()


def damaged(why: str) -> RefusedError:
    """Say that a packed file can't be unpacked to its end."""
    return RefusedError(
        f"the packed file is damaged: {why}",
        code="HX-5050",
        hint="the transfer was probably broken off, or done as text: send it again",
    )


def frames(stream: BinaryIO, new: Callable[[], Frame], marks: Collection[int]) -> Iterator[bytes]:
    """Yield what all members or frames of a stream unpack to, one after the other.

    Zeros may stand behind the last one, as gzip has it for the blocks of a tape.

    Args:
        stream: at the first of them; it is not sought.
        new: makes what unpacks the next one.
        marks: with which of these (little-endian) it begins.

    Raises:
        RefusedError: one is damaged or cut off, or something else stands behind them.
    """
    data = _some(stream, b"")
    while data:
        if data.strip(b"\0"):
            if not any(data.startswith(_bytes(mark)) for mark in marks):
                raise damaged("something else stands behind its end")
            frame = new()
            yield from _whole(frame, data, stream)
            data = _some(stream, frame.rest)
        else:
            data = _some(stream, b"")


def _bytes(mark: int) -> bytes:
    return mark.to_bytes((mark.bit_length() + 7) // 8, "little")


def _some(stream: BinaryIO, data: bytes) -> bytes:
    """Return ``data`` and what follows it, at least as much as a mark has."""
    while len(data) < _MARK and (block := stream.read(READ)):
        data += block
    return data


def _whole(frame: Frame, data: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield from frame.feed(data)
    while not frame.ended:
        data = stream.read(READ)
        if not data:
            raise damaged("it ends in the middle")
        yield from frame.feed(data)
