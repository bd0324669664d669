"""A peer of W5: lxml's iterparse, mapped by hand with doubles, written by orjson."""

import sys
from pathlib import Path

import orjson
from lxml import etree
from mapping import order

if __name__ == "__main__":
    source, target = sys.argv[1:]
    with Path(target).open("wb") as out:
        for _, idoc in etree.iterparse(source, tag="IDOC"):
            out.write(orjson.dumps(order(idoc), option=orjson.OPT_APPEND_NEWLINE))
            idoc.clear()
            while idoc.getprevious() is not None:
                del idoc.getparent()[0]
