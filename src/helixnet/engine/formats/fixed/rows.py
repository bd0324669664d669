"""How the rows of a fixed-width file are cut: lines, or records without line ends."""

from collections.abc import Iterable, Sequence

from helixnet.engine.context.model import Field, Source
from helixnet.engine.formats.encoding import NEL, Codec, bytewise_codec, codec_of
from helixnet.engine.formats.fixed.lines import FixedLines, Range, lines_of, range_of
from helixnet.engine.formats.fixed.records import FixedRecords, records_of
from helixnet.engine.source import SourceIndex


def codec_for(source: Source, index: SourceIndex) -> Codec:
    """Return the codec that an indexed file of rows is read with."""
    if source.record_length is not None:
        return bytewise_codec(source.encoding[0])
    return codec_of(index.encoding, nel=index.newline == NEL)


def fixed_rows(source: Source, codec: Codec) -> FixedLines | FixedRecords:
    """Return how the rows of a contract with ``fields`` are cut."""
    return cut_rows(source, codec, (source.fields or {}).values())


def cut_rows(source: Source, codec: Codec, fields: Iterable[Field]) -> FixedLines | FixedRecords:
    """Return rows cut into some fields."""
    return rows_at(source, codec, [range_of(field, codec) for field in fields])


def rows_at(source: Source, codec: Codec, ranges: Sequence[Range]) -> FixedLines | FixedRecords:
    """Return rows cut at these ranges."""
    if source.record_length is not None:
        return records_of(source, codec, ranges)
    return lines_of(ranges, codec, bytewise=source.unit == "bytes")
