"""The delimiters of an interchange, told by its own first segment.

X12: the ISA segment has a fixed length (X12.5: 106 characters with its terminator), so that its
delimiters stand at known places. EDIFACT: the service string advice UNA, else the default set of
ISO 9735; the repetition separator exists from syntax version 4 on.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

from helixnet.errors import RefusedError

ISA_LENGTH: Final = 106
UNA_LENGTH: Final = 9
MOST_HEADER: Final = 64 * 1024  # characters of an envelope segment: it travels with every part
_ISA_PLACES: Final = (3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103)
_REPEATING: Final = "00402"  # ISA12 from which ISA11 is a separator
_REPEATING_VERSION: Final = 4  # of the syntax of EDIFACT
_NOTHING: Final = re.compile(rb"[\r\n \x1a]*")


@dataclass(frozen=True, slots=True)
class Standard:
    """The segments around messages.

    Args:
        name: x12 or edifact.
        interchange: opens and closes an interchange.
        group: opens and closes a functional group.
        message: opens and closes a message.
    """

    name: str
    interchange: tuple[str, str]
    group: tuple[str, str]
    message: tuple[str, str]

    @property
    def tags(self) -> tuple[str, ...]:
        """All six."""
        return (*self.interchange, *self.group, *self.message)


X12: Final = Standard("x12", ("ISA", "IEA"), ("GS", "GE"), ("ST", "SE"))
EDIFACT: Final = Standard("edifact", ("UNB", "UNZ"), ("UNG", "UNE"), ("UNH", "UNT"))
STANDARDS: Final = {"x12": X12, "edifact": EDIFACT}


@dataclass(frozen=True, eq=False)
class Syntax:
    """Delimiters, each one character (the terminator in its bytes perhaps several).

    ``release`` and ``repetition`` may be empty. The same delimiters are the same object, so that
    it is a quick key.
    """

    standard: Standard = field(repr=False)
    element: str
    component: str
    terminator: str
    release: str = ""
    repetition: str = ""

    @cached_property
    def first(self) -> re.Pattern[bytes]:
        """Matches an envelope segment's tag where a segment begins."""
        return re.compile(self._tags, re.DOTALL)

    @cached_property
    def next(self) -> re.Pattern[bytes]:
        """Finds a terminator and the tag of an envelope segment after it."""
        return re.compile(re.escape(self._bytes(self.terminator)) + self._tags, re.DOTALL)

    @cached_property
    def ending(self) -> bytes:
        """The terminator, as it is scanned."""
        return self._bytes(self.terminator)

    @property
    def _tags(self) -> bytes:
        """A terminator is in none of the runs, else many of them would be looked at many times."""
        before, within = self._run(b"\r\n\t "), self._run(b"\r\n")
        tags = b"|".join(within.join(map(_single, tag)) for tag in self.standard.tags)
        ends = b"".join(
            re.escape(self._bytes(one)) for one in (self.element, self.terminator, *self._nesting())
        )
        return before + b"(" + tags + b")(?=" + within + b"[" + ends + b"])"

    def _run(self, characters: bytes) -> bytes:
        """Match any number of these characters, if they end no segment."""
        return b"[" + re.escape(characters.translate(None, self.ending)) + b"]*"

    def _nesting(self) -> str:
        """A tag of EDIFACT may be followed by components that say where it is nested."""
        return self.component if self.standard is EDIFACT else ""

    @staticmethod
    def _bytes(character: str) -> bytes:
        return character.encode("latin-1")


def _single(character: str) -> bytes:
    return character.encode()


def not_this(standard: Standard, head: str) -> RefusedError:
    """Say that something else stands where an interchange must begin."""
    wanted = "ISA" if standard is X12 else "UNA or UNB"
    return RefusedError(
        f"an interchange begins with {wanted}, here stands {head[:10]!r}",
        code="HX-5004",
        hint=_hint(head),
    )


def _hint(head: str) -> str:
    if head.startswith("ISA"):
        return "this is X12: `format: x12`"
    if head.startswith(("UNA", "UNB")):
        return "this is EDIFACT: `format: edifact`"
    if head.startswith("STX"):
        return "this is TRADACOMS, which is not read"
    if head.startswith("UIB"):
        return "interactive EDIFACT (UIB) is not read"
    return ""


def skip_blanks(data: bytes, start: int) -> int:
    """Return where something stands after what may stand between interchanges."""
    match = _NOTHING.match(data, start)
    return match.end() if match else start


def isa_length(head: str) -> int:
    """Return how many bytes an ISA segment takes, with line ends that stand in it.

    Its terminator may be a character of several bytes: what follows is a tag, which is ASCII.
    """
    length = ISA_LENGTH
    while (breaks := sum(map(head[: length - 1].count, "\r\n"))) > length - ISA_LENGTH:
        length = ISA_LENGTH + breaks
    while head[length - 1 : length] >= "\x80" and head[length : length + 1] >= "\x80":
        length += 1
    return length


@lru_cache(maxsize=256)
def x12_syntax(header: str) -> Syntax:
    """Return the delimiters that an ISA segment of 106 characters gives.

    Raises:
        RefusedError: HX-5004 it is not laid out as ISA must be.
    """
    if len(header) > ISA_LENGTH:  # line ends are no data
        header = header.replace("\r", "").replace("\n", "")
    element, component, terminator = header[3:4], header[104:105], header[105:]
    places = tuple(n for n, one in enumerate(header[:104]) if one == element)
    if len(header) < ISA_LENGTH or places != _ISA_PLACES:
        raise RefusedError(
            "ISA has not the 16 elements of fixed length that tell the delimiters",
            code="HX-5004",
            hint="it is 106 characters long: every element is filled with blanks to its length",
        )
    repetition = header[82]
    if header[84:89] < _REPEATING or repetition.isalnum() or repetition == " ":
        repetition = ""
    if repetition in (element, component, terminator):
        repetition = ""
    return _syntax("x12", element, component, terminator, "", repetition)


@lru_cache(maxsize=256)
def edifact_syntax(advice: str, version: str) -> Syntax:
    """Return the delimiters of an EDIFACT interchange.

    Args:
        advice: the nine characters of UNA; empty without.
        version: syntax version number (0002 of UNB).

    Raises:
        RefusedError: HX-5004 UNA gives the same character twice, or a letter.
    """
    component, element, _, release, repetition, terminator = advice[3:] or ":+.?*'"
    repeats = version[:1].isdecimal() and int(version[:1]) >= _REPEATING_VERSION
    repetition = repetition.strip() if repeats else ""
    return _syntax("edifact", element, component, terminator, release.strip(), repetition)


@lru_cache(maxsize=256)
def _syntax(
    standard: str, element: str, component: str, terminator: str, release: str, repetition: str
) -> Syntax:
    used = [one for one in (element, component, terminator, release, repetition) if one]
    plain = any((one.isascii() and one.isalnum()) or one == " " for one in used)
    if plain or len(set(used)) < len(used):
        raise RefusedError(
            f"the delimiters {' '.join(map(repr, used))} can't be told apart, or from text",
            code="HX-5004",
        )
    return Syntax(STANDARDS[standard], element, component, terminator, release, repetition)
