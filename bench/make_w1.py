"""Make the W1 file: CSV order lines as an SAP list export writes them. Same seed, same bytes."""

import random
import sys
from pathlib import Path

HEADER = "VBELN;POSNR;ERDAT;KUNNR;NAME1;LAND1;MATNR;ARKTX;KWMENG;VRKME;NETPR;WAERK\n"
NAMES = [
    "Müller GmbH",
    "Nordwind AG",
    "Œuvres & Fils",
    'Fa. "Holz; Stein"',
    "Bär KG",
    "Łódź Sp. z o.o.",
]
TEXTS = [
    "Schraube M8 verzinkt",
    "Kabel 3x1,5 mm²",
    "Öl 5W-30; 5 l",
    "Platte 12 mm",
    "Ventil ½ Zoll",
]


def number(value: int, scale: int) -> str:
    """Write an integer of 10^-scale units with decimal comma and thousands dots."""
    whole, fraction = divmod(value, 10**scale)
    return f"{whole:,}".replace(",", ".") + f",{fraction:0{scale}d}"


def quoted(text: str) -> str:
    """Quote a cell where CSV needs it."""
    return '"' + text.replace('"', '""') + '"' if ";" in text or '"' in text else text


def day(chance: random.Random) -> str:
    """Write some day of three years as Germans do."""
    year, month, date = (
        chance.randrange(2024, 2027),
        chance.randrange(1, 13),
        chance.randrange(1, 29),
    )
    return f"{date:02d}.{month:02d}.{year}"


def line(row: int, chance: random.Random) -> str:
    """Make one order line; four lines an order."""
    price = chance.choice((chance.randrange(1, 10_000), chance.randrange(1, 5_000_000)))
    cells = (
        f"{4_500_000_000 + row // 4}",
        f"{(row % 4 + 1) * 10:06d}",
        day(chance),
        f"{chance.randrange(1, 99999):010d}",
        quoted(chance.choice(NAMES)),
        chance.choice(("DE", "AT", "CH", "FR", "NL", "")),
        f"{chance.randrange(1, 9_999_999):018d}",
        quoted(chance.choice(TEXTS)),
        number(chance.randrange(1, 5_000_000), 3),
        chance.choice(("ST", "KG", "M", "KAR", "PAL")),
        number(price, 2),
        chance.choice(("EUR", "EUR", "USD", "CHF")),
    )
    return ";".join(cells) + "\n"


def make(path: Path, rows: int) -> None:
    """Write ``rows`` lines and a header to ``path``."""
    chance = random.Random(20261123)  # noqa: S311 - test data, not a secret
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        file.writelines(line(row, chance) for row in range(rows))


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
