"""What comes out of mapping: documents, rejects with their faults, and balanced counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """Where in the file. Lines and columns count from 1, bytes from 0.

    Args:
        line: physical line of the value, or of the record's first line.
        column: character in that line where the cell or field begins; 0 when it can't be told.
        byte: offset of the record's first byte in the file.
        field: column, field or JSON pointer of the value; empty for the record as a whole.
        segment: IDoc, X12 or EDIFACT segment, or the type of a line; empty elsewhere.
    """

    line: int
    column: int = 0
    byte: int = 0
    field: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True)
class RulePosition:
    """Where in the context: line from 1, and the expression as written."""

    line: int
    expression: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a record can't be used. It travels as data, never as a log line.

    Args:
        code: ``HX-####``, or a check's own code with ``HX-2006`` in ``rule``.
        message: what is wrong, in the reader's words.
        source: where in the file, if one value is to blame.
        target: JSON pointer (RFC 6901) in the document, if known.
        rule: where in the context, if a rule is to blame.
        value: the raw value, shortened to 200 characters.
        hint: what to try.
        step: of a pipeline, the file of the step that finds fault; empty elsewhere.
    """

    code: str
    message: str
    source: SourcePosition | None = None
    target: str | None = None
    rule: RulePosition | None = None
    value: str | None = None
    hint: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record set aside, with every fault of it at once.

    Args:
        record: number of the record in the file, from 1.
        line: its first physical line, from 1.
        raw: its bytes as they stand in the file, at most the first 64 KiB.
        faults: at least one.
        documents: how many documents the record would have given, where known; else 1.
    """

    record: int
    line: int
    raw: bytes
    faults: Sequence[Fault]
    documents: int = 1


@dataclass(frozen=True, slots=True)
class Counts:
    """Records in = used + rejected + skipped; documents = written + documents_rejected."""

    records: int = 0
    used: int = 0
    rejected: int = 0
    skipped: int = 0
    documents: int = 0
    written: int = 0
    documents_rejected: int = 0

    def __add__(self, other: Self) -> "Counts":
        """Add field by field; parts of a file add up to the file."""
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))

    @property
    def balanced(self) -> bool:
        """Whether nothing was lost or doubled."""
        return (
            self.records == self.used + self.rejected + self.skipped
            and self.documents == self.written + self.documents_rejected
        )


@dataclass(slots=True)
class Mapped:
    """What one batch of records gave, in the order of the records.

    Args:
        documents: JSON texts without line end.
        rejects: the records set aside.
        counts: of this batch.
        lines: the documents as lines of UTF-8, in pieces of any length, in place of ``documents``.
        outputs: the number of each document's output; empty where there is only one.
    """

    documents: list[str] = field(default_factory=list[str])
    rejects: list[Reject] = field(default_factory=list[Reject])
    counts: Counts = Counts()
    lines: Sequence[bytes] = ()
    outputs: list[int] = field(default_factory=list[int])
