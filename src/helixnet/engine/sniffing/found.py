"""What is told of a file, and how sure it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

HEAD: Final = 1024 * 1024  # bytes of a file that are looked at

Yaml: TypeAlias = "str | int | bool | Sequence[Yaml] | Mapping[str, Yaml]"

CERTAIN, LIKELY, GUESSED = "certain", "likely", "a guess"


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file.

    Args:
        data: its first bytes, unpacked.
        whole: they are all.
    """

    data: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Text:
    """The beginning of a file of text.

    Args:
        text: without byte order mark.
        encodings: for ``source.encoding``, in order.
        sure: of the encoding.
        whole: it is all of the file.
    """

    text: str
    encodings: Sequence[str]
    sure: str
    whole: bool

    def lines(self) -> list[str]:
        """Return the whole lines that are not empty."""
        text = self.text.replace("\r\n", "\n")
        lines = text.replace("\r", "\n").split("\n") if "\n" not in text else text.split("\n")
        if not self.whole and len(lines) > 1:
            lines.pop()
        return [line for line in lines if line]


@dataclass(slots=True)
class Found:
    """What a file is.

    Args:
        format: as ``source.format`` has it.
        sure: certain, likely or a guess.
        source: the members of a starting ``source:`` besides the format.
        facts: what else is told, by a short name.
        open: what can't be told, in words.
        rows: rows, records or segments that were looked at.
    """

    format: str
    sure: str
    source: dict[str, Yaml] = field(default_factory=dict[str, Yaml])
    facts: dict[str, str] = field(default_factory=dict[str, str])
    open: list[str] = field(default_factory=list[str])
    rows: int = 0


class UnknownError(Exception):
    """The file is nothing that is known.

    Args:
        looked: what was looked for, in words.
        hint: what a person may do.
    """

    def __init__(self, looked: Sequence[str], hint: str = "") -> None:
        super().__init__("; ".join(looked))
        self.looked = looked
        self.hint = hint
