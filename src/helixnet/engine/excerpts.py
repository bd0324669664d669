"""The bytes of one source value, as they stand in the file: with quotes, padding and all."""

import json
from dataclasses import dataclass
from itertools import islice
from typing import Final

from helixnet.engine.context.model import Field, RecordLength, Source
from helixnet.engine.formats.csv.dialect import dialect_of
from helixnet.engine.formats.edi.batch import EdiBatch
from helixnet.engine.formats.encoding import NEL, NEL_AS_LF
from helixnet.engine.formats.fixed.records import framing_of
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.formats.idoc.grammar import IdocGrammar
from helixnet.engine.formats.idoc.lines import LineBreaker
from helixnet.engine.formats.idoc.xml_read import IdocXmlBatch
from helixnet.engine.formats.json.place import place_of
from helixnet.engine.formats.xml.batch import XmlBatch
from helixnet.engine.outcome import SourcePosition
from helixnet.engine.slices import Slice
from helixnet.engine.source import Batch, SourceIndex

_DECODER: Final = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A value of the source in its file.

    Args:
        place: where it begins.
        raw: its bytes; empty when they can't be told apart from the record.
        text: the same, decoded.
    """

    place: SourcePosition
    raw: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The file that a value is of.

    Args:
        contract: how it is read.
        index: of the file.
        grammar: of an IDoc type.
    """

    contract: Source
    index: SourceIndex
    grammar: Grammar | None


def excerpt(batch: Batch, index: int, name: str, item: int, *, file: Opened) -> Excerpt:
    """Return where a value stands, and its bytes.

    Args:
        batch: that holds the record.
        index: of the record in the batch.
        name: column, or JSON pointer in a nested record.
        item: row of a group.
        file: that it is of.
    """
    if isinstance(batch, Slice):
        batch, index = batch.batch, batch.start + index
    place, source = batch.locate(index, name, item), file.index
    if file.contract.record_length is not None:
        return _of_record(batch, index, item, place, file)
    within = isinstance(batch, XmlBatch | IdocXmlBatch | EdiBatch)
    text = batch.excerpt(index, name) if within else _written(batch, index, name, item, place, file)
    return Excerpt(place, text.encode(source.encoding, "surrogateescape"), text)


def _written(
    batch: Batch, index: int, name: str, item: int, place: SourcePosition, file: Opened
) -> str:
    """Return the characters of a value in a file of lines, or in JSON."""
    source = file.index
    text, first = _decoded(batch.raw(index), source), batch.line(index)
    once = source.once.get(place.segment)
    if once is not None:
        text, first = once["text"], once["line"]
    elif file.contract.records is None and file.contract.tabular:
        while item and batch.line(index, item) > place.line:
            item -= 1  # a value that is filled down stands further above
        text, first = _row(text, item, file), batch.line(index, item)
    if isinstance(file.grammar, IdocGrammar):
        return _of_segment(text, first, place, source, file.grammar)
    if file.contract.format == "fixed":
        return _of_range(text, first, place, file)
    if file.contract.format == "excel":
        return _of_sheet(text, place, file)
    if file.contract.format == "csv":
        return _of_row(text, first, place, source) if place.column else ""
    return _of_json(text, name)


def _decoded(raw: bytes, source: SourceIndex) -> str:
    """Return text whose lines end with LF, CRLF or CR."""
    text = raw.decode(source.encoding, "surrogateescape")
    return text.translate(NEL_AS_LF) if source.newline == NEL else text


def _of_record(batch: Batch, index: int, item: int, place: SourcePosition, file: Opened) -> Excerpt:
    """Return the bytes at the place of a field; those that are no text as ``X'0012'``."""
    contract = file.contract
    data, first = batch.raw(index), batch.line(index)
    once = file.index.once.get(place.segment)
    if once is not None:
        data, first = once["text"].encode(file.index.encoding), once["line"]
    elif contract.records is None:
        first = batch.line(index, 0)
    framing = framing_of(contract.record_length or RecordLength())
    spans = list(framing.spans(data, final=True))
    number, field = place.line - first, _field_at(place, contract)
    if contract.records is None:
        lines = [batch.line(index, row) for row in range(item + 1)]
        number = next((row for row, line in enumerate(lines) if line == place.line), -1)
    if field is None or not isinstance(field.at, tuple) or not 0 <= number < len(spans):
        return Excerpt(place, b"", "")
    start, end = spans[number]
    raw = framing.body(data[start:end])[slice(*field.at)]
    text = (
        f"X'{raw.hex().upper()}'" if field.stored else raw.decode(contract.encoding[0], "replace")
    )
    return Excerpt(place, raw, text)


