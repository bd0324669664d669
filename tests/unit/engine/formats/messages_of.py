"""Messages written with a blank before each segment for each level at which it must be read."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from helixnet.engine.formats.edi.grammar import EdiGrammar
from helixnet.engine.formats.grammar import load_grammar
from helixnet.engine.source import Node
from tests.unit.engine.formats.reading import Outcome, load, source

FOLDER = Path(__file__).parent / "messages"
ISA = (
    "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HELIX          "
    "*261104*1015*U*00401*000000118*0*P*>~\n"
)
Placed = Sequence[tuple[int, str]]
"""Level, and path of tags, of each segment of a message in its order."""


@cache
def shipped(kind: str) -> EdiGrammar:
    """Return the structure of a message type."""
    grammar = load_grammar(contract(kind), {})
    assert isinstance(grammar, EdiGrammar)
    return grammar


def contract(kind: str, **more: Any) -> Any:
    """Declare messages of a type."""
    form = "x12" if kind.isdecimal() else "edifact"
    return source(form, type=kind, encoding=() if form == "edifact" else ("utf-8",), **more)


def interchange(kind: str, segments: Sequence[str]) -> bytes:
    """Write a message as a file."""
    count = len(segments) + 2
    if kind.isdecimal():
        head = f"{ISA}GS*PO*A*B*20261104*1015*118*X*004010~\nST*{kind}*0001~\n"
        tail = f"SE*{count}*0001~\nGE*1*118~\nIEA*1*000000118~\n"
        return (head + "".join(f"{one}~\n" for one in segments) + tail).encode()
    head = f"UNB+UNOC:3+A:14+B:14+261104:1015+118'\nUNH+1+{kind}:D:96A:UN'\n"
    tail = f"UNT+{count}+1'\nUNZ+1+118'\n"
    return (head + "".join(f"{one}'\n" for one in segments) + tail).encode("latin-1")


def written(kind: str) -> tuple[list[str], Placed]:
    """Return the segments of the message of a type, and where each must stand."""
    rows = (FOLDER / f"{kind}.txt").read_text("utf-8").splitlines()
    segments = [row.lstrip(" ") for row in rows]
    levels = [len(row) - len(segment) for row, segment in zip(rows, segments, strict=True)]
    return segments, list(paths(levels, segments))


def paths(levels: Sequence[int], segments: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Give level and path of each segment."""
    open_: list[str] = []
    for level, segment in zip(levels, segments, strict=True):
        tag = segment.replace("+", "*").partition("*")[0]
        open_ = [*open_[:level], tag]
        assert len(open_) == level + 1, segment
        yield level, "/".join(open_)


def placed(record: Node) -> Placed:
    """Return where the segments of a message were put, in the order of the file."""
    found: list[tuple[int, int, str]] = []
    envelope = {"ISA", "GS", "ST", "SE", "UNA", "UNB", "UNH", "UNT"}
    _walk(record, (), found, envelope)
    return [(level, path) for _, level, path in sorted(found)]


def _walk(
    node: Mapping[str, Any],
    above: tuple[str, ...],
    found: list[tuple[int, int, str]],
    leave: set[str],
) -> None:
    for name, below in node.items():
        if not isinstance(below, list) or name in leave or not name[0].isalpha():
            continue
        if name[1:].isdecimal() and len(name) == 4:  # a composite
            continue
        for each in below:
            path = (*above, name)
            found.append((each["_line"], len(above), "/".join(path)))
            _walk(each, path, found, set())


def read_message(kind: str, segments: Sequence[str], *, needs: Any = None, **more: Any) -> Outcome:
    """Read a message by its structure; all that differs from it is drift."""
    grammar = shipped(kind)
    return load(interchange(kind, segments), contract(kind, **more), grammar=grammar, needs=needs)
