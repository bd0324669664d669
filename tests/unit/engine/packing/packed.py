"""Packs files as senders do, and unpacks them as a server does."""

import gzip
import io
import sys
import zipfile

import pytest

from helixnet.engine.context.model import Mark, Source
from helixnet.engine.packing.unpack import MOST_UNPACKED, unpack
from helixnet.errors import RefusedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SUMMED = {zstd.CompressionParameter.checksum_flag: 1}  # as the command zstd does
CSV = Source("csv", Mark("c.yaml", 1, 1))


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


def packed_all_ways(content: bytes) -> dict[str, bytes]:
    """Pack a file in each way that is read."""
    half = len(content) // 2
    members = gzip.compress(content[:half]) + gzip.compress(content[half:])
    zstd_frames = [zstd.compress(one, options=_SUMMED) for one in (content[:half], content[half:])]
    skipped = b"\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"
    return {
        "gzip": gzip.compress(content),
        "gzip members": members,
        "gzip on tape": members + bytes(700),
        "zstd": zstd.compress(content, options=_SUMMED),
        "zstd frames": skipped + b"".join(zstd_frames),
        "zip": zipped(("a.csv", content)),
        "zip, stored": zipped(("a.csv", content), method=zipfile.ZIP_STORED),
        "zip of a Mac": zipped(
            ("in/", b""), ("__MACOSX/in/._a.csv", b"x"), ("in/.DS_Store", b"x"), ("in/a", content)
        ),
    }


def unpacked_bytes(packed: bytes, most: int = MOST_UNPACKED) -> bytes:
    plain = io.BytesIO()
    unpack(io.BytesIO(packed), CSV, plain, most=most)
    return plain.getvalue()


def refusal(packed: bytes, most: int = MOST_UNPACKED) -> RefusedError:
    """Unpack what must be refused, with code and hint."""
    with pytest.raises(RefusedError) as refused:
        unpacked_bytes(packed, most)
    assert refused.value.code
    assert refused.value.hint
    return refused.value


def code_of(packed: bytes) -> str:
    """Return why a file is refused; nothing when it is not."""
    try:
        unpacked_bytes(packed)
    except RefusedError as error:
        return error.code
    return ""
