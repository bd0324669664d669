"""Looks for segments that a structure has not, or has elsewhere, while a file is indexed."""

from collections.abc import Sequence
from typing import Final

from helixnet.engine.formats.edi.cut import cut
from helixnet.engine.formats.edi.grammar import EdiGrammar
from helixnet.engine.formats.edi.place import KEY, Placer
from helixnet.engine.formats.edi.syntax import EDIFACT, Syntax

_MOST_NOTES: Final = 50


def message_type(header: str, syntax: Syntax) -> str:
    """Return the type of a message that its first segment tells."""
    elements = header.split(syntax.element)
    if syntax.standard is EDIFACT:
        return "".join(elements[2:3]).partition(syntax.component)[0]
    return "".join(elements[1:2])


def _segments(text: str, syntax: Syntax) -> Sequence[str]:
    """Cut a message for its tags alone, at once where nothing but terminators is between them."""
    end, release = syntax.terminator, syntax.release
    odd = (f"{end} ", f"{end}\t", "\n", "\r", *([release + end] if release else ()))
    if any(each in text for each in odd):
        return cut(text, syntax, 1, "").segments
    return text[: -len(end)].split(end)


class DriftWatch:
    """Notes what messages have that their structure has not, each once."""

    def __init__(self, grammar: EdiGrammar) -> None:
        self._grammar = grammar
        self._placers: dict[Syntax, Placer] = {}
        self.found: dict[str, None] = {}

    @classmethod
    def of(cls, grammar: EdiGrammar, on_drift: str) -> "DriftWatch | None":
        """Return what watches; None if nothing can drift, or nobody asks."""
        asked = grammar.structure is not None and on_drift != "allow"
        return cls(grammar) if asked else None

    def look(self, message: bytes, syntax: Syntax) -> None:
        """Take a whole message."""
        segments = _segments(message.decode("latin-1"), syntax)
        if syntax not in self._placers:
            self._placers = {syntax: Placer(self._grammar, syntax, {})}
        placer = self._placers[syntax]
        state = placer.start
        for segment in segments:
            state, step = state[segment[:KEY]]
            if step is not None:
                self._note(drift_text(self._grammar, step.tag))
        wanted = self._grammar.type
        if wanted and segments and (found := message_type(segments[0], syntax)) != wanted:
            self._note(f"message type {found} where {wanted} is declared")

    def _note(self, text: str) -> None:
        if len(self.found) < _MOST_NOTES:
            self.found[text] = None


def drift_text(grammar: EdiGrammar, tag: str) -> str:
    """Say what is wrong with a segment that has no place."""
    known = tag in grammar.tags
    return f"segment {tag} where it may not stand" if known else f"unknown segment {tag}"
