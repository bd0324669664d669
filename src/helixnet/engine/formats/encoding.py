"""Which codec reads a file, and a form of its bytes in which ASCII marks can be searched.

Delimiters, quotes and line ends are looked for in bytes, which is fast and gives byte offsets for
free, but only right where an ASCII byte always means that ASCII character. A :class:`Codec` says
so, and turns the other ones (UTF-16, EBCDIC, Shift-JIS) into UTF-8 on the way in and back.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from helixnet.engine.formats.fixed.code_pages import know_code_pages
from helixnet.engine.formats.idoc.lines import LineBreaker
from helixnet.errors import RefusedError

_BOMS: Final = (  # UTF-32 first: its BOM begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE: Final = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_PIECE: Final = 64 * 1024  # bytes whose text stays in the processor's cache
_ASCII: Final = bytes(range(128))
NEL: Final = "\x85"
NEL_AS_LF: Final = {0x85: 0x0A, 0x0A: 0x85}
"""Makes one of the other, and back."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How the bytes of one file become scanned bytes, and back.

    Args:
        name: Python codec of the file.
        scanned: Python codec of the scanned bytes: ``name`` itself, or UTF-8.
        errors: handler that keeps undecodable bytes of a transcoded file.
        bad: bytes that mean nothing in a one-byte codec; None where that must be tried.
        unbroken: the file is flat IDoc records without line ends; scanned ones have them.
        nel: lines end with NEL (U+0085), as in EBCDIC; scanned ones with LF.
    """

    name: str
    scanned: str
    errors: str = "strict"
    bad: bytes | None = None
    unbroken: bool = False
    nel: bool = False

    @property
    def direct(self) -> bool:
        """Whether the file's own bytes are scanned."""
        return self.name == self.scanned and not self.unbroken

    @property
    def wide(self) -> bool:
        """Whether NUL bytes are parts of characters."""
        return self.name.startswith(("utf-16", "utf-32"))

    def source_bytes(self, scanned: bytes) -> bytes:
        """Return the file's bytes for scanned ones."""
        if self.direct:
            return scanned
        if self.unbroken:
            scanned = scanned.replace(b"\n", b"")
        text = scanned.decode("utf-8", "surrogatepass")
        if self.nel:
            text = text.translate(NEL_AS_LF)
        return text.encode(self.name, self.errors)

    def characters(self, scanned: bytes) -> int:
        """Return how many characters scanned bytes are; what does not decode counts as such."""
        return len(scanned.decode(self.scanned, "replace"))

    def source_length(self, scanned: bytes, end: int | None = None) -> int:
        """Return how many bytes of the file the scanned ones (before ``end``) stand for."""
        if self.direct:
            return len(scanned) if end is None else end
        return len(self.source_bytes(scanned[:end]))


class Transcoder:
    """Turns consecutive blocks of a file into scanned bytes."""

    def __init__(self, codec: Codec) -> None:
        self._decoder = (
            None if codec.direct else codecs.getincrementaldecoder(codec.name)(errors=codec.errors)
        )
        self._nel = codec.nel
        self._breaker = LineBreaker() if codec.unbroken else None

    def feed(self, block: bytes, *, final: bool = False) -> bytes:
        """Return the scanned form of ``block``; what is cut in a character waits for the next."""
        if self._decoder is None:
            return block
        try:
            text = self._decoder.decode(block, final)
        except UnicodeDecodeError as error:  # half a character at the end of a UTF-16 file
            text = str(error.object[: error.start], error.encoding, "surrogatepass") + "\udcff"
        if self._nel:
            text = text.translate(NEL_AS_LF)
        if self._breaker is not None:
            text = self._breaker.feed(text, final=final)
        return text.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=64)
def codec_of(name: str, *, unbroken: bool = False, nel: bool = False) -> Codec:
    """Return the codec called ``name``.

    Args:
        name: as Python knows it.
        unbroken: see :class:`Codec`.
        nel: see :class:`Codec`.

    Raises:
        RefusedError: Python knows no text codec of that name.
    """
    know_code_pages()
    try:
        info = codecs.lookup(_WIDE.get(name.lower().replace("_", "-"), name))
        plain = info.name in {"utf-8", "ascii"}
        sample = _ASCII if plain else bytes(range(256))
        text = str(sample, info.name, "replace")
    except (LookupError, UnicodeError) as error:
        raise RefusedError(f"unknown encoding {name!r}", code="HX-1001") from error
    wide = info.name.startswith(("utf-16", "utf-32"))
    errors = "surrogatepass" if wide else "surrogateescape"
    if unbroken:
        return Codec(info.name, "utf-8", errors, unbroken=True)
    if plain:
        return Codec(info.name, info.name)
    if len(text) == len(sample) and text.isascii() is False and text[:128] == _ASCII.decode():
        bad = bytes(byte for byte, char in enumerate(text) if char == "\ufffd")
        return Codec(info.name, info.name, bad=bad)
    return Codec(info.name, "utf-8", errors, nel=nel)


def bytewise_codec(name: str) -> Codec:
    """Return a codec for files that are not scanned as text: their own bytes are looked at."""
    known = codec_of(name).name
    return Codec(known, known)


@lru_cache(maxsize=64)
def byte_codec(codec: Codec) -> str:
    """Return the codec itself if each byte is one character of it, else Latin-1."""
    every = bytes(range(256))
    try:
        text = every.decode(codec.name)
        exact = len(text) == len(every) and text.encode(codec.name) == every
    except UnicodeError:
        exact = False
    return codec.name if exact else "latin-1"


def bom_of(head: bytes) -> tuple[str, int]:
    """Return the codec that a byte order mark names and the mark's length, else ("", 0)."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    return "", 0


class Candidates:
    """Decides over one pass which of several codecs decodes the whole file."""

    def __init__(self, candidates: Sequence[Codec]) -> None:
        self.codecs = list(candidates)
        self._alive = list(self.codecs)
        self._decoders = {
            codec.name: codecs.getincrementaldecoder(codec.name)(errors="strict")
            for codec in self.codecs
            if codec.bad is None
        }

    def feed(self, block: bytes, *, final: bool = False) -> None:
        """Strike out the codecs that can't read ``block``, the next of the file."""
        self._alive = [codec for codec in self._alive if self._reads(codec, block, final=final)]

    def _reads(self, codec: Codec, block: bytes, *, final: bool) -> bool:
        if codec.bad is not None:
            return not codec.bad or block.isascii() or not _has_any(block, codec.bad)
        decoder = self._decoders[codec.name]
        if codec.direct and block.isascii() and not final and not decoder.getstate()[0]:
            return True
        ends = range(_PIECE, len(block) + _PIECE, _PIECE) if block else (0,)
        try:
            for end in ends:
                decoder.decode(block[end - _PIECE : end], final and end >= len(block))
        except UnicodeDecodeError:
            return False
        return True

    def drop_narrow(self) -> None:
        """Strike out the codecs in which a NUL byte is a NUL character: no text has one."""
        self.codecs = [codec for codec in self.codecs if codec.wide]
        self._alive = [codec for codec in self._alive if codec.wide]

    @property
    def best(self) -> Codec:
        """The first that reads all so far; the first of all when none does."""
        return self._alive[0] if self._alive else self.codecs[0]


def _has_any(block: bytes, wanted: bytes) -> bool:
    return any(byte in block for byte in wanted)
