"""A peer of W5: one IDoc at a time by xml.etree, mapped by hand with doubles, by orjson."""

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import XML, Element

import orjson
from mapping import order

BLOCK = 1 << 20
BEGIN, END = b"<IDOC", b"</IDOC>"


def idocs(path: Path) -> Iterator[Element]:
    """Cut the file at its end tags, which comments and CDATA may not hold."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            *whole, rest = (rest + block).split(END)
            for text in whole:
                yield XML(text[text.index(BEGIN) :] + END)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    with target.open("wb") as out:
        for idoc in idocs(source):
            made = order(idoc)
            out.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))
