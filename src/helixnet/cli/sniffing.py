"""What ``helixnet sniff`` does."""

import html
import re
import sys
import zipfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from helixnet.cli import show
from helixnet.engine.context.model import Mark, Source
from helixnet.engine.formats.excel.parts import WorkbookError
from helixnet.engine.formats.excel.workbook import read_large_sheet
from helixnet.engine.packing.unpack import MOST_UNPACKED, packing, unpacked_head
from helixnet.engine.sniffing.block import source_block
from helixnet.engine.sniffing.found import HEAD, Found, Head, UnknownError
from helixnet.engine.sniffing.sheets import MOST_ROWS, excel
from helixnet.engine.sniffing.sniff import sniff_head
from helixnet.errors import RefusedError, UsageError

_ANY: Final = Source("csv", Mark("", 0, 0))
_WORKBOOK: Final = "xl/workbook.xml"
_SHEET: Final = re.compile(r'<(?:\w+:)?sheet\s[^>]*?\bname="([^"]*)"')


def sniff_files(files: Sequence[str], *, as_json: bool) -> int:
    """Look at the files; return the exit status."""
    rows: list[dict[str, object]] = []
    status = 0
    for number, file in enumerate(files):
        try:
            packed, found = _look(Path(file))
        except UnknownError as unknown:
            _complain(file, unknown)
            status = 1
            continue
        except RefusedError as error:
            print(f"helixnet: {file}: {error.code}: {error}", file=sys.stderr)
            status = 1
            continue
        if as_json:
            rows.append(_row(file, packed, found))
        else:
            print("\n" * bool(number) + _text(file, packed, found), end="")
    if as_json:
        show.show_json(rows)
    return status


def _look(path: Path) -> tuple[str, Found]:
    """Return what a file is packed in, and what it is."""
    try:
        with path.open("rb") as stream:
            packed = packing(stream, _ANY)
            if packed == "zip" and (sheets := _sheets(stream)) is not None:
                return "", _workbook(stream, sheets)
            stream.seek(0)
            data = unpacked_head(stream, _ANY, HEAD + 1)
            size = len(data) if packed or len(data) <= HEAD else path.stat().st_size
            return packed, sniff_head(Head(data[:HEAD], len(data) <= HEAD), size)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{path} can't be read: {reason}") from error


def _workbook(stream: BinaryIO, sheets: list[str]) -> Found:
    """Look at the first rows of the sheet that is read by default."""
    try:
        rows = list(islice(read_large_sheet(stream, None, MOST_UNPACKED), MOST_ROWS))
    except WorkbookError as error:
        raise RefusedError(str(error), code=error.code, hint=error.hint) from error
    return excel(sheets, rows)


def _sheets(stream: BinaryIO) -> list[str] | None:
    """Return the sheets of a workbook; None if the zip is none."""
    try:
        with zipfile.ZipFile(stream) as archive, archive.open(_WORKBOOK) as part:
            text = part.read(HEAD).decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError, ValueError):
        return None
    return [html.unescape(name) for name in _SHEET.findall(text)]


def _text(file: str, packed: str, found: Found) -> str:
    """Return what was told as comments, and the block: the whole is YAML."""
    lines = [f"# {file}: {found.format} ({found.sure}){_looked(found)}"]
    if packed:
        lines.append(f"# packed: {packed}, which is unpacked by itself")
    lines += [f"# {name}: {value}" for name, value in found.facts.items() if value]
    lines += [f"# can't tell: {text}" for text in found.open]
    printable = ("".join(c if c.isprintable() else "?" for c in line) for line in lines)
    return "\n".join(printable) + "\n" + source_block(found)


def _looked(found: Found) -> str:
    what = {"x12": "segments", "edifact": "segments", "xml": "elements", "csv": "rows"}
    return f", from {found.rows} {what.get(found.format, 'records')}" if found.rows else ""


def _row(file: str, packed: str, found: Found) -> dict[str, object]:
    return {
        "file": file,
        "format": found.format,
        "sure": found.sure,
        "rows": found.rows,
        **({"packed": packed} if packed else {}),
        "facts": {name: value for name, value in found.facts.items() if value},
        "open": found.open,
        "source": {"format": found.format, **found.source},
    }


def _complain(file: str, unknown: UnknownError) -> None:
    looked = "".join(f"\n  - {one}" for one in unknown.looked)
    hint = f"\nhelixnet: try: {unknown.hint}" if unknown.hint else ""
    print(f"helixnet: {file}: can't tell what this is; looked for{looked}{hint}", file=sys.stderr)
