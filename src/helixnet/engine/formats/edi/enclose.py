"""Puts messages into envelopes again: those that they came in, with counts of what is left."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TypeAlias

from helixnet.engine.formats.edi.cut import piece
from helixnet.engine.formats.edi.envelope import reference_place, syntax_of
from helixnet.engine.formats.edi.syntax import STANDARDS, Standard, Syntax
from helixnet.engine.source import EnvelopeAt, OnceLine
from helixnet.errors import UsageError

Placed: TypeAlias = tuple[EnvelopeAt, str]
"""A message, and what was open around it."""


def enclosed(
    messages: Mapping[int, str], envelopes: Sequence[EnvelopeAt], standard: str, newline: str
) -> str:
    """Return a file of these messages.

    Args:
        messages: text by number in the file that they come from.
        envelopes: of that file.
        standard: x12 or edifact.
        newline: what stands after each segment of an envelope, and after each message.

    Raises:
        UsageError: the envelope of a message is not known.
    """
    placed = [(_around(number, envelopes), text) for number, text in sorted(messages.items())]
    found: list[str] = []
    for _, each in groupby(placed, key=lambda one: one[0]["segments"][0]["byte"]):
        found += _interchange(list(each), STANDARDS[standard])
    return "".join(text + newline for text in found)


def _around(number: int, envelopes: Sequence[EnvelopeAt]) -> EnvelopeAt:
    for envelope in envelopes:
        if envelope["first"] <= number <= envelope["last"]:
            return envelope
    raise UsageError(
        f"rejects can't be made a file again: the envelope of message {number} is not kept, "
        "because its file has many",
        hint="correct the file itself and send it anew",
    )


def _interchange(placed: Sequence[Placed], standard: Standard) -> Iterator[str]:
    syntax = syntax_of(placed[0][0]["segments"], standard)
    opened = _opened(placed[0][0], standard)
    yield from (one["text"] for one in opened)
    groups = 0
    for _, each in groupby(placed, key=lambda one: one[0]["segments"][len(opened) :]):
        group = list(each)
        opening = group[0][0]["segments"][len(opened) :]
        yield from (one["text"] for one in opening)
        yield from (text for _, text in group)
        for one in opening:
            groups += 1
            yield _closing(standard.group[1], len(group), one["text"], syntax)
    yield _closing(standard.interchange[1], groups or len(placed), opened[-1]["text"], syntax)


def _opened(envelope: EnvelopeAt, standard: Standard) -> Sequence[OnceLine]:
    """Return UNA, and ISA or UNB."""
    of_group = standard.group[0]
    return [one for one in envelope["segments"] if not one["text"].startswith(of_group)]


def _closing(tag: str, count: int, opening: str, syntax: Syntax) -> str:
    """Return the segment that closes, with the reference as the opening one has it written."""
    body = opening.removesuffix(syntax.terminator)
    place = reference_place(opening, syntax)
    start, end = piece(body, place, syntax.element, syntax, (0, len(body))) or (0, 0)
    parts = (tag, str(count), body[start:end])
    return syntax.element.join(parts) + syntax.terminator
