"""Worksheets of Excel workbooks (xlsx: ECMA-376 part 1, SpreadsheetML), cell by cell.

A workbook comes from a stranger: the zip is measured while it is unpacked, declarations of XML
entities are refused, and only cells that are there take memory, wherever a sheet says they stand.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Context, Decimal
from typing import Final
from xml.parsers import expat

from helixnet.engine.context.archive import ArchiveError, unpack

MAX_COLUMNS: Final = 16_384
_CHUNK: Final = 64 * 1024
_SHOWN: Final = Context(prec=15)  # as many digits as Excel keeps; the file may have 17, with noise
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]+")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NO_DATE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_FORMATS: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_OLE: Final = b"\xd0\xcf\x11\xe0"


class Native(str):
    """Text of a cell that Excel holds as a number, date, time or boolean: in canonical form."""

    __slots__ = ()


class Broken(str):
    """What stands in place of a cell's value: an error such as ``#N/A``."""

    __slots__ = ()


class WorkbookError(ValueError):
    """A workbook or sheet that can't be read, with the reason and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_sheet(content: bytes, sheet: str | None) -> Iterator[tuple[int, dict[int, str]]]:
    """Yield number (from 1) and cells (by column, from 0) of each row that has any.

    Args:
        content: of the xlsx file.
        sheet: its name; None = the first.

    Raises:
        WorkbookError: it is no workbook, is over a limit, or has no such sheet.
    """
    files = _unpacked(content)
    try:
        place, era = _sheet_place(files, sheet)
        texts = _shared_texts(files.get(_sibling(place, "../sharedStrings.xml"), b""))
        dates = _date_styles(files.get(_sibling(place, "../styles.xml"), b""))
        yield from _Sheet(texts, dates, era).rows(files[place])
    except expat.ExpatError as error:
        raise WorkbookError(f"the workbook's XML is broken: {error}") from error


def _unpacked(content: bytes) -> dict[str, bytes]:
    try:
        return unpack(content)[0]
    except ArchiveError as error:
        hint = "save it as an Excel workbook (.xlsx)"
        what = "an .xls file or a protected workbook" if content.startswith(_OLE) else str(error)
        raise WorkbookError(f"the file is no xlsx workbook: {what}", hint) from error


def _sibling(place: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(place), name))


def _sheet_place(files: Mapping[str, bytes], sheet: str | None) -> tuple[str, date]:
    """Return the file of a sheet, and the day from which the workbook counts."""
    book = next((name for name in files if posixpath.basename(name) == "workbook.xml"), None)
    if book is None:
        raise WorkbookError("the file is no xlsx workbook: it has no workbook.xml")
    sheets: dict[str, str] = {}
    era = date(1899, 12, 30)
    for name, attributes, _ in _elements(files[book]):
        if name == "sheet":
            linked = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            sheets[attributes.get("name", "")] = linked
        elif name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            era = date(1904, 1, 1)
    wanted = next(iter(sheets.values()), None) if sheet is None else sheets.get(sheet)
    if wanted is None:
        known = ", ".join(f"`{one}`" for one in list(sheets)[:8])
        raise WorkbookError(f"the workbook has no sheet `{sheet or ''}`", f"it has {known}")
    return _linked(files, book, wanted), era


def _linked(files: Mapping[str, bytes], book: str, wanted: str) -> str:
    """Return the file that the workbook's relationships (ECMA-376 part 2) have by that id."""
    links = files.get(_sibling(book, f"_rels/{posixpath.basename(book)}.rels"), b"")
    for name, attributes, _ in _elements(links):
        if name == "Relationship" and attributes.get("Id") == wanted:
            target = attributes.get("Target", "")
            place = target.lstrip("/") if target.startswith("/") else _sibling(book, target)
            if place in files:
                return place
    raise WorkbookError("the workbook names a sheet that is not in it")


