"""Reading a zip that a stranger made: counted and measured before and while it is unpacked."""

import io
import stat
import struct
import zipfile
import zlib
from typing import Final

from helixnet.engine.context.names import inside

MAX_ENTRIES: Final = 1_000
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_RATIO: Final = 100
_FREE_BYTES: Final = 64 * 1024  # small files may pack better than the ratio
_MAX_DIRECTORY: Final = 1024 * 1024
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x07"
_CHUNK: Final = 64 * 1024


class ArchiveError(ValueError):
    """A zip that can't be taken, with the reason in words and the code that fits it."""

    def __init__(self, message: str, code: str = "HX-4207") -> None:
        super().__init__(message)
        self.code = code


def unpack(data: bytes) -> tuple[dict[str, bytes], str]:
    """Unpack a zip in memory.

    Returns:
        Contents by normal name, folders and hidden files (``.x``, ``__MACOSX``) left out, and
        the archive's comment.

    Raises:
        ArchiveError: it is broken, encrypted, over a limit, or has a name that leads out.
    """
    if len(data) > MAX_BYTES:
        raise ArchiveError(f"the zip is larger than {MAX_BYTES} bytes")
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _contents(archive), archive.comment.decode("utf-8", "replace")
    except ArchiveError:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError) as error:
        raise ArchiveError("the zip is broken") from error
    except (NotImplementedError, RuntimeError) as error:
        raise ArchiveError("the zip is packed in a way that is not read here") from error


def _check_directory(data: bytes) -> None:
    """Bound the central directory before zipfile reads all of it into objects."""
    at = data.rfind(_END, max(0, len(data) - 22 - 65_535))
    if at < 0 or len(data) < at + 22:
        raise ArchiveError("the file is no zip")
    if data[max(0, at - 20) : at].startswith(_END_64):
        raise ArchiveError("the zip is in the zip64 format, which no bundle needs")
    size = int.from_bytes(data[at + 12 : at + 16], "little")
    if size > _MAX_DIRECTORY:
        raise ArchiveError(f"the zip has more than {MAX_ENTRIES} entries")


def _contents(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise ArchiveError(f"the zip has more than {MAX_ENTRIES} entries")
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    for entry in entries:
        name = inside(entry.filename.rstrip("/"))
        if name is None:
            message = f"the zip has an entry that leads out of it: `{entry.filename}`"
            raise ArchiveError(message, "HX-4202")
        if entry.is_dir() or _hidden(name):
            continue
        if entry.flag_bits & 0x1:
            raise ArchiveError(f"`{name}` in the zip is encrypted")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ArchiveError(f"`{name}` in the zip is a link")
        if name in files:
            raise ArchiveError(f"`{name}` stands twice in the zip")
        files[name] = _content(archive, entry, left)
        left -= len(files[name])
    return files


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """Unpack one entry, believing none of the sizes that it declares."""
    allowed = max(_FREE_BYTES, entry.compress_size * MAX_RATIO)
    content = bytearray()
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            content += chunk
            if len(content) > left:
                raise ArchiveError(f"the zip unpacks to more than {MAX_BYTES} bytes")
            if len(content) > allowed:
                raise ArchiveError(f"`{entry.filename}` unpacks to over {MAX_RATIO} times its size")
    return bytes(content)
