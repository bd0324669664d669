"""A small reader of COBOL copybooks for tests: fields with their bytes, as declarations of ours.

It is written for the copybooks of one corpus, and shares nothing with the reader that it tests.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

PIC = re.compile(r"PIC(?:TURE)?\s+(?:IS\s+)?(\S+)")
REPEAT = re.compile(r"(.)\((\d+)\)")
USAGE = re.compile(r"\b(COMP-?[0-9]?|COMPUTATIONAL(?:-[0-9])?|BINARY)\b")


@dataclass
class Item:
    """An item of a copybook.

    Args:
        kind: text, packed, zoned, binary or float; empty for a group.
        scale: implied digits after the point.
        factor: power of ten that the picture adds behind its digits (``9(5)PPP``).
    """

    level: int
    name: str
    kind: str = ""
    size: int = 0
    digits: int = 0
    scale: int = 0
    factor: int = 0
    signed: bool = False
    occurs: int = 1
    redefines: str = ""
    below: list["Item"] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Bytes of one occurrence."""
        if self.kind:
            return self.size
        return max(start + one.width * one.occurs for start, one in self.placed())

    def placed(self) -> Iterator[tuple[int, "Item"]]:
        """Yield the items below with their places; a redefinition may be the longer one."""
        place = 0
        places: dict[str, int] = {}
        for one in self.below:
            start = places[one.redefines] if one.redefines else place
            places[one.name] = start
            place = max(place, start + one.width * one.occurs)
            yield start, one


def read_copybook(text: str) -> Item:
    """Return the only record of a copybook."""
    lines = [line for line in text.splitlines() if not line.strip().startswith("*")]
    root = Item(0, "")
    open_ = [root]
    for sentence in re.split(r"\.(?=\s|$)", "\n".join(lines)):
        words = sentence.replace("\x1a", "").split()
        if not words:
            continue
        item = one_item(words)
        while open_[-1].level >= item.level:
            open_.pop()
        open_[-1].below.append(item)
        open_.append(item)
    return root.below[0]


def one_item(words: list[str]) -> Item:
    item = Item(int(words[0]), words[1].replace("-", "_"))
    rest = " ".join(words[2:])
    if found := re.search(r"REDEFINES (\S+)", rest):
        item.redefines = found[1].replace("-", "_")
    if found := re.search(r"OCCURS (\d+)", rest):
        item.occurs = int(found[1])
    usage = USAGE.search(rest)
    if picture := PIC.search(rest):
        measure(item, picture[1], usage[1] if usage else "", separate="SEPARATE" in rest)
    elif usage:
        item.kind, item.size = "float", 4 if usage[1] == "COMP-1" else 8
    return item


def measure(item: Item, picture: str, usage: str, *, separate: bool) -> None:
    """Work out what a picture holds, and in how many bytes."""
    plain = REPEAT.sub(lambda found: found[1] * int(found[2]), picture)
    if "X" in plain or "A" in plain:
        item.kind, item.size = "text", len(plain)
        return
    whole, _, fraction = plain.lstrip("S+-").rstrip("+-").replace(".", "V").partition("V")
    digits = sum(plain.count(char) for char in "9Z")
    item.scale, item.digits = len(fraction), digits
    if whole.startswith("P"):
        item.scale = len(whole)
    elif whole.endswith("P"):
        item.factor = whole.count("P")
    item.signed = plain.startswith("S") or "+" in plain or "-" in plain or separate
    if usage == "COMP-3":
        item.kind, item.size = "packed", digits // 2 + 1
    elif usage:
        item.kind, item.size = "binary", binary_size(digits)
    else:
        written = sum(plain.count(char) for char in "9Z.+-")
        item.kind, item.size = "zoned", written + separate


def binary_size(digits: int) -> int:
    """Return the bytes that hold so many digits, as the corpus counts them beyond 18."""
    for most, size in ((4, 2), (9, 4), (18, 8)):
        if digits <= most:
            return size
    return -(-((10**digits - 1).bit_length() + 1) // 8)


@dataclass(frozen=True)
class Leaf:
    """One field: its path in the source's JSON, its place and the item that it is of."""

    path: tuple[str | int, ...]
    start: int
    item: Item


def leaves(item: Item, start: int = 0, path: tuple[str | int, ...] = ()) -> Iterator[Leaf]:
    """Yield the fields of a record, those of redefinitions too, with the places of their bytes."""
    for place, one in item.placed():
        for number in range(one.occurs):
            at = start + place + number * one.width
            below = (*path, one.name, *([number] if one.occurs > 1 else []))
            if one.kind:
                yield Leaf(below, at, one)
            else:
                yield from leaves(one, at, below)
