"""Reads a file of rows whose groups have their lines anywhere in it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

from helixnet.engine.context.model import Source
from helixnet.engine.formats.csv.read import CsvBatch, CsvReader, Place
from helixnet.engine.formats.csv.rows import keys_of
from helixnet.engine.formats.keyed import key_bytes, lines_of, lone_key, regrouped
from helixnet.engine.source import BLOCK, Part, SourceIndex


class KeyedCsvReader:
    """Reads an indexed file as one part, group by group.

    Args:
        source: the contract; its longest record is the longest group too.
        index: of the file.
        by: names of the grouping columns.
    """

    def __init__(self, source: Source, index: SourceIndex, *, by: Sequence[str]) -> None:
        self._reader = CsvReader(source, index, by=None)
        self._by = self._reader.numbers(by) if index.header else []
        self._limit = source.max_record_bytes

    def read(self, stream: BinaryIO, part: Part) -> Iterator[CsvBatch]:
        """Yield batches of whole groups; empty ones while the lines are sorted."""
        found = self._lines(stream, part)
        waiting: list[bytes] = []
        size = 0
        for group in regrouped(found, size=part.end - part.start, limit=self._limit):
            if not group:
                yield self._batch(())
                continue
            waiting.append(group)
            size += len(group)
            if size >= BLOCK or self._goes_on(group):
                yield self._batch(waiting)
                waiting, size = [], 0
        if waiting:
            yield self._batch(waiting)

    def _goes_on(self, group: bytes) -> bool:
        """Tell whether a group ends with a line without end, which another must not follow."""
        if self._reader.dialect.newline:
            return not group.endswith(self._reader.dialect.end)
        return not all(self._reader.dialect.complete(one.data) for one in lines_of(group))

    def _lines(self, stream: BinaryIO, part: Part) -> Iterator[tuple[bytes, int, int, bytes]]:
        """Yield the lines of the file with their keys; neighbours at once."""
        dialect, length = self._reader.dialect, self._reader.codec.source_length
        cuts = max(self._by, default=0) + 1
        for batch in self._reader.read(stream, part):
            data = batch.data
            keys = keys_of(dialect.rows(data, cuts=cuts), self._by)
            rows = batch.laid_out()
            begins = [
                number
                for number, (last, key) in enumerate(pairwise([None, *keys]))
                if key is None or key != last or rows[number][0] != rows[number - 1][1]
            ]
            byte, done = batch.begins, 0
            for number, after in pairwise([*begins, len(keys)]):
                start, end = rows[number][0], rows[after - 1][1]
                byte, done = byte + length(data[done:start]), start
                key = keys[number]
                known = lone_key(byte) if key is None else key_bytes(key)
                yield known, byte, rows[number][2], data[start:end]

    def _batch(self, groups: Sequence[bytes]) -> CsvBatch:
        places: list[Place] = []
        pieces: list[bytes] = []
        offset = 0
        for group in groups:
            for byte, line, data in lines_of(group):
                places.append(Place(offset, byte, line))
                pieces.append(data)
                offset += len(data)
        return self._reader.batch(b"".join(pieces), places, by=self._by)
