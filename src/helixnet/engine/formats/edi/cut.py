"""Cuts the text of a message into segments, and knows where each of them stands.

CR and LF are no data in X12 and EDIFACT: they are left out wherever they stand, unless they are
delimiters; so are blanks and tabs before a tag. A release character makes the next character text:
the delimiters that it covers are replaced by marks, so that text can be cut by the others, and put
back in the values that are taken.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from helixnet.engine.formats.edi.syntax import Syntax

_MARKS: Final = "\x80\x81\x82\x83\x84"  # they keep a text of one byte a character so
_PRIVATE: Final = range(0xE000, 0xF8FF)


class Cut(NamedTuple):
    """A message in segments.

    Args:
        segments: without terminators; blank ones too.
        lines: of each.
        marks: stand for released release character, element, component and repetition separator
            and terminator; empty when nothing is released.
    """

    segments: Sequence[str]
    lines: Sequence[int]
    marks: str = ""


def is_even(data: bytes, syntax: Syntax, newline: str) -> bool:
    """Tell whether segments begin with their tags.

    Args:
        data: of the file.
        syntax: its delimiters.
        newline: what ends a line; if it is empty no line may end in the data.
    """
    end, breaks = syntax.ending, {b"\r", b"\n"}
    inside = (*(breaks - {end}), end + b" ", end + b"\t")
    odd = (b"\n ", b"\n\t") if newline else inside
    return not any(each in data for each in odd)


def cut(text: str, syntax: Syntax, line: int, newline: str, *, even: bool = False) -> Cut:
    """Cut the text of a message, which ends with a terminator.

    Args:
        text: the message.
        syntax: its delimiters.
        line: its first line.
        newline: what ends a line; empty where each segment counts as one.
        even: :func:`is_even` of bytes that it is part of.
    """
    release, marks, wrapped = syntax.release, "", text
    if release and release in text:
        marks = _MARKS if text.isascii() else _unused(text)
        wrapped, text = text, _marked(text, syntax, marks)
        if not text:
            return _wrapped(wrapped, syntax, line, newline)
    segments = _even(text, syntax.terminator, newline) if even else ()
    if not segments:
        separator = _separator(text, syntax.terminator)
        if not separator:
            return _wrapped(wrapped, syntax, line, newline)
        segments = text[: -len(syntax.terminator)].split(separator)
    return Cut(segments, range(line, line + len(segments)), marks)


def _even(text: str, end: str, newline: str) -> Sequence[str]:
    """Return segments that stand on lines of their own, or not on lines; none if they do not."""
    segments = text[: -len(end)].split(end + newline)
    if not newline:
        return segments
    count = len(segments)
    returns = count - 1 if newline == "\r\n" else 0
    even = text.count(end) == count and text.count("\n") == count - 1
    return segments if even and text.count("\r") == returns else ()


def _marked(text: str, syntax: Syntax, marks: str) -> str:
    """Put marks in place of what is released; empty if a line ends after a release character."""
    release, known = syntax.release, _covers(syntax, marks)
    first, *rest = text.replace(release * 2, marks[0]).split(release)
    if "" in rest:  # a release character ends the text
        return covered(text, syntax, marks)
    if not {"\r", "\n"}.isdisjoint({each[0] for each in rest}):
        return ""
    return first + "".join([known.get(each[0], each[0]) + each[1:] for each in rest])


def _separator(text: str, end: str) -> str:
    """Return what stands between any two segments, if it is always the same and nowhere else."""
    if end + " " in text or end + "\t" in text or "\n " in text or "\n\t" in text:
        return ""
    if "\n" not in text and "\r" not in text:
        return end
    count = text.count(end)
    breaks = text.count("\n") - count if end == "\n" else text.count("\n")
    returns = text.count("\r") - count if end == "\r" else text.count("\r")
    if not breaks and not returns:
        return end
    between = count - 1
    if breaks != between or returns not in (0, between):
        return ""
    separator = end + ("\r\n" if returns else "\n")
    return separator if text.count(separator) == between else ""


def _wrapped(text: str, syntax: Syntax, line: int, newline: str) -> Cut:
    """Cut a message whose line ends stand anywhere."""
    raws = [text[start:end] for start, end in spans(text, syntax)]
    marks = _unused(text) if syntax.release and syntax.release in text else ""
    lines: list[int] = []
    for number, raw in enumerate(raws):
        lead = raw[: len(raw) - len(raw.lstrip("\r\n \t"))]
        lines.append(line + lead.count("\n") if newline else line + number)
        line += raw.count("\n") if newline else 0
    clean = [raw.replace("\r", "").replace("\n", "").lstrip(" \t") for raw in raws]
    return Cut([covered(one, syntax, marks) if marks else one for one in clean], lines, marks)


def spans(text: str, syntax: Syntax) -> list[tuple[int, int]]:
    """Return where each segment of a message begins and ends, line ends before it included."""
    found: list[tuple[int, int]] = []
    start = 0
    for match in _tokens(syntax).finditer(text):
        if match[0] == syntax.terminator:
            found.append((start, match.start()))
            start = match.end()
    if text[start:].strip("\r\n"):
        found.append((start, len(text)))
    return found


def pieces(text: str, separator: str, syntax: Syntax) -> Iterator[tuple[int, int]]:
    """Yield where each piece of a raw text stands between separators that are not released."""
    start = 0
    for match in _tokens(syntax).finditer(text):
        if match[0] == separator:
            yield start, match.start()
            start = match.end()
    yield start, len(text)


def piece(
    text: str, number: int, separator: str, syntax: Syntax, within: tuple[int, int]
) -> tuple[int, int] | None:
    """Return where piece ``number`` (from 0) of a part of a text stands; None if there is none."""
    start, end = within
    found = next(islice(pieces(text[start:end], separator, syntax), number, None), None)
    return (start + found[0], start + found[1]) if found else None


@lru_cache(maxsize=64)
def _tokens(syntax: Syntax) -> re.Pattern[str]:
    """Match a delimiter, or a release character with what it covers."""
    one = [syntax.terminator, syntax.element, syntax.component, syntax.repetition]
    ends = "|".join(re.escape(each) for each in one if each)
    if not syntax.release:
        return re.compile(ends)
    return re.compile(rf"{re.escape(syntax.release)}[\r\n]*[\s\S]|{ends}")


@lru_cache(maxsize=64)
def _released(syntax: Syntax, marks: str) -> tuple[tuple[str, str, str], ...]:
    """Return each mark, the delimiter that it stands for, and how that is released."""
    one = syntax
    delimiters = (one.release, one.element, one.component, one.repetition, one.terminator)
    pairs = zip(marks, delimiters, strict=True)
    return tuple((mark, each, one.release + each) for mark, each in pairs if each)


@lru_cache(maxsize=64)
def _covers(syntax: Syntax, marks: str) -> dict[str, str]:
    return {one: mark for mark, one, _ in _released(syntax, marks)}


def covered(text: str, syntax: Syntax, marks: str) -> str:
    """Put marks in place of released delimiters, and leave release characters out."""
    known = _covers(syntax, marks)
    first, *rest = text.split(syntax.release)
    found, left = [first], iter(rest)
    for each in left:
        if each:
            found.append(known.get(each[0], each[0]))
            found.append(each[1:])
        else:  # two release characters: the first releases the second
            found.append(marks[0])
            found.append(next(left, ""))
    return "".join(found)


def raised(text: str, syntax: Syntax, marks: str) -> str:
    """Put released characters back as they stood in the file, with their release character."""
    for mark, _, written in _released(syntax, marks):
        text = text.replace(mark, written)
    return text


def plain(text: str, syntax: Syntax, marks: str) -> str:
    """Put released characters back as the text that they are."""
    for mark, one, _ in _released(syntax, marks):
        text = text.replace(mark, one)
    return text


def _unused(text: str) -> str:
    """Return five characters that a text does not have."""
    if not any(mark in text for mark in _MARKS):
        return _MARKS
    known = set(text)
    return "".join(islice((chr(code) for code in _PRIVATE if chr(code) not in known), 5))
