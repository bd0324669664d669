"""Files to send, and what must come of each, worked out from the recipe and never by the engine.

A recipe is a few words in the log; whoever reads it makes the same bytes and the same expectation.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from tests.chaos.contexts import IDOC, idoc_document

Json = dict[str, Any]
ORDERS_HEADER: Final = "PO_NO;PO_DATE;CURRENCY;BUYER;NAME;LINE_NO;SKU;TEXT;QTY;UOM;PRICE\n"
LINES_HEADER: Final = "NO;SKU;QTY;PRICE\n"
GROUPED: Final = frozenset({"orders", "strict", "own"})
UNITS: Final = {"ST": "PCE", "KG": "KGM", "M": "MTR", "L": "LTR"}
CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One file to make.

    Args:
        kind: of :data:`KINDS`.
        number: makes its ids its own, and is the seed of its content.
        records: how many.
        faulty: one record in so many is bad; 0 = none.
    """

    kind: str
    number: int
    records: int
    faulty: int = 0

    @property
    def name(self) -> str:
        """A file name that no other recipe has."""
        return f"{self.kind}-{self.number:07}{'.idoc' if self.kind == 'idocs' else '.csv'}"


@dataclass(slots=True)
class Expected:
    """What must come of a file.

    Args:
        documents: in order.
        rejects: (first line, code of the first fault) in order.
    """

    documents: list[Json] = field(default_factory=list[Json])
    rejects: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    records: int = 0
    skipped: int = 0
    all_or_nothing: bool = False
    refused: bool = False

    @property
    def state(self) -> str:
        """Final state of a run that nobody cancels."""
        if self.refused or (self.all_or_nothing and self.rejects):
            return "FAILED"
        return "PARTIAL" if self.rejects else "COMPLETED"

    @property
    def shown(self) -> list[Json]:
        """The documents of the result: none of a failed run."""
        return [] if self.state == "FAILED" else self.documents


@dataclass(frozen=True, slots=True)
class Made:
    """A file and what must come of it."""

    content: bytes
    expected: Expected

    @property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.content).hexdigest()


def make(recipe: Recipe) -> Made:
    """Make the file of a recipe: the same one each time."""
    dice = random.Random(f"{recipe.kind}/{recipe.number}/{recipe.records}")  # noqa: S311 - no secret
    expected = Expected(all_or_nothing=recipe.kind == "strict")
    return Made(KINDS[recipe.kind](recipe, dice, expected).encode(), expected)


def _bad(recipe: Recipe, dice: random.Random) -> bool:
    return recipe.faulty > 0 and dice.randrange(recipe.faulty) == 0


def _german(value: Decimal) -> str:
    return f"{value:,}".replace(",", "_").replace(".", ",").replace("_", ".")


def _orders(recipe: Recipe, dice: random.Random, expected: Expected) -> str:
    """Orders of some lines each, the header repeated; some bad in one of three ways, some tests."""
    text, line = [ORDERS_HEADER], 2
    for n in range(recipe.records):
        expected.records += 1
        fault = dice.choice(("HX-1102", "HX-2002", "NO_LINES")) if _bad(recipe, dice) else ""
        test = not fault and dice.randrange(15) == 0
        order, lines = _order(f"{recipe.number}-{n}", dice, fault, test=test)
        text += lines
        if fault:
            expected.rejects.append((line, fault))
        elif test:
            expected.skipped += 1
        else:
            expected.documents.append(order)
        line += len(lines)
    return "".join(text)


def _order(number: str, dice: random.Random, fault: str, *, test: bool) -> tuple[Json, list[str]]:
    buyer = "TEST" if test else dice.choice(("C100", "C7", "C9"))
    order: Json = {
        "orderId": number,
        "orderDate": "2026-11-23",
        "currency": "EUR",
        "channel": "csv",
        "buyer": {"id": buyer, "name": f"Bär {buyer}"},
        "items": [],
    }
    if buyer == "C100":
        order["priority"] = 1
    lines: list[str] = []
    for position in range(10, 10 * dice.randint(2, 4), 10):
        quantity = Decimal(dice.randint(1, 9_999_999)).scaleb(-3)
        price = Decimal(dice.randint(1, 999_999)).scaleb(-2)
        unit = dice.choice(sorted(UNITS))
        amount = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        order["items"].append(
            {
                "lineNumber": position,
                "material": f"SKU-{position}",
                "description": f"thing {position}",
                "quantity": quantity,
                "unit": UNITS[unit],
                "netPrice": price,
                "amount": amount,
            }
        )
        written = {"HX-1102": "1x", "NO_LINES": "0"}.get(fault, _german(quantity))
        unit = "BOX" if fault == "HX-2002" else unit
        head = f"{number};23.11.2026;;{buyer};Bär {buyer};{position}"
        rest = f" sku-{position} ;thing {position};{written};{unit};{_german(price)}"
        lines.append(f"{head};{rest}\n")
    order["total"] = sum((item["amount"] for item in order["items"]), Decimal(0))
    return order, lines


def _lines(recipe: Recipe, dice: random.Random, expected: Expected) -> str:
    """One document a line."""
    text = [LINES_HEADER]
    for n in range(recipe.records):
        expected.records += 1
        quantity, price = dice.randint(1, 999), Decimal(dice.randint(1, 99_999)).scaleb(-2)
        number = f"{recipe.number}-{n}"
        if _bad(recipe, dice):
            expected.rejects.append((n + 2, "HX-1103"))
            text.append(f"{number};A{n};many;{price}\n")
            continue
        document = {"no": number, "sku": f"A{n}", "quantity": quantity, "price": price}
        expected.documents.append({**document, "amount": quantity * price})
        text.append(f"{number};a{n};{quantity};{price}\n")
    return "".join(text)


def _idocs(recipe: Recipe, dice: random.Random, expected: Expected) -> str:
    """Flat ORDERS05 IDocs one after another; a bad one has a unit that nobody knows."""
    text: list[str] = []
    line = 1
    for n in range(recipe.records):
        expected.records += 1
        control, number = recipe.number * 10_000 + n, f"{recipe.number}-{n}"[:35]
        quantity = dice.randint(1000, 9999)
        idoc = IDOC.format(control=control, number=number, quantity=quantity)
        if _bad(recipe, dice):
            idoc = idoc.replace("KG                KG ", "FAS               FAS")
            expected.rejects.append((line, "HX-2002"))
        else:
            expected.documents.append(idoc_document(control, number, quantity))
        text.append(idoc)
        line += idoc.count("\n")
    return "".join(text)


def _garbage(recipe: Recipe, dice: random.Random, expected: Expected) -> str:
    """No CSV of ours: the file as a whole is refused."""
    expected.refused = True
    return f"\x00\x01\x02{recipe.number}{dice.random()}"


KINDS: Final[dict[str, Callable[[Recipe, random.Random, Expected], str]]] = {
    "orders": _orders,
    "strict": _orders,
    "own": _orders,
    "lines": _lines,
    "idocs": _idocs,
    "garbage": _garbage,
}
