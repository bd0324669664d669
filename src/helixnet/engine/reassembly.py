"""Rejected records as a file of their own format again: what the envelope was is around them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from helixnet.engine.context.model import Source
from helixnet.errors import UsageError

MOST_RAW: Final = 64 * 1024  # bytes of a record that its reject holds
_INEXACT: Final = "HX-1001"


def exact(reject: Mapping[str, Any], encoding: str) -> bool:
    """Say whether a reject holds its record to the byte: whole, and of bytes that decode."""
    if any(error.get("code") == _INEXACT for error in reject["errors"]):
        return False
    return len(reject["raw"].encode(encoding, "replace")) < MOST_RAW


def require_assembly(source: Source) -> None:
    """See that records of a contract can stand in a file of their own.

    Raises:
        UsageError: they can't.
    """
    if source.format not in {"csv", "ndjson", "json", "idoc"} or source.record is not None:
        what = f"{source.format} records at {source.record}" if source.record else source.format
        raise UsageError(
            f"rejects can't be made a file again: {what} stand within a larger document",
            hint="correct the file itself and send it anew",
        )


def assembled(
    source: Source, raws: Sequence[str], *, head: bytes, encoding: str, newline: str
) -> bytes:
    """Return a file that holds these records and nothing else.

    Args:
        source: the contract of the file that they come from.
        raws: each as its reject holds it.
        head: that file's bytes up to its first record: byte order mark and header.
        encoding: Python codec of that file.
        newline: its line end; empty for IDocs without any.
    """
    require_assembly(source)
    if source.format == "json":
        body = "[" + ",\n".join(raw.strip() for raw in raws) + "]\n"
        return head + body.encode(encoding)
    ends = tuple({newline, "\n", "\r"} - {""}) if newline else ("",)
    body = "".join(raw if raw.endswith(ends) else raw + newline for raw in raws)
    return head + body.encode(encoding)
