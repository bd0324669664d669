"""Multipart forms (RFC 7578) read as they come: small parts in memory, large ones on disk."""

import asyncio
import errno
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from helixnet.errors import TooLargeError, UnavailableError, UsageError
from helixnet.gateway.problems import REFUSED_REQUEST, TOO_LARGE

INLINE: Final = 64 * 1024
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MAX_PARTS: Final = 300
MAX_TEXT: Final = 64 * 1024
_BLOCK: Final = 1 << 20  # bytes gathered before one write in a thread


@dataclass(slots=True)
class FilePart:
    """A file of a form.

    Args:
        field: the form field's name.
        name: the file name that was sent, without folders.
        size: bytes.
        sha256: hexadecimal.
        data: the content while it is small; else empty and on disk.
        path: where a large file lies; None while it is small.
    """

    field: str
    name: str
    size: int = 0
    sha256: str = ""
    data: bytes = b""
    path: Path | None = None


@dataclass(slots=True)
class Form:
    """What a form held: texts by name (the last wins), files in their order."""

    texts: dict[str, str] = field(default_factory=dict[str, str])
    files: list[FilePart] = field(default_factory=list[FilePart])

    def named(self, *names: str) -> list[FilePart]:
        """Return the files of these fields, in the order sent."""
        return [part for part in self.files if part.field in names]


@asynccontextmanager
async def receive_form(request: Request, scratch: Path) -> AsyncGenerator[Form]:
    """Read a request's form; what it left on disk is removed at the end.

    Raises:
        UsageError: it is no multipart form, or a broken one.
        TooLargeError: too many parts, or a text too long.
        UnavailableError: the disk is full.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UsageError(
            "send the form as multipart/form-data", code=REFUSED_REQUEST, hint="see docs/rest.md"
        )
    reader = _Reader(scratch)
    try:
        await reader.read(request, boundary)
        yield reader.form
    finally:
        reader.close()


class _Reader:
    """Collects parts from the parser's callbacks; writing waits until a callback has returned."""

    def __init__(self, scratch: Path) -> None:
        self.form = Form()
        self._scratch = scratch
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._part: FilePart | None = None
        self._text: str | None = None
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        self._file: BinaryIO | None = None
        self._parts = 0

    async def read(self, request: Request, boundary: bytes) -> None:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
            },
        )
        try:
            async for chunk in request.stream():
                parser.write(chunk)
                if len(self._buffer) >= _BLOCK and self._part is not None:
                    await asyncio.to_thread(self._flush)
            parser.finalize()
        except FormParserError as error:
            raise UsageError(
                "the multipart form is broken off or not well formed", code=REFUSED_REQUEST
            ) from error

    def close(self) -> None:
        """Close and remove what is still on disk; a file that was stored has been moved away."""
        if self._file is not None:
            self._file.close()
        parts = [*self.form.files, *([self._part] if self._part else [])]
        for part in parts:
            if part.path is not None:
                part.path.unlink(missing_ok=True)

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise TooLargeError(f"more than {MAX_PARTS} parts in one form", code=TOO_LARGE)
        self._disposition = b""
        self._part = self._text = None
        self._buffer = bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise UsageError("a part of the form has no name", code=REFUSED_REQUEST)
        name = options[b"name"].decode("utf-8", "replace")
        if b"filename" not in options:
            self._text = name
            return
        file = options[b"filename"].decode("utf-8", "replace").replace("\\", "/")
        self._part = FilePart(name, file.rpartition("/")[2])
        self._hash = hashlib.sha256()

    def _data(self, data: bytes, start: int, end: int) -> None:
        block = data[start:end]
        self._buffer.extend(block)
        if self._part is not None:
            self._hash.update(block)
            self._part.size += len(block)
        elif len(self._buffer) > MAX_TEXT:
            raise TooLargeError(f"a text of the form is over {MAX_TEXT} bytes", code=TOO_LARGE)

    def _end(self) -> None:
        if self._text is not None:
            self.form.texts[self._text] = self._buffer.decode("utf-8", "replace")
        if self._part is None:
            return
        self._part.sha256 = self._hash.hexdigest()
        if self._file is None and self._part.size <= INLINE:
            self._part.data = bytes(self._buffer)
        else:
            self._flush()
        if self._file is not None:
            self._file.close()
            self._file = None
        self.form.files.append(self._part)
        self._part = None
        self._buffer = bytearray()

    def _flush(self) -> None:
        """Write what was gathered; the first block makes the file."""
        if self._part is None:
            return
        try:
            if self._file is None:
                self._part.path = self._scratch / uuid4().hex
                self._file = self._part.path.open("xb")
            self._file.write(self._buffer)
        except OSError as error:
            if error.errno in FULL:
                raise UnavailableError(
                    "no room for the upload in the data folder", code="HX-7004"
                ) from error
            raise UnavailableError(f"the upload can't be kept: {error.strerror}") from error
        self._buffer = bytearray()


async def content_of(part: FilePart, *, limit: int) -> bytes:
    """Return a part's bytes, for parts that are needed whole.

    Raises:
        TooLargeError: it is over ``limit``.
    """
    if part.size > limit:
        raise TooLargeError(f"{part.name} is over the limit of {limit} bytes", code=TOO_LARGE)
    return part.data if part.path is None else await asyncio.to_thread(part.path.read_bytes)
