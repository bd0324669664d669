"""What stands under what in X12 and EDIFACT messages, with a structure or without any."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from helixnet.engine.context.model import ContextProblem, Source
from helixnet.engine.formats.edi.elements import SERVICE, Element, numbered
from helixnet.engine.formats.edi.syntax import STANDARDS, X12, Standard
from helixnet.engine.formats.edi.yaml import Structure, parse_structure, structure_of
from helixnet.engine.formats.idoc.segments import GrammarError
from helixnet.errors import ContextError

_PLACE: Final = re.compile(r"(0[1-9]|[1-9][0-9])((?:0[1-9]|[1-9][0-9])?)")
_NUMBER: Final = re.compile(r"0[1-9]|[1-9][0-9]")
_X12_TAG: Final = re.compile(r"[A-Z][A-Z0-9]{1,2}")
_EDIFACT_TAG: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
_COMPOSITE: Final = re.compile(r"[0-9]{2}|[A-Z][0-9]{3}")
_SHOWN: Final = 9
_USUAL: Final = {
    "x12": "BEG BIG BSN BHT CLM CTT DTM FOB HL IT1 LIN N1 N3 N4 PER PID PO1 REF SN1 TDS TXI",
    "edifact": "BGM CNT COM CTA CUX DTM FTX IMD LIN LOC MOA NAD PAC PCI PIA PRI QTY RFF TAX TDT",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field stands in its segment; ``component`` 0 is the whole element."""

    element: int
    component: int = 0


@dataclass(frozen=True, slots=True)
class EdiGrammar:
    """A :class:`helixnet.engine.formats.grammar.Grammar` of messages.

    A segment's id is the path of tags that leads to it, such as ``PO1/N1``. Below it stand the
    repetitions of an element as ``PO1/N1/04``, and a composite by its code as ``NAD/C082``.

    Args:
        standard: X12 or EDIFACT.
        structure: what stands under what; None = every segment stands under the record.
    """

    standard: Standard
    structure: Structure | None = None
    _branches: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict[str, Mapping[str, Any]], repr=False, compare=False
    )

    @property
    def type(self) -> str:
        """Message type that messages must be of; empty = any."""
        return self.structure.type if self.structure else ""

    @property
    def tags(self) -> frozenset[str]:
        """All tags that the structure has."""
        return frozenset(map(tag_of, self._branches)) | set(self.roots)

    @property
    def roots(self) -> tuple[str, ...]:
        """Tags of the envelope that stand under the record."""
        one = self.standard
        return (one.interchange[0], one.group[0], *one.message)

    def child(self, node: str, name: str) -> str | None:
        """See :class:`helixnet.engine.formats.grammar.Grammar`."""
        if not node:
            return name if name in self.roots or self._below("", name) else None
        tag = tag_of(node)
        if not tag:
            return None
        if self._below(node, name):
            return node if nests(self.standard, tag, name) else f"{node}/{name}"
        if self._spots(tag, name):
            return f"{node}/{name}"
        return None

    def _below(self, node: str, tag: str) -> bool:
        """Tell whether a segment may stand under a segment or the record."""
        if self.structure is None:
            return not node and self.is_tag(tag) and tag not in self.standard.tags
        return tag in self._branches.get(node, {}) or nests(self.standard, tag_of(node), tag)

    def is_tag(self, name: str) -> bool:
        """Tell whether a segment may be called so."""
        return (_X12_TAG if self.standard is X12 else _EDIFACT_TAG).fullmatch(name) is not None

    def below(self, node: str) -> Sequence[str]:
        """Return the tags that the structure has under a node."""
        return tuple(self._branches.get(node, {}))

    def elements(self, tag: str) -> Sequence[Element]:
        """Return the elements of a segment, as far as they are listed."""
        if self.structure is not None and tag in self.structure.segments:
            return self.structure.segments[tag]
        return SERVICE.get(tag, ()) if self.standard is not X12 else ()

    def field(self, node: str, name: str) -> bool:
        """See :class:`helixnet.engine.formats.grammar.Grammar`."""
        return self.spot(node, name) is not None

    def spot(self, node: str, name: str) -> Spot | None:
        """Return where a field stands in its segment, or in its composite; None if nowhere."""
        tag, _, last = node.rpartition("/")
        if _COMPOSITE.fullmatch(last):
            return self._component(tag_of(tag), last, name)
        if not last:
            return None
        place = _PLACE.fullmatch(name[len(last) :]) if name.startswith(last) else None
        listed = self.elements(last)
        if place is not None:
            number = int(place[1])
            known = not listed or number <= len(listed)
            return Spot(number, int(place[2] or 0)) if known else None
        return self._coded(listed, name)

    def _coded(self, listed: Sequence[Element], name: str) -> Spot | None:
        if self.standard is X12:
            return None
        simple = [n for n, one in enumerate(listed, 1) if not one.parts]
        names = numbered([listed[n - 1].code for n in simple])
        return Spot(simple[names.index(name)]) if name in names else None

    def _component(self, tag: str, composite: str, name: str) -> Spot | None:
        if composite.isdecimal():
            return Spot(0, int(name)) if _NUMBER.fullmatch(name) else None
        parts = next((one.parts for one in self.elements(tag) if one.code == composite), ())
        names = numbered(parts)
        if name in names:
            return Spot(0, names.index(name) + 1)
        known = _NUMBER.fullmatch(name) is not None and int(name) <= len(parts)
        return Spot(0, int(name)) if known else None

    def spots(self, node: str) -> Sequence[int]:
        """Return at which elements of its segment a composite stands, such as that of NAD/C082."""
        path, _, name = node.rpartition("/")
        return self._spots(tag_of(path), name)

    def _spots(self, tag: str, name: str) -> Sequence[int]:
        listed = self.elements(tag)
        if _NUMBER.fullmatch(name):
            return (int(name),) if not listed or int(name) <= len(listed) else ()
        if self.standard is X12:
            return ()
        return [n for n, one in enumerate(listed, 1) if one.parts and one.code == name]

    def names(self, node: str) -> Sequence[str]:
        """See :class:`helixnet.engine.formats.grammar.Grammar`."""
        if not node:
            own = self.below("") if self.structure else _USUAL[self.standard.name].split()
            return [*self.roots, *own]
        tag = tag_of(node)
        if not tag:
            return self._component_names(node)
        listed = self.elements(tag)
        coded = [one.code for one in listed] if self.standard is not X12 else []
        count = len(listed) or _SHOWN
        return [*self.below(node), *numbered(coded), *(f"{tag}{n:02}" for n in range(1, count + 1))]

    def _component_names(self, node: str) -> list[str]:
        path, _, name = node.rpartition("/")
        listed = self.elements(tag_of(path))
        parts = next((one.parts for one in listed if one.code == name), ())
        return numbered(parts) or [f"{n:02}" for n in range(1, _SHOWN + 1)]


