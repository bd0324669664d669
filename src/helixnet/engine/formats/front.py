"""Chooses the scan and the reader of a format."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from helixnet.engine.context.model import Group, Source
from helixnet.engine.formats.csv.index import CsvContract, CsvIndex, sniff
from helixnet.engine.formats.csv.keyed_reader import KeyedCsvReader
from helixnet.engine.formats.csv.read import CsvReader
from helixnet.engine.formats.edi.charset import charset_of
from helixnet.engine.formats.edi.grammar import EdiGrammar
from helixnet.engine.formats.edi.lines import line_end
from helixnet.engine.formats.edi.read import EdiReader
from helixnet.engine.formats.edi.scan import EdiPlan, EdiScan
from helixnet.engine.formats.encoding import (
    Codec,
    Transcoder,
    bom_of,
    byte_codec,
    bytewise_codec,
    codec_of,
)
from helixnet.engine.formats.excel.index import SheetIndex
from helixnet.engine.formats.fixed.index import FixedIndex
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.formats.idoc.grammar import IdocGrammar
from helixnet.engine.formats.idoc.lines import is_unbroken
from helixnet.engine.formats.idoc.read import IdocReader
from helixnet.engine.formats.idoc.scan import IdocPlan, IdocScan, begins_as_idoc
from helixnet.engine.formats.idoc.xml_read import IdocXmlReader, is_xml
from helixnet.engine.formats.idoc.xml_scan import IdocXmlScan
from helixnet.engine.formats.json.document import JsonReader, JsonScan
from helixnet.engine.formats.json.drift import MemberWatch
from helixnet.engine.formats.json.ndjson import NdjsonReader, NdjsonScan
from helixnet.engine.formats.records.read import RecordReader
from helixnet.engine.formats.scan import Scan, alike, one_byte_alike
from helixnet.engine.formats.xml.encoding import begins_as_xml, xml_codecs
from helixnet.engine.formats.xml.names import steps_of
from helixnet.engine.formats.xml.read import XmlReader
from helixnet.engine.formats.xml.scan import XmlPlan, XmlScan
from helixnet.engine.source import BLOCK, Batch, Part, SourceIndex
from helixnet.errors import RefusedError

NEL_BYTE, LF_BYTE = b"\x15", b"\x25"  # in EBCDIC


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first block of a file settles.

    Args:
        start: length of the BOM.
        codecs: candidates, in order.
        delimiter: of CSV; empty elsewhere.
        scans: one for each set of codecs that scan alike.
        binary: codec of one byte a character where the file is no text and any byte may stand
            anywhere; empty for text.
    """

    start: int
    codecs: Sequence[Codec]
    delimiter: str
    scans: Sequence[Scan]
    binary: str = ""


def open_source(
    head: bytes,
    source: Source,
    *,
    group: Group | None,
    grammar: Grammar | None,
    used: Collection[str] | None,
    part_size: int,
) -> Opening:
    """Look at the first block of a file and make the scans that the rest goes through.

    Raises:
        RefusedError: HX-5004 the file does not begin as its format must.
    """
    if (opening := _open_xml(head, source, grammar, part_size)) is not None:
        return opening
    if isinstance(grammar, EdiGrammar):
        return _open_edi(head, source, grammar, part_size)
    contract = CsvContract(source, group, used, part_size)
    if opening := _open_apart(source, contract):
        return opening
    codecs, start = _codecs(head, source)
    head, limit = head[start:], source.max_record_bytes
    scans: Sequence[Scan]
    match source.format:
        case "csv" | "fixed":
            return _open_rows(head, contract, codecs, start)
        case "ndjson":
            scans = [
                NdjsonScan(
                    family,
                    start=start,
                    limit=limit,
                    part_size=part_size,
                    watch=_watch(source, family, used),
                )
                for family in alike(codecs)
            ]
        case "json":
            scans = [
                JsonScan(
                    family,
                    start=start,
                    limit=limit,
                    record=source.record,
                    watch=_watch(source, family, used),
                )
                for family in alike(codecs)
            ]
        case "idoc" if isinstance(grammar, IdocGrammar):
            codecs = _idoc_codecs(head, codecs)
            plan = IdocPlan(grammar, source.on_drift, limit, part_size)
            scans = [IdocScan(family, plan, start=start) for family in alike(codecs)]
        case _:
            raise RefusedError(f"no reader for the format {source.format!r}", code="HX-4301")
    return Opening(start, codecs, "", scans)


def _open_rows(head: bytes, contract: CsvContract, codecs: list[Codec], start: int) -> Opening:
    if contract.source.format == "fixed":
        fixed = [FixedIndex(each, contract, start=start) for each in one_byte_alike(codecs)]
        return Opening(start, codecs, "", fixed)
    delimiter = contract.source.delimiter
    if delimiter == "auto":
        delimiter = sniff(head, codecs[0])
    families = alike(codecs, marks=delimiter)
    scans = [CsvIndex(each, contract, delimiter=delimiter, start=start) for each in families]
    return Opening(start, codecs, delimiter, scans)


def _open_apart(source: Source, contract: CsvContract) -> Opening | None:
    """Open a file whose encoding is no question of `encoding`; None for all others."""
    if source.format == "excel":
        codec = codec_of("utf-8")
        return Opening(0, [codec], "", [SheetIndex(codec, contract)])
    return None if source.record_length is None else _open_records(source, contract)


