"""What `make nightly` fuzzes is whole: each format has contracts, and seeds are read."""

import os
from pathlib import Path

import pytest
from scripts.fuzz import seeds_of

from helixnet.engine.context.source_reader import FORMATS
from tests.fuzz.targets import CONTRACTS, contracts_of, known_formats, one_input

ROOT = Path(__file__).parents[2]


def test_every_format_is_fuzzed() -> None:
    assert set(FORMATS) <= set(CONTRACTS)
    assert all(contracts_of(name) for name in FORMATS)


@pytest.mark.parametrize("name", known_formats())
def test_inputs_to_begin_with_are_read(name: str) -> None:
    found = list(seeds_of(name))
    assert found
    for data in found[:10]:
        one_input(name, data)


def test_noise_is_refused_or_read() -> None:
    for name in known_formats():
        for size in range(60):
            one_input(name, os.urandom(size))