def tag_of(node: str) -> str:
    """Return the tag of a segment's id; empty for the record and for what is below a segment."""
    last = node.rpartition("/")[2]
    return "" if _COMPOSITE.fullmatch(last) else last


def nests(standard: Standard, above: str, tag: str) -> bool:
    """Tell whether a segment stands under others of its kind: HL of X12, which names its parent."""
    return standard is X12 and above == tag == "HL"


def edi_grammar(standard: Standard, structure: Structure | None = None) -> EdiGrammar:
    """Return the grammar of messages with a structure, or of any.

    Raises:
        GrammarError: the structure has segments of the envelope.
    """
    branches = dict(_walk(structure.tree, "")) if structure else {}
    for node in branches:
        if tag_of(node) in standard.tags:
            text = f"{tag_of(node)} is of the envelope: it is there without being listed"
            raise GrammarError(text)
    return EdiGrammar(standard, structure, branches)


def _walk(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, tree
    for tag, below in tree.items():
        node = f"{path}/{tag}" if path else tag
        yield from _walk(below, node)


def load_edi(source: Source, files: Mapping[str, bytes]) -> EdiGrammar:
    """Return the grammar that ``source`` names: its own structure, a file, a shipped one, or any.

    Raises:
        ContextError: HX-4201 the file is not in the bundle; HX-4206 it is not usable or the type
            is not shipped.
    """
    standard = STANDARDS[source.format]
    try:
        return edi_grammar(standard, _structure(source, files))
    except GrammarError as fault:
        problem = ContextProblem(source.mark, fault.code, str(fault), fault.hint)
        raise ContextError([problem]) from fault


def _structure(source: Source, files: Mapping[str, bytes]) -> Structure | None:
    if source.structure is not None:
        return structure_of(source.structure, source.type or "")
    if source.grammar is not None:
        if source.grammar not in files:
            raise GrammarError(f"{source.grammar} is not in the bundle", code="HX-4201")
        text = files[source.grammar].decode("utf-8-sig", "replace")
        return parse_structure(text, source.format)
    return _shipped(source.type, source.format) if source.type else None


def _shipped(kind: str, standard: str) -> Structure:
    """Return the structure in ``TYPE.VERSION.yaml``, called by its type or both."""
    folder = resources.files("helixnet.engine.formats").joinpath("grammars")
    known: dict[str, str] = {}
    for name in sorted(file.name for file in folder.iterdir()):
        stem = name.removesuffix(".yaml")
        digits = stem[:1].isdecimal()
        if "." in stem and stem != name and digits == (standard == "x12"):
            known[stem.partition(".")[0]] = known[stem] = name
    if kind not in known:
        types = ", ".join(one for one in known if "." not in one)
        raise GrammarError(
            f"no structure of {kind!r} is shipped",
            hint=f"shipped: {types}; without `type` segments are read by position, and "
            "`structure` or `grammar` gives your own",
        )
    return parse_structure(folder.joinpath(known[kind]).read_text(encoding="utf-8"), standard)
