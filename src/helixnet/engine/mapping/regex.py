r"""Regular expressions in linear time: the subset that RE2 and Rust's regex read alike.

Classes ``\d \w \s`` are ASCII. A pattern of single characters and classes with at most one
open repetition can't backtrack: it runs on Python's ``re``, 20 times as fast; all others on RE2.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import re2

from helixnet.engine.values.faults import ValueFault, shown

Matcher: TypeAlias = Callable[[str], object]

MAX_PATTERN: Final = 2000
_TOKEN: Final = re.compile(
    r"(?P<flags>\(\?[is]+\))"
    r"|(?P<open>\((?:\?:)?)(?!\?)"
    r"|(?P<close>\))"
    r"|(?P<alternative>\|)"
    r"|(?P<klass>\[\^?(?:\[:\^?[a-z]+:\]|\\x\{[0-9A-Fa-f]{1,6}\}|\\.|[^\]\[\\])+\])"
    r"|(?P<repeat>(?:[*+?]|\{[0-9]{1,4}(?:,[0-9]{0,4})?\})\??)"
    r"|(?P<escape>\\x\{[0-9A-Fa-f]{1,6}\}|\\x[0-9A-Fa-f]{2}|\\.)"
    r"|(?P<dot>\.)|(?P<start>\^)|(?P<end>\$)"
    r"|(?P<literal>[^\\\[\](){}*+?|.^$])",
    re.DOTALL,
)
_CLASSES: Final = frozenset("dDwWsS")
_CONTROLS: Final = frozenset("tnrfx")
_PLACES: Final = frozenset("bBAz")
_SYNTAX: Final = frozenset("\\^$.*+?()[]{}|/")
_PUNCTUATION: Final = frozenset("!\"#%&',-/:;=@_`~ ") | _SYNTAX
_SIMPLE: Final = frozenset({"literal", "klass", "escape", "dot", "start", "end", "repeat"})
_BOUNDED: Final = re.compile(r"\?|\{([0-9]+)(?:,([0-9]+))?\}")
_RUST_CLASSES: Final = {"d": "0-9", "w": "0-9A-Za-z_", "s": "[:space:]"}
_RUST_ESCAPES: Final = {
    **{f"\\{name}": f"[{text}]" for name, text in _RUST_CLASSES.items()},
    **{f"\\{name.upper()}": f"[^{text}]" for name, text in _RUST_CLASSES.items()},
}
_PLAIN_CLASS: Final = re.compile(
    r"\[(?:[A-Za-z0-9 _.,:;+/]|\\[dw]|[A-Z]-[A-Z]|[a-z]-[a-z]|[0-9]-[0-9])+\]"
)
MAX_WAYS: Final = 64  # most ways in which bounded repetitions may share out a text


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def full_matcher(pattern: str) -> Matcher:
    """Return a function that is truthy where all of a text matches ``pattern``.

    Raises:
        ValueFault: HX-4105 with what in the pattern is outside the subset.
    """
    return _compile(_scan(pattern), anchored=True)


def json_pattern(pattern: str) -> Matcher | None:
    r"""Return a function that is truthy where JSON Schema's ``pattern`` is found in a text.

    JSON Schema means ECMA-262: not anchored, ``\s`` is Unicode's, ``.`` stops at four line ends.

    Returns:
        None unless the meaning here is sure to be the same; then ask the validator.
    """
    try:
        tokens = _scan(pattern)
        if not all(_is_ecma(token) for token in tokens):
            return None
        return _compile([_ecma_dot(token) for token in tokens], anchored=False)
    except ValueFault:
        return None


def rust_pattern(pattern: str, *, anchored: bool) -> str | None:
    """Return the pattern as Rust's regex reads it, with ASCII classes.

    Args:
        pattern: as :func:`full_matcher` takes it, or JSON Schema's if not ``anchored``.
        anchored: all of a text must match.

    Returns:
        None unless the meaning is sure to be the same.
    """
    try:
        tokens = _scan(pattern)
    except ValueFault:
        return None
    if not anchored:
        if json_pattern(pattern) is None:
            return None
        tokens = [_ecma_dot(token) for token in tokens]
    texts = [_rust_text(token) for token in tokens]
    if None in texts:
        return None
    text = "".join(filter(None, texts))
    return f"^(?:{text})$" if anchored else text


def _rust_text(token: _Token) -> str | None:
    if token.kind == "flags":
        return None
    if token.kind == "escape":
        if token.text[1] in _PLACES:
            return None
        return _RUST_ESCAPES.get(token.text, token.text)
    if token.kind == "klass":
        if any(found in token.text for found in ("\\D", "\\W", "\\S")):
            return None
        return re.sub(
            r"\\([dws])", lambda found: _RUST_CLASSES[found[1]], token.text, flags=re.DOTALL
        )
    return token.text


def plain_pattern(pattern: str) -> bool:
    """Tell whether JSON Schema's ``pattern`` lets only texts through that need no escape in JSON.

    That is so for one that holds from end to end and is made of printable ASCII.
    """
    try:
        tokens = _scan(pattern)
    except ValueFault:
        return False
    kinds = [token.kind for token in tokens]
    if kinds[:1] != ["start"] or kinds[-1:] != ["end"] or "alternative" in kinds:
        return False
    return all(_is_plain(token) for token in tokens)


def _is_plain(token: _Token) -> bool:
    if token.kind == "escape":
        return token.text in ("\\d", "\\w")
    if token.kind == "klass":
        return _PLAIN_CLASS.fullmatch(token.text) is not None
    if token.kind == "literal":
        return token.text.isprintable() and token.text != '"'
    return token.kind in {"open", "close", "repeat", "start", "end"}


def _scan(pattern: str) -> list[_Token]:
    """Cut a pattern into tokens, all of them within the subset."""
    if len(pattern) > MAX_PATTERN:
        raise _refused(pattern, f"it is longer than {MAX_PATTERN} characters")
    tokens: list[_Token] = []
    position = 0
    while position < len(pattern):
        found = _TOKEN.match(pattern, position)
        if found is None or found.lastgroup is None:
            raise _refused(pattern, f"{_excuse(pattern[position:])} at character {position + 1}")
        token = _Token(found.lastgroup, found[0])
        _check(pattern, token, tokens)
        tokens.append(token)
        position = found.end()
    return tokens


def _check(pattern: str, token: _Token, before: list[_Token]) -> None:
    kind, text = token.kind, token.text
    if kind == "flags" and before:
        raise _refused(pattern, f"{text} may only stand first")
    last = before[-1].kind if before else "open"
    if kind == "repeat" and last in {"open", "alternative", "repeat", "flags", "start", "end"}:
        raise _refused(pattern, f"{text} has nothing to repeat")
    if kind == "escape":
        _check_escape(pattern, text[1], _CLASSES | _CONTROLS | _PLACES | _PUNCTUATION)
    if kind == "klass":
        for operator in ("&&", "--", "~~"):
            if operator in text:
                raise _refused(pattern, f"{operator} in a class is not read alike everywhere")
        for escape in re.findall(r"\\(.)", text, re.DOTALL):
            _check_escape(pattern, escape, _CLASSES | _CONTROLS | _PUNCTUATION)


def _check_escape(pattern: str, char: str, allowed: frozenset[str]) -> None:
    if char not in allowed:
        why = "back references need backtracking" if char in "123456789" else "it is not shared"
        if char in "pP":
            why = "Unicode classes change with the version; write ranges"
        raise _refused(pattern, f"\\{char} is not supported: {why}")


def _excuse(rest: str) -> str:
    if rest[:3] in {"(?=", "(?!"} or rest[:4] in {"(?<=", "(?<!"}:
        return "looking around needs backtracking, it is not supported"
    if rest.startswith("(?"):
        return "only the groups (...) and (?:...), and (?i) at the start, are supported"
    if rest[0] in "{}":
        return f"a literal {rest[0]} must be written \\{rest[0]}"
    if rest[0] == "[":
        return "a class is empty, not closed, or has a [ that is not written \\["
    return f"{rest[0]} can't be read"


def _is_simple(tokens: list[_Token], *, anchored: bool) -> bool:
    """Tell whether ``re`` takes time linear in the text, with the same meaning as RE2."""
    kinds = [token.kind for token in tokens]
    if not _SIMPLE.issuperset(kinds) or "start" in kinds[1:] or "end" in kinds[:-1]:
        return False
    if any(
        "[:" in token.text
        or "\\x{" in token.text
        or (token.kind == "escape" and token.text[1] in _PLACES)
        for token in tokens
    ):
        return False
    ways = [_ways(token.text) for token in tokens if token.kind == "repeat"]
    loops = ways.count(0)
    free = not anchored and kinds[:1] != ["start"]
    return loops <= (0 if free else 1) and math.prod(filter(None, ways)) <= MAX_WAYS


def _ways(repeat: str) -> int:
    """Return how many counts a repetition allows; 0 = there is no most."""
    found = _BOUNDED.match(repeat)
    if found is None:
        return 0
    if found[1] is None:
        return 2
    return 1 if found[2] is None else max(1, int(found[2]) - int(found[1]) + 1)


def _python(tokens: list[_Token]) -> str:
    # Python's $ also stands before a last newline
    return "".join(r"\Z" if token.kind == "end" else token.text for token in tokens)


def _compile(tokens: list[_Token], *, anchored: bool) -> Matcher:
    """Compile on RE2, which has the last word on what is a pattern; run on ``re`` where it may."""
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile("".join(map(_re2_text, tokens)), options)
    except re2.error as error:
        cause = error.args[0]
        cause = cause.decode() if isinstance(cause, bytes) else str(cause)
        raise _refused("".join(token.text for token in tokens), cause) from error
    if _is_simple(tokens, anchored=anchored):
        simple = re.compile(_python(tokens), re.ASCII)
        return simple.fullmatch if anchored else simple.search
    match = compiled.fullmatch if anchored else compiled.search

    def encoded(text: str) -> object:
        try:
            return match(text)
        except UnicodeEncodeError:  # a lone surrogate is in no class of ours
            return None

    return encoded


def _re2_text(token: _Token) -> str:
    r"""Write a token for RE2, whose ``\s`` lacks VT."""
    if token.kind == "escape":
        return {"\\s": "[[:space:]]", "\\S": "[[:^space:]]"}.get(token.text, token.text)
    if token.kind == "klass":
        return re.sub(
            r"\\(.)",
            lambda found: {"s": "[:space:]", "S": "[:^space:]"}.get(found[1], found[0]),
            token.text,
            flags=re.DOTALL,
        )
    return token.text


def _is_ecma(token: _Token) -> bool:
    r"""Tell whether ECMA-262 reads the token alike.

    It has neither ``\x{…}`` nor ``[:…:]``, and validators differ over ``\b`` beside letters that
    are not ASCII.
    """
    if token.kind == "flags" or "[:" in token.text or "\\x{" in token.text:
        return False
    extra = frozenset("-") if token.kind == "klass" else frozenset[str]()
    allowed = frozenset("dDwWtnrfx") | _SYNTAX | extra
    if token.kind in {"escape", "klass"}:
        return all(char in allowed for char in re.findall(r"\\(.)", token.text, re.DOTALL))
    return True


def _ecma_dot(token: _Token) -> _Token:
    return _Token("klass", "[^\n\r\u2028\u2029]") if token.kind == "dot" else token


def _refused(pattern: str, why: str) -> ValueFault:
    return ValueFault("HX-4105", f"pattern {shown(pattern)}: {why}", pattern)
