"""Looks for segments that a structure has not, or has elsewhere, while a file is indexed."""

from collections.abc import Sequence
from typing import Final

from helixnet.engine.formats.edi.cut import cut
from helixnet.engine.formats.edi.grammar import EdiGrammar
from helixnet.engine.formats.edi.place import KEY, Placer
from helixnet.engine.formats.edi.syntax import EDIFACT, Syntax

_MOST_NOTES: Final = 50
_TEXT: Final = "\0\0"  # stands for what is released, and in no tag


def message_type(header: str, syntax: Syntax) -> str:
    """Return the type of a message that its first segment tells."""
    elements = header.split(syntax.element)
    if syntax.standard is EDIFACT:
        return "".join(elements[2:3]).partition(syntax.component)[0]
    return "".join(elements[1:2])


def _starts(text: str, syntax: Syntax, newline: str) -> Sequence[str]:
    """Return segments that begin as those of a message do, at once where one joint is usual.

    Whatever stands in a tag that is not of it makes a tag that no structure has. None of them
    where a closer look is needed to tell where segments end.
    """
    end, release = syntax.terminator, syntax.release
    released = bool(release) and release in text
    if released:
        text = text.replace(release * 2, _TEXT).replace(release + end, _TEXT)
        if f"{release}\r" in text or f"{release}\n" in text:
            return ()
    segments = text[: -len(end)].split(end + newline)
    if newline and len(segments) != text.count(end):
        return ()
    return () if released and (release in segments[0] or _TEXT in segments[0]) else segments


class DriftWatch:
    """Notes what messages have that their structure has not, each once."""

    def __init__(self, grammar: EdiGrammar, newline: str) -> None:
        self._grammar, self._newline = grammar, newline
        self._placers: dict[Syntax, Placer] = {}
        self.found: dict[str, None] = {}

    @classmethod
    def of(cls, grammar: EdiGrammar, on_drift: str, newline: str) -> "DriftWatch | None":
        """Return what watches; None if nothing can drift, or nobody asks."""
        asked = grammar.structure is not None and on_drift != "allow"
        return cls(grammar, newline) if asked else None

    def look(self, message: bytes, syntax: Syntax) -> None:
        """Take a whole message."""
        if syntax not in self._placers:
            self._placers = {syntax: Placer(self._grammar, syntax, {})}
        text, state = message.decode("latin-1"), self._placers[syntax].start
        segments = _starts(text, syntax, self._newline)
        for segment in segments:
            state, step = state[segment[:KEY]]
            if step is not None:
                segments = ()
                break
        if segments:
            self._check_type(segments[0], syntax)
        else:
            self._look_closely(text, syntax)

    def _look_closely(self, text: str, syntax: Syntax) -> None:
        segments = cut(text, syntax, 1, "").segments
        state = self._placers[syntax].start
        for segment in segments:
            state, step = state[segment[:KEY]]
            if step is not None:
                self._note(drift_text(self._grammar, step.tag))
        self._check_type(segments[0], syntax)

    def _check_type(self, header: str, syntax: Syntax) -> None:
        wanted = self._grammar.type
        if wanted and (found := message_type(header, syntax)) != wanted:
            self._note(f"message type {found} where {wanted} is declared")

    def _note(self, text: str) -> None:
        if len(self.found) < _MOST_NOTES:
            self.found[text] = None


def drift_text(grammar: EdiGrammar, tag: str) -> str:
    """Say what is wrong with a segment that has no place."""
    known = tag in grammar.tags
    return f"segment {tag} where it may not stand" if known else f"unknown segment {tag}"
