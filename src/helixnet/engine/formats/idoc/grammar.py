"""Segments of an IDoc type: what stands under what, and where the fields are."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from helixnet.engine.context.model import ContextProblem, Source
from helixnet.engine.formats.idoc.report import parse_report
from helixnet.engine.formats.idoc.segments import GrammarError, SegmentDraft
from helixnet.engine.formats.idoc.write import write_yaml
from helixnet.engine.formats.idoc.xsd import parse_xsd
from helixnet.engine.formats.idoc.yaml import parse_yaml
from helixnet.errors import ContextError, UsageError

CONTROL: Final = "EDI_DC40"
_VERSIONED: Final = re.compile(r".+[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment type.

    Args:
        name: segment type, such as E1EDP01.
        fields: place of each field in the flat record, in characters from 0, end excluded;
            those of a data segment begin at 63, after its record header.
        children: segment types that may stand below it.
    """

    name: str
    fields: Mapping[str, tuple[int, int]]
    children: Sequence[str]


@dataclass(frozen=True, slots=True)
class IdocGrammar:
    """The segments of one IDoc type; ``""`` is the document itself."""

    type: str
    segments: Mapping[str, Segment]

    def children(self, segment: str) -> Sequence[str]:
        """Return the segment types that may stand under ``segment`` (``""``: the document)."""
        found = self.segments.get(segment)
        return found.children if found else ()

    def fields(self, segment: str) -> Mapping[str, tuple[int, int]]:
        """Return where each field of ``segment`` stands in its flat record."""
        found = self.segments.get(segment)
        return found.fields if found else {}

    def child(self, node: str, name: str) -> str | None:
        """See :class:`helixnet.engine.formats.grammar.Grammar`; a segment's id is its type."""
        return name if name in self.children(node) else None

    def field(self, node: str, name: str) -> bool:
        """See :class:`helixnet.engine.formats.grammar.Grammar`."""
        return name in self.fields(node)

    def names(self, node: str) -> Sequence[str]:
        """See :class:`helixnet.engine.formats.grammar.Grammar`."""
        return [*self.children(node), *self.fields(node)]

    def type_of(self, written: str) -> str | None:
        """Return the segment type of a name as a file writes it, None if there is none.

        Files name a segment by its type (E1EDK01), its definition (E2EDK01) or the definition
        with its version (E2EDK01005); customers' segments begin with Z1 and Z2.
        """
        if written == "EDI_DC40_U":
            return CONTROL
        names = [written]
        if _VERSIONED.fullmatch(written):
            names.append(written[:-3])
        names += [name[0] + "1" + name[2:] for name in names if name[1:2] == "2"]
        return next((name for name in names if name and name in self.segments), None)


def load_idoc(source: Source, files: Mapping[str, bytes]) -> IdocGrammar:
    """Return the grammar that ``source`` names, shipped or in the bundle.

    Raises:
        ContextError: HX-4201 the file is not in the bundle; HX-4206 it is not usable or the type
            is not shipped.
    """
    try:
        if source.grammar is None:
            return _grammar(*parse_yaml(_shipped(source.type or "")))
        return _grammar(*_bundled(source.grammar, files))
    except GrammarError as fault:
        problem = ContextProblem(source.mark, fault.code, str(fault), fault.hint)
        raise ContextError([problem]) from fault


def _bundled(name: str, files: Mapping[str, bytes]) -> tuple[str, dict[str, SegmentDraft]]:
    if name not in files:
        raise GrammarError(f"{name} is not in the bundle", code="HX-4201")
    return read_drafts(name, files[name])


def read_drafts(name: str, data: bytes) -> tuple[str, dict[str, SegmentDraft]]:
    """Return the IDoc type and its segments that a file of this name holds.

    ``.xsd`` is an XML Schema, ``.yaml`` and ``.yml`` the form of docs/idoc-grammar.md, and any
    other name SAP's parser report.

    Raises:
        GrammarError: it is not usable.
    """
    match name.lower().rpartition(".")[2]:
        case "xsd":
            return parse_xsd(data)
        case "yaml" | "yml":
            return parse_yaml(_decode(data))
        case _:
            return parse_report(_decode(data))


def import_grammar(name: str, data: bytes, source: str) -> str:
    """Return the YAML form of the grammar in a file; it gives the same grammar.

    Args:
        name: of the file; its ending says what it is, as for :func:`read_drafts`.
        data: its bytes.
        source: where it comes from, written into the grammar for people.

    Raises:
        UsageError: it is not usable.
    """
    try:
        kind, drafts = read_drafts(name, data)
        _grammar(kind, drafts)
        return write_yaml(kind, drafts, source)
    except GrammarError as fault:
        raise UsageError(f"{name}: {fault}", code=fault.code, hint=fault.hint) from fault


def _shipped(kind: str) -> str:
    folder = resources.files("helixnet.engine.formats").joinpath("grammars")
    stems = sorted(file.name.removesuffix(".yaml") for file in folder.iterdir())
    known = [stem for stem in stems if "." not in stem]  # the others are of X12 and EDIFACT
    if kind not in known:
        raise GrammarError(
            f"no grammar for the IDoc type {kind!r} is shipped",
            hint=f"shipped: {', '.join(known)}; name SAP's own export in `source.grammar`",
        )
    return folder.joinpath(f"{kind}.yaml").read_text(encoding="utf-8")


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _grammar(kind: str, drafts: Mapping[str, SegmentDraft]) -> IdocGrammar:
    segments = {
        name: Segment(name, draft.fields, tuple(dict.fromkeys(draft.children)))
        for name, draft in drafts.items()
    }
    missing = [child for s in segments.values() for child in s.children if child not in segments]
    if missing:
        raise GrammarError(f"the segment {missing[0]} has no fields")
    if not segments.get("", Segment("", {}, ())).children:
        raise GrammarError("the grammar names no segment")
    return IdocGrammar(kind, segments)
