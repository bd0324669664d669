"""What the pass over a CSV file settles: codec, delimiter, header, drift, parts."""

import codecs
import hashlib
import io
import tracemalloc
from typing import BinaryIO, cast

import pytest

from helixnet.engine.read import index_source
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import fields, load, source


def test_the_first_encoding_that_reads_the_whole_file() -> None:
    """One late byte decides: the first codec that decodes everything is taken."""
    contract = source(encoding=("utf-8", "cp1252"))
    assert load("A\nü\n".encode(), contract).index.encoding == "utf-8"
    late = "A\nü\n".encode() + (b"x" * 1000 + b"\n") * 2000 + b"\xfc\n"
    assert load(late, contract).index.encoding == "cp1252"


def test_no_encoding_fits() -> None:
    """Then the first is taken and only the records with such bytes are rejects."""
    outcome = load(b"A,B\n1,2\n\xfc,\x81\n3,4\n", source(encoding=("utf-8", "cp1252")))
    assert outcome.index.encoding == "utf-8"
    assert outcome.records == [["1", "2"], ["\ufffd", "\ufffd"], ["3", "4"]]
    assert outcome.codes == {1: ["HX-1001"]}
    assert outcome.raws[1] == b"\xfc,\x81\n"


@pytest.mark.parametrize(
    ("bom", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_bom_wins(bom: bytes, codec: str) -> None:
    """A byte order mark is no data and decides over the declared encodings."""
    data = bom + 'A;B\r\n"1\r\n";ü\r\n2;€😀\r\n'.encode(codec)
    outcome = load(data, source(encoding=("cp1252",), delimiter=";"), part_size=1)
    assert outcome.index.encoding == codec
    assert outcome.records == [["1\r\n", "ü"], ["2", "€😀"]]
    assert outcome.raws == ['"1\r\n";ü\r\n'.encode(codec), "2;€😀\r\n".encode(codec)]
    assert outcome.bytes == [data.index(raw) for raw in outcome.raws]
    assert len(outcome.index.parts) == 2


@pytest.mark.parametrize("codec", ["shift_jis", "gbk", "cp500", "euc_jp", "utf-16", "latin-1"])
def test_other_codecs(codec: str) -> None:
    """Codecs whose bytes can't be scanned as ASCII give the same cells and exact bytes."""
    words = {"gbk": "中", "cp500": "ü", "latin-1": "ü"}
    text = f"A|B\n1|{words.get(codec, '表')}\n2|x\n"
    data = text.encode(codec)
    outcome = load(data, source(encoding=(codec,), delimiter="|"))
    assert outcome.records == [line.split("|") for line in text.split("\n")[1:-1]]
    assert outcome.raws[1] == data[-len("2|x\n".encode(outcome.index.encoding)) :]


def test_half_a_character_at_the_end() -> None:
    """A UTF-16 file with an odd byte at its end has one reject, not a crash."""
    outcome = load("A\n1\n2".encode("utf-16") + b"\x00", source())
    assert outcome.records[0] == ["1"]
    assert outcome.codes == {1: ["HX-1001"]}


def test_an_unknown_codec() -> None:
    """A codec that Python lacks, or that makes no text, is refused."""
    for name in ("utf-9", "hex", "rot13"):
        with pytest.raises(RefusedError, match=name):
            load(b"A\n", source(encoding=(name,)))


def test_binary_files_are_refused() -> None:
    """A NUL byte means that this is no text."""
    with pytest.raises(RefusedError) as caught:
        load(b"PK\x03\x04\x00\x00", source(encoding=("utf-8", "cp1252")))
    assert caught.value.code == "HX-5001"


def test_undeclared_utf16_is_told() -> None:
    """UTF-16 without BOM is refused with the way out, and read when it is declared."""
    data = "A,B\n1,2\n".encode("utf-16-le")
    with pytest.raises(RefusedError) as caught:
        load(data, source())
    assert "UTF-16" in caught.value.hint
    assert load(data, source(encoding=("utf-8", "utf-16-le"))).records == [["1", "2"]]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a;b;c\n1,5;2;3\n2,5;2;3\n", ";"),
        ("a,b\n1;2,3\n", ","),
        ('a\tb\n"x,y,z"\t1\n', "\t"),
        ("a|b\r1|2\r", "|"),
        ("single\ncolumn\n", ","),
        ("", ","),
        ('"a;b";c\n"d";"e"\n', ";"),
    ],
)
def test_auto_sniffs_the_delimiter(text: str, delimiter: str) -> None:
    """``delimiter: auto`` takes what cuts the first records most evenly."""
    assert load(text.encode(), source(delimiter="auto")).index.delimiter == delimiter


