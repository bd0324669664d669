"""The grouping keys of CSV lines without cutting all their cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from helixnet.engine.formats.csv.dialect import Dialect
from helixnet.engine.formats.csv.rows import Key
from helixnet.engine.formats.row_format import RowFormat


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of neighbouring lines with one key.

    Args:
        starts: the byte at which each begins, from 0.
        keys: of each, as the bytes that stand there, in the order of the columns asked for.
        first: key of the first.
        last: key of the last.
    """

    starts: Sequence[int]
    keys: Sequence[tuple[bytes, ...]]
    first: Key
    last: Key


@dataclass(frozen=True, slots=True)
class QuickKeys:
    """Finds grouping keys in lines of CSV without cutting all cells, where quotes allow it.

    Args:
        dialect: how the lines are written.
        pattern: matches a line up to its last key; a group for each key in the order of columns.
        run: matches all neighbouring lines with the same texts as keys; the same groups.
        order: which of these groups is which key.
    """

    dialect: Dialect
    pattern: re.Pattern[bytes]
    run: re.Pattern[bytes]
    order: Sequence[int]

    def runs(self, data: bytes) -> Runs | None:
        """Return the runs of neighbouring lines with one key; None where cells must be cut.

        Args:
            data: whole lines, each one record.
        """
        starts: list[int] = []
        keys: list[tuple[bytes, ...]] = []
        done = 0
        for match in self.run.finditer(data):
            start, end = match.span()
            if start != done:
                return None  # a blank line, or one without all keys
            starts.append(start)
            keys.append(match.groups())
            done = end
        if done != len(data) or not starts:
            return None
        if b'"' in data and b'"' in b"".join(chain.from_iterable(keys)):
            bare = list(map(_bare, keys))
            if any(one == other for one, other in pairwise(bare)):
                return None  # the same key with quotes and without
            keys = bare
        first, last = self.key(keys[0]), self.key(keys[-1])
        if len(self.order) > 1:
            keys = [tuple(key[n] for n in self.order) for key in keys]
        return Runs(starts, keys, first, last)

    def last_start(self, data: bytes) -> int:
        """Return where the last lines of ``data`` with one key begin; -1 where cells must be cut.

        Args:
            data: as in :meth:`runs`.
        """
        if self.dialect.blank_lines(data):
            return -1
        start, key = len(data), None
        while start:
            before = data.rfind(b"\n", 0, start - 1) + 1
            match = self.pattern.match(data, before)
            if match is None:
                return -1
            found = _bare(match.groups())
            if key is not None and found != key:
                return start
            start, key = before, found
        return 0

    def key(self, groups: tuple[bytes, ...]) -> Key:
        """Return a key as cells have it."""
        return tuple(groups[n].decode(self.dialect.encoding, "surrogateescape") for n in self.order)


def _bare(key: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the parts of a key without the quotes around."""
    return tuple(part.strip(b'"') for part in key)


def quick_keys(dialect: RowFormat, columns: Sequence[int]) -> QuickKeys | None:
    """Return the quick way to the keys in ``columns``; None where there is none."""
    if not columns or not isinstance(dialect, Dialect):
        return None
    if dialect.newline != "\n" or len(dialect.delimiter.encode(dialect.encoding)) > 1:
        return None
    mark = re.escape(dialect.delimiter.encode(dialect.encoding))
    cell = b'(?:"[^"\r\n]*+"|[^"\r\n' + mark + b"]*+)"
    wanted = sorted(set(columns))
    width = range(wanted[-1] + 1)
    cells = [b"(" + cell + b")" if n in wanted else cell for n in width]
    again = [b"\\%d" % (wanted.index(n) + 1) if n in wanted else cell for n in width]
    end = b"(?=" + mark + rb"|\r?\n|\r?\Z)"
    first, next_one = (rb"(?!\r?\n|\r?\Z)" + mark.join(each) + end for each in (cells, again))
    rest = rb"[^\n]*+"
    run = first + rest + rb"(?:\n" + next_one + rest + rb")*+\n?"
    pattern = re.compile(rb"^" + first, re.MULTILINE)
    order = [wanted.index(column) for column in columns]
    return QuickKeys(dialect, pattern, re.compile(run), order)
