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
_BLOCKS: Final = {"IDOC", "GROUP", "SEGMENT", "FIELDS"}
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
        self.open: list[str] = []  # what BEGIN_… has opened and END_… has to close

    def take(self, key: str, value: str) -> None:
        """Take one line."""
        begin, _, what = key.partition("_")
        if what in _BLOCKS:
            self._nest(begin, what, value)
        elif key == "SEGMENTTYPE":
            self._begin(value)
        elif self.segment is not None:
            self._take_field(self.segment, key, value)

    def _nest(self, begin: str, what: str, value: str) -> None:
        if begin == "BEGIN":
            self.open.append(what)
            self._opened(what, value)
        elif not self.open or self.open.pop() != what:
            raise GrammarError(f"END_{what} without BEGIN_{what}")
        else:
            self._closed(what)

    def _opened(self, what: str, value: str) -> None:
        if what == "IDOC":
            self.kind = value
        elif what == "GROUP":
            self.groups.append("")
        elif what == "SEGMENT":
            self.segment = None

    def _closed(self, what: str) -> None:
        if what == "GROUP":
            self.groups.pop()
        elif what == "FIELDS":
            self._end_field()
        elif what == "SEGMENT":
            if self.segment is None:
                raise GrammarError("the segment has no SEGMENTTYPE")
            self.segment = None

    def _end_field(self) -> None:
        if self.field and self.segment is not None and self.field not in self.segment.fields:
            raise GrammarError(f"the field {self.field} has no BYTE_LAST or CHARACTER_LAST")
        self.field = ""

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
            self._end_field()
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
    if report.open:
        raise GrammarError(
            f"the parser report ends inside {report.open[-1]}: END_{report.open[-1]} is missing",
            hint="it is cut off: export it again",
        )
    if not report.kind or len(report.drafts) == 1:
        raise GrammarError(
            "this is not a parser report: BEGIN_IDOC, or SEGMENTTYPE in a segment, is missing",
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
