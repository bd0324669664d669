"""W3 to W5j: purchase orders as flat IDocs, X12, EDIFACT, IDoc XML and nested JSON."""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.stack import provisioning

from bench import make_edi, make_idocs, make_orders, staedi
from bench.measure import Cost, middle, turns
from bench.peers import environment
from bench.w1 import MB, Row, folder

HERE: Final = Path(__file__).resolve().parent
CONTEXTS: Final = HERE / "formats"
OURS: Final = "helixnet"
UNCHECKED: Final = "helixnet without validation"
Commands = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Workload:
    """One file, our context, and what else reads it.

    Args:
        name: in the report.
        make: writes the file.
        wanted: gives the document of an order.
        context: in ``bench/formats``.
        documents: how many a long run maps, and a short one.
        peers: commands by name, from source and target.
        same: peers that map as we do.
        slow: peers that read only :data:`FEW` documents.
        goal: what to reach.
    """

    name: str
    make: Callable[[Path, int], None]
    wanted: Callable[[make_orders.Order], object]
    context: str
    documents: tuple[int, int]
    peers: Callable[[Path, Path], Commands]
    same: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()
    goal: str = ""


FEW: Final = 1000
TIMES: Final = {True: 1, False: 5}


def script(env: str, name: str, source: Path, target: Path) -> list[str]:
    """Return the command of a peer written in Python."""
    return [
        str(environment(env, env) / "bin" / "python"),
        str(HERE / env / f"{name}.py"),
        *(str(source), str(target)),
    ]


def _of_xml(source: Path, target: Path) -> Commands:
    return {
        "etree a document": script("format_peers", "idocs_with_etree", source, target),
        "lxml iterparse": script("format_peers", "idocs_with_lxml", source, target),
    }


def _of_json(source: Path, target: Path) -> Commands:
    jq = [provisioning.program("jq", "jq"), "-c", "-f", str(CONTEXTS / "orders.jq"), str(source)]
    return {
        "DuckDB, SQL by hand": script("table_peers", "json_with_duckdb", source, target),
        "jq": jq,
    }


def _of_x12(source: Path, _target: Path) -> Commands:
    return {"StAEDI": staedi.command(source)}


def _of_edifact(source: Path, target: Path) -> Commands:
    return {
        "StAEDI": staedi.command(source),
        "pydifact": script("format_peers", "orders_with_pydifact", source, target),
    }


WORKLOADS: Final = (
    Workload(
        "W3: flat ORDERS05",
        make_idocs.flat,
        make_idocs.wanted,
        "idoc.yaml",
        (10_000, 500),
        lambda _source, _target: {},
        goal="≥ 10,000 documents/CPU-s, ≥ 45 MB/CPU-s",
    ),
    Workload(
        "W4: X12 850",
        make_edi.x12,
        make_edi.wanted,
        "x12.yaml",
        (55_000, 500),
        _of_x12,
        goal="≥ 1.0 StAEDI's reading alone",
    ),
    Workload(
        "W4: EDIFACT ORDERS",
        make_edi.edifact,
        make_edi.wanted_of_edifact,
        "edifact.yaml",
        (40_000, 500),
        _of_edifact,
        same=frozenset({"pydifact"}),
        slow=frozenset({"pydifact"}),
        goal="≥ 1.0 StAEDI's reading alone, ≥ 25 pydifact",
    ),
    Workload(
        "W5: the IDocs of W3 as XML",
        make_idocs.xml,
        make_idocs.wanted,
        "idoc.yaml",
        (10_000, 500),
        _of_xml,
        same=frozenset({"etree a document", "lxml iterparse"}),
        goal="≥ 1.8",
    ),
    Workload(
        "W5j: nested JSON orders",
        make_orders.nested_json,
        make_orders.wanted,
        "json.yaml",
        (40_000, 2_000),
        _of_json,
        same=frozenset({"DuckDB, SQL by hand", "jq"}),
        goal="≥ 0.7 DuckDB, ≥ 3 jq",
    ),
)
READS: Final = {"StAEDI": f"StAEDI {staedi.VERSION}, reading alone, checks on"}


