"""A second file, indexed by its key in a temporary database on disk: read row by row, by key.

SQLite (https://www.sqlite.org/inmemorydb.html#temp_db) keeps such a database in a file that has no
name once it is open, so it is gone with the process however that ends. What is used often stays in
a cache of bounded size, so the file may be larger than the memory.
"""

import sqlite3
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, BinaryIO, Final

import msgspec

from helixnet.engine.context.model import Context, ContextProblem, Field, Join, Mark
from helixnet.engine.mapping.fields import (
    field_converter,
    nullable_converter,
    nulls_of,
    required_converter,
)
from helixnet.engine.packing.unpack import unpacked
from helixnet.engine.read import index_source, read
from helixnet.engine.source import SourceIndex
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.convert import as_text
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.errors import RefusedError, UnavailableError

CACHED_KEYS: Final = 16_384
_CACHE_KIB: Final = 16 * 1024
_MOST_PROBLEMS: Final = 20
_BATCH: Final = 10_000

Row = tuple[int, Mapping[str, object]]
"""Line in the second file, and values by column."""


@dataclass(frozen=True, slots=True)
class JoinFile:
    """A second file: its name, as people know it, and its bytes, seekable."""

    name: str
    stream: BinaryIO


class JoinFault(RefusedError):  # noqa: N818 - a refusal, with its lines
    """A second file that can't be used: line and reason of each fault."""

    def __init__(self, file: str, faults: Sequence[tuple[int, str]], hint: str = "") -> None:
        told = "\n".join(f"{file}:{line}: {message}" for line, message in faults)
        super().__init__(told, code="HX-5040", hint=hint)
        self.file, self.faults = file, faults


class JoinTable:
    """The rows of a second file, by key.

    Args:
        join: as the context declares it.
        file: the second file; read here, and not needed later.

    Raises:
        JoinFault: HX-5040 the file, or a row of it, can't be used; every row is looked at.
        UnavailableError: the temporary folder has no room.
    """

    def __init__(self, join: Join, file: JoinFile) -> None:
        self.join, self.name = join, file.name
        self._database = _database()
        weakref.finalize(self, self._database.close)
        with self._unpacked(file) as stream:
            self._take(stream)
        self._find = lru_cache(CACHED_KEYS)(self._read)

    def _take(self, stream: BinaryIO) -> None:
        """Read the whole file."""
        index = self._indexed(stream)
        self.header: Sequence[str] = index.header
        self.sha256 = index.sha256
        self._columns = _converters(self.join, index.header, self.name)
        try:
            with _written(self._database):
                self._fill(stream, index)
            self._database.execute("CREATE INDEX by_key ON rows (key)")
            if not self.join.many:
                self._refuse_doubles()
        except sqlite3.OperationalError as error:
            raise UnavailableError(f"no room to index {self.name}: {error}") from error

    def find(self, *keys: Any) -> Any:
        """Return the row of a key, its rows where the join has many; absent if there is none.

        Raises:
            ValueFault: HX-2002 there is none, and the join says ``kind: reject``.
        """
        rows = self.rows(*keys)
        if rows:
            return [row for _, row in rows] if self.join.many else rows[0][1]
        if self.join.kind == "reject":
            text = ", ".join(map(shown, (None if is_nothing(key) else key for key in keys)))
            raise ValueFault("HX-2002", f"{text} is not in {self.name}", keys[0])
        return ABSENT

    def rows(self, *keys: Any) -> Sequence[Row]:
        """Return the rows of a key in the order of the file; a key with nothing in it has none."""
        return () if any(map(is_nothing, keys)) else self._find(_joined(map(as_text, keys)))

    def places(self, *keys: Any) -> list[str]:
        """Return file and line of the rows of a key."""
        return [f"{self.name}:{line}" for line, _ in self.rows(*keys)]

    def _read(self, key: str) -> Sequence[Row]:
        found = self._database.execute(
            "SELECT line, cells FROM rows WHERE key = ? ORDER BY line", (key,)
        )
        return tuple((line, self._row(msgspec.json.decode(cells))) for line, cells in found)

    def _row(self, cells: Sequence[str]) -> dict[str, object]:
        return {
            name: cells[place] if convert is None else convert(cells[place])
            for name, place, convert in self._columns
        }

    # reading the file once

    @contextmanager
    def _unpacked(self, file: JoinFile) -> Generator[BinaryIO]:
        """Lend the plain file; why it can't be read as a whole is told as its first line's."""
        file.stream.seek(0)
        try:
            with unpacked(file.stream, self.join.source) as stream:
                yield stream
        except JoinFault:
            raise
        except RefusedError as error:
            raise JoinFault(file.name, [(1, str(error))], error.hint) from error

    def _indexed(self, stream: BinaryIO) -> SourceIndex:
        return index_source(stream, self.join.source, group=None, grammar=None, used=frozenset())

    def _fill(self, stream: BinaryIO, index: SourceIndex) -> None:
        faults: list[tuple[int, str]] = []
        batch: list[tuple[str, int, bytes]] = []
        for one in self._checked(stream, index, faults):
            batch.append(one)
            if len(batch) >= _BATCH:
                self._insert(batch)
        self._insert(batch)
        if faults:
            raise JoinFault(self.name, faults, "correct the file and send it again")

    def _insert(self, batch: list[tuple[str, int, bytes]]) -> None:
        self._database.executemany("INSERT INTO rows VALUES (?, ?, ?)", batch)
        batch.clear()

    def _checked(
        self, stream: BinaryIO, index: SourceIndex, faults: list[tuple[int, str]]
    ) -> Iterator[tuple[str, int, bytes]]:
        """Yield key, line and cells of every row that has a key; note what is wrong with a row."""
        encode = msgspec.json.Encoder().encode
        for line, cells, fault in self._cells(stream, index):
            try:
                if fault:
                    raise ValueFault("HX-5040", fault)  # noqa: TRY301 - noted as any other below
                row = self._row(cells)
            except ValueFault as error:
                faults.append((line, error.message))
                if len(faults) >= _MOST_PROBLEMS:
                    return
                continue
            keys = [row[name] for name in self.join.on]
            if None not in keys:
                yield _joined(map(as_text, keys)), line, encode(cells)

    def _cells(
        self, stream: BinaryIO, index: SourceIndex
    ) -> Iterator[tuple[int, Sequence[str], str]]:
        """Yield line, cells and fault of every row."""
        for part in index.parts:
            batches = read(
                stream, self.join.source, index, part, group=None, grammar=None, needs=None
            )
            for batch in batches:
                for number, record in enumerate(batch.records):
                    why = batch.faults.get(number, ())
                    cells = record if isinstance(record, list) else []
                    yield batch.line(number), cells, why[0].message if why else ""  # pyright: ignore[reportReturnType] - without a group a CSV record is its cells

    def _refuse_doubles(self) -> None:
        doubled = self._database.execute(
            "SELECT min(line), key FROM rows GROUP BY key HAVING count(*) > 1 "
            "ORDER BY min(line) LIMIT ?",
            (_MOST_PROBLEMS,),
        ).fetchall()
        faults: list[tuple[int, str]] = []
        for first, key in doubled:
            (line,) = self._database.execute(
                "SELECT line FROM rows WHERE key = ? ORDER BY line LIMIT 1 OFFSET 1", (key,)
            ).fetchone()
            parts = ", ".join(msgspec.json.decode(key, type=list[str]))
            faults.append((line, f"key `{parts}` stands twice, first on line {first}"))
        if faults:
            hint = "`rows: many` in the join gives all rows of a key as a list"
            raise JoinFault(self.name, faults, hint)


