"""The parts of a workbook (ECMA-376 part 2), read as streams within limits; texts on disk."""

import mmap
import tempfile
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import IO, BinaryIO, Final, Protocol
from xml.parsers import expat

from helixnet.engine.context.archive import ArchiveError, unpack
from helixnet.engine.packing.zip_file import entries_of, entry_content
from helixnet.errors import RefusedError

MAX_TEXT: Final = 1024 * 1024  # characters of a cell; Excel has 32,767
MAX_TEXTS: Final = 20_000_000
_MAX_TOKEN: Final = 16 * 1024 * 1024  # bytes of one tag, comment or the like
_MEMORY: Final = 8 * 1024 * 1024
_OLE: Final = b"\xd0\xcf\x11\xe0"
_SAVE: Final = "save it as an Excel workbook (.xlsx)"

Attributes = dict[str, str]


class WorkbookError(ValueError):
    """A workbook or sheet that can't be read, with the reason, what to do and the code."""

    def __init__(self, message: str, hint: str = "", code: str = "HX-5060") -> None:
        super().__init__(message)
        self.hint, self.code = hint, code


class Parts(Protocol):
    """The parts of one workbook."""

    @property
    def names(self) -> Collection[str]:
        """What it has, such as ``xl/workbook.xml``."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the content of a part; nothing if there is none of that name."""
        ...


class HeldParts:
    """A small workbook, unpacked in memory.

    Raises:
        WorkbookError: it is none, or over a limit.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._files = unpack(content)[0]
        except ArchiveError as error:
            what = other_format(content) or str(error)
            raise WorkbookError(f"the file is no xlsx workbook: {what}", _SAVE) from error

    @property
    def names(self) -> Collection[str]:
        """See :class:`Parts`."""
        return self._files.keys()

    def read(self, name: str) -> Iterator[bytes]:
        """See :class:`Parts`."""
        content = self._files.get(name, b"")
        step = 64 * 1024
        return (content[at : at + step] for at in range(0, len(content), step))


class StoredParts:
    """A workbook of any size, read from its file as it is needed.

    Args:
        stream: the file, seekable.
        limit: bytes that one part may unpack to.

    Raises:
        WorkbookError: it is none.
        RefusedError: HX-5050 the zip is damaged.
    """

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._limit = stream, limit
        if what := other_format(_head(stream)):
            raise WorkbookError(f"the file is no xlsx workbook: {what}", _SAVE, "HX-5004")
        self._entries = {entry.filename: entry for entry in entries_of(stream)}
        if what := self._other():
            raise WorkbookError(f"the file is no xlsx workbook: {what}", _SAVE, "HX-5004")

    def _other(self) -> str:
        if "xl/workbook.bin" in self._entries:
            return "a binary workbook (.xlsb)"
        is_document = "[Content_Types].xml" in self._entries
        if "mimetype" in self._entries and not is_document:
            return "an OpenDocument file (.ods)"
        return "" if is_document else "a zip of other files"

    @property
    def names(self) -> Collection[str]:
        """See :class:`Parts`."""
        return self._entries.keys()

    def read(self, name: str) -> Iterator[bytes]:
        """See :class:`Parts`.

        Raises:
            RefusedError: HX-6006 it unpacks to too much; HX-5050, HX-5052 it can't be unpacked.
        """
        size = 0
        for block in entry_content(self._stream, self._entries[name]) if self.has(name) else ():
            size += len(block)
            if size > self._limit:
                raise RefusedError(
                    f"{name} of the workbook unpacks to more than {self._limit} bytes",
                    code="HX-6006",
                    hint="send the sheet in pieces, or as CSV",
                )
            yield block

    def has(self, name: str) -> bool:
        """Tell whether it has a part."""
        return name in self._entries


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    head = stream.read(_MEMORY)
    stream.seek(0)
    return head


def other_format(head: bytes) -> str:
    """Say what a file is that begins like no zip; empty for a zip."""
    if head.startswith(_OLE):
        encrypted = "EncryptedPackage".encode("utf-16-le") in head
        return "it is protected by a password" if encrypted else "an .xls file"
    return "" if head.startswith(b"PK") else "it is text, or something else"


class Parser:
    """Feeds an XML parser that refuses what a workbook never has.

    Args:
        on_start: takes name, maybe with a prefix, and attributes of an element.
        on_end: takes the name of one that ends.
        on_text: takes characters, in pieces.
    """

    def __init__(
        self,
        on_start: Callable[[str, Attributes], None],
        on_end: Callable[[str], None],
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_entities
        parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
        if on_text is not None:
            parser.CharacterDataHandler = on_text

    def feed(self, blocks: Iterable[bytes]) -> Iterator[None]:
        """Parse block by block; what the events gave can be taken after each."""
        size = 0
        for block in blocks:
            size += len(block)
            self._parser.Parse(block, False)  # noqa: FBT003 - not the last; it takes no keyword
            if size - self._parser.CurrentByteIndex > _MAX_TOKEN:  # it waits for an end
                raise WorkbookError("the workbook's XML has a piece without end", code="HX-6001")
            yield
        if size:
            self._parser.Parse(b"", True)  # noqa: FBT003 - the last piece
            yield


def _refuse_entities(*_: object) -> None:
    raise WorkbookError("the workbook declares XML entities, which is refused")


def local(name: str) -> str:
    """Return the name of an element without prefix."""
    return name.rpartition(":")[2] if ":" in name else name


def elements(blocks: Iterable[bytes]) -> Iterator[tuple[str, Attributes, str]]:
    """Yield name, attributes and parent of each element."""
    found: list[tuple[str, Attributes, str]] = []
    path: list[str] = []

    def start(name: str, attributes: Attributes) -> None:
        found.append((local(name), attributes, path[-1] if path else ""))
        path.append(local(name))

    def end(_name: str) -> None:
        path.pop()

    for _ in Parser(start, end).feed(blocks):
        yield from found
        found.clear()


class Texts:
    """The shared texts of a workbook by number: in memory while small, else in a temporary file."""

    def __init__(self) -> None:
        self._ends = array("Q", [0])
        self._new = bytearray()
        self._file: IO[bytes] | None = None
        self._whole: bytes | mmap.mmap = b""

    def add(self, text: str) -> None:
        """Append one.

        Raises:
            WorkbookError: HX-6001 there are too many.
        """
        if len(self._ends) > MAX_TEXTS:
            raise WorkbookError(f"the workbook has over {MAX_TEXTS} texts", code="HX-6001")
        data = text.encode()
        self._new += data
        self._ends.append(self._ends[-1] + len(data))
        if len(self._new) > _MEMORY:
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._file.write(self._new)
        self._new.clear()

    def finish(self) -> None:
        """Make them ready to be read."""
        if self._file is None:
            self._whole = bytes(self._new)
            return
        self._write()
        self._file.flush()
        self._whole = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            if isinstance(self._whole, mmap.mmap):
                self._whole.close()
            self._file.close()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> str:
        """Return one."""
        return self._whole[self._ends[number] : self._ends[number + 1]].decode()
