"""The readers' front: one pass that indexes a file, and batches of one part of it."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from helixnet.engine.context.model import Group, Source
from helixnet.engine.formats.drift import patch_of, words_of
from helixnet.engine.formats.encoding import Candidates
from helixnet.engine.formats.front import open_source, reader_of
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.formats.scan import Scan
from helixnet.engine.source import BLOCK, Batch, Part, SourceIndex
from helixnet.errors import RefusedError

PART_SIZE: Final = 16 * 1024 * 1024
_BLOCK: Final = 1024 * 1024
_HEAD: Final = 64 * 1024


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

    Args:
        stream: the file, at its first byte; it is not sought.
        source: the contract.
        group: neighbouring CSV rows that are one record; borders are then only where a key ends.
        grammar: of an IDoc type.
        used: CSV columns that the mapping reads; None = any.
        part_size: bytes after which a part ends at the next legal border.

    Raises:
        RefusedError: the file as a whole can't be used.
    """
    head = _head(stream)
    opening = open_source(
        b"".join(head), source, group=group, grammar=grammar, used=used, part_size=part_size
    )
    candidates = Candidates(opening.codecs)
    scans, skip, size, digest = list(opening.scans), opening.start, 0, hashlib.sha256()
    for block, final in _with_last(_blocks(head, stream)):
        digest.update(block)
        size += len(block)
        data, skip = block[skip:], max(skip - len(block), 0)
        if not opening.binary:
            if b"\0" in data:
                scans = _without_nul(scans, candidates, size)
            candidates.feed(data, final=final)
        for scan in scans:
            scan.feed(data, final=final)
    codec = candidates.best
    facts = next(scan for scan in scans if codec in scan.codecs).finish(size, codec)
    return SourceIndex(
        size=size,
        sha256=digest.hexdigest(),
        encoding=opening.binary or codec.name,
        delimiter=opening.delimiter,
        newline=facts.newline,
        header=facts.header,
        header_end=facts.header_end,
        drift=words_of(facts.drift),
        patch=patch_of(facts.drift),
        parts=facts.parts,
        once=facts.once,
        envelopes=facts.envelopes,
        tidy=facts.tidy,
    )


def _head(stream: BinaryIO) -> list[bytes]:
    """Read what the decisions at the beginning need, also from a pipe that gives little."""
    blocks: list[bytes] = []
    while sum(map(len, blocks)) < _HEAD and (block := stream.read(_BLOCK)):
        blocks.append(block)
    return blocks


def _blocks(head: Sequence[bytes], stream: BinaryIO) -> Iterator[bytes]:
    yield from head
    while block := stream.read(_BLOCK):
        yield block


def _with_last(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Say of each block whether it is the last."""
    before = next(blocks, None)
    for block in blocks:
        yield before or b"", False
        before = block
    if before is not None:
        yield before, True


def _without_nul(scans: Sequence[Scan], candidates: Candidates, size: int) -> list[Scan]:
    """Give up the codecs in which a NUL byte is a NUL character: no text has one."""
    candidates.drop_narrow()
    left = [scan for scan in scans if any(codec in candidates.codecs for codec in scan.codecs)]
    if not left:
        raise RefusedError(
            f"NUL bytes within the first {size} bytes: this is not a text file",
            code="HX-5001",
            hint="send text; if it is UTF-16, say so in `source.encoding`",
        )
    return left


def read(  # noqa: PLR0913 - as index_source, and the part
    stream: BinaryIO,
    source: Source,
    index: SourceIndex,
    part: Part,
    *,
    group: Group | None,
    grammar: Grammar | None,
    needs: Mapping[str, frozenset[str]] | None,
    block: int = BLOCK,
) -> Iterator[Batch]:
    """Yield the records of ``part`` in batches of some thousand, in file order.

    Args:
        stream: the whole file, seekable.
        source: the contract, as it was indexed.
        index: of the file.
        part: one of ``index.parts``.
        group: as it was indexed; records are then lists of rows.
        grammar: of an IDoc type.
        needs: fields used a segment or record type; None = all.
        block: bytes of CSV to read at a time.
    """
    reader = reader_of(source, index, group=group, grammar=grammar, needs=needs, block=block)
    return reader(stream, part)
