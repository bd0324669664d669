"""Expat as every reader of XML uses it: namespaces on, document types refused, errors with places.

A document type (DTD) is where entity bombs and fetches of other files come from, and what it says
of defaults would have to be believed; so none is read.
"""

from typing import Final
from xml.parsers import expat

from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.xml.names import SEPARATOR
from helixnet.errors import RefusedError

MAX_DEPTH: Final = 200
MAX_TOKEN: Final = 1024 * 1024
"""Bytes of a tag, comment or processing instruction, with the precision of a block."""
MAX_NAMES: Final = 100_000
"""Different names in a file: the parser keeps each of them."""
_RUN: Final = 1024 * 1024  # characters that come in one piece
_LONGEST: Final = 4  # bytes of a character
_ASCII: Final = 0x7F
_INVALID: Final = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]
_WORDS: Final = {
    expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX]: "a prefix without its namespace",
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]: "there is no element, or it is open",
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]: "the file ends inside a tag",
}


class Feed:
    """A parser of one document that comes in blocks of UTF-8.

    Args:
        codec: of the file, for messages.
        spaces: whether namespaces are looked at; not in a piece of a document.
    """

    def __init__(self, codec: Codec, *, spaces: bool = True) -> None:
        self.parser = expat.ParserCreate("utf-8", SEPARATOR if spaces else None)
        self.parser.buffer_text = True
        self.parser.buffer_size = _RUN
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._codec, self.fed, self._tail = codec, 0, b""

    def parse(self, data: bytes, *, final: bool) -> None:
        """Take the next bytes.

        Raises:
            RefusedError: HX-1021 not well-formed, HX-1001 bytes that do not decode, HX-5011 a
                document type, HX-6001 a tag or comment is too long, HX-6002 too many names, and
                what handlers refuse.
        """
        try:
            self.parser.Parse(data, final)
        except expat.ExpatError as error:
            raise self._malformed(error, data) from error
        self.fed += len(data)
        self._tail = (self._tail + data)[-_LONGEST:]
        if self.fed - self.parser.CurrentByteIndex > MAX_TOKEN and not final:
            text = f"a tag, comment or instruction is longer than {MAX_TOKEN} bytes"
            raise self.refusal(text, "HX-6001")
        if len(self.parser.intern) > MAX_NAMES:
            text = f"there are more than {MAX_NAMES:,} names of elements and attributes"
            raise self.refusal(text, "HX-6002")

    def refusal(self, message: str, code: str, hint: str = "") -> RefusedError:
        """Return a refusal at the place where the parser is."""
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        return RefusedError(f"line {line}, column {column}: {message}", code=code, hint=hint)

    def _refuse_doctype(self, *_: object) -> None:
        hint = "have the sender leave the DOCTYPE out"
        raise self.refusal("a document type (DTD) is not read", "HX-5011", hint)

    def _malformed(self, error: expat.ExpatError, data: bytes) -> RefusedError:
        place = f"line {error.lineno}, column {error.offset + 1}"
        at = self.parser.ErrorByteIndex - self.fed + len(self._tail)
        known = self._tail + data[: 2 * _LONGEST] if at < _LONGEST else data
        at = at if at < _LONGEST else at - len(self._tail)
        if error.code == _INVALID and at >= 0 and _undecodable(known[at : at + _LONGEST]):
            text = f"{place}: the bytes do not decode as {self._codec.name}"
            hint = "the file is not in the encoding that it declares"
            return RefusedError(text, code="HX-1001", hint=hint)
        words = _WORDS.get(error.code) or expat.ErrorString(error.code)
        return RefusedError(f"{place}: not well-formed XML: {words}", code="HX-1021")


def _undecodable(data: bytes) -> bool:
    """Tell whether UTF-8 text can't go on with these bytes."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start == 0 and data[0] > _ASCII
    return False
