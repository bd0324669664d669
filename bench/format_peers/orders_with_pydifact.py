"""A peer of W4: EDIFACT ORDERS by pydifact, mapped by hand with doubles, written by orjson."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from mapping import day
from pydifact.segmentcollection import Interchange

SERVICE = "UNA:+.? '"
Made = dict[str, Any]


def order(segments: Iterable[Any]) -> Made:
    """Map the segments of a message."""
    made: Made = {"items": []}
    for segment in segments:
        if segment.tag == "LIN":
            number, _, (material, _) = segment.elements
            made["items"].append({"lineNumber": int(number), "material": material, "schedule": []})
        elif made["items"]:
            of_line(made["items"][-1], segment.tag, segment.elements)
        else:
            of_head(made, segment.tag, segment.elements)
    return made


def of_head(made: Made, tag: str, elements: Any) -> None:
    """Map a segment before the lines."""
    if tag == "BGM":
        made["orderId"] = elements[1]
    elif tag == "DTM":
        made["orderDate"] = day(elements[0][1])
    elif tag == "NAD" and elements[0] == "BY":
        made["buyer"] = {"id": elements[1][0], "name": elements[3]}
    elif tag == "NAD":
        made["shipTo"] = {"id": elements[1][0]}
    elif tag == "CUX":
        made["currency"] = elements[0][1]


def of_line(line: Made, tag: str, elements: Any) -> None:
    """Map a segment of a line, or of one of its deliveries."""
    if tag == "IMD":
        line["description"] = elements[2][3]
    elif tag == "QTY" and elements[0][0] == "21":
        line["quantity"], line["unit"] = float(elements[0][1]), elements[0][2]
    elif tag == "QTY":
        line["schedule"].append({"quantity": float(elements[0][1])})
    elif tag == "DTM":
        line["schedule"][-1]["date"] = day(elements[0][1])
    elif tag == "PRI":
        line["netPrice"] = float(elements[0][1])


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    with target.open("wb") as out:
        for text in source.read_text("latin-1").split(SERVICE)[1:]:
            for message in Interchange.from_str(SERVICE + text).get_messages():
                made = order(message.segments)
                out.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))
