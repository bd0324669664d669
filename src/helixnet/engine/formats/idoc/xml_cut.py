"""Cuts an IDoc file in XML after whole documents, as long as its bytes leave no doubt where.

Where a block has no comment, CDATA section or processing instruction, every ``</IDOC>`` in it is
the end of a document. From the first block that has one on, and where a file begins in an unusual
way, only a parser can tell.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

END: Final = b"</IDOC>"
_PROLOG: Final = re.compile(
    rb"""\s*(?:<\?xml\s[^<>?]*\?>)?\s*(<[A-Za-z_][\w.:-]*(?:\s[^<>]*[^<>/])?>)\s*"""
)
_OPENING: Final = re.compile(rb"<IDOC[\s/>]")
_DOCUMENT: Final = re.compile(rb"\s*<IDOC[\s>]")


@dataclass(frozen=True, slots=True)
class Cut:
    """Whole documents.

    Args:
        data: their bytes; of the first the beginning of the file too.
        start: where the first document, or the blanks before it, begins in them.
        pieces: the documents, each without its end tag and with the blanks before it.
        plain: whether that is right.
    """

    data: bytes
    start: int
    pieces: Sequence[bytes]
    plain: bool


class Cutter:
    """Takes the bytes of a file and gives whole documents; after one that is not plain, no more."""

    def __init__(self) -> None:
        self._begun = False
        self.root, self.rest = b"", b""

    def feed(self, data: bytes) -> Cut | None:
        """Return the documents that are whole now; None if there are none."""
        data = self.rest + data
        end = data.rfind(END, max(len(self.rest) - len(END), 0)) + len(END)
        if end < len(END):
            self.rest = data
            return None
        cut = self._cut(data[:end])
        self.rest = data[end:] if cut.plain else b""
        return cut if cut.plain else Cut(data, 0, (), plain=False)

    def _cut(self, data: bytes) -> Cut:
        start = 0
        if not self._begun:
            self._begun = True
            first = _OPENING.search(data)
            start = first.start() if first else 0
            prolog = _PROLOG.fullmatch(data, 0, start)
            if prolog is None:
                return Cut(data, 0, (), plain=False)
            self.root = prolog[1]
        pieces = data[start:].split(END)[:-1]
        return Cut(data, start, pieces, plain=_is_plain(data, start, pieces))


def _is_plain(data: bytes, start: int, pieces: Sequence[bytes]) -> bool:
    """Tell whether each piece is one document, and nothing in them could hide a tag."""
    for mark in (b"!", b"?"):  # one byte is found fastest
        if data.find(mark, start) >= 0 and data.find(b"<" + mark, start) >= 0:
            return False
    if not all(map(_DOCUMENT.match, pieces)):
        return False
    begun = data.count(b"<IDOC", start) - data.count(b"<IDOCTYP>", start)
    return begun == len(pieces) or len(_OPENING.findall(data, start)) == len(pieces)
