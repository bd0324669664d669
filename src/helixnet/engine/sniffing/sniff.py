"""Tells what a file is from its beginning."""

from collections.abc import Callable
from typing import Final

from helixnet.engine.sniffing.found import Found, Head, Text, UnknownError
from helixnet.engine.sniffing.messages import message
from helixnet.engine.sniffing.records import records
from helixnet.engine.sniffing.tables import csv_table, fixed_table
from helixnet.engine.sniffing.texts import ebcdic_text, text_of
from helixnet.engine.sniffing.trees import tree

_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_FOREIGN: Final = {
    _OLD_EXCEL: ("an Excel file of before 2007 (xls)", "save it as xlsx or CSV"),
    b"%PDF": ("a PDF", "ask for the data themselves"),
    b"\x89PNG": ("a picture", ""),
    b"PAR1": ("a Parquet file", "export CSV or NDJSON"),
}
_TEXT_FORMATS: Final[tuple[Callable[[Text], Found | None], ...]] = (
    message,
    tree,
    csv_table,
    fixed_table,
)
LOOKED: Final = (
    "the beginning of X12 (ISA), EDIFACT (UNA, UNB), a flat IDoc (EDI_DC40), XML and JSON",
    "lines that comma, semicolon, tab or bar cut into as many cells",
    "at least three lines of one length",
    "EBCDIC text, records after their lengths (RDW) or of one length",
)


def sniff_head(head: Head, size: int) -> Found:
    """Return what the file is.

    Args:
        head: its beginning, unpacked.
        size: bytes of the whole file, unpacked.

    Raises:
        UnknownError: it is nothing that is known, with what was looked for.
    """
    if not head.data:
        raise UnknownError(("anything: the file has 0 bytes",))
    for mark, (what, hint) in _FOREIGN.items():
        if head.data.startswith(mark):
            raise UnknownError(
                (f"what begins as {what} does: it is one, and no format here",), hint
            )
    text = text_of(head)
    found = _as_text(text) if text is not None else None
    if found is None and text is None:
        text = ebcdic_text(head)
        found = _as_text(text) if text is not None else records(head, size)
    if found is None:
        raise UnknownError(LOOKED, "name the format yourself: docs/context-format.md lists them")
    if text is not None:
        found.facts.setdefault("encoding", f"{' or '.join(text.encodings)} ({text.sure})")
    return found


def _as_text(text: Text) -> Found | None:
    return next((found for one in _TEXT_FORMATS if (found := one(text)) is not None), None)
