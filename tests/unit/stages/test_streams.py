"""Output stays in memory while small and is a file once it is not; reading tells progress."""

import hashlib
from pathlib import Path

import pytest

from helixnet.stages.streams import Spill, open_told


@pytest.mark.parametrize("size", [0, 99, 100])
def test_small_output_stays_in_memory(tmp_path: Path, size: int) -> None:
    spill = Spill(tmp_path, 100)
    for _ in range(size):
        assert spill.write(b"x") == 1
    assert spill.finish() == b"x" * size
    assert list(tmp_path.iterdir()) == []


def test_large_output_is_a_whole_file(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 100)
    for n in range(60):
        spill.write(b"%03d" % n)
    made = spill.finish()
    assert isinstance(made, Path)
    assert made.read_bytes() == b"".join(b"%03d" % n for n in range(60))
    assert spill.size == 180
    assert spill.sha256 == hashlib.sha256(made.read_bytes()).hexdigest()


@pytest.mark.parametrize("size", [10, 1000])
def test_discarded_output_leaves_nothing(tmp_path: Path, size: int) -> None:
    spill = Spill(tmp_path, 100)
    spill.write(b"x" * size)
    spill.discard()
    assert list(tmp_path.iterdir()) == []


def test_reading_tells_progress(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * (5 << 20))
    told: list[None] = []
    with open_told(path, lambda: told.append(None)) as stream:
        while stream.read(1 << 16):
            pass
        stream.seek(1 << 20)
        assert len(stream.read()) == 4 << 20
    assert len(told) >= 5
