"""How far records and cells reach, where no line says it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordLength:
    """How records without line ends follow one another.

    Args:
        size: bytes of each, without prefix.
        end: what stands after each.
        prefix: ``rdw`` or ``bdw``, where lengths stand in the file; empty for one size.
        little: the lower byte of a length comes first.
        own: a length counts its word too.
    """

    size: int = 0
    end: bytes = b""
    prefix: str = ""
    little: bool = False
    own: bool = True


@dataclass(frozen=True, slots=True)
class CellRange:
    """Some cells of a sheet.

    Args:
        first_column: from 0.
        last_column: included.
        first_row: from 1.
        last_row: included.
    """

    first_column: int = 0
    last_column: int = 16_383
    first_row: int = 1
    last_row: int = 1_048_576
