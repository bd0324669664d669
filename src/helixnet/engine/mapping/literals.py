"""Jinja's lexer, made exact: numbers keep their text, tokens their place.

Jinja turns ``1.10`` into a float and forgets columns. Here a number token becomes an int or a
Decimal, and the ``lineno`` of every token (so of every node) is its offset in the source.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from jinja2 import Environment, TemplateSyntaxError
from jinja2.lexer import Lexer, Token

_JSON_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_SIMPLE: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "/": "/"}


def exact_number(text: str) -> int | Decimal | None:
    """Return the number that JSON reads in ``text``, without exponent; None if it is none."""
    found = _JSON_NUMBER.fullmatch(text)
    if found is None:
        return None
    if found[1] is None and found[2] is None:
        return int(text)
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    return Decimal(format(value, "f")) if isinstance(exponent, int) and exponent > 0 else value


def _unescape(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "ux" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _SIMPLE.get(code, found[0])  # an unknown escape stays, so that "\d" is a regex


class _ExactLexer(Lexer):
    """Jinja's lexer with exact numbers, plain text escapes and offsets for line numbers."""

    def tokeniter(
        self,
        source: str,
        name: str | None,
        filename: str | None = None,
        state: str | None = None,
    ) -> Iterator[tuple[int, str, str]]:
        offset = 0
        for _, token, text in super().tokeniter(source, name, filename, state):
            found = source.find(text, offset)
            offset = found if found >= 0 else offset
            yield offset, token, text
            offset += len(text)

    def wrap(
        self,
        stream: Iterable[tuple[int, str, str]],
        name: str | None = None,
        filename: str | None = None,
    ) -> Iterator[Token]:
        for offset, token, text in stream:
            if token in ("integer", "float"):
                number = exact_number(text)
                if number is None:
                    raise TemplateSyntaxError(f"{text} is not a JSON number", offset)
                yield Token(offset, token, number)  # pyright: ignore[reportArgumentType] - the parser copies the value as it is
            elif token == "string":  # noqa: S105 - the name of a token type
                yield Token(offset, token, _ESCAPE.sub(_unescape, text[1:-1]))
            else:
                yield from super().wrap([(offset, token, text)], name, filename)


class ExactEnvironment(Environment):
    """A Jinja environment that only parses, by the exact lexer."""

    def __init__(self) -> None:
        super().__init__(autoescape=False)
        self._exact = _ExactLexer(self)

    @property
    def lexer(self) -> Lexer:
        """Return the lexer that the parser asks for."""
        return self._exact