def _codecs(head: bytes, source: Source) -> tuple[list[Codec], int]:
    """Return the codecs that may read a file of text, and the length of its BOM."""
    marked, start = bom_of(head)
    codecs = [codec_of(name) for name in ([marked] if marked else source.encoding)]
    if source.tabular and NEL_BYTE in head and LF_BYTE not in head:
        codecs = [codec_of(one.name, nel=_ends_with_nel(one)) for one in codecs]
    return codecs, start


def _open_records(source: Source, contract: CsvContract) -> Opening:
    """Open a file that is no text: a byte order mark would be data."""
    codec = bytewise_codec(source.encoding[0])
    return Opening(0, [codec], "", [FixedIndex([codec], contract, start=0)], byte_codec(codec))


def _ends_with_nel(codec: Codec) -> bool:
    """Tell whether lines may end with NEL: in EBCDIC, where that is one of two bytes for it."""
    return "\n\x85".encode(codec.name, "replace") == LF_BYTE + NEL_BYTE


def _open_xml(
    head: bytes, source: Source, grammar: Grammar | None, part_size: int
) -> Opening | None:
    """Open a file of XML; None if it is none."""
    if source.format not in ("xml", "idoc"):
        return None
    codecs, start = xml_codecs(head, source.encoding)
    scans: Sequence[Scan]
    if source.format == "xml":
        scans = [XmlScan(codec, _xml_plan(source), start=start) for codec in codecs]
    elif isinstance(grammar, IdocGrammar) and begins_as_xml(head[start:], codecs[0]):
        plan = IdocPlan(grammar, source.on_drift, source.max_record_bytes, part_size)
        scans = [IdocXmlScan(codec, plan, start=start) for codec in codecs]
    else:
        return None
    return Opening(start, codecs, "", scans)


def _xml_plan(source: Source) -> XmlPlan:
    return XmlPlan(tuple(steps_of(source.record)), source.max_record_bytes, source.namespaces)


def _open_edi(head: bytes, source: Source, grammar: EdiGrammar, part_size: int) -> Opening:
    """Open a file of interchanges; EDIFACT without `encoding` names its character set itself."""
    codecs, start = _codecs(head, source)
    head = head[start:]
    codecs = codecs or [codec_of(charset_of(head))]
    newline = line_end(Transcoder(codecs[0]).feed(head), grammar.standard)
    plan = EdiPlan(grammar, source.on_drift, source.max_record_bytes, part_size, newline)
    return Opening(start, codecs, "", [EdiScan(each, plan, start=start) for each in alike(codecs)])


def _watch(
    source: Source, family: Sequence[Codec], used: Collection[str] | None
) -> MemberWatch | None:
    """Return what looks into every record, which takes time: only if somebody wants to know."""
    wanted = source.fields and source.on_drift != "allow"
    return MemberWatch(source, family, used) if wanted else None


def _idoc_codecs(head: bytes, codecs: Sequence[Codec]) -> list[Codec]:
    text = head.decode(codecs[0].name, "replace")
    if refusal := begins_as_idoc(text):
        raise refusal
    unbroken = is_unbroken(text)
    return [codec_of(codec.name, unbroken=unbroken) for codec in codecs]


def reader_of(
    source: Source,
    index: SourceIndex,
    *,
    group: Group | None,
    grammar: Grammar | None,
    needs: Mapping[str, frozenset[str]] | None,
    block: int = BLOCK,
) -> Callable[[BinaryIO, Part], Iterator[Batch]]:
    """Return what yields the batches of one part of an indexed file, ``block`` bytes a time."""
    match source.format:
        case "csv" | "fixed" if source.records is not None:
            return RecordReader(source, index, needs=needs, block=block).read
        case "csv" | "fixed" | "excel" if group is not None and group.keyed:
            return KeyedCsvReader(source, index, by=group.by).read
        case "csv" | "fixed" | "excel":
            by = group.by if group else None
            return CsvReader(source, index, by=by, block=block).read
        case "ndjson":
            return NdjsonReader(index).read
        case "json":
            return JsonReader(index, record=source.record, limit=source.max_record_bytes).read
        case "xml":
            return XmlReader(index, _xml_plan(source)).read
        case _:
            return _graded_reader(source, index, grammar, needs)


def _graded_reader(
    source: Source,
    index: SourceIndex,
    grammar: Grammar | None,
    needs: Mapping[str, frozenset[str]] | None,
) -> Callable[[BinaryIO, Part], Iterator[Batch]]:
    rejects_drift = source.on_drift == "reject"
    match grammar:
        case IdocGrammar():
            return _idoc_reader(index, grammar, needs=needs, rejects_drift=rejects_drift)
        case EdiGrammar():
            return EdiReader(index, grammar, needs=needs, rejects_drift=rejects_drift).read
        case _:
            raise RefusedError(f"no reader for the format {source.format!r}", code="HX-4301")


def _idoc_reader(
    index: SourceIndex,
    grammar: IdocGrammar,
    *,
    needs: Mapping[str, frozenset[str]] | None,
    rejects_drift: bool,
) -> Callable[[BinaryIO, Part], Iterator[Batch]]:
    """Return what reads IDocs, flat or in XML: only the reader that the file needs is made."""

    def read(stream: BinaryIO, part: Part) -> Iterator[Batch]:
        kind = IdocXmlReader if is_xml(stream, index, part) else IdocReader
        reader = kind(index, grammar, needs=needs, rejects_drift=rejects_drift)
        yield from reader.read(stream, part)

    return read