def rows(*, short: bool) -> list[Row]:
    """Measure all; what a machine can't run is named so."""
    return [_row(workload, short=short) for workload in WORKLOADS]


def _row(workload: Workload, *, short: bool) -> Row:
    count = workload.documents[short]
    with folder() as place:
        source, few = place / "source", place / "few"
        workload.make(source, count)
        name = f"{workload.name}, {count:,} documents, {source.stat().st_size / MB:.1f} MB"
        try:
            commands = dict(workload.peers(source, place / "peer"))
        except provisioning.CannotProvisionError as error:
            return name, f"NOT RUN: {error}", "", workload.goal
        commands |= ours(workload.context, source, place)
        slow = min(count, FEW if not short else 50)
        if workload.slow:
            workload.make(few, slow)
            swap = {str(source): str(few)}
            for each in workload.slow:
                commands[each] = [swap.get(word, word) for word in commands[each]]
        _compare(workload, commands, place, count, slow)
        costs = turns(commands, times=TIMES[short], folder=place)
    middles = {each: middle(cost) for each, cost in costs.items()}
    counts = {each: slow if each in workload.slow else count for each in commands}
    return _words(name, workload, middles, counts)


def ours(context: str, source: Path, place: Path) -> Commands:
    """Return our commands, the second with a target that accepts everything."""
    unchecked = place / "unchecked.yaml"
    text = (CONTEXTS / context).read_text("utf-8")
    unchecked.write_text(text.replace("order.schema.json", "any.schema.json"), "utf-8")
    (place / "any.schema.json").write_bytes((CONTEXTS / "any.schema.json").read_bytes())
    rest = ["--rejects", str(place / "rejects.ndjson")]
    run = [sys.executable, "-m", "helixnet", "run"]
    return {
        OURS: [*run, str(CONTEXTS / context), str(source), *rest],
        UNCHECKED: [*run, str(unchecked), str(source), *rest],
    }


def _compare(workload: Workload, commands: Commands, place: Path, count: int, slow: int) -> None:
    """Run each once: our documents and those of peers that map must be what was made."""
    wanted = [_hash(workload.wanted(order)) for order in make_orders.orders(count)]
    for name in (OURS, UNCHECKED, *sorted(workload.same)):
        found = documents(place / "peer", commands[name], place, name)
        if found != wanted[: slow if name in workload.slow else count]:
            raise SystemExit(f"{workload.name}: {name} gives other documents")


def documents(target: Path, command: Sequence[str], place: Path, name: str) -> Sequence[str]:
    """Run a command; return a hash of each of its documents, numbers as doubles.

    Not the documents: what this process holds shows in the peak of those that it starts.
    """
    target.unlink(missing_ok=True)
    turns({name: command}, times=1, folder=place)
    made = target if target.exists() and target.stat().st_size else place / f"{name}.out"
    with made.open(encoding="utf-8") as lines:
        return [_hash(json.loads(line)) for line in lines]


def _hash(document: object) -> str:
    same = json.loads(json.dumps(document), parse_int=float)
    text = json.dumps(same, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _words(
    name: str, workload: Workload, costs: Mapping[str, Cost], counts: Mapping[str, int]
) -> Row:
    rates = {each: counts[each] / cost.cpu for each, cost in costs.items()}
    megabytes = float(name.rpartition(", ")[2].removesuffix(" MB"))
    shown = [
        f"{rates[each]:,.0f} documents/CPU-s, {megabytes / costs[each].cpu:.1f} MB/CPU-s"
        for each in (OURS, UNCHECKED)
    ]
    figure = f"{shown[0]} (peak {costs[OURS].peak / MB:.0f} MB); without validation {shown[1]}"
    beside = [
        f"{READS.get(each, each)} {rates[each]:,.0f}: ratio {rates[OURS] / rates[each]:.2f}"
        f" (without validation {rates[UNCHECKED] / rates[each]:.2f})"
        for each in costs
        if each not in (OURS, UNCHECKED)
    ]
    return name, figure, "; ".join(beside), workload.goal
