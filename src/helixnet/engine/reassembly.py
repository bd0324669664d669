"""Rejected records as a file of their own format again: what the envelope was is around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from helixnet.engine.context.model import Source
from helixnet.engine.formats.edi.enclose import enclosed
from helixnet.engine.formats.fixed.code_pages import know_code_pages
from helixnet.engine.source import EnvelopeAt, OnceLine
from helixnet.errors import UsageError

_FORMATS: Final = frozenset({"csv", "fixed", "ndjson", "json", "idoc", "xml", "x12", "edifact"})
MOST_RAW: Final = 64 * 1024  # bytes of a record that its reject holds
_INEXACT: Final = "HX-1001"


def exact(reject: Mapping[str, Any], encoding: str) -> bool:
    """Say whether a reject holds its record to the byte: whole, and of bytes that decode."""
    if any(error.get("code") == _INEXACT for error in reject["errors"]):
        return False
    know_code_pages()
    return len(reject["raw"].encode(encoding, "replace")) < MOST_RAW


def require_assembly(source: Source) -> None:
    """See that records of a contract can stand in a file of their own.

    Raises:
        UsageError: they can't.
    """
    if source.fill_down:
        what = ", ".join(source.fill_down)
        raise UsageError(
            f"rejects can't be made a file again: values of {what} stand on lines above them",
            hint="correct the file itself and send it anew",
        )
    if source.format == "excel":
        raise UsageError(
            "rejects of a workbook can't be made a workbook again",
            hint="correct the rows in the sheet and send it anew; `raw` of a reject is its row",
        )
    if source.format not in _FORMATS or source.record is not None:
        what = f"{source.format} records at {source.record}" if source.record else source.format
        raise UsageError(
            f"rejects can't be made a file again: {what} stand within a larger document",
            hint="correct the file itself and send it anew",
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the file of the records has besides them.

    Args:
        head: its bytes up to its first line that is no header: byte order mark and header.
        encoding: its Python codec.
        newline: its line end; empty for IDocs without any.
        once: the lines that stand once in it.
        envelopes: what is open around its messages (X12 and EDIFACT).
    """

    head: bytes
    encoding: str
    newline: str
    once: Sequence[OnceLine] = ()
    envelopes: Sequence[EnvelopeAt] = ()

    @property
    def around(self) -> tuple[str, str]:
        """The lines that stand once, before all records and after them."""
        before, after, end = "", "", len(self.head)
        for line in sorted(self.once, key=lambda one: one["byte"]):
            text = line["text"] + self.newline
            if line["byte"] == end:
                before, end = before + text, end + len(text.encode(self.encoding))
            else:
                after += text
        return before, after


def assembled(
    source: Source, raws: Sequence[str], envelope: Envelope, records: Sequence[int] = ()
) -> bytes:
    """Return a file that holds these records and nothing else.

    Args:
        source: the contract of the file that they come from.
        raws: each as its reject holds it.
        envelope: of that file.
        records: their numbers in it, for formats whose messages stand in envelopes.

    Raises:
        UsageError: they can't stand in a file of their own.
    """
    require_assembly(source)
    know_code_pages()
    head, encoding, newline = envelope.head, envelope.encoding, envelope.newline
    if source.format == "json":
        body = "[" + ",\n".join(raw.strip() for raw in raws) + "]\n"
        return head + body.encode(encoding)
    ends = tuple({newline, "\n", "\r"} - {""}) if newline else ("",)
    if source.format in ("xml", "idoc") and raws and raws[0].startswith("<"):
        return head + _xml(raws, source, encoding).encode(encoding)
    if source.format in ("x12", "edifact"):
        messages = dict(zip(records, raws, strict=True))
        body = enclosed(messages, envelope.envelopes, source.format, newline)
        return head + body.encode(encoding)
    body = "".join(raw if raw.endswith(ends) else raw + newline for raw in raws)
    before, after = envelope.around
    if source.record_length is not None and source.record_length.prefix == "bdw":
        body = "".join(_blocked(raw, encoding) for raw in raws)
    return head + f"{before}{body}{after}".encode(encoding)


def _blocked(raw: str, encoding: str) -> str:
    """Return a record as a block of its own."""
    size = len(raw.encode(encoding)) + 4
    return size.to_bytes(2).decode(encoding) + b"\0\0".decode(encoding) + raw


def _xml(raws: Sequence[str], source: Source, encoding: str) -> str:
    """Return the XML document of a record that is its root, or of IDocs."""
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    if source.format == "xml":
        if len(raws) != 1:
            text = "rejects can't be made a file again: each is an XML document of its own"
            raise UsageError(text, hint="take one record at a time")
        return f"{declared}\n{raws[0]}\n"
    root = source.type or "IDOCS"
    return "\n".join([declared, f"<{root}>", *raws, f"</{root}>", ""])
