"""A context as frozen values: what the YAML says, each with its place, nothing yet compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from helixnet.engine.context.extents import CellRange, RecordLength

TABULAR: Final = frozenset({"csv", "fixed", "excel"})
HEADED: Final = frozenset({"csv", "excel"})
GRADED: Final = frozenset({"idoc", "x12", "edifact"})
NESTED: Final = GRADED | {"xml"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file of the bundle; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Print as editors and compilers do."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class ContextProblem:
    """One thing wrong in a context: a :class:`helixnet.errors.Problem`."""

    mark: Mark
    code: str
    message: str
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        """``file:line:column: severity HX-4xxx: message (hint)``."""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.mark}: {self.severity} {self.code}: {self.message}{hint}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """An expression or template as written; ``mark`` is the place of its first character."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Const:
    """A literal: ``{const: …}``, a YAML number, true, false or null. Numbers are int or Decimal."""

    value: object
    mark: Mark


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """A JSON object; keys in the order written."""

    fields: Mapping[str, "MapNode"]
    marks: Mapping[str, Mark]
    mark: Mark


@dataclass(frozen=True, slots=True)
class ArrayNode:
    """A YAML list: each element one item, an :class:`EachNode` spliced in."""

    items: Sequence["MapNode"]
    mark: Mark


@dataclass(frozen=True, slots=True)
class EachNode:
    """``{each, as, where, map}``: one item for each kept element of a list."""

    each: Leaf
    name: str | None
    where: Leaf | None
    when: Leaf | None
    map: "MapNode"
    mark: Mark


@dataclass(frozen=True, slots=True)
class WhenNode:
    """``{when, map}``: absent unless the condition is true."""

    when: Leaf
    map: "MapNode"
    mark: Mark


MapNode: TypeAlias = Leaf | Const | ObjectNode | ArrayNode | EachNode | WhenNode


@dataclass(frozen=True, slots=True)
class Field:
    """A declared source field.

    Args:
        name: exactly as in the header.
        type: string, integer, decimal, boolean, date or datetime; any for a JSON field without.
        format: of a date or datetime, in the closed list of codes.
        digits: most digits of a number, 18 unless declared.
        scale: digits after the point; None = any.
        true: texts that mean true (boolean).
        false: texts that mean false (boolean).
        pivot: two-digit years below it are 20xx, others 19xx; None = ``%y`` is refused.
        zone: of a datetime, ``Z`` or ``+hh:mm``; None = the value has none.
        stored: of a number that is no text: packed, zoned, binary or binary-le (``as``).
        signed: a stored number may be negative.
        at: where it stands: of fixed-width lines the range (from 0, end excluded); of CSV with
            record types the number of its column, None = the next one, or the one of its name.
    """

    name: str
    mark: Mark
    type: str = "string"
    required: bool = False
    format: str | None = None
    digits: int = 18
    scale: int | None = None
    true: Sequence[str] = ("true",)
    false: Sequence[str] = ("false",)
    pivot: int | None = None
    zone: str | None = None
    at: "Place | None" = None
    stored: str = ""
    signed: bool = True


Place: TypeAlias = tuple[int, int] | int | str
"""A range of a fixed-width line, or a column of CSV by its number (from 0) or name."""


@dataclass(frozen=True, slots=True)
class RecordType:
    """A kind of line in a file that has several.

    Args:
        at: where in the line the text stands that tells it.
        texts: of which it is one then (``is``).
        fields: by name, in the order written.
        children: names of the types whose lines may stand under one of this type.
        once: stands exactly once in the file, outside of all records.
    """

    name: str
    at: Place
    texts: Sequence[str]
    fields: Mapping[str, Field]
    children: Sequence[str]
    once: bool
    mark: Mark


def root_types(types: Mapping[str, RecordType]) -> list[str]:
    """Return the names of the types that a record begins with."""
    below = {child for one in types.values() for child in one.children}
    return [one.name for one in types.values() if not one.once and one.name not in below]


