"""Worksheets of Excel workbooks (xlsx: ECMA-376 part 1, SpreadsheetML), cell by cell.

A workbook comes from a stranger: the zip is measured while it is unpacked, declarations of XML
entities are refused, and only cells that are there take memory, wherever a sheet says they stand.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final
from xml.parsers import expat

from helixnet.engine.formats.excel.cells import SheetParser
from helixnet.engine.formats.excel.parts import (
    MAX_TEXT,
    Attributes,
    HeldParts,
    Parser,
    Parts,
    StoredParts,
    Texts,
    WorkbookError,
    elements,
    local,
)
from helixnet.engine.formats.excel.values import unescaped

_NO_DATE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_FORMATS: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_SHOWN: Final = 8

Row = tuple[int, dict[int, str]]
"""Number of a row (from 1), and its cells by column (from 0)."""


def read_sheet(content: bytes, sheet: str | None) -> Iterator[Row]:
    """Yield each row of a small workbook that has a cell.

    Args:
        content: of the xlsx file.
        sheet: its name; None = the first that is not hidden.

    Raises:
        WorkbookError: it is no workbook, is over a limit, or has no such sheet.
    """
    return _rows(HeldParts(content), sheet)


def read_large_sheet(stream: BinaryIO, sheet: str | int | None, limit: int) -> Iterator[Row]:
    """Yield each row of a workbook of any size that has a cell.

    Args:
        stream: the xlsx file, seekable.
        sheet: its name, or number from 1; None = the first that is not hidden.
        limit: bytes that one part of the workbook may unpack to.

    Raises:
        WorkbookError: it is no workbook, is over a limit, or has no such sheet.
        RefusedError: the zip is damaged, or unpacks to too much.
    """
    return _rows(StoredParts(stream, limit), sheet)


def _rows(parts: Parts, sheet: str | int | None) -> Iterator[Row]:
    texts = Texts()
    try:
        place, era = _sheet_place(parts, sheet)
        _fill(texts, parts.read(_sibling(place, "../sharedStrings.xml")))
        dates = _date_styles(parts.read(_sibling(place, "../styles.xml")))
        yield from SheetParser(texts, dates, era).rows(parts.read(place))
    except expat.ExpatError as error:
        raise WorkbookError(f"the workbook's XML is broken: {error}") from error
    finally:
        texts.close()


def _sibling(place: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(place), name))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One sheet of a workbook: its name, the part that holds it, and whether people see it."""

    name: str
    place: str
    seen: bool


def _sheet_place(parts: Parts, wanted: str | int | None) -> tuple[str, date]:
    """Return the part of a sheet, and the day from which the workbook counts."""
    book = next((name for name in parts.names if posixpath.basename(name) == "workbook.xml"), None)
    if book is None:
        raise WorkbookError("the file is no xlsx workbook: it has no workbook.xml")
    links = _links(parts, book)
    sheets: list[_Sheet] = []
    era = date(1899, 12, 30)
    for name, attributes, _ in elements(parts.read(book)):
        if name == "sheet":
            link = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            seen = attributes.get("state", "visible") == "visible"
            if link not in links or links[link]:
                sheets.append(_Sheet(attributes.get("name", ""), links.get(link, ""), seen))
        elif name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            era = date(1904, 1, 1)
    chosen = _chosen(sheets, wanted)
    if chosen is None:
        known = ", ".join(f"`{one.name}`" for one in sheets[:_SHOWN])
        asked = wanted if isinstance(wanted, int) else f"`{wanted or ''}`"
        raise WorkbookError(f"the workbook has no sheet {asked}", f"it has {known}", "HX-5061")
    if chosen.place not in parts.names:
        raise WorkbookError("the workbook names a sheet that is not in it")
    return chosen.place, era


def _chosen(sheets: list[_Sheet], wanted: str | int | None) -> _Sheet | None:
    if isinstance(wanted, int):
        return sheets[wanted - 1] if wanted <= len(sheets) else None
    if wanted is not None:
        return next((one for one in sheets if one.name == wanted), None)
    return next((one for one in sheets if one.seen), sheets[0] if sheets else None)


def _links(parts: Parts, book: str) -> Mapping[str, str]:
    """Return the parts of the workbook's sheets by their ids; empty for what is no worksheet."""
    found: dict[str, str] = {}
    for name, attributes, _ in elements(
        parts.read(_sibling(book, f"_rels/{posixpath.basename(book)}.rels"))
    ):
        if name == "Relationship":
            target, kind = attributes.get("Target", ""), attributes.get("Type", "/worksheet")
            place = target.lstrip("/") if target.startswith("/") else _sibling(book, target)
            sheet = kind.rpartition("/")[2] == "worksheet"
            found[attributes.get("Id", "")] = place if sheet else ""
    return found


def _fill(texts: Texts, blocks: Iterable[bytes]) -> None:
    """Read the shared texts; how they are pronounced is left out."""
    pieces: list[str] = []
    reading, hidden = False, 0

    def start(name: str, _attributes: Attributes) -> None:
        nonlocal reading, hidden
        name = local(name)
        hidden += name == "rPh"
        reading = name == "t" and not hidden

    def end(name: str) -> None:
        nonlocal reading, hidden
        reading, name = False, local(name)
        hidden -= name == "rPh"
        if name == "si":
            texts.add(unescaped("".join(pieces)))
            pieces.clear()

    def take(data: str) -> None:
        if reading:
            pieces.append(data)

    for _ in Parser(start, end, take).feed(blocks):
        if len(pieces) > 1 and sum(map(len, pieces)) > MAX_TEXT:
            raise WorkbookError("a text of the workbook is over 1 MiB", code="HX-6001")
    texts.finish()


def _date_styles(blocks: Iterable[bytes]) -> frozenset[str]:
    """Return the numbers of the cell styles that show a date or time."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    for name, attributes, parent in elements(blocks):
        if name == "numFmt" and parent == "numFmts":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "xf" and parent == "cellXfs":
            styles.append(attributes.get("numFmtId", "0"))
    return frozenset(str(n) for n, form in enumerate(styles) if _is_date(form, formats))


def _is_date(number: str, formats: Mapping[str, str]) -> bool:
    if number in formats:
        return any(letter in "ymdhs" for letter in _NO_DATE.sub("", formats[number]).lower())
    return number.isdecimal() and int(number) in _DATE_FORMATS
