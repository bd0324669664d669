"""The character set that an EDIFACT interchange names in its syntax identifier (ISO 9735)."""

from typing import Final

from helixnet.errors import RefusedError

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
    """Return the Python codec that the first UNB of a file names.

    Raises:
        RefusedError: HX-1001 it names none that is known.
    """
    at = head.find(b"UNB")
    level = head[at + 4 : at + 8].decode("latin-1") if at >= 0 else "UNOA"
    if level not in _CODECS:
        raise RefusedError(
            f"UNB names the character set {level!r}, which is not known",
            code="HX-1001",
            hint="name the encoding in `source.encoding`",
        )
    return _CODECS[level]
