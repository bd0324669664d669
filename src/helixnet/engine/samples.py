"""Names that a context's own tests show, where neither `fields` nor a grammar declares them."""

from collections.abc import Iterator, Sequence
from io import BytesIO

from helixnet.engine.context.model import Context
from helixnet.engine.read import index_source, read
from helixnet.engine.source import Batch, SourceIndex
from helixnet.errors import RefusedError


def sample_columns(context: Context, headers: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Return the columns of ``headers`` and of the tests' inputs; None if declared or unknown."""
    if context.source.format != "csv" or context.source.fields:
        return None
    found = [name for header in headers for name in header]
    for _, index in _inputs(context):
        found += index.header
    return tuple(dict.fromkeys(found)) or None


def sample_keys(context: Context) -> frozenset[str] | None:
    """Return the keys of the records in the tests' inputs; None if declared or unknown."""
    if context.source.format not in ("json", "ndjson"):
        return None
    found: set[str] = set()
    for stream, index in _inputs(context):
        for batch in _batches(context, stream, index):
            for record in batch.records:
                if isinstance(record, dict):
                    found.update(record)
    return frozenset(found | set(context.source.fields or ())) or None


def _inputs(context: Context) -> Iterator[tuple[BytesIO, SourceIndex]]:
    for case in context.tests:
        stream = BytesIO(case.input.encode())
        try:
            yield (
                stream,
                index_source(stream, context.source, group=context.group, grammar=None, used=None),
            )
        except RefusedError:
            continue


def _batches(context: Context, stream: BytesIO, index: SourceIndex) -> Iterator[Batch]:
    for part in index.parts:
        yield from read(stream, context.source, index, part, group=None, grammar=None, needs=None)
