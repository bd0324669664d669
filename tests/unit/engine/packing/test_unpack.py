"""Packed files: every way to pack gives the plain file; what is damaged or too large is refused."""

import gzip
import io
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.packing.unpack import packing, unpacked, unpacked_head
from helixnet.errors import RefusedError
from tests.unit.engine.packing.packed import (
    CSV,
    code_of,
    packed_all_ways,
    refusal,
    unpacked_bytes,
    zipped,
    zstd,
)

CONTENT = b"A;B\n" + b"".join(b"%d;%d\n" % (n, n * n) for n in range(30_000))
WAYS = packed_all_ways(CONTENT)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_pack_gives_the_file(way: str) -> None:
    assert unpacked_bytes(WAYS[way]) == CONTENT
    assert packing(io.BytesIO(WAYS[way]), CSV) == way.split(maxsplit=1)[0].strip(",")
    assert unpacked_head(io.BytesIO(WAYS[way]), CSV, 10) == CONTENT[:10]


def test_a_plain_file_is_lent_as_it_is() -> None:
    stream = io.BytesIO(CONTENT)
    with unpacked(stream, CSV) as plain:
        assert plain is stream
        assert plain.read() == CONTENT
    assert unpacked_head(io.BytesIO(CONTENT), CSV, 3) == b"A;B"


@given(st.binary(max_size=300))
def test_any_content_comes_back_however_it_was_packed(content: bytes) -> None:
    for packed in packed_all_ways(b"." + content).values():
        assert unpacked_bytes(packed) == b"." + content


@pytest.mark.parametrize("way", WAYS)
@given(data=st.data())
def test_a_damaged_file_is_the_same_or_refused(way: str, data: st.DataObject) -> None:
    """A flipped byte, a cut or something more: never other content, never another error."""
    packed = bytearray(packed_all_ways(CONTENT[:400])[way])
    kind = data.draw(st.sampled_from(["flip", "cut", "more"]))
    place = data.draw(st.integers(0, len(packed) - 1))
    if kind == "flip":
        packed[place] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del packed[place:]
    else:
        packed += data.draw(st.binary(min_size=1, max_size=20))
    if packing(io.BytesIO(packed), CSV) not in {"gzip", "zstd", "zip"}:
        return
    code = code_of(bytes(packed))
    assert code in {"", "HX-5050", "HX-5051", "HX-5052", "HX-5004", "HX-6006"}
    if not code:
        assert CONTENT[:400].startswith(unpacked_bytes(bytes(packed)))


@given(st.sampled_from([b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"]), st.binary(max_size=200))
def test_any_bytes_behind_a_mark_are_refused_or_unpacked(mark: bytes, rest: bytes) -> None:
    assert code_of(mark + rest)[:5] in {"", "HX-50", "HX-60"}


def test_a_cut_in_any_piece_is_refused() -> None:
    for way in ("gzip members", "zstd frames", "zip"):
        for size in (3, 30, len(WAYS[way]) // 2, len(WAYS[way]) - 1):
            assert refusal(WAYS[way][:size]).code == "HX-5050"


@pytest.mark.parametrize("way", ["gzip", "zstd", "zip"])
def test_something_behind_the_end_is_refused(way: str) -> None:
    error = refusal(WAYS[way] + b"something else")
    assert error.code == "HX-5050"
    assert "behind" in str(error)


def test_a_zip_with_several_files_names_them() -> None:
    error = refusal(zipped(("a.csv", b"1"), ("b.csv", b"2")))
    assert error.code == "HX-5051"
    assert "a.csv, b.csv" in str(error)
    assert refusal(zipped(("x/", b""))).code == "HX-5051"


def test_a_file_packed_twice_is_refused() -> None:
    for inner in (gzip.compress(b"a"), zipped(("a", b"a"))):
        for outer in (gzip.compress(inner), zstd.compress(inner), zipped(("a.gz", inner))):
            error = refusal(outer)
            assert error.code == "HX-5052"
            assert "packed twice" in str(error)


def test_what_a_zip_may_have_and_is_not_read_is_refused() -> None:
    encrypted = bytearray(zipped(("a.csv", b"1")))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        at = encrypted.index(mark)
        encrypted[at + (6 if mark[2] == 3 else 8)] |= 1
    assert "encrypted" in str(refusal(bytes(encrypted)))
    for method, name in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")):
        error = refusal(zipped(("a.csv", b"1" * 100), method=method))
        assert error.code == "HX-5052"
        assert name in str(error)
    assert refusal(zipped(("[Content_Types].xml", b"1"), ("a", b""))).code == "HX-5004"


def test_a_zip_that_lies_about_a_size_is_refused() -> None:
    """Less than there is would cut the file off in silence."""
    packed = bytearray(zipped(("a.csv", CONTENT)))
    at = packed.index(b"PK\x01\x02")
    packed[at + 24 : at + 28] = (10).to_bytes(4, "little")
    assert refusal(bytes(packed)).code == "HX-5050"


def test_a_zstd_window_over_the_memory_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 30}
    pack = zstd.ZstdCompressor(options=options)
    error = refusal(pack.compress(b"a" * 100) + pack.flush())
    assert error.code == "HX-5052"
    assert "window" in str(error)


def test_a_list_of_files_over_the_limit_is_refused() -> None:
    packed = bytearray(zipped(("a.csv", b"1")))
    at = packed.index(b"PK\x05\x06")
    packed[at + 12 : at + 16] = (5 << 20).to_bytes(4, "little")
    assert refusal(bytes(packed)).code == "HX-6006"


@pytest.mark.parametrize("way", ["gzip", "zstd", "zip"])
def test_what_unpacks_to_too_much_is_refused_in_little_memory(way: str) -> None:
    size = 300 << 20
    blocks = (bytes(1 << 20) for _ in range(size >> 20))
    packed = io.BytesIO()
    match way:
        case "gzip":
            with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
                file.writelines(blocks)
        case "zstd":
            with zstd.ZstdFile(packed, "wb") as file:
                file.writelines(blocks)
        case _:
            with (
                zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
                archive.open("a.csv", "w") as file,
            ):
                file.writelines(blocks)
    tracemalloc.start()
    try:
        with (
            pytest.raises(RefusedError, match="unpacks to more than") as refused,
            unpacked(io.BytesIO(packed.getvalue()), CSV),
        ):
            pass
        assert refused.value.code == "HX-6006"
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    error = refusal(packed.getvalue(), most=1 << 20)
    assert "limit of 1048576 bytes" in str(error)


def test_a_name_that_is_cut_to_nothing_is_refused() -> None:
    """A NUL ends a name in a zip, also as its first character."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", CONTENT[:100])
    named = out.getvalue()
    listed = named.rindex(b"PK\x01\x02") + 46
    assert named[listed : listed + 1] == b"a"
    packed = named[:listed] + b"\0" + named[listed + 1 :]
    assert refusal(packed).code in ("HX-5050", "HX-5051")
