"""Flat IDocs as lines: what has none, only records of 524 and 1063 characters, is given some."""

from typing import Final

from helixnet.engine.formats.idoc.segments import CONTROL_LENGTH, DATA_LENGTH, DATA_START

CONTROL_NAME: Final = "EDI_DC40"
BORDER: Final = b"\nEDI_DC40"
"""What a document begins with, but for the first of a file."""
NAME_END: Final = 30
_TABNAM_END: Final = 10


def is_unbroken(text: str) -> bool:
    """Return whether a file that begins with ``text`` has no line ends."""
    head = text[: CONTROL_LENGTH + 2]
    return head.startswith(CONTROL_NAME) and "\n" not in head


def ends_inside(text: str, *, unbroken: bool) -> int | None:
    """Return which row of the last document, from 0, its file ends in; None if it is whole.

    Without line ends every record has one length. With them trailing blanks may be cut, so that
    only a row shorter than the record header tells, a control record that no line end follows, and
    a row that none follows and that is shorter than the padded ones before it.

    Args:
        text: the document, a record a row.
        unbroken: its file has no line ends.
    """
    rows = text.replace("\r\n", "\n").split("\n")
    last = next((n for n in range(len(rows) - 1, -1, -1) if rows[n].strip("\r")), None)
    if last is None:
        return None
    row, ended = rows[last], last < len(rows) - 1
    full = CONTROL_LENGTH if row.startswith(CONTROL_NAME) else DATA_LENGTH
    if unbroken:
        return None if len(row) == full else last
    padded = any(len(each) == DATA_LENGTH for each in rows[:last])
    if not ended and (full == CONTROL_LENGTH or padded):
        return None if len(row) >= full else last
    return None if len(row) >= DATA_START or not row.strip() else last


def name_of(line: str) -> str:
    """Return the segment name as written; that of a control record ends after 10 characters."""
    if line.startswith(CONTROL_NAME):
        return line[:_TABNAM_END].rstrip()
    return line[:NAME_END].rstrip()


def starts_of(data: bytes) -> list[int]:
    """Return where documents begin in scanned bytes that begin with a line."""
    starts = [0] if data.startswith(BORDER[1:]) else []
    at = data.find(BORDER)
    while at >= 0:
        starts.append(at + 1)
        at = data.find(BORDER, at + 1)
    return starts


def spans_of(data: bytes) -> list[tuple[int, int]]:
    """Return where documents begin and end in scanned bytes that begin with a line."""
    starts = starts_of(data)
    return list(zip(starts, [*starts[1:], len(data)], strict=True)) if starts else []


class LineBreaker:
    """Puts a line end after each record of a text that has none."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str, *, final: bool) -> str:
        """Return the whole records so far, each with a line end."""
        text = self._rest + text
        records: list[str] = []
        start = 0
        while start < len(text):
            control = text.startswith(CONTROL_NAME, start)
            end = start + (CONTROL_LENGTH if control else DATA_LENGTH)
            if end > len(text) and not final:
                break
            records.append(text[start:end])
            start = end
        self._rest = text[start:]
        return "".join(f"{record}\n" for record in records)
