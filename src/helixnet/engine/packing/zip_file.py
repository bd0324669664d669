"""The only file of a zip (PKWARE APPNOTE 6.3.10), unpacked as it is read and held to its checks."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from helixnet.engine.packing.frames import READ, Frame, ZlibFrame, damaged, zstd_frame
from helixnet.errors import RefusedError

MAX_DIRECTORY: Final = 4 * 1024 * 1024  # bytes of the list of files, which is held in memory
_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_LOCATOR_64: Final = b"PK\x06\x07"
_LOCATOR: Final = struct.Struct("<8sQ4x")  # where the zip64 end record stands (4.3.15)
_LISTED_64: Final = 40  # in that record, the size of the directory (4.3.14)
_LOCAL: Final = struct.Struct("<4s2xH18xHH")  # mark, flags, lengths of name and extra (4.3.7)
_UTF_8: Final = 0x800  # flag: names are UTF-8 (4.4.4)
_RAW_DEFLATE: Final = -zlib.MAX_WBITS
_SHOWN: Final = 8
_DOCUMENT: Final = frozenset({"[Content_Types].xml", "xl/workbook.bin", "mimetype"})
_NEW: Final[dict[int, Callable[[], Frame] | None]] = {
    0: None,  # stored
    8: lambda: ZlibFrame(_RAW_DEFLATE),
    93: zstd_frame,
}
_METHODS: Final = {9: "deflate64", 12: "bzip2", 14: "lzma", 95: "xz", 98: "ppmd"}


def entries_of(stream: BinaryIO) -> list[zipfile.ZipInfo]:
    """Return the entries of a zip.

    Raises:
        RefusedError: HX-5050 its directory is damaged; HX-6006 or over the limit.
    """
    _check_end(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            return archive.infolist()
    except (
        *(zipfile.BadZipFile, struct.error, EOFError, OSError),
        *(ValueError, NotImplementedError, OverflowError),
    ) as error:
        raise damaged(f"its list of files can't be read ({error})") from error


def _check_end(stream: BinaryIO) -> None:
    """See that the file ends with its directory (4.3.16), and that this is of bounded size."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_SIZE - 0xFFFF - _LOCATOR.size))
    tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        raise damaged("the zip ends in the middle, or something stands behind it")
    listed = int.from_bytes(tail[at + 12 : at + 16], "little")
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    if at + _END_SIZE + comment != len(tail):
        raise damaged("something stands behind the end of the zip")
    locator = tail[max(0, at - _LOCATOR.size) : at]
    if locator.startswith(_LOCATOR_64):
        stream.seek(min(_LOCATOR.unpack(locator)[1], size))
        listed = int.from_bytes(stream.read(_LISTED_64 + 8)[_LISTED_64:], "little")
    if listed > MAX_DIRECTORY:
        limit = MAX_DIRECTORY >> 20
        raise RefusedError(
            f"the zip's list of files is over {limit} MiB", code="HX-6006", hint="send one file"
        )
    stream.seek(0)


def is_document(entries: list[zipfile.ZipInfo]) -> bool:
    """Tell whether a zip is an office document and no archive of files."""
    return any(entry.filename in _DOCUMENT for entry in entries)


def only_file(entries: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """Return the one file; folders and what macOS and Windows add are no files.

    Raises:
        RefusedError: HX-5051 there is none, or several.
    """
    named = [(entry, entry.filename) for entry in entries]  # a name may be empty
    files = [entry for entry, name in named if not name.endswith("/") and not _is_extra(name)]
    if len(files) == 1:
        return files[0]
    if is_document(entries):
        raise RefusedError(
            "the file is an Office document, such as an Excel workbook",
            code="HX-5004",
            hint="a workbook needs `format: excel`; or have the sheet saved as CSV",
        )
    if not files:
        raise RefusedError("the zip holds no file", code="HX-5051", hint="send one file in it")
    names = ", ".join(entry.filename for entry in files[:_SHOWN])
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    raise RefusedError(
        f"the zip holds {len(files)} files: {names}{more}",
        code="HX-5051",
        hint="send each file by itself: a job is one file",
    )


def _is_extra(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def entry_content(stream: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the content of an entry; it is as long as declared, and its CRC-32 right.

    Raises:
        RefusedError: HX-5050 it is damaged; HX-5052 it is packed in a way that is not read.
    """
    if entry.flag_bits & 0x1:
        raise RefusedError(
            f"{entry.filename} in the zip is encrypted",
            code="HX-5052",
            hint="send it without a password; use SFTP or TLS to protect it on its way",
        )
    method = entry.compress_type
    if method not in _NEW:
        raise RefusedError(
            f"{entry.filename} in the zip is packed by {_METHODS.get(method, f'method {method}')}",
            code="HX-5052",
            hint="pack it by deflate, which every program offers, or send a .gz or .zst",
        )
    size = crc = 0
    new = _NEW[method]
    packed = _packed(stream, entry)
    for block in packed if new is None else _unpacked(packed, new()):
        size += len(block)
        crc = zlib.crc32(block, crc)
        yield block
    if size != entry.file_size or crc != entry.CRC:
        raise damaged(f"{entry.filename} is not what the zip says of it (CRC-32, size)")


def _packed(stream: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield an entry's bytes as they stand in the zip."""
    try:
        stream.seek(entry.header_offset)
        mark, flags, name, extra = _LOCAL.unpack(stream.read(_LOCAL.size))
    except (struct.error, ValueError, OSError) as error:
        raise damaged(f"{entry.filename} is not where the zip says") from error
    codec = "utf-8" if flags & _UTF_8 else "cp437"
    if mark != b"PK\x03\x04" or stream.read(name).decode(codec, "replace") != entry.orig_filename:
        raise damaged(f"{entry.filename} is not where the zip says")
    stream.seek(extra, 1)
    left = entry.compress_size
    while left:
        block = stream.read(min(left, READ))
        if not block:
            raise damaged("it ends in the middle")
        left -= len(block)
        yield block


def _unpacked(packed: Iterator[bytes], frame: Frame) -> Iterator[bytes]:
    for block in packed:
        if frame.ended:
            raise damaged("an entry of the zip goes on after its end")
        yield from frame.feed(block)
    if frame.rest or not frame.ended:
        raise damaged("an entry of the zip does not end where it should")
