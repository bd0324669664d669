"""Lines of generated code with their indentation, and pieces of JSON text put together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from helixnet.engine.mapping.constants import Constants


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the JSON text: a constant, or code whose value is formatted into it."""

    text: str
    code: bool = False


@dataclass(slots=True)
class Writer:
    """Collects the lines of one function."""

    lines: list[str] = field(default_factory=list[str])
    depth: int = 1

    def line(self, text: str) -> None:
        """Write a line."""
        self.lines.append("    " * self.depth + text)

    def block(self, head: str) -> "_Block":
        """Write ``head`` and indent what follows; an empty block passes."""
        return _Block(self, head)


class _Block:
    """A block that is being written."""

    __slots__ = ("_before", "_head", "_writer")

    def __init__(self, writer: Writer, head: str) -> None:
        self._writer, self._head, self._before = writer, head, 0

    def __enter__(self) -> None:
        self._writer.line(self._head)
        self._writer.depth += 1
        self._before = len(self._writer.lines)

    def __exit__(self, *_: object) -> None:
        if len(self._writer.lines) == self._before:
            self._writer.line("pass")
        self._writer.depth -= 1


def merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces with neighbouring constants made one."""
    found: list[Piece] = []
    for piece in pieces:
        if not piece.code and found and not found[-1].code:
            found[-1] = Piece(found[-1].text + piece.text)
        elif piece.code or piece.text:
            found.append(piece)
    return found


def text_code(pieces: Sequence[Piece], constants: Constants) -> str:
    """Return the expression that gives the text of ``pieces``."""
    parts = merged(pieces)
    if len(parts) == 1 and not parts[0].code:
        return constants.add(parts[0].text)
    if not parts:
        return constants.add("")
    if len(parts) == 1 and parts[0].text.endswith(")"):
        return parts[0].text  # a call that gives text, not `x!s`
    shown = [f"{{{p.text if p.code else constants.add(p.text)}}}" for p in parts]
    return f"f'{''.join(shown)}'"
