"""Purchase orders by chance, the same for every format and every run; and as nested JSON.

An order has 2 to 8 lines, a line 1 to 3 deliveries; no order's number is there twice.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

UNITS: Final = ("ST", "KG", "M", "L")
NAMES: Final = ("Müller & Söhne GmbH", "Nordwind AG", "Bär KG", "O'Neill Ltd", "Łódź Sp. z o.o.")
TOWNS: Final = ("Würzburg", "Bremen", "Ochsenfurt", "Limerick", "Łódź")
TEXTS: Final = ("Schraube M8 verzinkt", "Kabel 3x1,5 mm", "Öl 5W-30", "Platte 12 mm", "Ventil")


@dataclass(frozen=True, slots=True)
class Delivery:
    """When how much of a line is wanted."""

    day: str  # YYYYMMDD
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """What is ordered; the quantity is that of all deliveries."""

    number: int
    material: str
    text: str
    unit: str
    price: Decimal
    deliveries: tuple[Delivery, ...]

    @property
    def quantity(self) -> Decimal:
        """The sum of what is delivered."""
        return sum((each.quantity for each in self.deliveries), Decimal(0))


@dataclass(frozen=True, slots=True)
class Order:
    """One purchase order; ``serial`` counts them from 0."""

    serial: int
    day: str
    currency: str
    buyer: str
    buyer_name: str
    ship_to: str
    town: str
    lines: tuple[Line, ...]

    @property
    def id(self) -> str:
        """Its number, unlike any other."""
        return str(4_500_000_000 + self.serial)


def orders(count: int) -> Iterator[Order]:
    """Make ``count`` orders."""
    chance = random.Random(20261127)  # noqa: S311 - test data, not a secret
    for serial in range(count):
        yield _order(serial, chance)


def _order(serial: int, chance: random.Random) -> Order:
    return Order(
        serial,
        _day(chance),
        chance.choice(("EUR", "EUR", "USD", "CHF")),
        str(chance.randrange(100_000, 999_999)),
        chance.choice(NAMES),
        str(chance.randrange(100_000, 999_999)),
        chance.choice(TOWNS),
        tuple(_line(10 * n, chance) for n in range(1, chance.randrange(2, 9) + 1)),
    )


def _line(number: int, chance: random.Random) -> Line:
    deliveries = tuple(
        Delivery(_day(chance), Decimal(chance.randrange(1, 5_000_000)).scaleb(-3))
        for _ in range(chance.randrange(1, 4))
    )
    return Line(
        number,
        str(chance.randrange(1_000_000, 9_999_999)),
        f"{chance.choice(TEXTS)} {chance.randrange(100)}",
        chance.choice(UNITS),
        Decimal(chance.randrange(1, 500_000)).scaleb(-2),
        deliveries,
    )


def _day(chance: random.Random) -> str:
    year, month, day = (
        chance.randrange(2025, 2028),
        chance.randrange(1, 13),
        chance.randrange(1, 29),
    )
    return f"{year}{month:02d}{day:02d}"


UNIT_CODES: Final = {"ST": "PCE", "KG": "KGM", "M": "MTR", "L": "LTR"}


def wanted(order: Order) -> dict[str, object]:
    """Return the document that every format's context has to make of an order."""
    return {
        "orderId": order.id,
        "orderDate": iso(order.day),
        "currency": order.currency,
        "buyer": {"id": order.buyer, "name": order.buyer_name},
        "shipTo": {"id": order.ship_to},
        "items": [
            {
                "lineNumber": line.number,
                "material": line.material,
                "description": line.text,
                "quantity": float(line.quantity),
                "unit": UNIT_CODES[line.unit],
                "netPrice": float(line.price),
                "schedule": [
                    {"date": iso(each.day), "quantity": float(each.quantity)}
                    for each in line.deliveries
                ],
            }
            for line in order.lines
        ],
    }


def nested_json(path: Path, count: int) -> None:
    """Write orders as nested JSON, one a line, as web shops send them."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for order in orders(count):
            file.write(json.dumps(_document(order), ensure_ascii=False) + "\n")


def _document(order: Order) -> dict[str, object]:
    return {
        "id": order.id,
        "date": iso(order.day),
        "currency": order.currency,
        "channel": "shop",
        "buyer": {"id": order.buyer, "name": order.buyer_name, "town": order.town},
        "shipTo": {"id": order.ship_to, "town": order.town},
        "tags": ["web", "b2b"],
        "lines": [
            {
                "number": line.number,
                "material": line.material,
                "text": line.text,
                "quantity": float(line.quantity),
                "unit": line.unit,
                "price": float(line.price),
                "gift": False,
                "deliveries": [
                    {"date": iso(each.day), "quantity": float(each.quantity)}
                    for each in line.deliveries
                ],
            }
            for line in order.lines
        ],
    }


def iso(day: str) -> str:
    """Write YYYYMMDD as ISO 8601."""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"