def _field_at(place: SourcePosition, contract: Source) -> Field | None:
    types = contract.records or {}
    fields = types[place.segment].fields if place.segment in types else contract.fields or {}
    return fields.get(place.field)


def _row(text: str, item: int, file: Opened) -> str:
    """Return row ``item`` of a group, or the only one of a record."""
    if file.contract.format == "fixed":
        rows = [row for row in text.split("\n") if row.strip("\r")]
        return rows[item] if item < len(rows) else text
    newline = "\r" if file.index.newline == "\r" else "\n"
    data = text.encode("utf-8", "surrogatepass")
    delimiter = file.index.delimiter or ","  # a sheet's rows are shown as CSV
    spans = dialect_of(delimiter, newline, "utf-8").spans(data)
    start, end = next(islice(spans, item, None), (0, len(data)))
    return data[start:end].decode("utf-8", "surrogatepass")


def _of_range(text: str, first: int, place: SourcePosition, file: Opened) -> str:
    """Return the characters at the place of a fixed-width field, with their blanks."""
    contract, lines = file.contract, text.split("\n")
    field = _field_at(place, contract)
    at = field.at if field is not None else None
    if not isinstance(at, tuple) or not 0 <= place.line - first < len(lines):
        return ""
    line, (start, end) = lines[place.line - first].removesuffix("\r"), at
    if contract.unit == "characters":
        return line[start:end]
    encoding = file.index.encoding
    data = line.encode(encoding, "surrogateescape")[start:end]
    return data.decode(encoding, "replace")


def _of_row(text: str, first: int, place: SourcePosition, source: SourceIndex) -> str:
    """Return the cell that begins at a place of a CSV record, or of a group of them."""
    newline = "\r" if source.newline == "\r" else "\n"
    if place.line < first:
        return ""  # it is filled down from a record before
    start = 0
    for _ in range(place.line - first):
        start = text.find(newline, start) + 1
    dialect = dialect_of(source.delimiter, newline, "utf-8")
    rest = text[start + place.column - 1 :].encode("utf-8", "surrogateescape")
    end = next(dialect.spans(rest), (0, 0))[1]
    record = rest[:end].decode("utf-8", "surrogateescape")
    places = dialect.cells(record).places
    if len(places) > 1:
        return record[: places[1] - len(source.delimiter)]
    return record.rstrip("\r\n") if newline == "\n" else record.rstrip("\r")


def _of_sheet(text: str, place: SourcePosition, file: Opened) -> str:
    """Return the cell of a row that is shown as CSV."""
    number = place.column - 1 - file.contract.cells.first_column
    cells = dialect_of(",", "\n", "utf-8").cells(text).cells
    return cells[number] if 0 <= number < len(cells) else ""


def _of_segment(
    text: str, first: int, place: SourcePosition, source: SourceIndex, grammar: IdocGrammar
) -> str:
    """Return the field that stands at a place of a flat IDoc, with its blanks."""
    broken = text if source.newline else LineBreaker().feed(text, final=True)
    rows = broken.split("\n")
    number = place.line - first
    start, end = grammar.fields(place.segment).get(place.field, (0, 0))
    return rows[number].rstrip("\r")[start:end] if 0 <= number < len(rows) else ""


def _of_json(text: str, pointer: str) -> str:
    start = place_of(text, pointer)
    if start < 0:
        return ""
    try:
        return text[start : _DECODER.raw_decode(text, start)[1]]
    except (ValueError, RecursionError):
        return ""
