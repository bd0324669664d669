"""X12 850 and EDIFACT ORDERS of made orders, a hundred messages an interchange, in ASCII."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from bench import make_orders
from bench.make_orders import Line, Order, orders

EACH: Final = 100
X12_UNITS: Final = {"ST": "EA", "KG": "KG", "M": "MR", "L": "LT"}
EDIFACT_UNITS: Final = {"ST": "PCE", "KG": "KGM", "M": "MTR", "L": "LTR"}
_FOREIGN: Final = str.maketrans({"Ł": "L", "ł": "l"})


def plain(text: str) -> str:
    """Write a text with letters of ASCII."""
    parts = unicodedata.normalize("NFD", text.translate(_FOREIGN))
    return parts.encode("ascii", "ignore").decode()


def wanted(order: Order) -> dict[str, object]:
    """Return the document that our context has to make of a message of X12."""
    names = {"buyer_name": plain(order.buyer_name)}
    lines = tuple(replace(line, text=plain(line.text)) for line in order.lines)
    return make_orders.wanted(replace(order, lines=lines, **names))


def wanted_of_edifact(order: Order) -> dict[str, object]:
    """Return the document that our context has to make of a message of EDIFACT."""
    lines = tuple(replace(line, text=text_of(line)) for line in order.lines)
    return wanted(replace(order, lines=lines))


def _packed(count: int) -> Iterator[list[Order]]:
    left = orders(count)
    while packed := list(islice(left, EACH)):
        yield packed


def x12(path: Path, count: int) -> None:
    """Write X12 850, version 004010."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        for number, packed in enumerate(_packed(count), 1):
            head = f"ISA*00*          *00*          *ZZ*{'HELIX':15}*ZZ*{'ERPCLNT800':15}"
            file.write(f"{head}*261127*1015*U*00401*{number:09d}*0*P*>~\n")
            file.write(f"GS*PO*HELIX*ERPCLNT800*20261127*1015*{number}*X*004010~\n")
            for place, order in enumerate(packed, 1):
                segments = list(_of_850(order))
                file.write(f"ST*850*{place:04d}~\n" + "~\n".join(segments))
                file.write(f"~\nSE*{len(segments) + 2}*{place:04d}~\n")
            file.write(f"GE*{len(packed)}*{number}~\nIEA*1*{number:09d}~\n")


def _of_850(order: Order) -> Iterator[str]:
    yield f"BEG*00*NE*{order.id}**{order.day}"
    yield f"CUR*BY*{order.currency}"
    yield f"REF*CO*PO-{order.serial}"
    yield f"N1*BY*{plain(order.buyer_name)}*92*{order.buyer}"
    yield f"N4*{plain(order.town)}***DE"
    yield f"N1*ST*{plain(order.buyer_name)}*92*{order.ship_to}"
    yield f"N4*{plain(order.town)}***DE"
    for line in order.lines:
        yield from _of_line(line)
    yield f"CTT*{len(order.lines)}"


def _of_line(line: Line) -> Iterator[str]:
    unit = X12_UNITS[line.unit]
    quantity = f"PO1*{line.number}*{line.quantity}*{unit}*{line.price}*PE"
    yield f"{quantity}*VP*{line.material}*BP*KD-{line.material}"
    yield f"PID*F****{plain(line.text)}"
    for each in line.deliveries:
        yield f"SCH*{each.quantity}*{unit}***002*{each.day}"


def edifact(path: Path, count: int) -> None:
    """Write EDIFACT ORDERS D.96A with UNA and release characters."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        for number, packed in enumerate(_packed(count), 1):
            file.write("UNA:+.? '\n")
            file.write(f"UNB+UNOC:3+HELIX:14+ERPCLNT800:14+261127:1015+{number}'\n")
            for place, order in enumerate(packed, 1):
                segments = list(_of_orders(order))
                file.write(f"UNH+{place}+ORDERS:D:96A:UN'\n" + "'\n".join(segments))
                file.write(f"'\nUNT+{len(segments) + 2}+{place}'\n")
            file.write(f"UNZ+{len(packed)}+{number}'\n")


def _of_orders(order: Order) -> Iterator[str]:
    yield f"BGM+220+{order.id}+9"
    yield f"DTM+137:{order.day}:102"
    yield f"RFF+CO:PO-{order.serial}"
    yield f"NAD+BY+{order.buyer}::92++{released(plain(order.buyer_name))}"
    yield f"NAD+DP+{order.ship_to}::92++{released(plain(order.buyer_name))}++{plain(order.town)}"
    yield f"CUX+2:{order.currency}:9"
    for line in order.lines:
        yield f"LIN+{line.number}++{line.material}:SA"
        yield f"PIA+1+KD-{line.material}:BP"
        yield f"IMD+F++:::{released(text_of(line))}"
        yield f"QTY+21:{line.quantity}:{EDIFACT_UNITS[line.unit]}"
        yield f"PRI+AAA:{line.price}"
        for each in line.deliveries:
            yield "SCC+1"
            yield f"QTY+113:{each.quantity}"
            yield f"DTM+2:{each.day}:102"
    yield "UNS+S"
    yield f"CNT+2:{len(order.lines)}"


def text_of(line: Line) -> str:
    """Return the text of a line with characters that EDIFACT has to release."""
    return f"{plain(line.text)}: +{line.number}' per m?"


def released(text: str) -> str:
    """Write ``?`` before each character that separates."""
    return "".join(f"?{char}" if char in "?:+'" else char for char in text)
