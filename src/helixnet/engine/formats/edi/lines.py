"""Lines of EDI files: physical ones where segments stand on their own, else one a segment."""

import re
from functools import lru_cache

from helixnet.engine.formats.edi.syntax import Standard, Syntax
from helixnet.engine.formats.edi.walk import Walker


def line_end(head: bytes, standard: Standard) -> str:
    r"""Return what ends a line of a file that begins with ``head``; empty if segments count.

    It is what follows the terminator of ISA or UNB: ``\n`` or ``\r\n``.

    Raises:
        RefusedError: HX-5004 no interchange begins there.
    """
    for mark in Walker(standard).walk(head, final=True):
        if mark.tag == standard.interchange[0]:
            after = head[mark.end : mark.end + 2]
            return "\r\n" if after == b"\r\n" else "\n" if after[:1] == b"\n" else ""
    return ""


def count_lines(data: bytes, start: int, end: int, syntax: Syntax | None, newline: str) -> int:
    """Return how many lines end in a range of bytes."""
    if newline or syntax is None:
        return data.count(b"\n", start, end) if newline else 0
    terminator = syntax.terminator.encode("latin-1")
    count = data.count(terminator, start, end)
    release = syntax.release.encode("latin-1")
    if release and data.find(release, start, end) >= 0:
        found = _pairs(syntax).findall(data, start, end)
        count -= sum(1 for each in found if each[-1:] == terminator)
    return count


@lru_cache(maxsize=64)
def _pairs(syntax: Syntax) -> re.Pattern[bytes]:
    release = re.escape(syntax.release.encode("latin-1"))
    return re.compile(release + rb"[\r\n]*[\s\S]")
