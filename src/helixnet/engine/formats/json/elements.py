"""Finds the records of a JSON document that comes in blocks, one value in memory at a time.

Bytes are scanned as Latin-1: all structure of JSON is ASCII, and a character is then a byte. What
is inside a record is judged later, record by record; what is wrong between records refuses the
file, because nobody knows where the next record would begin.
"""

import json
import re
from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeAlias

from helixnet.errors import RefusedError

Need: TypeAlias = Generator["tuple[int, int] | None", bytes, "int"]

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCAN: Final = json.JSONDecoder(
    parse_int=str, parse_float=str, parse_constant=str, strict=False
).raw_decode
_KEPT: Final = 1024 * 1024
_LONGEST_CUT: Final = 3  # e+ of a number cut by the end of a block
_LONGEST_WORD: Final = 16  # -Infinity, or an escape cut by the end of a block


class Elements:
    """Walks one document; drive :meth:`walk` with ``send``.

    Args:
        path: keys that lead to the records; none = the root.
        limit: longest record in bytes.
        start: byte of the file at which the document begins.
        measure: says how many bytes of the file scanned ones stand for.
        characters: says how many characters scanned bytes are.
    """

    def __init__(
        self,
        path: Sequence[str],
        *,
        limit: int,
        start: int,
        measure: Callable[[bytes], int],
        characters: Callable[[bytes], int] = len,
    ) -> None:
        self._path, self._limit = list(path), limit
        self._byte, self._measure = start, measure
        self._column, self._characters = 0, characters
        self._text, self._pos, self._dropped, self._lines = "", 0, 0, 1
        self._ended = False

    def slice(self, start: int, end: int) -> bytes:
        """Return the bytes between two offsets of the span that was just yielded."""
        text = self._text[start - self._dropped : end - self._dropped]
        return text.encode("latin-1")

    def place(self, offset: int) -> tuple[int, int]:
        """Return byte in the file and physical line of ``offset``, which is still at hand."""
        before = self._text[: offset - self._dropped]
        byte = self._byte + self._measure(before.encode("latin-1"))
        return byte, self._lines + before.count("\n")

    def column(self, offset: int) -> int:
        """Return how many characters stand before ``offset``, still at hand, in its line."""
        before = self._text[: offset - self._dropped]
        line = before.rfind("\n") + 1
        known = 0 if line else self._column
        return known + self._characters(before[line:].encode("latin-1"))

    def walk(self) -> Generator[tuple[int, int] | None, bytes, None]:
        """Yield None to be sent the next bytes (none = the end), else a record's start and end.

        Raises:
            RefusedError: HX-1005 not JSON, HX-1006 the path is doubled, HX-5004 the path leads
                nowhere, HX-6001 a value is too long, HX-6003 too deep.
        """
        yield from self._space()
        yield from self._follow(self._path)
        yield from self._space()
        if self._pos < len(self._text):
            raise self._wrong("there is more after the end of the document", "HX-1005")

    def _follow(self, path: list[str]) -> Need:
        """Go along ``path`` from the value here, yield its records, and pass to its end."""
        char = self._char()
        if not path:
            if char == "[":
                yield from self._members("[", None)
            else:
                start = self._dropped + self._pos
                end = yield from self._value()
                yield start, end + self._dropped
                self._pos = end
            return 0
        if char != "{":
            raise self._wrong(f"no object with the key {path[0]!r} here", "HX-5004")
        if not (yield from self._members("{", path)):
            raise self._wrong(f"no key {path[0]!r} leads to the records", "HX-5004")
        return 0

    def _members(self, opening: str, path: list[str] | None) -> Need:
        """Pass over a container: yield elements, or go down where a key is the first of ``path``.

        Returns:
            how often the key was met.
        """
        closing = "]" if opening == "[" else "}"
        found = 0
        self._pos += 1
        yield from self._space()
        if self._char() == closing:
            self._pos += 1
            return found
        while True:
            found += yield from self._member(path, found)
            yield from self._space()
            char = self._char()
            if char not in (",", closing):
                raise self._wrong(f"not JSON: ',' or {closing!r} expected", "HX-1005")
            self._pos += 1
            if char == closing:
                return found
            yield from self._space()

    def _member(self, path: list[str] | None, found: int) -> Need:
        """Pass one element (no ``path``) or member; return 1 if its key is the one looked for."""
        if path is not None:
            key = yield from self._key()
            if key == path[0]:
                if found:
                    raise self._wrong(f"the key {key!r} stands twice", "HX-1006")
                yield from self._follow(path[1:])
                return 1
        start = self._dropped + self._pos
        end = yield from self._value()
        if path is None:
            yield start, end + self._dropped
        self._drop(end)
        return 0

    def _key(self) -> Generator[tuple[int, int] | None, bytes, object]:
        if self._char() != '"':
            raise self._wrong("not JSON: a key in quotes expected", "HX-1005")
        end = yield from self._value()
        written = self._text[self._pos : end].encode("latin-1").decode("utf-8", "replace")
        try:
            key = json.loads(written)
        except json.JSONDecodeError as error:
            raise self._wrong(f"not JSON: {error.msg}", "HX-1005") from error
        self._pos = end
        yield from self._space()
        if self._char() != ":":
            raise self._wrong("not JSON: ':' expected", "HX-1005")
        self._pos += 1
        yield from self._space()
        return key

    def _value(self) -> Need:
        """Return where the value here ends, reading on until it is whole."""
        while True:
            end = self._end_of_value()
            if end is not None:
                if end - self._pos > self._limit:
                    raise self._too_long()
                return end
            if len(self._text) - self._pos > self._limit + _KEPT:
                raise self._too_long()
            yield from self._more(max(len(self._text) - self._pos, 1))

    def _end_of_value(self) -> int | None:
        """Return where the value here ends; None if it may go on in the next block."""
        try:
            end = _SCAN(self._text, self._pos)[1]
        except json.JSONDecodeError as error:
            near = error.pos + _LONGEST_WORD >= len(self._text)
            if not self._ended and (near or error.msg.startswith("Unterminated string")):
                return None
            self._pos = error.pos
            raise self._wrong(f"not JSON: {error.msg}", "HX-1005") from error
        except RecursionError as error:
            raise self._wrong("nested too deep", "HX-6003") from error
        goes_on = end + _LONGEST_CUT > len(self._text) and not self._ended
        return None if goes_on else end

    def _space(self) -> Generator[tuple[int, int] | None, bytes, None]:
        while True:
            match = _SPACE.match(self._text, self._pos)
            self._pos = match.end() if match else self._pos
            if self._pos < len(self._text) or self._ended:
                return
            yield from self._more(1)

    def _more(self, least: int) -> Generator[tuple[int, int] | None, bytes, None]:
        """Ask for at least ``least`` further bytes."""
        blocks = [self._text]
        while least > 0:
            block = yield None
            if not block:
                self._ended = True
                break
            blocks.append(block.decode("latin-1"))
            least -= len(block)
        self._text = "".join(blocks)

    def _drop(self, end: int) -> None:
        """Forget what was read, once it is much."""
        self._pos = end
        if end > _KEPT:
            self._column = self.column(end + self._dropped)
            self._byte, self._lines = self.place(end + self._dropped)
            self._dropped += end
            self._text, self._pos = self._text[end:], 0

    def _char(self) -> str:
        if self._pos >= len(self._text):
            raise self._wrong("not JSON: the document ends too early", "HX-1005")
        return self._text[self._pos]

    def _too_long(self) -> RefusedError:
        return self._wrong(f"a record is longer than {self._limit} bytes", "HX-6001")

    def _wrong(self, message: str, code: str) -> RefusedError:
        before = self._text[: self._pos]
        column = self._pos - before.rfind("\n")
        line = self._lines + before.count("\n")
        return RefusedError(f"line {line}, column {column}: {message}", code=code)


def path_of(record: str | None) -> list[str]:
    """Return the keys of ``source.record``: a JSON pointer, or keys with dots between."""
    if not record:
        return []
    if record.startswith("/"):
        return [key.replace("~1", "/").replace("~0", "~") for key in record[1:].split("/")]
    return record.split(".")
