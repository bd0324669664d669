"""The grouping keys of CSV lines without cutting all their cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from helixnet.engine.formats.csv_dialect import Dialect
from helixnet.engine.formats.csv_rows import Key
from helixnet.engine.formats.row_format import RowFormat


@dataclass(frozen=True, slots=True)
class QuickKeys:
    """Finds grouping keys in lines of CSV without cutting all cells, where quotes allow it.

    Args:
        dialect: how the lines are written.
        pattern: matches a line up to its last key; a group for each key in the order of columns.
        order: which of these groups is which key.
    """

    dialect: Dialect
    pattern: re.Pattern[bytes]
    order: Sequence[int]

    def of_lines(self, data: bytes) -> list[Any] | None:
        """Return the key of each line of ``data``, to compare; None where cells must be cut.

        Args:
            data: whole lines, each one record.
        """
        if self.dialect.blank_lines(data):
            return None
        found = self.pattern.findall(data)
        if len(found) != data.count(b"\n"):
            return None
        quoted = b'"' in data and b'"' in b"".join(
            found if len(self.order) == 1 else chain.from_iterable(found)
        )
        return [_bare(key) for key in found] if quoted else found

    def last_start(self, data: bytes) -> int:
        """Return where the last lines of ``data`` with one key begin; -1 where cells must be cut.

        Args:
            data: as in :meth:`of_lines`.
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

    def key(self, found: Any) -> Key:
        """Return a key as cells have it."""
        groups: tuple[bytes, ...] = found if len(self.order) > 1 else (found,)
        return tuple(groups[n].decode(self.dialect.encoding, "surrogateescape") for n in self.order)


def _bare(key: Any) -> Any:
    """Return a key, or several, without the quotes around."""
    if isinstance(key, bytes):
        return key.strip(b'"')
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
    cells = [b"(" + cell + b")" if n in wanted else cell for n in range(wanted[-1] + 1)]
    pattern = rb"^(?!\Z)" + mark.join(cells) + b"(?=" + mark + rb"|\r?\n|\r?\Z)"
    order = [wanted.index(column) for column in columns]
    return QuickKeys(dialect, re.compile(pattern, re.MULTILINE), order)
