"""What a reader gives: batches of raw records with positions, and the index that cuts a file.

A *tabular* record is a list of cells (text, in the order of the header). A *nested* record is a
dict: JSON objects as they are (numbers as int or Decimal); segments as ``{FIELD: text,
"E1EDP19": [child, …], "_line": 12, "_name": "E1EDP01"}`` where a child list exists only if it is
not empty and a blank field is not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias, TypedDict

from helixnet.engine.outcome import Fault, SourcePosition

BLOCK: Final = 256 * 1024  # bytes of CSV that are read at a time, unless a mapper takes more

Cells: TypeAlias = list[str]
Node: TypeAlias = dict[str, object]


class Batch(Protocol):
    """Some thousand consecutive records of one file. Nothing in it is an object per field."""

    @property
    def records(self) -> Sequence[Cells | Node | list[Cells]]:
        """The raw records; with `group` each is the list of its rows (same cells, file order).

        An unreadable record is what could be read of it, and has a fault.
        """
        ...

    @property
    def faults(self) -> Mapping[int, Sequence[Fault]]:
        """Why a record could not be read, by its index in ``records``; empty as a rule."""
        ...

    def line(self, index: int, item: int = 0) -> int:
        """First physical line (from 1) of a record, or of row ``item`` of a group."""
        ...

    def raw(self, index: int) -> bytes:
        """The record's bytes as they stand in the file, with its line end."""
        ...

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the field ``name`` of a record (of row ``item`` of a group) stands.

        In a nested record ``name`` is a JSON pointer from the record's root, such as
        ``/E1EDP01/0/MENGE``; empty means the record itself.
        """
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A byte range of a file that maps on its own to the same bytes as within the whole.

    Args:
        number: from 0, in file order.
        start: first byte.
        end: byte after the last.
        first_line: physical line (from 1) at ``start``.
        first_record: number (from 1) of the first record (of the first group, with `group`).
        records: how many records (groups) it holds.
    """

    number: int
    start: int
    end: int
    first_line: int
    first_record: int
    records: int


class OnceLine(TypedDict):
    """A line that stands once in its file: a header or trailer. It travels as JSON.

    ``line`` and ``byte`` are where it begins, ``text`` is the line without its end;
    :func:`~helixnet.engine.formats.records.types.once_nodes` makes records of it.
    """

    line: int
    byte: int
    text: str


class EnvelopeAt(TypedDict):
    """The segments that are open around messages of an X12 or EDIFACT file. It travels as JSON.

    ``first`` and ``last`` are the numbers of the messages (from 1) around which ``segments`` are
    open, the outermost first (ISA and GS; UNA, UNB and UNG).
    """

    first: int
    last: int
    segments: list[OnceLine]


@dataclass(frozen=True, slots=True)
class SourceIndex:
    r"""What the one sequential pass over a file settles before anything is mapped.

    Args:
        size: bytes.
        sha256: of the whole file, hexadecimal.
        encoding: Python codec name that reads the whole file.
        delimiter: CSV; empty elsewhere.
        newline: what ends a line of this file (``\n``, ``\r\n`` or ``\r``).
        header: column names of a CSV file as written; empty elsewhere.
        header_end: first byte after the header (or BOM).
        drift: what differs from the contract, in words; empty when nothing does.
        parts: at least one, also for an empty file.
        once: the lines of the record types that stand once, by type; empty for an empty file.
        packed: what the file came packed in; size, positions and parts are of what it unpacks to,
            ``sha256`` is of the file as it came.
        packed_size: its bytes then.
        patch: operations of JSON Patch (RFC 6902) that would bring the context up to date with the
            file; see :mod:`helixnet.engine.formats.drift`.
        envelopes: of an X12 or EDIFACT file, in its order: all of them where they are few, else
            those in which a part begins.
        tidy: of CSV: each record is one line, and each quote stands around a whole cell or doubled
            in one.
    """

    size: int
    sha256: str
    encoding: str
    delimiter: str
    newline: str
    header: Sequence[str]
    header_end: int
    drift: Sequence[str]
    parts: Sequence[Part]
    once: Mapping[str, OnceLine] = field(default_factory=dict[str, OnceLine])
    patch: Sequence[Mapping[str, object]] = ()
    packed: str = ""
    packed_size: int = 0
    envelopes: Sequence[EnvelopeAt] = ()
    tidy: bool = False


Batches: TypeAlias = Iterator[Batch]
