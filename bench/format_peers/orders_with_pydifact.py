"""A peer of W4: EDIFACT ORDERS by pydifact, mapped by hand with doubles, written by orjson."""

import sys

import orjson
from pydifact.segmentcollection import Interchange

SERVICE = "UNA:+.? '"


def day(text):
    """Write YYYYMMDD as ISO 8601."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def order(segments):
    """Map the segments of a message."""
    made, item, delivery = {"items": []}, None, None
    for segment in segments:
        tag, elements = segment.tag, segment.elements
        if tag == "BGM":
            made["orderId"] = elements[1]
        elif tag == "DTM":
            if item is None:
                made["orderDate"] = day(elements[0][1])
            else:
                delivery["date"] = day(elements[0][1])
        elif tag == "NAD" and elements[0] == "BY":
            made["buyer"] = {"id": elements[1][0], "name": elements[3]}
        elif tag == "NAD":
            made["shipTo"] = {"id": elements[1][0]}
        elif tag == "CUX":
            made["currency"] = elements[0][1]
        elif tag == "LIN":
            item = {"lineNumber": int(elements[0]), "material": elements[2][0], "schedule": []}
            made["items"].append(item)
        elif tag == "IMD":
            item["description"] = elements[2][3]
        elif tag == "QTY" and elements[0][0] == "21":
            item["quantity"], item["unit"] = float(elements[0][1]), elements[0][2]
        elif tag == "QTY":
            delivery = {"quantity": float(elements[0][1])}
            item["schedule"].append(delivery)
        elif tag == "PRI":
            item["netPrice"] = float(elements[0][1])
    return made


if __name__ == "__main__":
    source, target = sys.argv[1:]
    with open(source, encoding="latin-1") as file, open(target, "wb") as out:
        for text in file.read().split(SERVICE)[1:]:
            for message in Interchange.from_str(SERVICE + text).get_messages():
                made = order(message.segments)
                out.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))
