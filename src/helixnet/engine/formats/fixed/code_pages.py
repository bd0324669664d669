"""EBCDIC code pages that Python has no codec for, as what they have other than cp037.

Facts of IBM's code page tables; the pages with the euro sign (1140 to 1149) are those without it
(37, 273, 277 and so on) with one character changed.
"""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_BASE: Final = "cp037"
_PAGES: Final = {
    "cp1047": ("5fadb0babbbd", "^[¬Ý¨]"),
    "cp1141": ("434a4f595a5f636a7c9fa1b0b5babbc0ccd0dce0ecfc", "{Ä!~Ü^[ö§€ß¢@¬|ä¦ü}Ö\\]"),
    "cp1142": ("474a4f5a5b5f676a707b7c809c9e9fa1b0babbc0d0dc", "}#!€Å^$ø¦ÆØ@{[]ü¢¬|æå~"),
    "cp1143": (
        "43474a4f515a5b5f63676a71797b7c9fa1b0b5babbc0ccd0dce0ec",
        "{}§!`€Å^#$ö\\éÄÖ]ü¢[¬|ä¦å~É@",
    ),
    "cp1144": (
        "44484a4f5154585a5f6a797b7c909fa1b0b1b5babbc0cdd0dde0",
        "{\\°!]}~é^òù£§[€ì¢#@¬|à¦è`ç",
    ),
    "cp1145": ("494a5a696a7b9fa1b0babbbd", "¦[]#ñÑ€¨¢^!~"),
    "cp1146": ("4a5b9fa1b0b1babc", "$£€¯¢[^~"),
    "cp1147": (
        "44484a4f51545a5f6a797b7c909fa0a1b0b1b5babbbdc0d0dde0",
        "@\\°!{}§^ùµ£à[€`¨¢#]¬|~éè¦ç",
    ),
    "cp1148": ("4a4f5a5f9fb0babb", "[!]^€¢¬|"),
    "cp1149": ("4a4f5a5f797c8c8e9c9e9fa1acaeb0babbbec0ccd0e0ec", "Þ!ÆÖðÐ`{}]€ö@[¢¬|\\þ~æ\u00b4^"),
}
_BEFORE_EURO: Final = {
    "cp277": "cp1142",
    "cp278": "cp1143",
    "cp280": "cp1144",
    "cp284": "cp1145",
    "cp285": "cp1146",
    "cp297": "cp1147",
    "cp871": "cp1149",
}
NAMES: Final = (*_PAGES, *_BEFORE_EURO)


def decoding_table(name: str) -> str:
    """Return the character of each byte of one of :data:`NAMES`."""
    places, characters = _PAGES[_BEFORE_EURO.get(name, name)]
    if name in _BEFORE_EURO:
        characters = characters.replace("\u20ac", "\u00a4")
    table = list(bytes(range(256)).decode(_BASE))
    for place, character in zip(bytes.fromhex(places), characters, strict=True):
        table[place] = character
    return "".join(table)


@lru_cache(maxsize=1)
def know_code_pages() -> None:
    """Make Python know the code pages by name, once a process: all text goes through its codecs."""
    codecs.register(_search)


def _search(name: str) -> codecs.CodecInfo | None:
    known = name.replace("-", "").replace("_", "").removeprefix("ibm").removeprefix("cp")
    return _codec(f"cp{known}") if f"cp{known}" in NAMES else None


@lru_cache(maxsize=len(NAMES))
def _codec(name: str) -> codecs.CodecInfo:
    decoding = decoding_table(name)
    encoding = codecs.charmap_build(decoding)

    def encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
        return codecs.charmap_encode(text, errors, encoding)

    def decode(data: Buffer, errors: str = "strict") -> tuple[str, int]:
        return codecs.charmap_decode(data, errors, decoding)  # pyright: ignore[reportArgumentType] - typeshed forgets the table that is a text

    class Incremental(codecs.IncrementalDecoder):
        """Decodes a byte at a time: there is nothing to keep between blocks."""

        def decode(self, input: Buffer, final: bool = False) -> str:  # noqa: A002, ARG002, FBT001, FBT002 - as the base class has it
            return decode(input, self.errors)[0]

    return codecs.CodecInfo(encode, decode, incrementaldecoder=Incremental, name=name)
