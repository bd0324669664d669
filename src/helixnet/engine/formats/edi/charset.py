"""The character set that an EDIFACT interchange names in its syntax identifier (ISO 9735)."""

from typing import Final

_CODECS: Final = {
    "UNOA": "ascii",
    "UNOB": "ascii",
    "UNOC": "iso8859-1",
    "UNOD": "iso8859-2",
    "UNOE": "iso8859-5",
    "UNOF": "iso8859-7",
    "UNOG": "iso8859-3",
    "UNOH": "iso8859-4",
    "UNOI": "iso8859-6",
    "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9",
    "UNOL": "iso8859-15",
    "UNOW": "utf-8",
    "UNOY": "utf-8",
}


def charset_of(head: bytes) -> str:
    """Return the Python codec that the first UNB of a file names; of names unknown here, ASCII."""
    at = head.find(b"UNB")
    text = head[at : at + 16].replace(b"\r", b"").replace(b"\n", b"") if at >= 0 else b""
    return _CODECS.get(text[4:8].decode("latin-1"), "ascii")