def join_tables(
    context: Context,
    files: Mapping[str, bytes],
    given: Mapping[str, JoinFile] | None,
    problems: list[ContextProblem],
) -> dict[str, JoinTable]:
    """Return the second files that are at hand, indexed.

    Args:
        context: declares them.
        files: of the bundle.
        given: from outside, by name; they win over files of the bundle. None = a check only.
        problems: takes what is wrong with a file of the bundle, and which file is missing.

    Raises:
        JoinFault: HX-5040 a file from outside can't be used.
    """
    found: dict[str, JoinTable] = {}
    for name, join in context.joins.items():
        outside = (given or {}).get(name)
        if outside is not None:
            found[name] = JoinTable(join, outside)
        elif join.file is not None:
            try:
                found[name] = JoinTable(join, JoinFile(join.file, BytesIO(files[join.file])))
            except JoinFault as fault:
                problems += [
                    ContextProblem(Mark(join.file, line, 1), "HX-4205", message, fault.hint)
                    for line, message in fault.faults
                ]
        elif given is not None:
            text = f"the join `{name}` reads a second file, and none is given"
            hint = f"give it by --join {name}=FILE, or name a file of the bundle under `file`"
            problems.append(ContextProblem(join.mark, "HX-4304", text, hint))
    return found


def unknown_joins(context: Context, given: Mapping[str, JoinFile]) -> Iterator[ContextProblem]:
    """Yield a problem for each second file that is given and not declared."""
    for name in given:
        if name not in context.joins:
            text = f"the context declares no join `{name}`"
            yield ContextProblem(context.mark, "HX-4303", text)


def _database() -> sqlite3.Connection:
    """Open a database of its own on disk, without a journal: it lives as long as this object."""
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE rows (key TEXT, line INTEGER, cells BLOB)")
    return database


class _written:  # noqa: N801 - used as `with _written(database)`
    """One transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        self._database.execute("COMMIT")


def _joined(keys: Iterator[str]) -> str:
    """Return several keys as one text, from which no other keys give the same."""
    return msgspec.json.encode(list(keys)).decode()


def _converters(
    join: Join, header: Sequence[str], file: str
) -> list[tuple[str, int, Callable[[str], object] | None]]:
    source, declared = join.source, join.source.fields or {}
    wanted = list(declared or header)
    wrong = [
        f"the file has no column `{one}`" for one in {**declared, **join.on} if one not in header
    ]
    wrong += [
        f"column `{one}` stands twice in the header" for one in wanted if header.count(one) > 1
    ]
    if wrong:
        raise JoinFault(file, [(1, message) for message in wrong], "bring `fields` up to date")
    found: list[tuple[str, int, Callable[[str], object] | None]] = []
    for name in wanted:
        field = declared.get(name) or Field(name, join.mark)
        convert, nulls = field_converter(field, source), nulls_of(field, source)
        if field.required:
            convert = required_converter(convert, nulls_of(field, source, ""), name)
        elif nulls:
            convert = nullable_converter(convert or str, nulls)
        found.append((name, header.index(name), convert))
    return found