@dataclass(frozen=True, slots=True)
class Source:
    """The source contract.

    Args:
        format: csv, fixed, excel, json, ndjson, xml, idoc, x12 or edifact.
        encoding: codecs to try in order; a BOM wins.
        delimiter: one character, or ``auto``.
        header: False when the file has none and ``fields`` give the order.
        nulls: cell texts that mean null.
        decimal: decimal point of numbers.
        thousands: separator of strict groups of three, or empty.
        on_drift: allow, warn, reject or fail.
        fields: declared fields by name; empty = every field is text.
        type: IDoc type, such as ORDERS05.
        grammar: file of the bundle that holds the grammar; None = a shipped one.
        record: path that names the record in XML and JSON; None = root, or elements of a root
            array.
        max_record_bytes: longest record accepted.
        unit: what ranges of fixed-width lines count: characters or bytes.
        records: record types by name, in the order in which they are tried; None = rows.
        fill_down: columns whose blank cells repeat the value above.
        record_length: of fixed-width records without line ends; None = lines.
        namespaces: of XML names, URI by prefix; None = names are local names.
        structure: ``tree`` and ``segments`` of X12 or EDIFACT messages, as written.
        sheet: of a workbook by name, or number from 1; None = the first that is not hidden.
        header_row: of a sheet, which names the columns, from 1; 0 = the first that is not empty.
        cells: of a sheet that are read.
    """

    format: str
    mark: Mark
    encoding: Sequence[str] = ("utf-8",)
    delimiter: str = ","
    header: bool = True
    nulls: Sequence[str] = ()
    decimal: str = "."
    thousands: str = ""
    on_drift: str = "warn"
    fields: Mapping[str, Field] | None = None
    type: str | None = None
    grammar: str | None = None
    record: str | None = None
    max_record_bytes: int = 16 * 1024 * 1024
    unit: str = "characters"
    records: Mapping[str, RecordType] | None = None
    fill_down: Sequence[str] = ()
    record_length: RecordLength | None = None
    namespaces: Mapping[str, str] | None = None
    structure: Mapping[str, object] | None = None
    sheet: str | int | None = None
    header_row: int = 0
    cells: CellRange = field(default_factory=CellRange)

    @property
    def headed(self) -> bool:
        """Whether a file names its columns (unless ``header`` is false, or with ``records``)."""
        return self.format in HEADED

    @property
    def tabular(self) -> bool:
        """Whether a file holds rows of cells (of several types, with ``records``)."""
        return self.format in TABULAR

    @property
    def nested(self) -> bool:
        """Whether a record is nodes below nodes, of which one is as good as a list of one."""
        return self.format in NESTED

    @property
    def graded(self) -> bool:
        """Whether a grammar says which nodes there are, and single records drift from it."""
        return self.format in GRADED


@dataclass(frozen=True, slots=True)
class Group:
    """Rows with equal ``by`` are one record: neighbours, or if ``keyed`` wherever they stand."""

    by: Sequence[str]
    header: str
    lines: str
    same: Sequence[str]
    mark: Mark
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table whose rows hold for a time; both days are included, None = open."""

    value: object
    line: int
    start: date | None
    end: date | None

    def holds(self, day: date) -> bool:
        """Tell whether the row holds on a day."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


Key: TypeAlias = str | tuple[str, ...]
"""Of a table: one key text, or several in the order of its key columns."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table: ``rows`` maps a key to a value; ``missing`` is the policy.

    Args:
        keys: how many key columns.
        rows: by key the value; with ``many`` the list of values, with ``dated`` the
            :class:`TableRow` of the key (by first day unless ``many``).
        missing: ``reject``, ``null``, ``keep``, or a :class:`Const`.
        columns: of ``row: true``, where a value is an object: the declared field of each column.
        value: the declared field of the value column.
        many: a key has a list of values.
        dated: which row is meant depends on a day.
        nullable: some texts of the table mean null.
        file: where the table stands.
        lines: of each row, in the order of ``rows``.
        spread: with ``many`` the lines, by key.
    """

    name: str
    keys: int
    rows: Mapping[Key, object]
    missing: "str | Const"
    mark: Mark
    columns: Mapping[str, Field] | None = None
    value: Field | None = None
    many: bool = False
    dated: bool = False
    nullable: bool = False
    file: str = ""
    lines: Sequence[int] = ()
    spread: Mapping[Key, Sequence[int]] | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """A second file, read by its name: the row whose columns equal what ``on`` says.

    Args:
        source: how the file is read.
        file: of the bundle; None = it comes from outside.
        on: column of the file, and the expression that it must equal where the join is read.
        kind: ``left``, ``inner`` or ``reject``: what it means that there is no row.
        many: a key may have several rows.
    """

    name: str
    source: Source
    file: str | None
    on: Mapping[str, "Leaf | Const"]
    kind: str
    many: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on the finished document; ``text`` is a template, ``code`` the user's own."""

    that: Leaf
    code: str
    text: Leaf
    mark: Mark


