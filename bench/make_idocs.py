"""ORDERS05 of made orders, flat and as XML: the same documents."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from bench import make_orders
from bench.make_orders import Line, Order, orders
from helixnet.engine.context.model import Mark, Source
from helixnet.engine.formats.idoc.grammar import CONTROL, load_idoc

Segment = tuple[str, Mapping[str, str], list["Segment"]]


def segments_of(order: Order) -> list[Segment]:
    """Return what an order is in an IDoc, without its control record."""
    return [
        ("E1EDK01", {"CURCY": order.currency, "BSART": "NB", "BELNR": order.id}, []),
        ("E1EDK14", {"QUALF": "014", "ORGID": "1000"}, []),
        ("E1EDK03", {"IDDAT": "012", "DATUM": order.day}, []),
        ("E1EDK03", {"IDDAT": "002", "DATUM": order.lines[0].deliveries[0].day}, []),
        _partner("AG", order.buyer, order.buyer_name, order.town),
        _partner("LF", "300001", "Nordsee Handel GmbH", "Bremen"),
        _partner("WE", order.ship_to, order.buyer_name, order.town),
        ("E1EDK02", {"QUALF": "001", "BELNR": f"PO-{order.serial}", "DATUM": order.day}, []),
        *map(_item, order.lines),
        ("E1EDS01", {"SUMID": "001", "SUMME": str(len(order.lines))}, []),
    ]


def _partner(role: str, number: str, name: str, town: str) -> Segment:
    fields = {"PARVW": role, "PARTN": number.rjust(10, "0"), "NAME1": name, "ORT01": town}
    return ("E1EDKA1", fields | {"LAND1": "DE"}, [])


def _item(line: Line) -> Segment:
    fields = {
        "POSEX": f"{line.number:06d}",
        "ACTION": "001",
        "MENGE": str(line.quantity),
        "MENEE": line.unit,
        "VPREI": str(line.price),
        "PEINH": "1",
        "WERKS": "1000",
    }
    below: list[Segment] = [
        ("E1EDP20", {"WMENG": str(each.quantity), "EDATU": each.day}, [])
        for each in line.deliveries
    ]
    own, ours = line.material.rjust(18, "0"), f"KD-{line.material}"
    below += [
        ("E1EDP19", {"QUALF": "001", "IDTNR": ours}, []),
        ("E1EDP19", {"QUALF": "002", "IDTNR": own, "KTEXT": line.text}, []),
    ]
    return ("E1EDP01", fields, below)


def wanted(order: Order) -> dict[str, object]:
    """Return the document that our context has to make of an order."""
    return make_orders.wanted(order) | {"controlNumber": _control(order)["DOCNUM"].lstrip("0")}


def _control(order: Order) -> dict[str, str]:
    return {
        "TABNAM": "EDI_DC40",
        "MANDT": "800",
        "DOCNUM": f"{4_711_000_000 + order.serial:016d}",
        "DOCREL": "756",
        "STATUS": "30",
        "DIRECT": "2",
        "IDOCTYP": "ORDERS05",
        "MESTYP": "ORDERS",
        "SNDPOR": "SAPERP",
        "SNDPRT": "LS",
        "SNDPRN": "ERPCLNT800",
        "RCVPOR": "HELIX",
        "RCVPRT": "KU",
        "RCVPRN": order.buyer.rjust(10, "0"),
        "CREDAT": order.day,
        "CRETIM": "101500",
    }


def flat(path: Path, count: int) -> None:
    """Write flat IDocs, blanks at the end of a record cut."""
    grammar = load_idoc(Source("idoc", Mark("", 0, 0), type="ORDERS05"), {})
    places = {name: grammar.fields(name) for name in grammar.segments}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for order in orders(count):
            control = _control(order)
            file.write(_record(control, places[CONTROL], "") + "\n")
            numbers = iter(range(1, 1000))
            for parent, level, number, name, fields in _walk(segments_of(order), numbers):
                head = (
                    f"{'E2' + name[2:]:30}800{control['DOCNUM']}{number:06d}{parent:06d}{level:02d}"
                )
                file.write(_record(fields, places[name], head) + "\n")


def _walk(
    segments: list[Segment], numbers: Iterator[int], parent: int = 0, level: int = 1
) -> Iterator[tuple[int, int, int, str, Mapping[str, str]]]:
    for name, fields, below in segments:
        number = next(numbers)
        yield parent, level, number, name, fields
        yield from _walk(below, numbers, number, level + 1)


def _record(fields: Mapping[str, str], places: Mapping[str, tuple[int, int]], head: str) -> str:
    row = head
    for start, end, value in sorted((*places[name], value) for name, value in fields.items()):
        row = row.ljust(start) + value[: end - start]
    return row


def xml(path: Path, count: int) -> None:
    """Write one XML document with an IDOC element an order."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<ORDERS05>\n')
        for order in orders(count):
            control = _element((CONTROL, _control(order), []))
            inner = "".join(map(_element, segments_of(order)))
            file.write(f'<IDOC BEGIN="1">{control}{inner}</IDOC>\n')
        file.write("</ORDERS05>\n")


def _element(segment: Segment) -> str:
    name, fields, below = segment
    inner = "".join(f"<{field}>{escape(value)}</{field}>" for field, value in fields.items())
    return f'<{name} SEGMENT="1">{inner}{"".join(map(_element, below))}</{name}>'
