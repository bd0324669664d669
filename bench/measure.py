"""Whole processes, imports included: CPU-seconds, wall seconds and peak memory."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median

REJECTS = 1


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: CPU and wall in seconds, peak resident memory in bytes."""

    cpu: float
    wall: float
    peak: int


def run(command: Sequence[str], output: Path) -> Cost:
    """Run a command to its end with its standard output in a file.

    It must succeed, or end with the status that says that records were rejected.
    """
    started = time.monotonic()
    log = output.with_suffix(".log")
    with output.open("wb") as file, log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=file, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, REJECTS):
        said = log.read_text("utf-8", "replace")
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - started, peak)


def turns(
    commands: Mapping[str, Sequence[str]], *, times: int, folder: Path
) -> dict[str, list[Cost]]:
    """Run commands in turn, so that all of them meet the same state of the machine."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            costs[name].append(run(command, folder / f"{name}.out"))
    return costs


def middle(costs: Sequence[Cost]) -> Cost:
    """Take the median of each figure."""
    return Cost(*(median(getattr(c, name) for c in costs) for name in ("cpu", "wall", "peak")))


def machine() -> str:
    """Describe where and with what was measured."""
    packages = (
        *("helixnet", "jinja2", "fastjsonschema", "jsonschema-rs", "msgspec", "polars"),
        "sqlalchemy",
    )
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    cpu = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    cores = os.cpu_count()
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{cores} cores {cpu}, {system}; {versions}"
