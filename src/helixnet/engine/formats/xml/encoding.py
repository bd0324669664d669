"""Which codecs an XML file may have: its byte order mark, its declaration, then the context.

Extensible Markup Language 1.0, appendix F. Everything but UTF-8 becomes UTF-8 on the way in, so
that the parser and the search for tags see one form.
"""

import re
from collections.abc import Sequence
from typing import Final

from helixnet.engine.formats.encoding import Codec, bom_of, codec_of
from helixnet.errors import RefusedError

_DECLARED: Final = re.compile(
    r"""\s*<\?xml\s[^>]*?\bencoding\s*=\s*(?:"([A-Za-z0-9._-]+)"|'([A-Za-z0-9._-]+)')"""
)
_HEAD: Final = 1024
_WIDE: Final = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_EBCDIC: Final = b"\x4c\x6f\xa7\x94"  # <?xm


def xml_codec(name: str) -> Codec:
    """Return the codec called ``name``, with UTF-8 as the scanned form.

    Raises:
        RefusedError: HX-1001 Python knows no text codec of that name.
    """
    codec = codec_of(name)
    if codec.scanned == "utf-8":
        return codec
    return Codec(codec.name, "utf-8", "surrogateescape", bad=codec.bad)


def xml_codecs(head: bytes, encodings: Sequence[str]) -> tuple[list[Codec], int]:
    """Return the codecs to try in order, and the length of the byte order mark.

    Args:
        head: the beginning of the file.
        encodings: ``source.encoding``, for files that say nothing.

    Raises:
        RefusedError: HX-1001 the declaration names an encoding that is not known.
    """
    marked, start = bom_of(head)
    if marked:
        return [xml_codec(marked)], start
    wide = next((name for mark, name in _WIDE if head.startswith(mark)), None)
    if wide is not None:
        return [xml_codec(wide)], 0
    text = head[:_HEAD].decode("cp037" if head.startswith(_EBCDIC) else "latin-1")
    found = _DECLARED.match(text)
    if found is None:
        return [xml_codec(name) for name in encodings], 0
    try:
        codec = xml_codec(found[1] or found[2])
    except RefusedError as error:
        raise RefusedError(f"the XML declaration names an {error}", code="HX-1001") from error
    if codec.wide:
        text = f"the XML declaration says {codec.name}, but the file is not"
        raise RefusedError(text, code="HX-1001", hint="have the sender correct the declaration")
    return [codec], 0


def begins_as_xml(head: bytes, codec: Codec) -> bool:
    """Tell whether the first character that is no blank opens a tag."""
    text = head[:_HEAD].decode(codec.name, "replace")
    return text.lstrip(" \t\r\n\ufeff").startswith("<")
