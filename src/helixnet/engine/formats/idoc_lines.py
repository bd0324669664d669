"""Flat IDocs as lines: what has none, only records of 524 and 1063 characters, is given some."""

from typing import Final

from helixnet.engine.formats.segments import CONTROL_LENGTH, DATA_LENGTH

CONTROL_NAME: Final = "EDI_DC40"
NAME_END: Final = 30
_TABNAM_END: Final = 10


def is_unbroken(text: str) -> bool:
    """Return whether a file that begins with ``text`` has no line ends."""
    head = text[: CONTROL_LENGTH + 2]
    return head.startswith(CONTROL_NAME) and "\n" not in head and len(text) > CONTROL_LENGTH


def name_of(line: str) -> str:
    """Return the segment name as written; that of a control record ends after 10 characters."""
    if line.startswith(CONTROL_NAME):
        return line[:_TABNAM_END].rstrip()
    return line[:NAME_END].rstrip()


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
