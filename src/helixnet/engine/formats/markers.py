"""Where records begin among the rows of a file, and where it may be cut, in one pass over it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from helixnet.engine.context.model import Group, Place, Source
from helixnet.engine.formats.csv.keys import QuickKeys, quick_keys
from helixnet.engine.formats.csv.rows import Key, keys_of
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.fill_down import Filler, full
from helixnet.engine.formats.keyed import Distinct
from helixnet.engine.formats.records.types import (
    RecordTypes,
    Teller,
    forms_of,
    name_forms,
    places_of,
    record_types,
    teller,
)
from helixnet.engine.formats.row_format import RowFormat, Rows
from helixnet.errors import RefusedError

MOST_SEEN: Final = 100_000  # keys of groups that are remembered


@dataclass(frozen=True, slots=True)
class Marks:
    """What was found of consecutive rows.

    Args:
        begins: by row, whether a record begins with it.
        cuts: by row, whether the file may be cut before it.
        once: rows of types that stand once: their numbers and types.
        open: the last record may go on.
        records: how many begin, where rows of one record stand anywhere and nothing is cut.
    """

    begins: Sequence[bool]
    cuts: Sequence[bool]
    once: Sequence[tuple[int, str]] = ()
    open: bool = True
    records: int | None = None


class Marker(Protocol):
    """Looks at block after block of rows."""

    @property
    def width(self) -> int:
        """How many cells of a row it looks at."""
        ...

    def mark(self, rows: Rows) -> Marks:
        """Take the next rows of the file."""
        ...

    def starts(self, data: bytes, lines: RowFormat) -> Sequence[int] | None:
        """Take whole lines, each a row, and return where in ``data`` records begin.

        Returns:
            offsets; the file may be cut there. None where the lines must be cut into cells.
        """
        ...

    def left(self) -> int:
        """Return how many records have not been told when all rows were."""
        ...

    @property
    def again(self) -> tuple[bytes, ...]:
        """A key that stands again after others, where neighbours make a record; else empty."""
        ...


Marking: TypeAlias = Callable[[Sequence[str]], Marker | None]
"""Makes the marker once the names of the columns are known; None = each row is a record."""


@dataclass(slots=True)
class RowMarker:
    """Rows, or groups of neighbours with one key, whose blank cells may be filled from above.

    Args:
        by: numbers of the grouping columns; empty = each row is a record.
        filled: numbers of the columns that are filled down.
        encoding: in which scanned bytes are read.
        again: a key that stands again after others; empty while there is none. The first 100,000
            keys of a file are looked out for.
    """

    by: list[int]
    filled: list[int]
    encoding: str
    _filler: Filler = field(init=False)
    again: tuple[bytes, ...] = ()
    _last: Key | None = None
    _quick: QuickKeys | None = None
    _seen: set[tuple[bytes, ...]] = field(default_factory=set[tuple[bytes, ...]])

    def __post_init__(self) -> None:
        """Begin with nothing above."""
        self._filler = Filler(self.filled)

    @property
    def width(self) -> int:
        """How many cells of a row it looks at."""
        return max(*self.by, *self.filled, -1) + 1

    def mark(self, rows: Rows) -> Marks:
        """A group ends where its key changes; a cut needs a row that has all values itself."""
        own = [full(cells, self.filled) for cells in rows.cells]
        self._filler.fill(rows)
        if not self.by:
            return Marks([True] * len(own), own)
        keys = keys_of(rows, self.by)
        begins = [
            key is None or key != last for last, key in zip([self._last, *keys], keys, strict=False)
        ]
        self._last = keys[-1] if keys else self._last
        new = [key for key, begin in zip(keys, begins, strict=True) if begin and key is not None]
        encoding = self.encoding
        self._look_out(
            [tuple(part.encode(encoding, "surrogateescape") for part in key) for key in new]
        )
        return Marks(begins, [new and whole for new, whole in zip(begins, own, strict=True)])

    def starts(self, data: bytes, lines: RowFormat) -> Sequence[int] | None:
        """Look at the keys alone."""
        if self.filled:
            return None
        self._quick = self._quick or quick_keys(lines, self.by)
        runs = self._quick.runs(data) if self._quick is not None else None
        if runs is None:
            return None
        goes_on, self._last = runs.first == self._last, runs.last
        self._look_out(runs.keys[1:] if goes_on else runs.keys)
        return runs.starts[1:] if goes_on else runs.starts

    def _look_out(self, keys: Sequence[tuple[bytes, ...]]) -> None:
        """Notice a key that stood before, in other lines."""
        if self.again:
            return
        seen, distinct = self._seen, set(keys)
        if len(distinct) < len(keys) or not seen.isdisjoint(distinct):
            met = set(seen)
            self.again = next(key for key in keys if key in met or met.add(key))
        elif len(seen) < MOST_SEEN:
            seen |= distinct

    def left(self) -> int:
        """See :class:`Marker`."""
        return 0


@dataclass(slots=True)
class KeyedMarker:
    """Groups whose rows stand anywhere: one part, and how many they are shows at the end.

    Args:
        by: numbers of the grouping columns.
    """

    by: list[int]
    _known: Distinct = field(default_factory=Distinct)

    @property
    def width(self) -> int:
        """How many cells of a row it looks at."""
        return max(self.by) + 1

    def mark(self, rows: Rows) -> Marks:
        """A row without key is a record of its own."""
        keys = keys_of(rows, self.by)
        known = [key for key in keys if key is not None]
        self._known.update(known)
        return Marks((), (), open=False, records=len(keys) - len(known))

    def starts(self, data: bytes, lines: RowFormat) -> Sequence[int] | None:
        """Keys are told from cells."""
        del data, lines

    @property
    def again(self) -> tuple[bytes, ...]:
        """No key is looked for."""
        return ()

    def left(self) -> int:
        """See :class:`Marker`."""
        return self._known.count()


@dataclass(slots=True)
class TypeMarker:
    """Lines of several types: a record ends where the next one, or a line outside, begins."""

    types: RecordTypes
    tell: Teller
    _path: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many cells of a row it looks at."""
        return self.tell.width

    def mark(self, rows: Rows) -> Marks:
        """Every line that begins a record is one that nothing before it changes."""
        begins: list[bool] = []
        once: list[tuple[int, str]] = []
        for number, cells in enumerate(rows.cells):
            name = self.tell.type_of(cells)
            move = self.types.move(self._path, name)
            self._path = move.path
            begins.append(move.begins)
            if name and move.outside:
                once.append((number, name))
        return Marks(begins, begins, once, open=bool(self._path))

    def starts(self, data: bytes, lines: RowFormat) -> Sequence[int] | None:
        """Types are told from cells."""
        del data, lines

    @property
    def again(self) -> tuple[bytes, ...]:
        """No key is looked for."""
        return ()

    def left(self) -> int:
        """See :class:`Marker`."""
        return 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a contract says of records of several rows.

    Args:
        source: the contract.
        group: None without.
        codecs: candidates that scan alike.
        encoding: in which scanned bytes are read.
    """

    source: Source
    group: Group | None
    codecs: Sequence[Codec]
    encoding: str

    def marker(self, names: Sequence[str]) -> Marker | None:
        """Return what finds records in a file with these columns.

        Raises:
            RefusedError: HX-5002 a column is missing.
        """
        source = self.source
        if source.records:
            return TypeMarker(record_types(source), self.teller(names))
        group = self.group
        by = [
            self._column(name, names, "by which it is grouped", "group.by")
            for name in (group.by if group else ())
        ]
        if group is not None and group.keyed:
            return KeyedMarker(by)
        filled = [
            self._column(name, names, "which is filled down", "source.fill_down")
            for name in source.fill_down
        ]
        return RowMarker(by, filled, self.encoding) if by or filled else None

    def teller(self, names: Sequence[str]) -> Teller:
        """Return what tells the type of rows with these columns.

        Raises:
            RefusedError: HX-5002 a column is missing.
        """
        types = self.source.records or {}
        places = enumerate(places_of(types))
        columns = {place: self._place(place, number, names) for number, place in places}
        return teller(types, columns, forms_of(types, self.codecs, self.encoding))

    def _place(self, place: Place, number: int, names: Sequence[str]) -> int:
        """Return the number of the cell that tells a type: of fixed-width lines, in order."""
        if isinstance(place, tuple):
            return number
        if isinstance(place, int):
            if names and place >= len(names):
                raise RefusedError(
                    f"the file has no column {place}, which tells the type of a record",
                    code="HX-5002",
                    hint="correct the header of the file, or `source.records`",
                )
            return place
        return self._column(place, names, "which tells the type of a record", "source.records")

    def _column(self, name: str, names: Sequence[str], what: str, key: str) -> int:
        forms = name_forms(name, self.codecs, self.encoding)
        column = next((i for i, known in enumerate(names) if known in forms), None)
        if column is None:
            hint = f"correct the header of the file, or `{key}`"
            if len(names) == 1 and name in names[0]:
                hint = "the first line was read as one column: correct `source.delimiter`"
            message = f"the file has no column {name!r}, {what}"
            raise RefusedError(message, code="HX-5002", hint=hint)
        return column
