"""W1: CSV order lines to nested JSON, schema-checked, beside peers in the same run."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.stack.provisioning import CannotProvisionError

from bench import benthos
from bench.make_w1 import make
from bench.measure import Cost, middle, turns
from bench.peers import environment

HERE = Path(__file__).resolve().parent
CONTEXT = HERE / "w1" / "context.yaml"
SCHEMA = HERE / "w1" / "order-line.schema.json"
MB = 1_000_000
Row = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: lines of each file, and how often."""

    lines: int
    peer_lines: int  # of Jinja2 and Benthos, which are slow
    large: int
    times: int


SIZES = {True: Sizes(100_000, 5_000, 0, 2), False: Sizes(500_000, 20_000, 5_000_000, 5)}


@dataclass(frozen=True, slots=True)
class Rates:
    """Rows a CPU-second of whole processes, start-up included."""

    lines: int
    costs: dict[str, Cost]

    def of(self, name: str) -> float:
        """Return the rate of one of the programs."""
        return self.lines / self.costs[name].cpu

    def words(self, name: str) -> str:
        """Return the rate of one of ours with its peak of memory."""
        return f"{self.of(name):,.0f} (peak {self.costs[name].peak / MB:.0f} MB)"


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder for a file and what is made of it."""
    with tempfile.TemporaryDirectory(prefix="helixnet-bench-") as name:
        yield Path(name)


def programs(place: Path, source: Path) -> dict[str, list[str]]:
    """Return the commands that read ``source``; each writes to standard output or to a file."""
    rest = [str(CONTEXT), str(source), "--rejects", str(place / "rejects.ndjson")]
    duckdb = environment("table_peers", "DuckDB") / "bin" / "python"
    peer = str(HERE / "table_peers" / "with_duckdb.py")
    return {
        "columns": [sys.executable, "-m", "helixnet", "run", *rest],
        "rows": [sys.executable, str(HERE / "by_rows.py"), "run", *rest],
        "duckdb": [str(duckdb), peer, str(source), str(place / "duckdb.ndjson")],
        "polars": [
            sys.executable,
            str(HERE / "peer_polars.py"),
            str(source),
            str(place / "polars.ndjson"),
        ],
    }


def measure(lines: int, names: tuple[str, ...], *, times: int) -> Rates:
    """Run programs in turn over one file; none of our lines may be a reject."""
    with folder() as place:
        source = place / "w1.csv"
        make(source, lines)
        known = programs(place, source)
        costs = turns({name: known[name] for name in names}, times=times, folder=place)
        for name in {"columns", "rows"} & set(names):
            with (place / f"{name}.out").open("rb") as made:
                written = sum(1 for _ in made)
            if written != lines:
                raise SystemExit(f"W1: {lines} lines in, {written} documents out by {name}")
    return Rates(lines, {name: middle(each) for name, each in costs.items()})


def jinja(lines: int, *, times: int) -> float:
    """Return the rows a CPU-second of Jinja2 per field with fastjsonschema."""
    with folder() as place:
        source = place / "w1.csv"
        make(source, lines)
        command = [sys.executable, str(HERE / "peer_jinja.py"), str(source), str(SCHEMA)]
        return lines / middle(turns({"jinja": command}, times=times, folder=place)["jinja"]).cpu


def by_benthos(lines: int, *, times: int) -> list[float]:
    """Return the rows a CPU-second of Benthos without and with validation, start-up left out."""
    with folder() as place:
        source, target = place / "w1.csv", place / "benthos.ndjson"
        make(source, lines)
        (place / "empty.csv").write_text(source.read_text("utf-8").partition("\n")[0] + "\n")
        known = benthos.commands(source, target, SCHEMA)
        started = benthos.commands(place / "empty.csv", place / "none.ndjson", SCHEMA)
        rates: list[float] = []
        for name, command in known.items():
            pair = {"start": started[name], "work": command}
            costs = turns(pair, times=times, folder=place)
            with target.open("rb") as made:
                written = sum(1 for _ in made)
            if written != lines * times:  # it appends
                raise SystemExit(f"W1: {lines} lines in, {written} documents out by {name}")
            target.unlink()
            rates.append(lines / (middle(costs["work"]).cpu - middle(costs["start"]).cpu))
    return rates


def spoilt(lines: int, *, times: int) -> tuple[Cost, Cost]:
    """Measure W1 as it is, and with a price that is no number in each twentieth line (W6)."""
    with folder() as place:
        good, bad = place / "good.csv", place / "bad.csv"
        make(good, lines)
        with good.open(encoding="utf-8") as source, bad.open("w", encoding="utf-8") as target:
            for number, line in enumerate(source):
                head, price, currency = line.rsplit(";", 2)
                spoil = number and not number % 20  # the first line is the header
                target.write(f"{head};x{price};{currency}" if spoil else line)
        commands = {
            name: programs(place, path)["columns"] for name, path in (("good", good), ("bad", bad))
        }
        costs = turns(commands, times=times, folder=place)
    return middle(costs["good"]), middle(costs["bad"])


def rows(*, short: bool) -> list[Row]:
    """Measure W1 and W6; return lines of the report."""
    sizes = SIZES[short]
    table = [*_small(sizes, by_jinja := jinja(sizes.peer_lines, times=sizes.times))]
    table.append(_beside_benthos(sizes))
    if sizes.large:
        table += _large(sizes, by_jinja)
    good, bad = spoilt(sizes.lines, times=sizes.times)
    table.append(
        (
            f"W6: W1 with 5 % bad lines, {sizes.lines:,} lines, CPU-seconds",
            f"{bad.cpu:.2f}",
            f"without bad lines {good.cpu:.2f}: ratio {bad.cpu / good.cpu:.2f}",
            "≤ 1.3",
        )
    )
    return table


def _small(sizes: Sizes, by_jinja: float) -> Iterator[Row]:
    names = ("columns", "duckdb", "rows")
    found = measure(sizes.lines, names, times=sizes.times)
    ours, theirs, by_rows = (found.of(name) for name in names)
    yield (
        f"W1 by columns, {sizes.lines:,} lines, rows per CPU-second",
        found.words("columns"),
        f"DuckDB, SQL by hand {theirs:,.0f}: ratio {ours / theirs:.2f}",
        "≥ 0.5",
    )
    yield (
        f"W1 by rows, {sizes.lines:,} lines, rows per CPU-second",
        found.words("rows"),
        f"Jinja2 per field + fastjsonschema {by_jinja:,.0f}: ratio {by_rows / by_jinja:.1f}",
        "≥ 50,000",
    )


def _beside_benthos(sizes: Sizes) -> Row:
    """Compare at the size of the peer, which is slow, after its start, which is not."""
    name = "W1 by columns beside Benthos, rows per CPU-second"
    try:
        plain, validated = by_benthos(sizes.peer_lines, times=sizes.times)
    except CannotProvisionError as error:
        return name, f"NOT RUN: {error}", "", ""
    ours = measure(sizes.lines, ("columns",), times=1).of("columns")
    beside = f"{plain:,.0f}: ratio {ours / plain:.1f}"
    return (
        name,
        f"{ours:,.0f}",
        f"{beside}; with json_schema {validated:,.0f}: {ours / validated:.1f}",
        "",
    )


def _large(sizes: Sizes, by_jinja: float) -> Iterator[Row]:
    names = ("columns", "duckdb", "polars")
    found = measure(sizes.large, names, times=sizes.times)
    ours, theirs, limit = (found.of(name) for name in names)
    yield (
        f"W1 by columns, {sizes.large:,} lines, rows per CPU-second",
        found.words("columns"),
        "; ".join(
            (
                f"DuckDB, SQL by hand {theirs:,.0f}: ratio {ours / theirs:.2f}",
                f"Jinja2 {by_jinja:,.0f}: {ours / by_jinja:.0f}",
                f"Polars, read and write alone {limit:,.0f}: {ours / limit:.2f}",
            )
        ),
        "≥ 0.8 DuckDB, ≥ 40 Jinja2",
    )
