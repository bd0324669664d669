"""Lines of generated code with their indentation, and pieces of JSON text put together."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
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

    @contextmanager
    def block(self, head: str) -> Generator[None]:
        """Write ``head`` and indent what follows; an empty block passes."""
        self.line(head)
        self.depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1


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
