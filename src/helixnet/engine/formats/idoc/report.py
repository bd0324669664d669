"""Reads SAP's parser report of an IDoc type (transaction WE60), in both of its dialects.

The older one gives places as ``BYTE_FIRST``/``BYTE_LAST`` and only the segments; the newer one
begins with a record section and says ``CHARACTER_FIRST``/``CHARACTER_LAST``. Both nest by groups:
the first segment of a group is the parent of what else is in it.
"""

from typing import Final

from helixnet.engine.formats.idoc.segments import (
    CONTROL_FIELDS,
    GrammarError,
    SegmentDraft,
    fields_of,
)

_LONGEST: Final = 1_000_000
_FIRST: Final = {"BYTE_FIRST", "CHARACTER_FIRST"}
_LAST: Final = {"BYTE_LAST", "CHARACTER_LAST"}


class _Report:
    """The state while a report is read line by line."""

    def __init__(self) -> None:
        self.kind = ""
        self.drafts = {"": SegmentDraft()}
        self.groups: list[str] = []  # parent segment of each open group; "" until it is known
        self.segment: SegmentDraft | None = None
        self.field = ""
        self.first = 0

    def take(self, key: str, value: str) -> None:
        """Take one line."""
        if key == "BEGIN_IDOC":
            self.kind = value
        elif key == "BEGIN_GROUP":
            self.groups.append("")
        elif key == "END_GROUP":
            if not self.groups:
                raise GrammarError("END_GROUP without BEGIN_GROUP")
            self.groups.pop()
        elif key == "SEGMENTTYPE":
            self._begin(value)
        elif key == "END_SEGMENT":
            self.segment = None
        elif self.segment is not None:
            self._take_field(self.segment, key, value)

    def _begin(self, name: str) -> None:
        if not name:
            raise GrammarError("SEGMENTTYPE without a name")
        outer = self.groups
        if outer and not outer[-1]:
            outer[-1] = name
            outer = outer[:-1]
        parent = next((group for group in reversed(outer) if group), "")
        self.drafts[parent].children.append(name)
        self.segment = self.drafts.setdefault(name, SegmentDraft())

    def _take_field(self, segment: SegmentDraft, key: str, value: str) -> None:
        if key == "NAME":
            self.field = value
        elif key in _FIRST:
            self.first = _place(value)
        elif key in _LAST and self.field:
            segment.fields[self.field] = (self.first - 1, _place(value))


def parse_report(text: str) -> tuple[str, dict[str, SegmentDraft]]:
    """Return the IDoc type and its segments.

    Raises:
        GrammarError: this is no parser report, or it is broken.
    """
    report = _Report()
    for number, line in enumerate(text.splitlines(), 1):
        key, _, value = line.strip().partition(" ")
        try:
            report.take(key, value.strip())
        except GrammarError as fault:
            raise GrammarError(f"line {number} of the parser report: {fault}") from fault
    if not report.kind or len(report.drafts) == 1:
        raise GrammarError(
            "this is not a parser report: BEGIN_IDOC or BEGIN_SEGMENT is missing",
            hint="export it from WE60, or write the YAML form of docs/idoc-grammar.md",
        )
    if "EDI_DC40" not in report.drafts:
        report.drafts["EDI_DC40"] = SegmentDraft(fields_of(CONTROL_FIELDS, 0))
        report.drafts[""].children.insert(0, "EDI_DC40")
    return report.kind, report.drafts


def _place(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and 0 < int(value[:9]) < _LONGEST):
        raise GrammarError(f"{value!r} is not a place in the record")
    return int(value)
