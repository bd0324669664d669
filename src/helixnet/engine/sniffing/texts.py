"""Which encoding reads the beginning of a file."""

import re
from typing import Final

from helixnet.engine.formats.encoding import NEL_AS_LF, bom_of
from helixnet.engine.formats.fixed.code_pages import know_code_pages
from helixnet.engine.sniffing.found import CERTAIN, GUESSED, LIKELY, Head, Text

_COMMON: Final = b" etaoinsrhldcumfpgwybvkxjqzETAOINSRHLDCUMFPGWYBVKXJQZ0123456789.,;:-/"
_LEAST: Final = 0.75  # of the bytes of a text, that are common characters
_NARROW: Final = 0.3  # of the bytes of a wide encoding, that are NUL
_LETTERS: Final = "".join(map(chr, [*range(97, 123), *range(65, 91)])).encode("cp037")
_UMLAUTS: Final = re.compile(
    b"(?<=[%s])[%s](?=[%s])"
    % (re.escape(_LETTERS), re.escape("äöüß".encode("cp273")), re.escape(_LETTERS))
)
_FEW: Final = 2
_CONTROLS: Final = frozenset(range(32)) - set(b"\t\n\r\x0c\x1a\x1c\x1d\x1e\x1f")


def text_of(head: Head) -> Text | None:
    """Return the file as text; None if it is none."""
    marked, start = bom_of(head.data)
    if marked:
        text = head.data[start:].decode(marked, "replace")
        return Text(text, ["utf-8" if marked == "utf-8" else marked], CERTAIN, head.whole)
    data = head.data
    if data.count(0) > len(data) * _NARROW and (wide := _wide(head)):
        return wide
    if any(byte in _CONTROLS for byte in data):
        return None
    if is_ebcdic(data):
        return None
    try:
        text = data.decode() if head.whole else _cut(data)
    except UnicodeDecodeError:
        return _one_byte(head)
    return Text(text, ["utf-8"], CERTAIN if not data.isascii() else LIKELY, head.whole)


def _cut(data: bytes) -> str:
    """Decode UTF-8 of which the last character may be cut off."""
    for end in range(len(data), max(len(data) - 4, 0), -1):
        try:
            return data[:end].decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data" and error.end < len(data) - 3:
                raise
    return data.decode()


def _wide(head: Head) -> Text | None:
    for name, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        if head.data[place::2].count(0) > len(head.data) * _NARROW:
            return Text(head.data.decode(name, "replace"), [name], LIKELY, head.whole)
    return None


def _one_byte(head: Head) -> Text:
    text = head.data.decode("cp1252", "replace")
    name = "iso8859-1" if "\ufffd" in text else "cp1252"
    text = head.data.decode(name)
    return Text(text, ["utf-8", name], GUESSED, head.whole)


def is_ebcdic(data: bytes) -> bool:
    """Tell whether bytes look like text of EBCDIC, and not like text of ASCII."""
    return _share(data, "cp037") > _LEAST and _share(data, "ascii") < 1 - _LEAST


def looks_ebcdic(data: bytes) -> bool:
    """Tell whether there is more EBCDIC than ASCII among bytes of which some are no text."""
    ebcdic = _share(data, "cp037")
    return ebcdic > 1 - _LEAST and ebcdic > 2 * _share(data, "ascii")


def _share(data: bytes, name: str) -> float:
    common = _COMMON.decode().encode(name)
    left = data.translate(None, common)
    return (len(data) - len(left)) / len(data) if data else 0.0


def ebcdic_page(data: bytes) -> str:
    """Guess the code page: umlauts between letters tell the German one of the two commonest."""
    know_code_pages()
    return "cp273" if len(_UMLAUTS.findall(data)) >= _FEW else "cp037"


def ebcdic_text(head: Head) -> Text | None:
    """Return lines of EBCDIC as text with LF; None if it has none."""
    page, data = ebcdic_page(head.data), head.data
    ends = max(data.count(b"\x15"), data.count(b"\x25"))
    if not ends or len(data) / ends > 4096 or not is_ebcdic(data):  # noqa: PLR2004 - bytes of a line
        return None
    text = data.decode(page)
    if b"\x25" not in data:
        text = text.translate(NEL_AS_LF)
    return Text(text, [page], GUESSED, head.whole)
