"""The embedded shape as a target: one ``helixnet serve`` with a data folder, and its workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from helixnet.crashpoints import POINTS
from tests.chaos.nemesis import FAULTS
from tests.chaos.victims import Victim
from tests.scenario.running import free_port, session_of

START_SECONDS: Final = 60.0
PUBLISHER: Final = "publisher.sent"  # the table of events is the bus here: nothing is sent


class Serve:
    """See :class:`tests.chaos.victims.Victim`."""

    faults: Sequence[str] = tuple(FAULTS)
    points: Sequence[str] = tuple(point for point in POINTS if point != PUBLISHER)

    def __init__(self, url: str, command: list[str], log: Path, source: Path | None) -> None:
        self.name = "serve"
        self.url = url
        self.log = log
        self._command = command
        self._environment = {n: v for n, v in os.environ.items() if n[:9] != "HELIXNET_"}
        if source:  # another build of the same package
            self._environment["PYTHONPATH"] = str(source)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, crash_at: str = "") -> None:
        armed = [f"--crash-at={crash_at}"] if crash_at else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *armed],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while self.status() is None and not self._ready():
            assert time.monotonic() < end, f"not ready in {START_SECONDS} s: {self.log}"
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_SECONDS)

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)

    def status(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def children(self) -> list[int]:
        if self._process is None:
            return []
        return [pid for pid in session_of(self._process.pid) if pid != self._process.pid]


class Embedded:
    """See :class:`tests.chaos.victims.Target`.

    Args:
        folder: for the data folder and the log.
        source: a folder that holds another build of ``helixnet``; None = this one.
        settings: of the server, beside those that give work enough parts.
    """

    def __init__(self, folder: Path, *, source: Path | None = None, **settings: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.data = folder / "data"
        given = {"workers": "2", "part_size": "65536", "sftp": "false", **settings}
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        command = [sys.executable, "-m", "helixnet", "serve"]
        command += [f"--data={self.data}", f"--port={port}", *flags]
        self.serve = Serve(self.url, command, folder / "server.log", source)
        self.victims: Mapping[str, Victim] = {"serve": self.serve}

    def start(self) -> None:
        self.serve.start()

    def stop(self) -> Mapping[str, int]:
        return {"serve": self.serve.stop()}

    def drop(self, tenant: str, flow: str, name: str, content: bytes) -> None:
        folder = self.data / "inbox" / tenant / flow
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f".{name}").write_bytes(content)
        (folder / f".{name}").rename(folder / name)

    def evidence(self) -> dict[str, Any]:
        return {"shape": "embedded", "url": self.url, "data": str(self.data)}

    def describe(self) -> str:
        return str(self.serve.log)
