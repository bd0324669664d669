"""Whole processes, imports included: CPU-seconds, wall seconds and peak memory."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path
from statistics import median
from threading import Event, Thread

import psutil

from tests.scenario.running import pss

REJECTS = 1


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: CPU and wall in seconds, peak resident memory in bytes.

    Args:
        pss: most proportional memory of the process and all below it at once, where watched.
    """

    cpu: float
    wall: float
    peak: int
    pss: int = 0


class Watch(Thread):
    """Asks five times a second how much memory a process and all below it share out."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.most, self._ended = pid, 0, Event()

    def run(self) -> None:
        """Look until told to end."""
        while not self._ended.wait(0.2):
            with suppress(psutil.NoSuchProcess):
                family = psutil.Process(self.pid).children(recursive=True)
                self.most = max(self.most, sum(map(pss, [self.pid, *(p.pid for p in family)])))

    def end(self) -> int:
        """End; return the most bytes seen."""
        self._ended.set()
        self.join()
        return self.most


def run(command: Sequence[str], output: Path, *, watch: bool = False) -> Cost:
    """Run a command to its end with its standard output in a file.

    It must succeed, or end with the status that says that records were rejected.

    Args:
        command: program and arguments.
        output: takes its standard output; its errors go beside.
        watch: look at the memory of the process and all below it.
    """
    started = time.monotonic()
    log = output.with_suffix(".log")
    with output.open("wb") as file, log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=file, stderr=errors)
        watcher = Watch(process.pid)
        if watch:
            watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, REJECTS):
        said = log.read_text("utf-8", "replace")
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cpu, wall = usage.ru_utime + usage.ru_stime, time.monotonic() - started
    return Cost(cpu, wall, peak, watcher.end() if watch else 0)


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
    return Cost(*(median(getattr(c, each.name) for c in costs) for each in fields(Cost)))


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