def test_drift_in_words() -> None:
    """Unknown, missing and doubled columns are drift; a doubled one that is used is refused."""
    contract = source(fields=fields("A", "B"))
    outcome = load(b"A,C,C\n1,2,3\n", contract)
    assert outcome.index.drift == [
        "column 'C' stands twice in the header",
        "unknown column 'C'",
        "missing column 'B'",
    ]
    for used in (["C"], None):
        with pytest.raises(RefusedError) as caught:
            load(b"A,C,C\n1,2,3\n", contract, used=used)
        assert caught.value.code == "HX-5002"


def test_a_header_that_lacks_what_is_read_is_refused_with_the_nearest_name() -> None:
    """Where nothing is declared the header is all that names can be held to: one refusal."""
    with pytest.raises(RefusedError) as caught:
        load(b"ORDER_NO,QTY\n1,2\n", source(), used=["QTY", "ODER_NO"])
    assert caught.value.code == "HX-5002"
    assert "lacks 'ODER_NO'," in str(caught.value)
    assert caught.value.hint == "did you mean `ORDER_NO`?"
    with pytest.raises(RefusedError) as caught:
        load(b"ORDER_NO,QTY\n", source(), used=["ODER_NO", "QTTY"])
    assert "lacks 'ODER_NO', 'QTTY'," in str(caught.value)
    assert caught.value.hint == "'ODER_NO': did you mean `ORDER_NO`? 'QTTY': did you mean `QTY`?"
    assert load(b"", source(), used=["A"]).records == []
    declared = load(b"A\n1\n", source(fields=fields("A", "B")), used=["B"])
    assert declared.index.drift == ["missing column 'B'"]


@pytest.mark.parametrize("data", [b'A,"B\n1,2\n', b'A,"B"x\n', b"A,\xff\n"])
def test_an_unreadable_header_is_refused(data: bytes) -> None:
    """Without a header no column has a name."""
    with pytest.raises(RefusedError) as caught:
        load(data, source())
    assert caught.value.code == "HX-5002"


def test_a_million_columns_are_refused() -> None:
    """The number of columns has a limit."""
    with pytest.raises(RefusedError) as caught:
        load(b"a," * 1_000_000 + b"\n", source())
    assert caught.value.code == "HX-6002"


def test_one_endless_line_is_refused_in_bounded_memory() -> None:
    """The pass keeps nothing of a line beyond the limit."""
    stream = cast("BinaryIO", Endless(32 * 1024 * 1024))
    contract = source(max_record_bytes=1024 * 1024)
    tracemalloc.start()
    with pytest.raises(RefusedError) as caught:
        index_source(stream, contract, group=None, grammar=None, used=None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "HX-6001"
    assert peak < 16 * 1024 * 1024


class Endless(io.RawIOBase):
    """A file of one line, made while it is read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        block = min(size, self.left)
        self.left -= block
        return b"x" * block


def test_parts_are_exact() -> None:
    """Parts tell their bytes, first line and record numbers; together they are the file."""
    data = b"A,B\n" + b"".join(b'%d,"x\ny"\n' % n for n in range(100))
    outcome = load(data, source(), part_size=50)
    assert len(outcome.index.parts) > 10
    for part in outcome.index.parts:
        assert outcome.lines[part.first_record - 1] == part.first_line
    assert outcome.index.sha256 == hashlib.sha256(data).hexdigest()
