"""Lines that stand once in a file, its header and trailer: found in the pass, seen by all parts."""

from collections.abc import Mapping
from typing import Final

from helixnet.engine.context.model import Source
from helixnet.engine.formats.csv.scan import Once
from helixnet.engine.formats.encoding import Codec, byte_codec
from helixnet.engine.source import OnceLine
from helixnet.errors import RefusedError

WRONG: Final = "HX-5020"


def once_lines(
    source: Source, found: Mapping[str, Once], codec: Codec, size: int
) -> dict[str, OnceLine]:
    """Return the lines that stand once, decoded.

    Args:
        source: the contract.
        found: as they were scanned.
        codec: that was chosen for the file.
        size: of the file; one of 0 bytes has no records, and lacks none.

    Raises:
        RefusedError: HX-5020 one is missing; HX-1001 one does not decode.
    """
    lines: dict[str, OnceLine] = {}
    for one in (source.records or {}).values():
        if not one.once or not size:
            continue
        line = found.get(one.name)
        if line is None:
            raise RefusedError(
                f"the file has no record {one.name!r}, which must stand in it once",
                code=WRONG,
                hint="send the whole file again; the transfer was probably broken off",
            )
        try:
            if source.record_length is not None:
                text = line.data.decode(byte_codec(codec))
                lines[one.name] = OnceLine(line=line.line, byte=line.byte, text=text)
                continue
            text = line.data.decode(codec.scanned)
        except UnicodeDecodeError as error:
            raise RefusedError(
                f"line {line.line}: the record {one.name!r} does not decode as {codec.name}",
                code="HX-1001",
                hint="name the right encoding in `source.encoding`",
            ) from error
        lines[one.name] = OnceLine(line=line.line, byte=line.byte, text=_bare(text))
    return lines


def _bare(text: str) -> str:
    """Return a line without its end; a file may end its lines with CR only."""
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n").removesuffix("\r")
