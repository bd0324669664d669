"""The readers' front: one pass that indexes a file, and batches of one part of it."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO, Final

from helixnet.engine.context.model import Group, Source
from helixnet.engine.formats.csv_index import CsvFamily, csv_facts, families_of, sniff
from helixnet.engine.formats.csv_read import CsvReader
from helixnet.engine.formats.encoding import Candidates, bom_of
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.source import Batch, Part, SourceIndex
from helixnet.errors import RefusedError

PART_SIZE: Final = 16 * 1024 * 1024
_BLOCK: Final = 1024 * 1024


def index_source(
    stream: BinaryIO,
    source: Source,
    *,
    group: Group | None,
    grammar: Grammar | None,
    used: Collection[str] | None,
    part_size: int = PART_SIZE,
) -> SourceIndex:
    """Pass once over ``stream``, from where it stands, and settle what reading needs to know.

    Raises:
        RefusedError: the file as a whole can't be used.
    """
    digest = hashlib.sha256()
    block = stream.read(_BLOCK)
    marked, start = bom_of(block)
    candidates = Candidates([marked] if marked else list(source.encoding))
    delimiter = source.delimiter
    if delimiter == "auto":
        delimiter = sniff(block[start:], candidates.best)
    families = [
        CsvFamily(codecs, plan, start)
        for codecs, plan in families_of(
            candidates.codecs, source, delimiter, group=group, part_size=part_size
        )
    ]
    size, skip = 0, start
    while block:
        digest.update(block)
        size += len(block)
        following = stream.read(_BLOCK)
        data, skip, final = block[skip:], 0, not following
        candidates.feed(data, final=final)
        if b"\0" in data:
            candidates.drop_direct()
            families = [family for family in families if not family.codecs[0].direct]
            if not families:
                raise RefusedError(
                    f"NUL bytes in the first {size} bytes: this is not a text file",
                    code="HX-5001",
                    hint="send text; if it is UTF-16, say so in `source.encoding`",
                )
        for family in families:
            family.feed(data, final=final)
        block = following
    codec = candidates.best
    family = next(family for family in families if codec in family.codecs)
    facts = csv_facts(family, codec, source, delimiter=delimiter, used=used, size=size)
    return SourceIndex(
        size=size,
        sha256=digest.hexdigest(),
        encoding=codec.name,
        delimiter=delimiter,
        newline=facts.newline,
        header=facts.header,
        header_end=facts.header_end,
        drift=facts.drift,
        parts=facts.parts,
    )


def read(
    stream: BinaryIO,
    source: Source,
    index: SourceIndex,
    part: Part,
    *,
    group: Group | None,
    grammar: Grammar | None,
    needs: Mapping[str, frozenset[str]] | None,
) -> Iterator[Batch]:
    """Yield the records of ``part`` in batches of some thousand.

    Args:
        stream: the whole file, seekable.
        needs: fields used a segment, for grammar formats; None = all.
    """
    reader = CsvReader(index, by=None if group is None else group.by, limit=source.max_record_bytes)
    yield from reader.read(stream, part)
