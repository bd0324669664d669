"""Packed files on the command line: as plain ones, whatever they are called."""

import gzip
from pathlib import Path

import pytest

from tests.unit.cli.commanding import Command
from tests.unit.engine.packing.packed import packed_all_ways

PLAIN = "good.csv"


@pytest.fixture(params=["gzip members", "zstd frames", "zip of a Mac"])
def packed(request: pytest.FixtureRequest, given: Path) -> Path:
    """The good file, packed under a name that says nothing of it."""
    path = given / "orders.csv"
    path.write_bytes(packed_all_ways((given / PLAIN).read_bytes())[request.param])
    return path


def test_it_is_mapped_as_the_plain_file(helixnet: Command, given: Path, packed: Path) -> None:
    context = given / "context.yaml"
    plain = helixnet("run", context, given / PLAIN)
    outcome = helixnet("run", context, packed)
    assert (outcome.status, outcome.out) == (0, plain.out)
    assert "2 records: 2 used" in outcome.err


def test_it_is_compared_traced_and_checked(helixnet: Command, given: Path, packed: Path) -> None:
    context = given / "context.yaml"
    outcome = helixnet("diff", context, context, packed)
    assert outcome.out == f"{packed}: no difference in 2 documents of 2 records\n"
    traced = helixnet("trace", context, packed, "/qty")
    plain = helixnet("trace", context, given / PLAIN, "/qty")
    assert traced.out.replace(str(packed), "F") == plain.out.replace(str(given / PLAIN), "F")
    assert helixnet("check", context, "--sample", packed).status == 0


def test_a_damaged_one_is_refused_with_a_hint(helixnet: Command, given: Path) -> None:
    path = given / "cut.gz"
    path.write_bytes(gzip.compress((given / PLAIN).read_bytes())[:-2])
    outcome = helixnet("run", given / "context.yaml", path, "-o", given / "out")
    assert outcome.status == 1
    assert "HX-5050" in outcome.err
    assert "send it again" in outcome.err
    assert not (given / "out").exists()
    for command in (
        ("diff", given / "context.yaml", given / "context.yaml", path),
        ("trace", given / "context.yaml", path, "/qty"),
    ):
        refused = helixnet(*command)
        assert refused.status != 0
        assert "damaged" in refused.err