@dataclass(frozen=True, slots=True)
class StopAt:
    """When too many rejects fail the file: a percent of source records, or a plain number."""

    percent: Decimal | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Deliver:
    """A topic that good documents go to.

    Args:
        key: an expression over ``out``, which is here the document that is delivered.
        output: number of the output whose documents they are, from 0.
    """

    topic: str
    key: Leaf | None
    mark: Mark
    output: int = 0


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One kind of document that records give.

    Args:
        name: under ``outputs``; empty for the only kind of a context without.
        target: its schema as decoded JSON (numbers int or Decimal).
        target_mark: where the schema begins.
        mark: where it is declared.
    """

    name: str
    target: Mapping[str, object] | bool
    target_mark: Mark
    mark: Mark


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A value from outside, read as ``inputs.<name>``; ``required`` when it has no default."""

    name: str
    type: str
    default: object
    required: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class TestCase:
    """A test inside the context: ``expect`` (subset match) or ``rejects``, or both.

    Args:
        input: text of the file, or its bytes where a file of the bundle is named.
        expect: one document, a list of documents, or None when not asked; with ``outputs`` these
            by the name of their output.
        rejects: subset-matched dicts such as ``{"code": …, "line": …}``; None when not asked.
        inputs: values for ``inputs``.
        file_checks: codes of the file checks that fail.
        joins: text of second files, by the name of the join.
    """

    name: str
    input: str | bytes
    expect: object
    rejects: Sequence[Mapping[str, object]] | None
    inputs: Mapping[str, object]
    mark: Mark
    file_checks: Sequence[str] = ()
    joins: Mapping[str, str] = field(default_factory=dict[str, str])

    def data(self, encodings: Sequence[str]) -> bytes:
        """Return the file: a text is written as the first encoding that can."""
        return self.input if isinstance(self.input, bytes) else encoded(self.input, encodings)


def encoded(text: str, encodings: Sequence[str]) -> bytes:
    """Return a text as the first of several encodings that can write it; UTF-8 if none can."""
    for encoding in encodings:
        try:
            return text.encode(encoding)
        except UnicodeEncodeError:
            continue
    return text.encode()


@dataclass(frozen=True, slots=True)
class Context:
    """The whole context. ``map`` or ``template`` is set, never both.

    Args:
        outputs: the kinds of documents, one without name unless there are ``outputs``.
        map: of the document; with ``outputs`` an object that has the map of each by its name.
        template: name of the ``.j2`` file in the bundle.
        deliver: of all outputs.
        fail_file: ``on_error.scope: file``.
        steps: of a pipeline, which has the source of the first and the outputs of the last.
        totals: what each record adds to sums over the file, by name.
        file_checks: conditions on the file as a whole.
    """

    name: str
    version: str
    outputs: Sequence[OutputSpec]
    source: Source
    group: Group | None
    lookups: Mapping[str, Lookup]
    vars: Mapping[str, MapNode]
    skip_when: Leaf | None
    map: MapNode | None
    template: str | None
    checks: Sequence[Check]
    fail_file: bool
    stop_at: StopAt | None
    deliver: Sequence[Deliver]
    inputs: Mapping[str, InputSpec]
    tests: Sequence[TestCase]
    mark: Mark
    steps: Sequence["StepSpec"] = ()
    totals: Mapping[str, MapNode] = field(default_factory=dict[str, MapNode])
    file_checks: Sequence[Check] = ()
    joins: Mapping[str, Join] = field(default_factory=dict[str, Join])

    @property
    def named(self) -> bool:
        """Whether the context has ``outputs``, which are read as ``out.<name>``."""
        return any(output.name for output in self.outputs)


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step of a pipeline.

    Args:
        file: of the bundle that holds its context.
        when: over the document of the step before; one for which it is not true passes by.
        mark: where the pipeline names it.
    """

    file: str
    context: Context
    when: Leaf | None
    mark: Mark
