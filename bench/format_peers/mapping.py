"""The map of W5 by hand, over elements as xml.etree and lxml have them."""

from collections.abc import Iterable
from typing import Any

UNITS = {"ST": "PCE", "KG": "KGM", "M": "MTR", "L": "LTR"}


def day(text: str) -> str:
    """Write YYYYMMDD as ISO 8601."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def picked(elements: Iterable[Any], name: str, value: str) -> dict[str, str]:
    """Return the texts of the element whose child ``name`` has the text ``value``."""
    for element in elements:
        fields = {child.tag: child.text for child in element}
        if fields[name] == value:
            return fields
    raise LookupError(value)


def item(element: Any) -> dict[str, object]:
    """Map a line."""
    fields, schedule, materials = {}, [], []
    for child in element:
        if child.tag == "E1EDP20":
            schedule.append(
                {
                    "date": day(child.findtext("EDATU")),
                    "quantity": float(child.findtext("WMENG")),
                }
            )
        elif child.tag == "E1EDP19":
            materials.append(child)
        else:
            fields[child.tag] = child.text
    material = picked(materials, "QUALF", "002")
    return {
        "lineNumber": int(fields["POSEX"]),
        "material": material["IDTNR"].lstrip("0"),
        "description": material["KTEXT"],
        "quantity": float(fields["MENGE"]),
        "unit": UNITS[fields["MENEE"]],
        "netPrice": float(fields["VPREI"]),
        "schedule": schedule,
    }


def order(idoc: Any) -> dict[str, object]:
    """Map a document."""
    head = idoc.find("E1EDK01")
    partners = idoc.findall("E1EDKA1")
    buyer = picked(partners, "PARVW", "AG")
    return {
        "orderId": head.findtext("BELNR"),
        "orderDate": day(picked(idoc.findall("E1EDK03"), "IDDAT", "012")["DATUM"]),
        "currency": head.findtext("CURCY"),
        "controlNumber": idoc.findtext("EDI_DC40/DOCNUM").lstrip("0"),
        "buyer": {"id": buyer["PARTN"].lstrip("0"), "name": buyer["NAME1"]},
        "shipTo": {"id": picked(partners, "PARVW", "WE")["PARTN"].lstrip("0")},
        "items": [item(element) for element in idoc.findall("E1EDP01")],
    }
