"""W1-rows: CSV order lines to nested JSON, schema-checked, beside Jinja2 per field."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.make_w1 import make
from bench.measure import Cost, middle, pairs, run

HERE = Path(__file__).resolve().parent
CONTEXT = HERE / "w1" / "context.yaml"
SCHEMA = HERE / "w1" / "order-line.schema.json"


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows a CPU-second of whole processes, start-up included, medians of pairs."""

    rows: int
    peer_rows: int
    ours: Cost
    peer: Cost

    @property
    def rate(self) -> float:
        """Our rows a CPU-second."""
        return self.rows / self.ours.cpu

    @property
    def peer_rate(self) -> float:
        """The peer's rows a CPU-second."""
        return self.peer_rows / self.peer.cpu


def measure(*, rows: int, peer_rows: int, times: int) -> Compared:
    """Map ``rows`` lines with HelixNet and ``peer_rows`` of them with the peer, in turn."""
    with tempfile.TemporaryDirectory(prefix="helixnet-bench-") as name:
        folder = Path(name)
        big, small = folder / "w1.csv", folder / "w1-peer.csv"
        make(big, rows)
        make(small, peer_rows)
        ours = [sys.executable, "-m", "helixnet", "run", str(CONTEXT), str(big)]
        ours += ["--rejects", str(folder / "rejects.ndjson")]
        peer = [sys.executable, str(HERE / "peer_jinja.py"), str(small), str(SCHEMA)]
        costs = pairs(ours, peer, times=times, folder=folder)
        lines = (folder / "ours.out").read_bytes().count(b"\n")
        if lines != rows:
            raise SystemExit(f"W1: {rows} lines in, {lines} documents out: none may be a reject")
    return Compared(rows, peer_rows, middle(costs[0]), middle(costs[1]))


def help_cost(*, times: int) -> Cost:
    """Time ``helixnet --help``."""
    with tempfile.TemporaryDirectory(prefix="helixnet-bench-") as name:
        command = [sys.executable, "-m", "helixnet", "--help"]
        return middle([run(command, Path(name) / "out") for _ in range(times)])
