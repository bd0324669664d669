"""Rejected records without line ends make a file of their own again, to the byte."""

import json
import struct

import pytest

from helixnet.engine.context.model import Field, RecordLength
from helixnet.engine.mapping.mapper import reject
from helixnet.engine.output import reject_line
from helixnet.engine.reassembly import Envelope, assembled, exact
from tests.unit.engine.formats.reading import MARK, load, source

RECORDS = [bytes(range(n, n + 8)) for n in (0, 8, 120, 248)]


def blocks(*records: bytes) -> bytes:
    framed = [struct.pack(">HH", len(one) + 4, 0) + one for one in records]
    return b"".join(struct.pack(">HH", len(one) + 4, 0) + one for one in framed)


@pytest.mark.parametrize("encoding", ["cp037", "cp1047", "cp1252", "utf-8", "ascii"])
@pytest.mark.parametrize(
    ("length", "data"),
    [
        (RecordLength(8), b"".join(RECORDS)),
        (RecordLength(6, b"\r\n"), b"".join(one[:6] + b"\r\n" for one in RECORDS)),
        (RecordLength(prefix="bdw"), blocks(*RECORDS)),
    ],
)
def test_any_bytes_come_back(encoding: str, length: RecordLength, data: bytes) -> None:
    amount = Field("A", MARK, "integer", at=(0, 4), stored="packed")
    of = source("fixed", fields={"A": amount}, encoding=[encoding], record_length=length)
    outcome = load(data, of)
    index = outcome.index
    lines = [
        json.loads(reject_line(reject(batch, n, n + 1, ()), "a", index.encoding))
        for batch, _ in outcome.batches
        for n in range(len(batch.records))
    ]
    assert all(exact(line, index.encoding) for line in lines)
    envelope = Envelope(b"", index.encoding, index.newline)
    assert assembled(of, [line["raw"] for line in lines], envelope) == data