def _parser() -> expat.XMLParserType:
    def refuse(*_: object) -> None:
        raise WorkbookError("the workbook declares XML entities, which is refused")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _elements(content: bytes) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield name, attributes and parent of each element of a small part."""
    found: list[tuple[str, dict[str, str], str]] = []
    path: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        found.append((local, attributes, path[-1] if path else ""))
        path.append(local)

    def end(_name: str) -> None:
        path.pop()

    if content:
        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.Parse(content, True)  # noqa: FBT003 - the last piece; it takes no keyword
    yield from found


def _shared_texts(content: bytes) -> list[str]:
    texts: list[str] = []
    parts: list[str] = []
    reading, hidden = False, 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal reading, hidden
        local = name.rpartition(":")[2]
        hidden += local == "rPh"  # how it is pronounced
        reading = local == "t" and not hidden

    def end(name: str) -> None:
        nonlocal reading, hidden
        local = name.rpartition(":")[2]
        reading = False
        hidden -= local == "rPh"
        if local == "si":
            texts.append(_unescaped("".join(parts)))
            parts.clear()

    def take(data: str) -> None:
        if reading:
            parts.append(data)

    if content:
        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = take
        parser.Parse(content, True)  # noqa: FBT003 - as above
    return texts


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _date_styles(content: bytes) -> frozenset[str]:
    """Return the numbers of the cell styles that show a date or time."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    for name, attributes, parent in _elements(content):
        if name == "numFmt" and parent == "numFmts":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "xf" and parent == "cellXfs":
            styles.append(attributes.get("numFmtId", "0"))
    return frozenset(str(n) for n, form in enumerate(styles) if _is_date(form, formats))


def _is_date(number: str, formats: Mapping[str, str]) -> bool:
    if number in formats:
        return any(letter in "ymdhs" for letter in _NO_DATE.sub("", formats[number]).lower())
    return number.isdecimal() and int(number) in _DATE_FORMATS


class _Sheet:
    """One pass over a sheet; rows come out as the parser finishes them."""

    def __init__(self, texts: Sequence[str], dates: frozenset[str], era: date) -> None:
        self._texts, self._dates, self._era = texts, dates, era
        self._done: list[tuple[int, dict[int, str]]] = []
        self._row, self._column = 0, -1
        self._cells: dict[int, str] = {}
        self._kind, self._style = "n", "0"
        self._parts: list[str] = []
        self._reading = self._formula = False

    def rows(self, content: bytes) -> Iterator[tuple[int, dict[int, str]]]:
        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._take
        for at in range(0, len(content), _CHUNK):
            parser.Parse(content[at : at + _CHUNK], at + _CHUNK >= len(content))
            yield from self._done
            self._done.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        self._reading = local in ("v", "t")
        if local == "c":
            self._begin_cell(attributes)
        elif local == "f":
            self._formula = True
        elif local == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isdecimal() else self._row + 1
            self._column = -1

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        found = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._column = _column(found[1]) if found else self._column + 1
        if self._column >= MAX_COLUMNS:
            raise WorkbookError(f"the sheet has more than {MAX_COLUMNS} columns")
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "0")
        self._formula = False
        self._parts = []

    def _take(self, data: str) -> None:
        if self._reading:
            self._parts.append(data)

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        self._reading = False
        if local == "c":
            text = self._value("".join(self._parts))
            if text:
                self._cells[self._column] = text
        elif local == "row" and self._cells:
            self._done.append((self._row, self._cells))
            self._cells = {}

    def _value(self, raw: str) -> str:
        match self._kind:
            case "s":
                known = raw.isdecimal() and int(raw) < len(self._texts)
                return self._texts[int(raw)] if known else Broken("a text that is not there")
            case "inlineStr" | "str":
                return _unescaped(raw)
            case "b":
                return Native("true" if raw == "1" else "false")
            case "e":
                return Broken(raw)
            case "d":
                return Native(raw)
            case _:
                return self._number(raw.strip())

    def _number(self, raw: str) -> str:
        if not raw:
            return Broken("a formula without a stored value") if self._formula else ""
        if not _NUMBER.fullmatch(raw):
            return Broken(raw)
        value = _SHOWN.create_decimal(raw)
        if self._style in self._dates:
            return self._moment(value)
        text = f"{value.normalize(_SHOWN):f}" if value else "0"
        return Native(text)

    def _moment(self, value: Decimal) -> str:
        """Write a day or time that is stored as days since the era, to the second."""
        seconds = int((value * 86_400).to_integral_value())
        days, rest = divmod(seconds, 86_400)
        clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
        if days == 0 and rest:
            return Native(clock)
        if self._era.year < 1900:  # noqa: PLR2004 - which counts a 29 February 1900
            days += days < 60  # noqa: PLR2004 - that day
        try:
            day = self._era + timedelta(days)
        except OverflowError:
            return Broken(f"the day {value}")
        return Native(day.isoformat() if not rest else f"{day.isoformat()}T{clock}")


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
