"""Names that files show: those of a context's own tests, and of samples that a person has."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final, cast

from helixnet.engine.context.model import Context
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.packing.unpack import unpacked
from helixnet.engine.read import index_source, read
from helixnet.engine.source import Batch, Node, SourceIndex
from helixnet.errors import RefusedError

MOST_RECORDS: Final = 10_000
"""Records of a file whose keys are looked at; a header says all at once."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a file of the kind that a context is for has.

    Args:
        file: its name, as the user gave it.
        names: columns, top-level keys of JSON records, or ``SEGMENT`` and ``SEGMENT.FIELD``.
        drift: what differs from the contract, in words.
        refused: why it can't be read at all.
    """

    file: str
    names: Sequence[str]
    drift: Sequence[str] = ()
    refused: RefusedError | None = None


def look_at(context: Context, grammar: Grammar | None, file: str, stream: BinaryIO) -> Sample:
    """Return what a file has: its header, or what the first records of it hold.

    Args:
        context: says how it is read.
        grammar: of an IDoc type.
        file: its name.
        stream: the file, seekable, at its beginning.
    """
    try:
        with unpacked(stream, context.source, used=frozenset()) as whole:
            return _look_at(context, grammar, file, whole)
    except RefusedError as error:
        return Sample(file, (), refused=error)


def _look_at(context: Context, grammar: Grammar | None, file: str, stream: BinaryIO) -> Sample:
    index = index_source(
        stream, context.source, group=context.group, grammar=grammar, used=frozenset()
    )
    match context.source.format:
        case "csv" | "excel":
            names = index.header if context.source.records is None else ()
        case "fixed":
            names = ()  # it has what is declared
        case _:
            names = tuple(_names(context, grammar, stream, index))
    return Sample(file, names, index.drift)


def _names(
    context: Context, grammar: Grammar | None, stream: BinaryIO, index: SourceIndex
) -> dict[str, None]:
    found: dict[str, None] = {}
    left = MOST_RECORDS
    for batch in _batches(context, stream, index, grammar):
        for record in batch.records[:left]:
            if isinstance(record, dict):
                found |= dict.fromkeys(record if grammar is None else _segments(record))
        left -= len(batch.records)
        if left <= 0:
            break
    return found


def _segments(node: Node) -> Iterator[str]:
    """Yield the segments below a node, and the fields that have a value in them."""
    for name, below in node.items():
        if not isinstance(below, list):
            continue
        yield name
        for child in cast("list[Node]", below):
            yield from (f"{name}.{field}" for field, v in child.items() if _is_field(field, v))
            yield from _segments(child)


def _is_field(name: str, value: object) -> bool:
    return isinstance(value, str) and not name.startswith("_")


def sample_columns(context: Context, samples: Sequence[Sample]) -> tuple[str, ...] | None:
    """Return the columns of samples and of the tests' inputs; None if declared or unknown."""
    source = context.source
    if not source.headed or source.fields or source.records is not None:
        return None
    found = [name for sample in samples for name in sample.names]
    for _, index in _inputs(context):
        found += index.header
    return tuple(dict.fromkeys(found)) or None


def sample_keys(context: Context, samples: Sequence[Sample]) -> frozenset[str] | None:
    """Return the keys of the records in samples and tests' inputs; None if there are none."""
    if context.source.format not in ("json", "ndjson", "xml"):
        return None
    found = {name for sample in samples for name in sample.names}
    for stream, index in _inputs(context):
        for batch in _batches(context, stream, index, None):
            for record in batch.records:
                if isinstance(record, dict):
                    found.update(record)
    return frozenset(found | set(context.source.fields or ())) or None


def _inputs(context: Context) -> Iterator[tuple[BinaryIO, SourceIndex]]:
    for case in context.tests:
        data = BytesIO(case.data(context.source.encoding))
        with suppress(RefusedError), unpacked(data, context.source, used=frozenset()) as stream:
            yield (
                stream,
                index_source(stream, context.source, group=context.group, grammar=None, used=None),
            )


def _batches(
    context: Context, stream: BinaryIO, index: SourceIndex, grammar: Grammar | None
) -> Iterator[Batch]:
    for part in index.parts:
        yield from read(
            stream, context.source, index, part, group=None, grammar=grammar, needs=None
        )
