"""Writes a grammar in the YAML form of docs/idoc-grammar.md, for a user to read and edit."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from helixnet.engine.formats.idoc.segments import (
    CONTROL_FIELDS,
    DATA_START,
    GrammarError,
    SegmentDraft,
    fields_of,
)

_CONTROL: Final = "EDI_DC40"
_WIDTH: Final = 92
_GLUE: Final = "\0"  # holds a name and its length in one line


def write_yaml(kind: str, drafts: Mapping[str, SegmentDraft], source: str) -> str:
    """Return a grammar as text from which :func:`parse_yaml` makes the same grammar.

    Args:
        kind: IDoc type.
        drafts: segments by name, ``""`` is the document.
        source: where it comes from, for people.

    Raises:
        GrammarError: fields of a segment overlap, or begin before its record header ends.
    """
    lines = [f"idoc: {_text(kind)}", f"source: {_text(source)}", "tree:"]
    lines += _branches(drafts, "", {_CONTROL}, 1)
    lines.append("segments:")
    for name, draft in drafts.items():
        if name and not (name == _CONTROL and draft.fields == fields_of(CONTROL_FIELDS, 0)):
            lines += _fields(name, draft)
    return "\n".join(lines) + "\n"


def _branches(
    drafts: Mapping[str, SegmentDraft], parent: str, written: set[str], depth: int
) -> Iterator[str]:
    """Write what stands under a segment once; where it stands again, it is named only."""
    for name in dict.fromkeys(drafts[parent].children):
        more = name in drafts and drafts[name].children and name not in written
        if parent == "" and name == _CONTROL:
            continue  # it is there without being named
        written.add(name)
        yield f"{'  ' * depth}{_text(name)}:{'' if more else ' {}'}"
        if more:
            yield from _branches(drafts, name, written, depth + 1)


def _fields(name: str, draft: SegmentDraft) -> Iterator[str]:
    if not draft.fields:
        yield f'  {_text(name)}: ""'
        return
    yield f"  {_text(name)}: >-"
    entries = (entry.replace(" ", _GLUE) for entry in _places(name, draft))
    for line in textwrap.wrap(", ".join(entries), _WIDTH, break_long_words=False):
        yield f"    {line.replace(_GLUE, ' ')}"


def _places(name: str, draft: SegmentDraft) -> Iterator[str]:
    end = 0 if name == _CONTROL else DATA_START
    for field, (first, last) in sorted(draft.fields.items(), key=lambda item: item[1]):
        if first < end or last <= first:
            raise GrammarError(f"the field {field} of {name} overlaps the field before it")
        if first > end:
            yield f"- {first - end}"
        yield f"{field} {last - first}"
        end = last


def _text(value: str) -> str:
    """Return a text as YAML in one line, quoted where YAML would read anything else."""
    written = yaml.safe_dump(value, width=1_000_000, allow_unicode=True)
    return written.removesuffix("\n").removesuffix("...").rstrip("\n")
