"""Jinja's lexer, made exact: numbers keep their text, tokens their place.

Jinja turns ``1.10`` into a float and forgets columns. Here a number token becomes an int or a
Decimal, and the ``lineno`` of every token (so of every node) is its offset in the source.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from jinja2 import Environment, TemplateSyntaxError
from jinja2.lexer import (
    Lexer,
    Token,
    TokenStream,
    float_re,
    integer_re,
    operator_re,
    operators,
    string_re,
    whitespace_re,
)

_JSON_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
MAX_DIGITS: Final = 1_000
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_SIMPLE: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "/": "/"}

_FLAGS: Final = {re.IGNORECASE: "i", re.DOTALL: "s", re.VERBOSE: "x"}


def _named(name: str, pattern: re.Pattern[str]) -> str:
    flags = "".join(sign for flag, sign in _FLAGS.items() if pattern.flags & flag)
    return f"(?P<{name}>(?{flags}:{pattern.pattern}))"


_TOKEN: Final = re.compile(
    "|".join(
        (
            _named("whitespace", whitespace_re),
            _named("float", float_re),
            _named("integer", integer_re),
            _named("name", re.compile("[A-Za-z0-9_]+")),
            _named("string", string_re),
            _named("operator", operator_re),
        )
    )
)
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSERS: Final = frozenset(")]}")


def exact_number(text: str) -> int | Decimal | None:
    """Return the number that JSON reads in ``text``, without exponent; None if it is none."""
    found = _JSON_NUMBER.fullmatch(text)
    if found is None:
        return None
    if len(text) > MAX_DIGITS:
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


def plain_tokens(text: str) -> list[Token] | None:
    """Return the tokens of an expression by Jinja's own patterns in one pass, without its states.

    None where its lexer has to look: at what matches none, closes nothing or ends the expression.
    """
    if "}}" in text or "\r" in text or text.endswith("\n"):
        return None
    found: list[Token] = []
    place, opened = 0, list[str]()
    for match in _TOKEN.finditer(text):
        kind, value, start = str(match.lastgroup), match[0], match.start()
        token = _token(kind, value, start) if start == place else None
        if token is None or (kind == "operator" and not _balanced(value, opened)):
            return None
        place = match.end()
        if kind != "whitespace":
            found.append(token)
    return found if place == len(text) and not opened else None


def _token(kind: str, value: str, start: int) -> Token | None:
    match kind:
        case "operator":
            return Token(start, operators[value], value)
        case "name" if not value.isidentifier():
            return None
        case "string":
            return Token(start, kind, _ESCAPE.sub(_unescape, value[1:-1]))
        case "integer" | "float":
            number = exact_number(value)
            return None if number is None else Token(start, kind, number)  # pyright: ignore[reportArgumentType] - the parser copies the value as it is
        case _:
            return Token(start, kind, value)


def _balanced(value: str, opened: list[str]) -> bool:
    """Tell whether an operator closes what was opened last, if it closes anything."""
    if value in _CLOSING:
        opened.append(_CLOSING[value])
    return value not in _CLOSERS or (bool(opened) and opened.pop() == value)


class ExactEnvironment(Environment):
    """A Jinja environment that only parses, by the exact lexer."""

    def __init__(self) -> None:
        super().__init__(autoescape=False)
        self._exact = _ExactLexer(self)

    def _tokenize(
        self,
        source: str,
        name: str | None,
        filename: str | None = None,
        state: str | None = None,
    ) -> TokenStream:
        tokens = plain_tokens(source) if state == "variable" else None
        if tokens is None:
            return super()._tokenize(source, name, filename, state)
        return TokenStream(tokens, name, filename)

    @property
    def lexer(self) -> Lexer:
        """Return the lexer that the parser asks for."""
        return self._exact
