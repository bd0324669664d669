"""What the readers of grammar files share: drafts of segments and the record layout."""

from dataclasses import dataclass, field
from typing import Final

CONTROL_LENGTH: Final = 524
DATA_START: Final = 63
DATA_LENGTH: Final = 1063
CONTROL_FIELDS: Final = (
    "TABNAM 10, MANDT 3, DOCNUM 16, DOCREL 4, STATUS 2, DIRECT 1, OUTMOD 1, EXPRSS 1, TEST 1, "
    "IDOCTYP 30, CIMTYP 30, MESTYP 30, MESCOD 3, MESFCT 3, STD 1, STDVRS 6, STDMES 6, SNDPOR 10, "
    "SNDPRT 2, SNDPFC 2, SNDPRN 10, SNDSAD 21, SNDLAD 70, RCVPOR 10, RCVPRT 2, RCVPFC 2, "
    "RCVPRN 10, RCVSAD 21, RCVLAD 70, CREDAT 8, CRETIM 6, REFINT 14, REFGRP 14, REFMES 14, "
    "ARCKEY 70, SERIAL 20"
)


class GrammarError(Exception):
    """A grammar file can't be used; it is told as a problem of the context.

    Args:
        message: what is wrong, with the line if there is one.
    """

    def __init__(self, message: str, *, code: str = "HX-4206", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


@dataclass(slots=True)
class SegmentDraft:
    """A segment while its file is read."""

    fields: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    children: list[str] = field(default_factory=list[str])


def fields_of(listed: str, start: int) -> dict[str, tuple[int, int]]:
    """Return the places of fields listed as ``NAME length, …``; the name ``-`` is a gap.

    Raises:
        GrammarError: an entry is not a name and a length, or a name stands twice.
    """
    fields: dict[str, tuple[int, int]] = {}
    for entry in listed.split(","):
        name, _, length = entry.strip().partition(" ")
        if not name or not (length.strip().isascii() and length.strip().isdecimal()):
            raise GrammarError(f"{entry.strip()!r} is not a field name and its length")
        if name in fields:
            raise GrammarError(f"the field {name} stands twice in one segment")
        end = start + int(length[:6])
        if name != "-":
            fields[name] = (start, end)
        start = end
    return fields
